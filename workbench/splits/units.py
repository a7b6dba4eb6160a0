"""The blocks or groups that pixels of a split lie in, for cross-validation inside the training side."""

import numpy as np
from numpy.typing import NDArray

from workbench.splits.blocks import number_blocks
from workbench.splits.pool import Pool
from workbench.splits.split import Split


def units_of(split: Split, positions: NDArray[np.int32]) -> NDArray[np.int64] | None:
    """Number of the unit that each pixel lies in: pixels of one unit should stay together.

    Of `groups` the units are the groups of tiles, of `blocks` its blocks, of `official` blocks of 3 x patch_size pixels,
    as its own validation has them.

    Args:
        split: The split.
        positions: int32 `(n, 3)`: tile, row, column.

    Returns:
        int64 `(n,)`; None for `random`, which has no units.
    """
    if split.protocol == "random":
        return None
    if split.protocol == "groups":
        _, group = np.unique([tile.unit for tile in split.tiles], return_inverse=True)
        return np.asarray(group[positions[:, 0]], np.int64)
    size = int(split.parameters.get("block_size") or 3 * split.patch_size)
    pool = Pool(split.tiles, positions, np.zeros(len(positions), np.uint16), split.names, split.scene_hash)
    return number_blocks(pool, size)[0]
