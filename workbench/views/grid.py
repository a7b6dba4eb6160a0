"""Where the pixels of a scene lie in a picture: map coordinates where there are any, else columns and rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.scenes import Scene
from workbench.views.style import FRAME

Window = tuple[slice, slice]
"""Rows and columns of scene pixels."""

MAGNIFIED = 20
"""Screen pixels that a drawn pixel takes at most: small tiles stay small."""


@dataclass(frozen=True)
class Grid:
    """Frame of a picture of a scene, or of a window of it.

    Attributes:
        bounds: Left, bottom, right, top as HoloViews takes them; bottom is the smaller number.
        flip_rows: Whether row 0 lies at the smaller y.
        flip_cols: Whether column 0 lies at the larger x.
        downwards: Whether y grows downwards on the screen (pixel rows).
        x_label: Name of the x axis with its unit.
        y_label: Name of the y axis.
        ticks: Format of the numbers at the axes.
        georeferenced: Whether x and y are map coordinates.
        longest: Drawn pixels along the longer side.
    """

    bounds: tuple[float, float, float, float]
    flip_rows: bool
    flip_cols: bool
    downwards: bool
    x_label: str
    y_label: str
    ticks: str
    georeferenced: bool
    longest: int

    def place(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Rows of an array (rows, cols, ...) in the order that `bounds` wants: row 0 at the larger y."""
        rows = slice(None, None, -1) if self.flip_rows else slice(None)
        cols = slice(None, None, -1) if self.flip_cols else slice(None)
        return np.ascontiguousarray(pixels[rows, cols])

    def frame(self, longest: int = FRAME) -> dict[str, int]:
        """Width and height of the frame in screen pixels, true to scale."""
        left, bottom, right, top = self.bounds
        width, height = right - left, top - bottom
        scale = min(longest, MAGNIFIED * self.longest) / max(width, height)
        return {"frame_width": max(round(width * scale), 40), "frame_height": max(round(height * scale), 40)}

    def options(self, longest: int | None = FRAME) -> dict[str, Any]:
        """HoloViews options of a map; `longest` None fills the place it is given."""
        size = {"responsive": True, "data_aspect": 1} if longest is None else self.frame(longest)
        return {
            **size,
            "xlabel": self.x_label,
            "ylabel": self.y_label,
            "invert_yaxis": self.downwards,
            "xformatter": self.ticks,
            "yformatter": self.ticks,
            "xticks": 4,
            "yticks": 4,
        }


def grid_of(scene: Scene, stride: int = 1, window: Window | None = None) -> Grid:
    """The frame of a scene or of a window (rows, cols) of it, of which every `stride`-th pixel is drawn.

    A rotated grid is drawn by columns and rows: its map axes would not be parallel to the screen.
    """
    spans = window or tuple(slice(0, size) for size in scene.shape)
    top, left = (span.start for span in spans)
    rows, cols = (-(-(span.stop - span.start) // stride) * stride for span in spans)
    longest = max(rows, cols) // stride
    transform = scene.transform
    if transform is None or transform[1] or transform[3]:
        bounds = (left - 0.5, top - 0.5, left + cols - 0.5, top + rows - 0.5)
        return Grid(bounds, True, False, True, "column", "row", "%d", False, longest)
    a, _, c, _, e, f = transform
    c, f = c + a * left, f + e * top
    x0, x1 = sorted((c, c + a * cols))
    y0, y1 = sorted((f, f + e * rows))
    x_label, y_label = axis_names(scene.crs)
    span = max(x1 - x0, y1 - y0)
    ticks = "%d" if span >= 20 else f"%.{min(7, 2 - int(np.floor(np.log10(span))))}f"
    return Grid((x0, y0, x1, y1), e > 0, a < 0, False, x_label, y_label, ticks, True, longest)


def point_of(scene: Scene, grid: Grid, row: float, col: float) -> tuple[float, float]:
    """Where the centre of a pixel lies in the picture."""
    return scene.position_of(row, col) if grid.georeferenced else (float(col), float(row))


def pixel_at(scene: Scene, grid: Grid, x: float, y: float) -> tuple[int, int] | None:
    """Row and column of the pixel under a point of the picture, None outside the scene."""
    left, bottom, right, top = grid.bounds
    if not (left <= x < right and bottom <= y < top):
        return None
    if grid.georeferenced:
        a, _, c, _, e, f = scene.transform or (1.0, 0.0, -0.5, 0.0, 1.0, -0.5)
        row, col = int(np.floor((y - f) / e)), int(np.floor((x - c) / a))
    else:
        row, col = int(np.floor(y + 0.5)), int(np.floor(x + 0.5))
    inside = 0 <= row < scene.shape[0] and 0 <= col < scene.shape[1]
    return (row, col) if inside else None


def window_between(scene: Scene, grid: Grid, xs: tuple[float, float], ys: tuple[float, float]) -> Window | None:
    """Rows and columns of the pixels between points of the picture, None where none is."""
    if grid.georeferenced:
        a, _, c, _, e, f = scene.transform or (1.0, 0.0, -0.5, 0.0, 1.0, -0.5)
        cols, rows = sorted((x - c) / a for x in xs), sorted((y - f) / e for y in ys)
    else:
        cols, rows = sorted(x + 0.5 for x in xs), sorted(y + 0.5 for y in ys)
    spans = [
        slice(max(int(np.floor(low)), 0), min(int(np.ceil(high)), size))
        for (low, high), size in zip((rows, cols), scene.shape, strict=True)
    ]
    return None if any(span.start >= span.stop for span in spans) else (spans[0], spans[1])


def to_map(scene: Scene, grid: Grid, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points of the picture (n, 2) as map positions: another thing only where a rotated grid is drawn by pixels."""
    if grid.georeferenced or scene.transform is None:
        return points
    return np.stack(scene.grid.positions(points[:, 1] + 0.5, points[:, 0] + 0.5), axis=1)


def to_picture(scene: Scene, grid: Grid, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map positions (n, 2) as points of the picture, the reverse of `to_map`."""
    if grid.georeferenced or scene.transform is None:
        return points
    rows, cols = scene.grid.places(points[:, 0], points[:, 1])
    return np.stack([cols - 0.5, rows - 0.5], axis=1)


def axis_names(crs: str | None) -> tuple[str, str]:
    """Names of the axes with their unit, from WKT."""
    if crs is None:
        return "x", "y"
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        parsed = CRS.from_wkt(crs)
        if parsed.is_geographic:
            return "longitude (°)", "latitude (°)"
        unit = {"metre": "m", "meter": "m"}.get(parsed.linear_units, parsed.linear_units)
    except CRSError:
        return "x", "y"
    return f"easting ({unit})", f"northing ({unit})"
