"""Scenes: the map of a scene, and what the picked pixel is."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from html import escape
from typing import Any

import numpy as np
import panel as pn
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.dashboard.colours_part import ColoursPart
from workbench.dashboard.labels_part import LabelsPart
from workbench.dashboard.parts import empty, html, inner, note
from workbench.dashboard.pixels_part import PixelsPart
from workbench.dashboard.profile_part import ProfilePart
from workbench.dashboard.shown import Shown, class_layer, labels_over, map_window
from workbench.runs import RunFolder, list_runs
from workbench.scenes import Collection, Scene, list_scenes, open_scene
from workbench.scenes.classes import ClassTable
from workbench.scenes.schema import overview_stride
from workbench.views.classes import (
    HIT_LEGEND,
    LegendEntry,
    class_legend,
    colorize,
    hits,
    label_values,
    map_values,
    run_classes,
)
from workbench.views.grid import Window, pixel_at
from workbench.views.layers import Layer, angle_layer, anomaly_layer, layers
from workbench.views.live import LiveMap, LiveSpectrum, colorbar_html
from workbench.views.look import Look
from workbench.views.picture import legend_html, table_details
from workbench.views.raster import can_detail, detail, raster
from workbench.views.scores import SYNTHETIC, model_title, percent
from workbench.views.selection import Pixel, Selection
from workbench.views.spectra import spectra_table
from workbench.views.style import RIGHT, WRONG, rgb

CHOSEN, INDEX = "Chosen bands", "Spectral index"
ANOMALIES, ANGLE = "Anomalies (RX)", "Spectral angle to the last picked pixel"
LABELS, PROFILE = 2, 3
"""Places of the tabs whose drawings are shown while they are open."""

SHOWN_RUNS = 6  # newest runs whose maps are offered as layers


class ScenesPage:
    """The state and the panels of the page; built without touching a scene, filled by `load`."""

    def __init__(self) -> None:
        self.selection = Selection()
        self._whole: Scene | Collection | None = None
        self._layers: dict[str, Callable[[], Shown]] = {}
        self._map: LiveMap | None = None
        self._spectrum: LiveSpectrum | None = None
        self._runs: list[RunFolder] = []
        self._newest_map: tuple[NDArray[np.uint16], int, ClassTable] | None = None
        self._shown: Shown | None = None
        self._busy = False
        self.look = Look()
        self.colours = ColoursPart(self.look, self._recoloured)
        self.picks = PixelsPart(self.selection, self._drop, self._clear)
        self.labels = LabelsPart(self._labelled)
        self.profile = ProfilePart(self.selection)
        self.scene = pn.widgets.Select(width=170, **inner("Scene"))
        self.tile = pn.widgets.Select(width=130, visible=False, **inner("Tile"))
        self.layer = pn.widgets.Select(width=340, **inner("Layer"))
        self.labels_on_top = pn.widgets.Checkbox(align="end", width=120, **inner("Labels on top"))
        self.row = pn.widgets.IntInput(value=0, start=0, width=105, **inner("Row"))
        self.col = pn.widgets.IntInput(value=0, start=0, width=105, **inner("Column"))
        self.modality = pn.widgets.Select(width=130, **inner("Spectrum of"))
        look = {"gap": "10px", "align_items": "end"}
        self._choices = pn.FlexBox(self.scene, self.tile, self.layer, self.labels_on_top, **look)
        self._pixel = pn.FlexBox(self.row, self.col, self.modality, **look)
        self._legend, self._facts, self._head, self._picked, self._known = html(), html(), html(), html(), html()
        self._map_place = pn.Column(html(empty("Opening the scene", "A moment.")), sizing_mode="stretch_both")
        self._spectrum_place = pn.Column(min_height=310, sizing_mode="stretch_width")
        self.scene.param.watch(lambda _: self._guarded(self._open), "value")
        self.tile.param.watch(lambda _: self._guarded(self._open_tile), "value")
        self.layer.param.watch(lambda _: self._guarded(self._show), "value")
        self.labels_on_top.param.watch(lambda _: self._guarded(self._show), "value")
        self.modality.param.watch(lambda _: self._guarded(self._draw_spectrum), "value")
        self.row.param.watch(lambda _: self._typed(), "value")
        self.col.param.watch(lambda _: self._typed(), "value")

    def panels(self) -> dict[str, Any]:
        """The panels by their place in the page."""
        pixels = pn.Column(
            self._pixel, self._facts, self._spectrum_place, self.picks.panel(), self._picked, self._known, margin=0
        )
        self._tabs = pn.Tabs(
            ("Pixels", pixels),
            ("Colours", self.colours.panel()),
            ("Labels", self.labels.panel()),
            ("Profile", self.profile.panel()),
            **inner(),
        )
        self._tabs.param.watch(lambda event: self._turned(event.new), "active")
        return {
            "map": self._map_place,
            "strip": pn.Column(self._choices, self._legend, margin=0),
            "context": pn.Column(self._head, self._tabs, margin=0),
        }

    def load(self) -> None:
        """Open the scene to begin with: the largest, or the demo where it is the only one."""
        summaries = [summary for summary in list_scenes() if summary.imported]
        if not summaries:
            words = "Make the synthetic one in seconds, or bring in your own files:"
            commands = "workbench demo\nworkbench import --help"
            self._fill(empty("No scene yet", words, commands))
            self._choices.visible = self._pixel.visible = False
            return
        names = [
            name
            for summary in summaries
            for name in (summary.name, *(f"{summary.name}@{one}" for one in summary.layers))
        ]
        largest = max(summaries, key=lambda summary: _pixels(summary.shape) * summary.tiles).name
        self._busy = True
        try:
            self.scene.options = names
            self.scene.value = largest
        finally:
            self._busy = False
        self._guarded(self._open)

    def pick(self, row: int, col: int, add: bool = False) -> None:
        """Pick a pixel, alone or in addition: ring, spectrum, facts and inputs follow."""
        self.selection.pick(row, col, add or bool(self.picks.collect.value))
        self._follow()

    def tapped(self, x: float | None, y: float | None, add: bool = False) -> None:
        """Pick the pixel under a point of the map; a point beside the scene changes nothing."""
        if self._map is None or x is None or y is None or self.labels.takes_taps or self.profile.takes_taps:
            return
        pixel = pixel_at(self._map.scene, self._map.grid, x, y)
        if pixel is not None:
            self.pick(*pixel, add)

    def _drop(self, pixel: Pixel) -> None:
        self.selection.drop(*pixel)
        self._follow()

    def _clear(self) -> None:
        self.selection.pick(*self.selection.pixels[-1])
        self._follow()

    def _follow(self) -> None:
        """Let everything show what is picked."""
        row, col = self.selection.pixels[-1]
        self._busy = True
        try:
            self.row.value, self.col.value = row, col
        finally:
            self._busy = False
        if self._map is not None:
            self._map.mark(self.selection.pixels, self.selection.colors)
        self._guarded(self._draw_spectrum)
        if self.layer.value == ANGLE:
            self._guarded(self._show)

    def _turned(self, tab: int) -> None:
        self.labels.show(tab == LABELS)
        self.profile.show(tab == PROFILE)

    def _labelled(self, name: str) -> None:
        """Offer the scene with the labels that were just made."""
        if name not in self.scene.options:
            self.scene.options = sorted([*self.scene.options, name])

    def _recoloured(self, what: str) -> None:
        """Show what was chosen among the colours."""
        title = {"bands": CHOSEN, "index": INDEX}.get(what, self.layer.value)
        if self.layer.value == title:
            self._guarded(self._show)
        else:
            self.layer.value = title

    def _zoomed(self, window: Window | None) -> None:
        """Read what is in view at full resolution, where that is quick."""
        if self._map is None or self._shown is None or window is None or self._map.stride == 1:
            return
        try:
            self._map.show_detail(self._shown.close(window) if self._shown.close else None, window)
        except WorkbenchError:
            self._map.show_detail(None)  # the overview stays; what is wrong is said when a layer is drawn

    @property
    def shown(self) -> Scene:
        """The tile that is shown."""
        assert self._whole is not None  # called after load
        return self._whole.scenes[self._tile_number]

    @property
    def _tile_number(self) -> int:
        return int(self.tile.value or 0)

    def _guarded(self, work: Callable[[], None]) -> None:
        """Run a step with a spinner over the map; say in its place what a user can mend."""
        if self._busy:
            return
        self._busy = True
        self._map_place.loading = True
        try:
            work()
        except WorkbenchError as error:
            self._fill(empty("This did not work", str(error)))
        finally:
            self._busy = False
            self._map_place.loading = False

    def _fill(self, words: str) -> None:
        self._map = None
        self._map_place[:] = [html(words)]

    def _open(self) -> None:
        self._whole = open_scene(self.scene.value)
        tiles = self._whole.scenes
        sizes = [tile.shape[0] * tile.shape[1] for tile in tiles]
        self.tile.options = {tile.name: number for number, tile in enumerate(tiles)}
        self.tile.value = int(np.argmax(sizes))
        self.tile.visible = len(tiles) > 1
        self.modality.options = list(self._whole.modalities)
        self.modality.value = max(self._whole.modalities, key=lambda name: open_bands(self._whole, name))
        self.labels_on_top.visible = self._whole.has_labels
        self.colours.go(self._whole)
        self._runs = _usable_runs()
        self._open_tile()

    def _open_tile(self) -> None:
        scene = self.shown
        assert self._whole is not None  # called by _open
        self._layers = self._offer(scene)
        old = self.layer.value
        self.layer.options = list(self._layers)
        self.layer.value = old if old in self._layers else self.layer.options[0]
        rows, cols = scene.shape
        self.row.end, self.col.end = rows - 1, cols - 1
        self.selection.go(self.scene.value, self._tile_number)
        self.selection.pick(rows // 2, cols // 2)
        self.row.value, self.col.value = rows // 2, cols // 2
        self._shown = None
        self._map = LiveMap(scene, overview_stride(scene.shape), None)
        self._map.on_tap(self.tapped)
        self._map.on_view(self._zoomed)
        self.labels.go(self._whole, self._tile_number, self._map)
        self.profile.go(scene, self._map)
        self._show()
        self._map.mark(self.selection.pixels, self.selection.colors)
        picture = pn.pane.HoloViews(self._map.element, sizing_mode="stretch_both", margin=0)
        self._map_place[:] = [picture]
        self._spectrum = None
        self._draw_spectrum()

    def _offer(self, scene: Scene) -> dict[str, Callable[[], Shown]]:
        """Every layer of a tile by its title: presets, labels, and what the newest runs say of it."""
        assert self._whole is not None
        found: dict[str, Callable[[], Shown]] = {
            layer.title: partial(self._composite, scene, layer) for layer in layers(scene)
        }
        found[CHOSEN] = lambda: self._composite(scene, self.look.layer)
        found[INDEX] = lambda: self._composite(scene, self.look.index_layer)
        if any(scene.info(name).bands > 3 for name in scene.modalities):
            found[ANOMALIES] = lambda: self._composite(scene, anomaly_layer(scene, self._deepest()))
            found[ANGLE] = lambda: self._composite(
                scene, angle_layer(scene, self._deepest(), *self.selection.pixels[-1])
            )
        if scene.has_labels:
            found["Labels"] = lambda: class_layer(label_values(scene)[0], scene.classes, scene.read_labels)
        self._newest_map = None
        for run in self._runs:
            told = f"{model_title(run.config.model)}, {run.config.view} view, {percent(run.metrics['test']['oa'])}"
            mapped = map_values(run, scene)
            if mapped is not None:
                classes = run_classes(run)
                close = partial(map_window, run, scene)
                found[_unique(f"Class map: {told}", found)] = partial(class_layer, mapped[0], classes, close)
                self._newest_map = self._newest_map or (*mapped, classes)
            if run.config.scene_hash == self._whole.content_hash:  # its test pixels lie here
                found[_unique(f"Right and wrong: {told}", found)] = partial(self._errors, scene, run)
        return found

    def _deepest(self) -> str:
        """The modality with most bands, of those whose colours are chosen first."""
        chosen = self.look.modality
        return max(self.shown.modalities, key=lambda name: (min(self.shown.info(name).bands, 4), name == chosen))

    def _composite(self, scene: Scene, layer: Layer) -> Shown:
        percentiles = self.look.percentiles
        drawn = raster(scene, layer, percentiles)

        def close(window: Window) -> NDArray[np.uint8] | None:
            return detail(scene, layer, window, percentiles).rgba if can_detail(scene, layer.modality, window) else None

        told = [f"{layer.title}."] if self.layer.value in (CHOSEN, INDEX, ANGLE) else []
        return Shown(drawn.rgba, (), colorbar_html(drawn) + note(" ".join((*told, *drawn.notes))), close)

    def _errors(self, scene: Scene, run: RunFolder) -> Shown:
        values, _ = hits(run, scene, self._tile_number)
        rgba = raster(scene, layers(scene)[0]).rgba.copy()
        rgba[..., :3] = (70 + 0.45 * rgba[..., :3].mean(axis=2, keepdims=True)).astype(np.uint8)
        for value, color in ((1, RIGHT), (2, WRONG)):
            rgba[values == value] = (*rgb(color), 255)
        return Shown(rgba, HIT_LEGEND)

    def _show(self) -> None:
        if self._map is None:
            return
        try:
            shown = self._shown = self._layers[self.layer.value]()
        except WorkbenchError as error:  # the last picture stays
            self._legend.object = note(str(error), "amber")
            if self._shown is None:
                raise
            return
        rgba, legend = shown.rgba, shown.legend
        if self.labels_on_top.value and self.shown.has_labels:
            values = label_values(self.shown)[0]
            over = colorize(values, self.shown.classes)
            rgba = np.where(over[..., 3:] > 0, over, rgba)
            legend = legend or class_legend(self.shown.classes, values)
            self._shown = replace(shown, close=partial(labels_over, self.shown, shown.close))
        self._map.show(rgba)
        self._zoomed(self._map.window)
        self._legend.object = shown.bar + legend_html(legend)

    def _typed(self) -> None:
        if not self._busy and self._map is not None:
            self.pick(self.row.value, self.col.value)

    def _draw_spectrum(self) -> None:
        scene, modality = self.shown, self.modality.value
        assert self._whole is not None
        wanted = (scene.collection, scene.name, modality)
        current = self._spectrum
        if current is None or wanted != (current.scene.collection, current.scene.name, current.modality):
            current = self._spectrum = LiveSpectrum(scene, self._whole, modality, None)
            self._spectrum_place[:] = [
                pn.pane.HoloViews(current.element, sizing_mode="stretch_width", height=310, margin=0)
            ]
            known = spectra_table(current.info, current.known, ()) if current.known else None
            self._known.object = legend_html(_classes_of(current)) + table_details(known, "Classes as a table")
            title = escape(self._whole.name if len(self._whole.scenes) == 1 else f"{self._whole.name}, {scene.name}")
            note = f'<p class="soft">{SYNTHETIC}</p>' if self._whole.attrs.get("synthetic") else ""
            self._head.object = f"<h1>{title}</h1>{note}"
        current.mark(self.selection.pixels, self.selection.colors)
        self.picks.show(self._whole, scene, self._label_of)
        self._facts.object = self._pixel_facts(scene)
        picked = spectra_table(current.info, None, current.picked)
        self._picked.object = table_details(picked, "Pixels as a table")

    def _label_of(self, pixel: Pixel) -> str:
        row, col = pixel
        labels = self.shown.read_labels(slice(row, row + 1), slice(col, col + 1))
        return "" if labels is None or not labels[0, 0] else _class_name(self.shown.classes, int(labels[0, 0]))

    def _pixel_facts(self, scene: Scene) -> str:
        row, col = self.selection.pixels[-1]
        x, y = scene.position_of(row, col)
        facts = {"Position": f"{x:,.1f}, {y:,.1f}" if scene.transform else "not georeferenced"}
        labels = scene.read_labels(slice(row, row + 1), slice(col, col + 1))
        if labels is not None:
            facts["Label"] = _class_name(scene.classes, int(labels[0, 0]))
        for name in scene.modalities:
            info = scene.info(name)
            if info.bands <= 2:
                values = scene.spectrum(name, row, col)
                unit = f" {info.unit}" if info.unit else ""
                facts[name] = ", ".join("no data" if np.isnan(v) else f"{v:.4g}" for v in values) + unit
        if self._newest_map is not None:
            classes, stride, table = self._newest_map
            facts["Newest class map"] = _class_name(table, int(classes[row // stride, col // stride]))
        lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
        return f'<dl class="pixel">{lines}</dl>'


def open_bands(scene: Scene | Collection | None, modality: str) -> int:
    """Number of bands of a modality."""
    return scene.info(modality).bands if scene is not None else 0


def _usable_runs() -> list[RunFolder]:
    """The newest finished runs whose files can be read and that were scored."""
    found = []
    for run in list_runs():
        try:
            if run.finished and run.metrics["test"] is not None and run.config and run_classes(run):
                found.append(run)
        except (WorkbenchError, KeyError, TypeError):
            continue  # the page of reports says what is wrong with it
        if len(found) == SHOWN_RUNS:
            break
    return found


def _classes_of(spectrum: LiveSpectrum) -> tuple[LegendEntry, ...]:
    return class_legend(spectrum.known.classes) if spectrum.known else ()


def _class_name(classes: ClassTable, value: int) -> str:
    return f"{value} {classes.name(value)}" if value in classes else "none"


def _unique(title: str, there: dict[str, Any]) -> str:
    number, name = 2, title
    while name in there:
        name, number = f"{title} ({number})", number + 1
    return name


def _pixels(shape: str) -> int:
    """Pixels of a summary's largest shape, such as "200 x 300" or "40 x 40 to 200 x 300"."""
    rows, _, cols = shape.rpartition(" to ")[2].partition(" x ")
    return int(rows) * int(cols) if rows.isdigit() and cols.isdigit() else 0
