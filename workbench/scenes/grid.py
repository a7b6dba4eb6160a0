"""Pixel grids: what must agree before rasters are laid on each other."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.scenes.schema import Transform

PLAIN = (1.0, 0.0, -0.5, 0.0, 1.0, -0.5)
"""Without georeference x is the column and y the row, whole numbers at pixel centres."""

TOLERANCE = 0.01
"""Corners may be this share of a pixel apart: files round their coordinates."""


@dataclass(frozen=True)
class Grid:
    """Where pixels lie.

    Args:
        shape: Rows and columns.
        transform: Affine coefficients a, b, c, d, e, f of pixel corners, None where not georeferenced.
        crs: WKT, None where unknown.
    """

    shape: tuple[int, int]
    transform: Transform | None = None
    crs: str | None = None

    @property
    def resolution(self) -> tuple[float, float] | None:
        """Pixel width and height in map units, None where not georeferenced."""
        if self.transform is None:
            return None
        a, b, _, d, e, _ = self.transform
        return float(np.hypot(a, d)), float(np.hypot(b, e))

    @property
    def crs_name(self) -> str:
        """Short name of the CRS: ``EPSG:32617``, its own name, or ``none``."""
        if self.crs is None:
            return "none"
        system = _parsed(self.crs)
        authority = system.to_authority()
        if authority:
            return ":".join(authority)
        return self.crs.split('"')[1] if '"' in self.crs else self.crs[:40]

    def positions(self, rows: Any, cols: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Map x and y of `rows`, `cols`, counted from the upper left corner of the first pixel (numbers or arrays)."""
        a, b, c, d, e, f = self.transform or PLAIN
        rows, cols = np.asarray(rows, np.float64), np.asarray(cols, np.float64)
        return a * cols + b * rows + c, d * cols + e * rows + f

    def places(self, x: Any, y: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Rows and columns of map positions, the reverse of `positions`."""
        a, b, c, d, e, f = self.transform or PLAIN
        across, down = np.asarray(x, np.float64) - c, np.asarray(y, np.float64) - f
        det = a * e - b * d
        return (a * down - d * across) / det, (e * across - b * down) / det

    def window(self, rows: slice, cols: slice) -> "Grid":
        """The grid of a window; where there is no georeference, pixels keep their plain positions."""
        shape = (rows.stop - rows.start, cols.stop - cols.start)
        a, b, c, d, e, f = self.transform or PLAIN
        moved = (a, b, c + a * cols.start + b * rows.start, d, e, f + d * cols.start + e * rows.start)
        return Grid(shape, moved, self.crs)

    def differences(self, other: "Grid") -> list[str]:
        """What keeps the two from being one grid: some of ``size``, ``CRS``, ``resolution``, ``extent``.

        A grid without georeference is matched by its size alone.
        """
        told = [] if self.shape == other.shape else ["size"]
        if self.transform is None or other.transform is None:
            return told
        if (self.crs is None) != (other.crs is None) or (
            self.crs is not None and other.crs is not None and _parsed(self.crs) != _parsed(other.crs)
        ):
            return [*told, "CRS"]
        mine, its = self.resolution or (1, 1), other.resolution or (1, 1)
        near = TOLERANCE * min(*mine, *its)
        far = max(*self.shape, *other.shape)
        if max(abs(mine[0] - its[0]), abs(mine[1] - its[1])) * far > near:
            told.append("resolution")
        corners = [grid.positions(*_corners(grid.shape)) for grid in (self, other)]
        if max(float(np.abs(corners[0][i] - corners[1][i]).max()) for i in (0, 1)) > near:
            told.append("extent")
        return told

    def __str__(self) -> str:
        rows, cols = self.shape
        size = f"{rows} rows x {cols} columns"
        if self.resolution is None:
            return f"{size}, not georeferenced"
        x, y = self.positions(*_corners(self.shape))
        return (
            f"{size} of {self.resolution[0]:g} x {self.resolution[1]:g}, CRS {self.crs_name}, "
            f"x {x.min():.10g} to {x.max():.10g}, y {y.min():.10g} to {y.max():.10g}"
        )


def footprint_overlap(part: Grid, whole: Grid) -> float | None:
    """Share of the area of `whole` that `part` covers, 0 to 1; None where either is not georeferenced."""
    from shapely import Polygon

    if part.transform is None or whole.transform is None or (part.crs is None) != (whole.crs is None):
        return None
    along = np.linspace(0, 1, 22)[:-1]
    zero, one = np.zeros_like(along), np.ones_like(along)
    ring = np.stack([np.r_[zero, along, one, 1 - along], np.r_[along, one, 1 - along, zero]])
    outlines = []
    for grid in (part, whole):
        x, y = grid.positions(ring[0] * grid.shape[0], ring[1] * grid.shape[1])
        x, y = transform_points(grid.crs, whole.crs, x, y)
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            return 0.0
        outlines.append(Polygon(np.stack([x, y], axis=1)))
    return float(outlines[0].intersection(outlines[1]).area / outlines[1].area)


def transform_points(
    source: str | None, target: str | None, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Map positions from one CRS to another; positions that have no image are infinite or NaN."""
    if source == target:
        return x, y
    from rasterio.warp import transform

    moved = transform(_parsed(source or ""), _parsed(target or ""), x.ravel(), y.ravel())
    return np.reshape(moved[0], x.shape), np.reshape(moved[1], y.shape)


def _corners(shape: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows, cols = shape
    return np.array([0, 0, rows, rows]), np.array([0, cols, 0, cols])


def _parsed(crs: str) -> Any:
    from rasterio.crs import CRS

    return CRS.from_user_input(crs)
