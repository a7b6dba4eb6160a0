"""A map and a spectrum that change in place, for faces that live: no axis is drawn anew, nothing jumps."""

from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from typing import Any
from weakref import WeakMethod

import numpy as np
from bokeh.events import PressUp, Reset, Tap
from bokeh.models import BoxZoomTool, ColumnDataSource, CustomJS
from holoviews.streams import Pipe
from numpy.typing import NDArray

from workbench.scenes import Collection, Scene
from workbench.views.backend import hv
from workbench.views.class_spectra import shown_classes
from workbench.views.classes import LegendEntry
from workbench.views.grid import Window, grid_of, point_of, window_between
from workbench.views.raster import Raster
from workbench.views.selection import Pixel
from workbench.views.spectra import Picked, class_overlay, picked_lines, spectra_options
from workbench.views.style import PICKED, RING, dress

FIT = """
const {inner_width: w, inner_height: h, x_range: x, y_range: y} = figure;
if (!(w > 0 && h > 0)) return;
const first = !(seen.scale > 0);
if (!first) seen.scale = Math.abs(x.end - x.start) / seen.w;
const scale = first ? Math.max((bounds[2] - bounds[0]) / w, (bounds[3] - bounds[1]) / h) : seen.scale;
const cx = first ? (bounds[0] + bounds[2]) / 2 : (x.start + x.end) / 2;
const cy = first ? (bounds[1] + bounds[3]) / 2 : (y.start + y.end) / 2;
const down = y.start > y.end ? -1 : 1;
x.setv({start: cx - scale * w / 2, end: cx + scale * w / 2});
y.setv({start: cy - down * scale * h / 2, end: cy + down * scale * h / 2});
Object.assign(seen, {scale, w, h});
"""

SETTLED = """
clearTimeout(seen.timer);
seen.timer = setTimeout(() => {
  const {x_range: x, y_range: y} = figure;
  view.data = {x: [x.start, x.end], y: [y.start, y.end]};
}, 180);
"""


