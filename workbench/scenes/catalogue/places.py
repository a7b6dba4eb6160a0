"""The grid that map positions of pixel centres describe."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.scenes.grid import Grid

NEAR = 0.1
"""Pixels by which a position may lie off a regular grid: files round their numbers."""
FLAT = 1e-3
"""Pixel size in map units below which positions span no area."""


def grid_of_positions(
    easting: NDArray[Any], northing: NDArray[Any], shape: tuple[int, int], crs: str
) -> tuple[Grid, str]:
    """Fit a regular grid to positions.

    Args:
        easting: Of each column, or of each pixel (rows, cols).
        northing: Of each row, or of each pixel.
        shape: Rows and columns.
        crs: Their coordinate reference system.

    Returns:
        The grid and a note in words; without georeference where the positions are of another shape or lie on no
        regular grid.
    """
    rows, cols = shape
    x, y = np.asarray(easting, np.float64), np.asarray(northing, np.float64)
    if x.size == cols and y.size == rows:
        x, y = np.broadcast_to(x.reshape(1, cols), shape), np.broadcast_to(y.reshape(rows, 1), shape)
    if x.shape != shape or y.shape != shape or not (np.isfinite(x).all() and np.isfinite(y).all()):
        return Grid(shape), "Map positions in the file do not fit its pixels: the scene is not georeferenced."
    row, col = np.mgrid[0:rows, 0:cols] + 0.5
    terms = np.column_stack([col.ravel(), row.ravel(), np.ones(row.size)])
    (a, b, c), *_ = np.linalg.lstsq(terms, x.ravel(), rcond=None)
    (d, e, f), *_ = np.linalg.lstsq(terms, y.ravel(), rcond=None)
    size = np.sqrt(abs(a * e - b * d))
    off = max(np.abs(terms @ (a, b, c) - x.ravel()).max(), np.abs(terms @ (d, e, f) - y.ravel()).max())
    if not size > FLAT or off > NEAR * size:
        return Grid(shape), "Map positions in the file lie on no regular grid: the scene is not georeferenced."
    a, b, c, d, e, f = (float(np.round(value, 6)) + 0.0 for value in (a, b, c, d, e, f))
    from workbench.scenes.writing import well_known

    note = f"Georeferenced by the positions in the file, taken as pixel centres; {crs} according to its documentation."
    return Grid(shape, (a, b, c, d, e, f), well_known(crs)), note
