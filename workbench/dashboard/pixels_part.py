"""Pixels: the picked ones as a list, each to be taken away, and their spectra to be saved."""

import io
import zipfile
from collections.abc import Callable
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import panel as pn

from workbench.dashboard.parts import html, inner
from workbench.scenes import Collection, Scene
from workbench.views.picked import save_spectra
from workbench.views.selection import Pixel, Selection
from workbench.views.style import PICKED, ink_on

KEEP = "Keep earlier pixels"


class PixelsPart:
    """The list under the spectrum.

    Args:
        selection: What is picked.
        drop: Called with a pixel to take away.
        clear: Called to take all away but the last one.
    """

    def __init__(self, selection: Selection, drop: Callable[[Pixel], None], clear: Callable[[], None]) -> None:
        self.selection, self._drop = selection, drop
        self.collect = pn.widgets.CheckBoxGroup(options=[KEEP], width=168, **inner())
        self.clear = pn.widgets.Button(width=64, **inner("Clear"))
        self.save = pn.widgets.FileDownload(
            callback=self._packed, filename="spectra.zip", label="Save spectra", width=110, **inner()
        )
        self.clear.on_click(lambda _: clear())
        self._words = [html() for _ in PICKED]
        for words in self._words:
            words.align = "center"
        self._buttons = [pn.widgets.Button(width=86, height=30, **inner("Remove")) for _ in PICKED]
        for number, button in enumerate(self._buttons):
            button.on_click(lambda _, number=number: self._remove(number))
        self._rows = [
            pn.Row(words, button, visible=False, margin=(2, 0))
            for words, button in zip(self._words, self._buttons, strict=True)
        ]
        self._whole: Scene | Collection | None = None
        self._tile: Scene | None = None

    def panel(self) -> Any:
        """Buttons, and one row for each picked pixel."""
        return pn.Column(
            pn.FlexBox(self.collect, self.clear, self.save, gap="8px", align_items="center"),
            *self._rows,
            margin=(8, 0, 0, 0),
            sizing_mode="stretch_width",
        )

    def show(self, whole: Scene | Collection, tile: Scene, words: Callable[[Pixel], str]) -> None:
        """Show the picked pixels, newest first; `words` says what a pixel is."""
        self._whole, self._tile = whole, tile
        picked = self.selection.colored[::-1]
        for number, row in enumerate(self._rows):
            row.visible = number < len(picked)
            if row.visible:
                pixel, color = picked[number]
                self._words[number].object = (
                    f'<span class="wb-swatch" style="background:{color};color:{ink_on(color)}">○</span> '
                    f"row {pixel[0]}, column {pixel[1]} <small>{escape(words(pixel))}</small>"
                )
                self._buttons[number].visible = len(picked) > 1

    def _remove(self, number: int) -> None:
        picked = self.selection.pixels[::-1]
        if number < len(picked):
            self._drop(picked[number])

    def _packed(self) -> io.BytesIO:
        """Spectra of every modality as CSV and as ENVI spectral library, in one zip made in memory."""
        assert self._whole is not None  # the page has been loaded
        assert self._tile is not None
        out = io.BytesIO()
        with TemporaryDirectory() as folder, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in save_spectra(self._whole, self._tile, self.selection.pixels, Path(folder)):
                packed.write(path, path.name)
        out.seek(0)
        return out
