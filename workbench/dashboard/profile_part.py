"""Profile: a line drawn on the map, and the values of every modality along it."""

import io
from typing import Any

import panel as pn

from workbench.dashboard.parts import html, inner, note
from workbench.scenes import Scene
from workbench.views.layers import band_names
from workbench.views.line_profile import LineProfile
from workbench.views.line_tools import HINT
from workbench.views.live import LiveMap
from workbench.views.selection import Selection


class ProfilePart:
    """The line on the map while its tab is open, and what lies along it; at first it crosses the middle.

    Args:
        selection: The picked pixels, which the line can go through.
    """

    def __init__(self, selection: Selection) -> None:
        self.selection = selection
        self.state: LineProfile | None = None
        self.bands: dict[str, Any] = {}
        self._visible = False
        self._words: list[tuple[Any, Any]] = []
        self.through = pn.widgets.Button(width=192, **inner("Through the picked pixels"))
        self.save = pn.widgets.FileDownload(
            callback=self._written, filename="profile.csv", label="Save as CSV", width=110, **inner()
        )
        self._said = html()
        self._choices = pn.FlexBox(gap="10px", margin=(0, 0, 10, 0))
        self._place = pn.Column(margin=0, sizing_mode="stretch_width")
        self.through.on_click(lambda _: self._state.through(self.selection.pixels))

    def panel(self) -> Any:
        """The controls, and a frame for each modality."""
        return pn.Column(
            html(note(HINT)),
            pn.FlexBox(self.through, self.save, gap="8px", margin=(4, 0, 6, 0)),
            self._choices,
            self._said,
            self._place,
            margin=0,
            sizing_mode="stretch_width",
        )

    def go(self, scene: Scene, live: LiveMap) -> None:
        """Turn to a tile and its map, before that is drawn."""
        state = self.state = LineProfile(scene, live, None, self._follow)
        self._words = [(html(), html()) for _ in state.frames.figures]
        self._place[:] = [
            part
            for (words, table), drawn in zip(self._words, state.frames.figures, strict=True)
            for part in (words, pn.pane.Bokeh(drawn, sizing_mode="stretch_width", margin=0), table)
        ]
        self.bands = {
            name: pn.widgets.Select(
                options=dict(band_names(scene.info(name))), value=band, width=170, **inner(f"Band of {name}")
            )
            for name, band in state.bands.items()
        }
        for name, control in self.bands.items():
            control.param.watch(lambda event, name=name: self._state.turn(name, event.new), "value")
        self._choices[:] = list(self.bands.values())
        self._follow()
        self.show(self._visible)

    @property
    def takes_taps(self) -> bool:
        """Whether taps on the map draw the line."""
        return self.state is not None and self.state.active

    def show(self, visible: bool) -> None:
        """Show the line and let taps draw it while its tab is open."""
        self._visible = visible
        self.through.disabled = len(self.selection.pixels) < 2
        if self.state is None:
            return
        self._place.loading = visible and not self.state.read  # the first profile of a tile may take a second
        try:
            self.state.active = visible
        finally:
            self._place.loading = False

    @property
    def _state(self) -> LineProfile:
        assert self.state is not None  # its controls are made, or let, with a scene
        return self.state

    def _follow(self) -> None:
        """Let everything show what lies along the line."""
        state = self._state
        self.save.disabled = not state.read
        self._said.object = note(state.problem, "amber")
        for frame, panes in enumerate(self._words):
            for pane, text in zip(panes, state.words(frame), strict=True):
                pane.object = text

    def _written(self) -> io.BytesIO:
        """The table of everything along the line, made in memory."""
        return io.BytesIO(self._state.table().to_csv(index=False).encode())