class LiveMap:
    """A raster of a scene in colours with rings at picked pixels.

    Rings are Bokeh glyphs with a source of their own: HoloViews would go over the whole picture at each tap.

    Args:
        scene: The tile.
        stride: Side in scene pixels of one drawn pixel, the same for all rasters that are shown.
        size: Longest side of the frame in pixels; None fills the place.

    Attributes:
        parts: Called with the Bokeh figure before rings are laid on it; to be added to before the map is drawn.
        window: Rows and columns that are in view, None until a reader zooms or moves.
    """

    def __init__(self, scene: Scene, stride: int, size: int | None) -> None:
        self.scene, self.stride = scene, stride
        self.grid = grid_of(scene, stride)
        shape = tuple(-(-side // stride) for side in scene.shape)
        self._raster = Pipe(data=np.zeros((*shape, 4), np.uint8))
        self._rings = ColumnDataSource({"x": [], "y": [], "color": []})
        self._detail = ColumnDataSource({key: [] for key in ("image", "x", "y", "dw", "dh")})
        self._view = ColumnDataSource({"x": [], "y": []})
        self._base = hv.DynamicMap(self._draw, streams=[self._raster])
        options = self.grid.options(size)
        if size is None:  # HoloViews would set ranges itself at each change, and undo what a reader has zoomed to
            del options["data_aspect"]
        self.element = self._base.opts(hv.opts.RGB(**options, hooks=[dress, _weakly(self._finish)]))
        self._fits = size is None
        self._taps: list[Callable[[float, float, bool], None]] = []
        self.parts: list[Callable[[Any], None]] = []
        self.window: Window | None = None

    def on_tap(self, callback: Callable[[float, float, bool], None]) -> None:
        """Call `callback` with the map position of each tap, and whether Shift was held; before the map is drawn."""
        self._taps.append(callback)

    def on_view(self, callback: Callable[[Window | None], None]) -> None:
        """Call `callback` with the rows and columns that are in view, once a reader has stopped zooming and moving."""

        def changed(attribute: str, old: Any, new: Any) -> None:
            self.window = window_between(self.scene, self.grid, tuple(new["x"]), tuple(new["y"])) if new["x"] else None
            callback(self.window)

        self._view.on_change("data", changed)

    def show(self, rgba: NDArray[np.uint8]) -> None:
        """Show uint8 (rows, cols, 4)."""
        self.show_detail(None)
        self._raster.send(rgba)

    def show_detail(self, rgba: NDArray[np.uint8] | None, window: Window | None = None) -> None:
        """Lay a window (rows, cols) at full resolution over the picture, or take it away."""
        if rgba is None or window is None:
            if len(self._detail.data["image"]):
                self._detail.data = {key: [] for key in self._detail.data}
            return
        grid = grid_of(self.scene, 1, window)
        left, bottom, right, top = grid.bounds
        # HoloViews wants row 0 at the larger y, Bokeh at the smaller
        image = np.ascontiguousarray(grid.place(rgba)[::-1]).view(np.uint32)[..., 0]
        self._detail.data = {"image": [image], "x": [left], "y": [bottom], "dw": [right - left], "dh": [top - bottom]}

    def mark(self, pixels: Sequence[Pixel], colors: Sequence[str] = PICKED) -> None:
        """Ring these pixels (row, col), in the colours of the selection."""
        places = [point_of(self.scene, self.grid, row, col) for row, col in pixels]
        chosen = [colors[number % len(colors)] for number in range(len(places))]
        self._rings.data = {"x": [x for x, _ in places], "y": [y for _, y in places], "color": chosen}

    def _draw(self, data: NDArray[np.uint8]) -> Any:
        return hv.RGB(self.grid.place(data), bounds=self.grid.bounds, vdims=[*"RGBA"])

    def _finish(self, plot: Any, element: Any) -> None:
        """HoloViews hook, at the first drawing: rings, and pixels that stay square in a frame of any size."""
        figure = plot.state
        if figure.tags:
            return
        figure.tags = ["finished"]
        figure.image_rgba("image", "x", "y", "dw", "dh", source=self._detail, level="glyph")
        for part in self.parts:
            part(figure)
        look = {"size": RING, "fill_alpha": 0, "source": self._rings}
        figure.scatter("x", "y", line_color="#ffffff", line_width=6, **look)
        figure.scatter("x", "y", line_color="color", line_width=3, **look)
        for callback in self._taps:  # Bokeh's own event: it comes with the lock on the document that a change needs
            for event in (Tap, PressUp):  # a slow tap is one too
                figure.on_event(event, partial(_tapped, callback))
        for tool in figure.select({"type": BoxZoomTool}):
            tool.match_aspect = True
        watch = CustomJS(args={"figure": figure, "view": self._view, "seen": {"timer": 0}}, code=SETTLED)
        for one in (figure.x_range, figure.y_range):
            for name in ("start", "end"):
                one.js_on_change(name, watch)
        if self._fits:
            arguments = {"figure": figure, "bounds": list(self.grid.bounds), "seen": {"scale": 0}}
            for name in ("inner_width", "inner_height"):
                figure.js_on_change(name, CustomJS(args=arguments, code=FIT))
            figure.js_on_event(Reset, CustomJS(args=arguments, code=f"seen.scale = 0;{FIT}"))


class LiveSpectrum:
    """Class means of a modality with the spectra of picked pixels over them.

    Args:
        scene: The tile that pixels are picked in.
        whole: The scene or collection whose labels make the class means.
        modality: Which modality.
        size: Width and height of the frame in pixels; None fills the place.
        classes: Class values to draw; None draws all.
    """

    def __init__(
        self,
        scene: Scene,
        whole: Scene | Collection,
        modality: str,
        size: tuple[int, int] | None,
        classes: Sequence[int] | None = None,
    ) -> None:
        self.scene, self.modality, self.info = scene, modality, scene.info(modality)
        self.known = shown_classes(whole, modality, classes)
        self.picked: list[Picked] = []
        self.colors: tuple[str, ...] = PICKED
        self._lines = ColumnDataSource({"xs": [], "ys": [], "color": []})
        options = spectra_options(self.info, self.known, size)
        options["hooks"] = [*options["hooks"], _weakly(self._finish)]
        self.element = class_overlay(self.info, self.known).opts(**options)

    def mark(self, pixels: Sequence[Pixel], colors: Sequence[str] = PICKED) -> None:
        """Show the spectra of these pixels (row, col); raises `WorkbenchError` for one outside the scene."""
        self.colors = tuple(colors)
        self.picked = [
            (self.scene.spectrum(self.modality, row, col), f"row {row}, column {col}") for row, col in pixels
        ]
        lines = picked_lines(self.info, self.known, self.picked, self.colors)
        self._lines.data = {
            "xs": [line["x"] for line in lines],
            "ys": [line["y"] for line in lines],
            "color": [line["color"] for line in lines],
        }

    def legend(self) -> list[LegendEntry]:
        """Which colour is which pixel."""
        colors = self.colors
        return [LegendEntry(colors[i % len(colors)], "○", words) for i, (_, words) in enumerate(self.picked)]

    def _finish(self, plot: Any, element: Any) -> None:
        """HoloViews hook, at the first drawing: the lines of picked pixels, with a white halo."""
        figure = plot.state
        if figure.tags:
            return
        figure.tags = ["finished"]
        figure.multi_line("xs", "ys", line_color="#ffffff", line_alpha=0.85, line_width=5.5, source=self._lines)
        figure.multi_line("xs", "ys", line_color="color", line_width=2.8, source=self._lines)


def _weakly(hook: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """A hook that does not keep its object: HoloViews keeps options, and hooks with them, for good."""
    reference = WeakMethod(hook)

    def call(plot: Any, element: Any) -> None:
        found = reference()
        if found is not None:
            found(plot, element)

    return call


def _tapped(callback: Callable[[float, float, bool], None], event: Any) -> None:
    callback(event.x, event.y, bool((event.modifiers or {}).get("shift")))


def colorbar_html(drawn: Raster) -> str:
    """The colour map of a single band with its limits and unit; "" for composites."""
    if drawn.values is None:
        return ""
    stops = ", ".join(drawn.colors[:: max(len(drawn.colors) // 16, 1)])
    low, high = (f"{value:.4g}" for value in drawn.limits[0])
    return (
        f'<div class="wb-bar" role="img" aria-label="{escape(drawn.unit)} from {low} to {high}"><span>{low}</span>'
        f'<i style="background:linear-gradient(90deg, {stops})"></i><span>{high}</span><b>{escape(drawn.unit)}</b></div>'
    )
