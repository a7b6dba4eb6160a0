"""Polygons on a live map: drawn by taps, moved and deleted, and kept in step with a `Labelling`."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any, Literal

import numpy as np
from bokeh.models import ColumnDataSource, CustomJS, PanTool

from workbench.scenes.label_files import LabelPolygon
from workbench.views.grid import to_map, to_picture
from workbench.views.labelling import Labelling
from workbench.views.live import LiveMap

Mode = Literal["look", "draw", "edit"]
COLUMNS = ("xs", "ys", "value", "color", "key")
EVENTS = ("tap", "pressup", "doubletap", "mousemove", "panstart", "pan", "panend")
HINTS: dict[str, str] = {
    "look": "Taps pick pixels. Choose Draw to add polygons, Edit to move their corners.",
    "draw": "Tap each corner; double-tap the last one, or tap the first again, to close. Backspace takes back a corner, "
    "Esc the outline. Drag to move the map.",
    "edit": "Tap a polygon to see its corners. Drag a corner; drag a small dot to add one; double-tap a corner to remove "
    "it. Backspace deletes the polygon.",
}


class DrawnPolygons:
    """The polygons of a labelling on a map of the same tile.

    Taps are handled on the page, and nothing is written back while something is drawn, which would take it from under
    the pointer. Bokeh's own tools for polygons begin and end with a long press and leave no way to move the map.

    Args:
        live: The map; before it is drawn.
        labelling: What is drawn on it.
    """

    def __init__(self, live: LiveMap, labelling: Labelling) -> None:
        self._live, self.labelling = live, labelling
        self._source = ColumnDataSource({name: [] for name in COLUMNS})
        self._holes = ColumnDataSource({"xs": [], "ys": []})
        self._handles = ColumnDataSource({name: [] for name in ("x", "y", "size", "place", "corner")})
        self._follow = ColumnDataSource({"x": [], "y": []})
        self._outline = ColumnDataSource({"xs": [], "ys": []}, name="look")
        self._known: dict[int, LabelPolygon] = {}
        self._taking = False
        self._renderers: list[Any] = []
        self._visible = True
        self._source.on_change("data", self._take)
        live.parts.append(self._attach)
        self.show()

    @property
    def mode(self) -> Mode:
        """What taps on the map do."""
        mode: Mode = self._outline.name
        return mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._outline.name = mode

    @property
    def visible(self) -> bool:
        """Whether the polygons are shown; hidden ones take no taps."""
        return self._visible

    @visible.setter
    def visible(self, visible: bool) -> None:
        self._visible = visible
        for renderer in self._renderers:
            renderer.visible = visible
        if not visible:
            self.mode = "look"

    @property
    def selected(self) -> int | None:
        """Place of the polygon that was tapped last, None where there is none."""
        chosen = [place for place in self._source.selected.indices if place < len(self.labelling.polygons)]
        return chosen[-1] if chosen else None

    def on_select(self, callback: Callable[[], None]) -> None:
        """Call `callback` when a polygon is tapped."""
        self._source.selected.on_change("indices", lambda attr, old, new: callback())

    def take_back_corner(self) -> bool:
        """Take back the last corner of the outline that is being drawn; whether there was one."""
        xs, ys = (list(self._outline.data[name]) for name in ("xs", "ys"))
        if not xs:
            return False
        rest = {"xs": [list(xs[0])[:-1]], "ys": [list(ys[0])[:-1]]}
        self._outline.data = rest if rest["xs"][0] else {"xs": [], "ys": []}
        return True

    def show(self) -> None:
        """Show the polygons as they are now; called when they were changed elsewhere."""
        scene, grid = self._live.scene, self._live.grid
        value = self.labelling.current
        self._outline.tags = [value, self.labelling.color(value)]
        if self._taking:
            return
        data: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        holes: dict[str, list[Any]] = {"xs": [], "ys": []}
        known = {}
        for key, polygon in enumerate(self.labelling.polygons, start=1):
            points = to_picture(scene, grid, np.asarray(polygon.shape.exterior.coords)[:-1])
            row = (
                points[:, 0].tolist(),
                points[:, 1].tolist(),
                polygon.value,
                self.labelling.color(polygon.value),
                key,
            )
            for name, item in zip(COLUMNS, row, strict=True):
                data[name].append(item)
            for ring in polygon.shape.interiors:
                inside = to_picture(scene, grid, np.asarray(ring.coords))
                holes["xs"].append(inside[:, 0].tolist())
                holes["ys"].append(inside[:, 1].tolist())
            known[key] = polygon
        if data == self._plain() and known == self._known:
            return
        self._known, self._taking = known, True
        try:
            self._handles.data = {name: [] for name in self._handles.data}
            self._source.selected.indices = []
            self._source.data = data
            self._holes.data = holes
        finally:
            self._taking = False

    def _plain(self) -> dict[str, list[Any]]:
        rows = {name: list(self._source.data[name]) for name in COLUMNS}
        return {**rows, "xs": [list(row) for row in rows["xs"]], "ys": [list(row) for row in rows["ys"]]}

    def _take(self, attr: str, old: Any, new: Any) -> None:
        """Tell the labelling what was done on the map."""
        if self._taking:
            return
        scene, grid = self._live.scene, self._live.grid
        outlines = []
        columns = [list(new[name]) for name in COLUMNS]
        for xs, ys, value, _, key in zip(*columns, strict=True):
            points = to_map(scene, grid, np.stack([np.asarray(xs, float), np.asarray(ys, float)], axis=1))
            outlines.append((points, int(value or self.labelling.current), self._known.get(int(key or 0))))
        self._taking = True
        try:
            self.labelling.set_outlines(outlines)
        finally:
            self._taking = False

    def _attach(self, figure: Any) -> None:
        """Lay the polygons on the figure, and let the page handle taps."""
        before = list(figure.renderers)
        halo = {"line_color": "#ffffff", "line_width": 4, "line_alpha": 0.9, "line_join": "round"}
        figure.patches("xs", "ys", source=self._source, fill_alpha=0, nonselection_line_alpha=0.9, **halo)
        look = {"fill_alpha": 0.35, "line_width": 2, "line_color": "color", "fill_color": "color"}
        look |= {"nonselection_fill_alpha": 0.35, "nonselection_line_alpha": 1.0, "selection_fill_alpha": 0.55}
        figure.patches("xs", "ys", source=self._source, **look)
        figure.multi_line("xs", "ys", source=self._holes, line_dash="dashed", line_color="#ffffff", line_width=1.5)
        for color, width in (("#ffffff", 4.5), ("#111111", 2)):
            figure.multi_line("xs", "ys", source=self._outline, line_color=color, line_width=width)
            figure.line("x", "y", source=self._follow, line_color=color, line_width=width / 2, line_dash="dashed")
        look = {"fill_color": "#ffffff", "line_color": "#111111", "line_width": 1.5}
        figure.scatter("x", "y", size="size", source=self._handles, nonselection_fill_alpha=1.0, **look)
        self._renderers = [renderer for renderer in figure.renderers if renderer not in before]
        for renderer in self._renderers:
            renderer.visible = self._visible
        code = files("workbench.views").joinpath("polygons.js").read_text(encoding="utf-8")
        models = {
            "figure": figure,
            "shapes": self._source,
            "outline": self._outline,
            "follow": self._follow,
            "handles": self._handles,
            "pan": next(iter(figure.select({"type": PanTool})), None),
            "seen": {"keys": False, "drag": None},
        }
        act = CustomJS(args=models, code=code)
        for event in EVENTS:
            figure.js_on_event(event, act)
        self._outline.js_on_change("name", act)
