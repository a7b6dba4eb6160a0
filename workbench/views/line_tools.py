"""A line on a live map, drawn by taps: one at a time, with any number of corners."""

from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, CustomJS

from workbench.views.grid import to_map, to_picture
from workbench.views.live import LiveMap

HINT = (
    "Tap each corner of a line on the map; double-tap the last one. The next tap begins another line. Backspace takes "
    "back a corner, Esc the line. Drag to move the map."
)
FIRST, OTHER = 12, 7
"""Diameters of the dots at its corners, so that one sees where it begins; `line.js` has them too."""


class DrawnLine:
    """The line on a map. Taps are handled on the page, as those of polygons are.

    Args:
        live: The map; before it is drawn.
    """

    def __init__(self, live: LiveMap) -> None:
        self._live = live
        self._trace = ColumnDataSource({"x": [], "y": [], "size": []}, name="off")
        self._follow = ColumnDataSource({"x": [], "y": []})
        self._renderers: list[Any] = []
        live.parts.append(self._attach)

    @property
    def active(self) -> bool:
        """Whether the line is shown and taps draw; otherwise it is hidden and takes none."""
        return bool(self._trace.name != "off")

    @active.setter
    def active(self, active: bool) -> None:
        self._trace.name = "draw" if active else "off"
        if not active:
            self._follow.data = {"x": [], "y": []}
        for renderer in self._renderers:
            renderer.visible = active

    @property
    def vertices(self) -> list[tuple[float, float]]:
        """Map positions of its corners, in the order in which they were tapped."""
        xs, ys = (np.asarray(self._trace.data[name], float) for name in ("x", "y"))
        points = to_map(self._live.scene, self._live.grid, np.stack([xs, ys], axis=1))
        return [(float(x), float(y)) for x, y in points]

    def show(self, vertices: Sequence[tuple[float, float]]) -> None:
        """Show a line that was not drawn here; the next tap begins another."""
        points = to_picture(self._live.scene, self._live.grid, np.asarray(vertices, float).reshape(-1, 2))
        sizes = [FIRST, *[OTHER] * len(points)][: len(points)]
        self._trace.data = {"x": points[:, 0].tolist(), "y": points[:, 1].tolist(), "size": sizes}

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` after each corner that is drawn or taken back, and after `show`."""
        self._trace.on_change("data", lambda attribute, old, new: callback())

    def _attach(self, figure: Any) -> None:
        """Lay the line on the figure, and let the page handle taps."""
        before = list(figure.renderers)
        for color, width in (("#ffffff", 5), ("#111111", 2.2)):
            figure.line("x", "y", source=self._trace, line_color=color, line_width=width, line_join="round")
            figure.line("x", "y", source=self._follow, line_color=color, line_width=width / 2, line_dash="dashed")
        look = {"fill_color": "#ffffff", "line_color": "#111111", "line_width": 1.5}
        figure.scatter("x", "y", size="size", source=self._trace, **look)
        self._renderers = [renderer for renderer in figure.renderers if renderer not in before]
        for renderer in self._renderers:
            renderer.visible = self.active
        code = files("workbench.views").joinpath("line.js").read_text(encoding="utf-8")
        models = {"figure": figure, "trace": self._trace, "follow": self._follow, "seen": {"keys": False}}
        act = CustomJS(args=models, code=code)
        for event in ("tap", "pressup", "doubletap", "mousemove"):
            figure.js_on_event(event, act)
