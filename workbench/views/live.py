"""A map and a spectrum that change in place, for faces that live: no axis is drawn anew, nothing jumps."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np
from holoviews.streams import Pipe, Tap
from numpy.typing import NDArray

from workbench.scenes import Collection, Scene
from workbench.views.backend import hv
from workbench.views.class_spectra import shown_classes
from workbench.views.classes import LegendEntry
from workbench.views.grid import grid_of
from workbench.views.maps import rings
from workbench.views.raster import Raster
from workbench.views.selection import Pixel
from workbench.views.spectra import Picked, class_overlay, picked_overlay, spectra_options, spectra_table
from workbench.views.style import PICKED, dress

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


class LiveMap:
    """A raster of a scene in colours with rings at picked pixels.

    Args:
        scene: The tile.
        stride: Side in scene pixels of one drawn pixel, the same for all rasters that are shown.
        size: Longest side of the frame in pixels; None fills the place.
    """

    def __init__(self, scene: Scene, stride: int, size: int | None) -> None:
        self.scene = scene
        self.grid = grid_of(scene, stride)
        shape = tuple(-(-side // stride) for side in scene.shape)
        self._raster = Pipe(data=np.zeros((*shape, 4), np.uint8))
        self._rings = Pipe(data=[])
        self._base = hv.DynamicMap(self._draw, streams=[self._raster])
        marks = [
            hv.DynamicMap(lambda data, part=part: self._mark(data, part), streams=[self._rings]) for part in (0, 1)
        ]
        options = self.grid.options(size)
        if size is None:  # HoloViews would set ranges itself at each change, and undo what a reader has zoomed to
            del options["data_aspect"]
        hooks = [dress] if size is not None else [dress, self._keep_scale]
        self.element = (self._base * marks[0] * marks[1]).opts(**options, hooks=hooks)

    def on_tap(self, callback: Callable[[float, float], None]) -> None:
        """Call `callback` with the map position of each tap; before the map is drawn."""
        self._tap = Tap(source=self._base)
        self._tap.add_subscriber(lambda x, y: callback(x, y))

    def show(self, rgba: NDArray[np.uint8]) -> None:
        """Show uint8 (rows, cols, 4)."""
        self._raster.send(rgba)

    def mark(self, pixels: Sequence[Pixel]) -> None:
        """Ring these pixels (row, col), in the fixed order of colours."""
        self._rings.send(list(pixels))

    def _keep_scale(self, plot: Any, element: Any) -> None:
        """Bokeh hook: pixels stay square in a frame of any size; a new size keeps place and zoom."""
        from bokeh.events import Reset
        from bokeh.models import BoxZoomTool, CustomJS

        figure = plot.state
        if figure.tags:  # done at the first drawing
            return
        figure.tags = ["keeps scale"]
        left, bottom, right, top = self.grid.bounds
        arguments = {"figure": figure, "bounds": [left, bottom, right, top], "seen": {"scale": 0}}
        for name in ("inner_width", "inner_height"):
            figure.js_on_change(name, CustomJS(args=arguments, code=FIT))
        figure.js_on_event(Reset, CustomJS(args=arguments, code=f"seen.scale = 0;{FIT}"))
        for tool in figure.select({"type": BoxZoomTool}):
            tool.match_aspect = True

    def _draw(self, data: NDArray[np.uint8]) -> Any:
        element = hv.RGB(self.grid.place(data), bounds=self.grid.bounds, vdims=[*"RGBA"])
        return element.opts(hooks=[dress], tools=["tap"])

    def _mark(self, data: list[Pixel], part: int) -> Any:
        return list(rings(self.scene, self.grid, data))[part]


class LiveSpectrum:
    """Class means of a modality with the spectra of picked pixels over them.

    Args:
        scene: The tile that pixels are picked in.
        whole: The scene or collection whose labels make the class means.
        modality: Which modality.
        size: Width and height of the frame in pixels; None fills the place.
    """

    def __init__(self, scene: Scene, whole: Scene | Collection, modality: str, size: tuple[int, int] | None) -> None:
        self.scene, self.modality, self.info = scene, modality, scene.info(modality)
        self.known = shown_classes(whole, modality)
        self._pipe = Pipe(data=[])
        self._picked: list[Picked] = []
        lines = [
            hv.DynamicMap(lambda data, part=part: self._lines(data, part), streams=[self._pipe]) for part in (0, 1)
        ]
        element = class_overlay(self.info, self.known) * lines[0] * lines[1]
        self.element = element.opts(**spectra_options(self.info, self.known, size))

    def mark(self, pixels: Sequence[Pixel]) -> None:
        """Show the spectra of these pixels (row, col); raises `WorkbenchError` for one outside the scene."""
        self._picked = [
            (self.scene.spectrum(self.modality, row, col), f"row {row}, column {col}") for row, col in pixels
        ]
        self._pipe.send(self._picked)

    @property
    def picked(self) -> list[Picked]:
        """The spectra that are shown."""
        return self._picked

    def table(self) -> Any:
        """The same figures as a pandas DataFrame."""
        return spectra_table(self.info, self.known, self._picked)

    def legend(self) -> list[LegendEntry]:
        """Which colour is which pixel."""
        return [LegendEntry(PICKED[i % len(PICKED)], "○", words) for i, (_, words) in enumerate(self._picked)]

    def _lines(self, data: list[Picked], part: int) -> Any:
        return list(picked_overlay(self.info, self.known, data))[part]


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
