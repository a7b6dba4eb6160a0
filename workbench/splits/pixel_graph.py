"""Labelled pixels as a graph: neighbours of one class are joined. Its parts are the fields, crowns and roofs of a map."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from workbench.splits.pool import Pool


def pixel_graph(pool: Pool) -> sparse.csr_array:
    """Steps between neighbouring pixels (also by corners) of one class and tile.

    Returns:
        Symmetric sparse matrix (n, n) of distances: 1, or the square root of 2 by corners.
    """
    size = len(pool.labels)
    starts, ends, lengths = [], [], []
    for tile, grid in enumerate(pool.tiles):
        first, last = np.searchsorted(pool.positions[:, 0], [tile, tile + 1])
        if first == last:
            continue
        row, col = pool.positions[first:last, 1], pool.positions[first:last, 2]
        index = np.full((grid.shape[0] + 2, grid.shape[1] + 2), -1, np.int64)  # an edge of nothing all around
        index[row + 1, col + 1] = np.arange(first, last)
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
            other = index[row + 1 + down, col + 1 + right]
            mine = np.arange(first, last)
            joined = (other >= 0) & (pool.labels[other] == pool.labels[mine])
            starts.append(mine[joined])
            ends.append(other[joined])
            lengths.append(np.full(int(joined.sum()), np.hypot(down, right)))
    one, other, length = map(np.concatenate, (starts, ends, lengths))
    where = (np.concatenate([one, other]), np.concatenate([other, one]))
    return sparse.csr_array((np.concatenate([length, length]), where), shape=(size, size))


def components(pool: Pool) -> NDArray[np.int64]:
    """Number of the connected part of each pixel: 8-connected pixels of one class in one tile; int64 (n,)."""
    _, part = sparse.csgraph.connected_components(pixel_graph(pool), directed=False)
    return np.asarray(part, np.int64)
