"""Spatial blocks of pixels: what is drawn whole where neighbours say much the same."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.base.errors import WorkbenchError


def grid_blocks(
    tile: ArrayLike, row: ArrayLike, col: ArrayLike, size: int, shapes: Sequence[tuple[int, int]] = ()
) -> NDArray[np.int64]:
    """The block of a grid within its tile that each pixel lies in.

    Args:
        tile: Number of each pixel's tile, (n,).
        row: Row in the tile, (n,).
        col: Column in the tile, (n,).
        size: Side of a block in pixels.
        shapes: Rows and columns of the tiles. Where given, each tile is cut into as many equal blocks of at least
            `size` as fit, so that no sliver stays at its border; as the protocol `blocks` cuts it. Where not, blocks
            are squares counted from the corner.

    Returns:
        Block numbers from 0, int64 (n,), in the order of tile, row, column; only blocks with pixels have a number.

    Raises:
        WorkbenchError: The size is below 1, the lengths differ, or a pixel lies outside its tile.
    """
    places = [np.asarray(values, np.int64) for values in (tile, row, col)]
    if size < 1 or len({values.shape for values in places}) > 1 or places[0].ndim != 1:
        raise WorkbenchError(
            f"While cutting pixels into blocks of {size}: give a size of at least 1, and tile, row and column of each "
            f"pixel; their shapes are {', '.join(str(values.shape) for values in places)}."
        )
    tiles, rows, cols = places
    if not len(shapes):
        down, right = rows // size, cols // size
    else:
        extent = np.array(shapes, np.int64).reshape(-1, 2)
        known = (tiles >= 0) & (tiles < len(extent))
        height, width = extent[np.where(known, tiles, 0)].T
        inside = known & (rows >= 0) & (rows < height) & (cols >= 0) & (cols < width)
        if not inside.all():
            raise WorkbenchError(
                f"While cutting pixels into blocks: {int((~inside).sum())} pixels lie outside the {len(extent)} tiles, "
                f"the first at tile {tiles[~inside][0]}, row {rows[~inside][0]}, column {cols[~inside][0]}."
            )
        down, right = _equal(rows, height, size), _equal(cols, width, size)
    keys = np.stack([tiles, down, right], axis=1)
    numbers: NDArray[np.int64] = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
    return numbers


def _equal(place: NDArray[np.int64], length: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Number of the part that a place lies in, of n parts with the edges `i * length // n`."""
    n = np.maximum(length // size, 1)
    # the largest i with i * length // n <= place
    return ((place + 1) * n - 1) // length
