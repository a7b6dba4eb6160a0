"""The blocks, groups or polygons that pixels of a split lie in, for cross-validation inside the training side."""

import numpy as np
from numpy.typing import NDArray

from workbench.splits.cells import number_blocks
from workbench.splits.pixel_graph import components
from workbench.splits.pool import Pool
from workbench.splits.split import Split

WITHOUT = ("random", "probability")


def units_of(split: Split, positions: NDArray[np.int32]) -> NDArray[np.int64] | None:
    """Number of the unit that each pixel lies in: pixels of one unit should stay together.

    Of `groups` the units are the groups of tiles, of `blocks` its blocks; of `polygons` and `regions` joined pixels of one
    class on one side. Of the others, and where training was thinned so that nothing is joined, blocks of
    3 x patch_size pixels, as the validation of `official` has them.

    Args:
        split: The split.
        positions: int32 `(n, 3)`: tile, row, column.

    Returns:
        int64 `(n,)`; None for `random` and `probability`, which have no units.
    """
    if split.protocol in WITHOUT:
        return None
    if split.protocol == "groups":
        _, group = np.unique([tile.unit for tile in split.tiles], return_inverse=True)
        return np.asarray(group[positions[:, 0]], np.int64)
    thinned = split.parameters.get("train_per_class") is not None or "subset_fraction" in split.parameters
    if split.protocol in ("polygons", "regions") and not thinned:
        return _joined(split, positions)
    size = int(split.parameters.get("block_size") or 3 * split.patch_size)
    pool = Pool(split.tiles, positions, np.zeros(len(positions), np.uint16), split.names, split.scene_hash)
    return number_blocks(pool, size)[0]


def _joined(split: Split, positions: NDArray[np.int32]) -> NDArray[np.int64]:
    """Joined pixels of one class, side by side: sides are never joined with each other."""
    found = np.full(len(positions), -1, np.int64)
    first = 0
    for sample in split.sides.values():
        if not len(sample):
            continue
        part = components(Pool(split.tiles, sample.positions, sample.labels, split.names, split.scene_hash))
        place = {tuple(where): number for where, number in zip(sample.positions.tolist(), part.tolist(), strict=True)}
        for index, where in enumerate(positions.tolist()):
            if (number := place.get(tuple(where))) is not None:
                found[index] = first + number
        first += int(part.max()) + 1
    alone = np.flatnonzero(found < 0)  # on no side
    found[alone] = first + np.arange(alone.size)
    return found
