"""Polygons on a live map: drawn, moved and deleted with Bokeh's tools, and kept in step with a `Labelling`."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from bokeh.models import ColumnDataSource, CustomJS, PanTool, PolyDrawTool, PolyEditTool

from workbench.scenes.label_files import LabelPolygon
from workbench.views.grid import to_map, to_picture
from workbench.views.labelling import Labelling
from workbench.views.live import LiveMap

Mode = Literal["look", "draw", "edit"]

SWITCH = """
const mode = cb_obj.name;
cb_obj.active = mode === "draw";
edit.active = mode === "edit";
if (mode === "look" && pan != null) pan.active = true;
"""
COLUMNS = ("xs", "ys", "value", "color", "key")


class DrawnPolygons:
    """The polygons of a labelling on a map of the same tile.

    Bokeh's own tools and a source of their own: HoloViews would draw the whole picture anew at each corner. Nothing is
    written back while something is drawn, which would take it from under the pointer: a new polygon gets its class from
    the tool's defaults.

    Args:
        live: The map; before it is drawn.
        labelling: What is drawn on it.
    """

    def __init__(self, live: LiveMap, labelling: Labelling) -> None:
        self._live, self.labelling = live, labelling
        self._source = ColumnDataSource({name: [] for name in COLUMNS})
        self._holes = ColumnDataSource({"xs": [], "ys": []})
        self._corners = ColumnDataSource({"x": [], "y": []})
        # its name is the mode: a page is told of a change of any property of what it shows
        self._tool = PolyDrawTool(name="look", description="Draw polygons")
        self._known: dict[int, LabelPolygon] = {}
        self._taking = False
        self._source.on_change("data", self._take)
        live.parts.append(self._attach)
        self.show()

    @property
    def mode(self) -> Mode:
        """What taps on the map do."""
        mode: Mode = self._tool.name
        return mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._tool.name = mode

    @property
    def selected(self) -> int | None:
        """Place of the polygon that was tapped last, None where there is none."""
        chosen = [place for place in self._source.selected.indices if place < len(self.labelling.polygons)]
        return chosen[-1] if chosen else None

    def on_select(self, callback: Callable[[], None]) -> None:
        """Call `callback` when a polygon is tapped."""
        self._source.selected.on_change("indices", lambda attr, old, new: callback())

    def show(self) -> None:
        """Show the polygons as they are now; called when they were changed elsewhere."""
        scene, grid = self._live.scene, self._live.grid
        self._next_class()
        if self._taking:
            return
        data: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        holes: dict[str, list[Any]] = {"xs": [], "ys": []}
        self._known = {}
        for key, polygon in enumerate(self.labelling.polygons, start=1):
            points = to_picture(scene, grid, np.asarray(polygon.shape.exterior.coords)[:-1])
            row = (
                points[:, 0].tolist(),
                points[:, 1].tolist(),
                polygon.value,
                self.labelling.color(polygon.value),
                key,
            )
            for name, value in zip(COLUMNS, row, strict=True):
                data[name].append(value)
            for ring in polygon.shape.interiors:
                inside = to_picture(scene, grid, np.asarray(ring.coords))
                holes["xs"].append(inside[:, 0].tolist())
                holes["ys"].append(inside[:, 1].tolist())
            self._known[key] = polygon
        self._taking = True
        try:
            self._corners.data = {"x": [], "y": []}
            self._source.selected.indices = []
            self._source.data = data
            self._holes.data = holes
        finally:
            self._taking = False

    def _next_class(self) -> None:
        value = self.labelling.current
        self._tool.default_overrides = {"value": value, "color": self.labelling.color(value), "key": 0}

    def _take(self, attribute: str, old: Any, new: Any) -> None:
        """Tell the labelling what was done on the map."""
        if self._taking:
            return
        scene, grid = self._live.scene, self._live.grid
        outlines = []
        columns = [list(new[name]) for name in COLUMNS]
        for xs, ys, value, _, key in zip(*columns, strict=False):
            points = to_map(scene, grid, np.stack([np.asarray(xs, float), np.asarray(ys, float)], axis=1))
            outlines.append((points, int(value or self.labelling.current), self._known.get(int(key or 0))))
        self._taking = True
        try:
            self.labelling.set_outlines(outlines)
        finally:
            self._taking = False

    def _attach(self, figure: Any) -> None:
        """Lay the polygons on the figure, with their tools."""
        halo = {"line_color": "#ffffff", "line_width": 3.5, "line_alpha": 0.9}
        figure.multi_line("xs", "ys", source=self._holes, line_dash="dashed", line_color="#ffffff", line_width=1.5)
        figure.patches("xs", "ys", source=self._source, fill_alpha=0, **halo)
        look = {"fill_alpha": 0.35, "line_width": 2, "line_color": "color", "fill_color": "color"}
        look |= {"nonselection_fill_alpha": 0.35, "nonselection_line_alpha": 1.0}
        look |= {"selection_fill_alpha": 0.6, "selection_line_width": 3.0}
        shapes = figure.patches("xs", "ys", source=self._source, **look)
        corners = figure.scatter("x", "y", source=self._corners, size=9, fill_color="#ffffff", line_color="#000000")
        self._tool.renderers = [shapes]
        edit = PolyEditTool(renderers=[shapes], vertex_renderer=corners, description="Move corners of polygons")
        figure.add_tools(self._tool, edit)
        pan = next(iter(figure.select({"type": PanTool})), None)
        self._tool.js_on_change("name", CustomJS(args={"edit": edit, "pan": pan}, code=SWITCH))
