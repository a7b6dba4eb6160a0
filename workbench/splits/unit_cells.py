"""Labelled pixels of units of any shape, such as polygons, counted by class and the units that the buffer reaches."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from workbench.splits.assignment import Sides
from workbench.splits.cells import STARTS, Starts
from workbench.splits.pool import Pool


@dataclass(frozen=True, eq=False)
class UnitCells:
    """What `Cells` is for blocks: pixels counted by (unit, class, which other units lie within the buffer).

    Attributes:
        unit: Unit of the cell, (m,).
        kind: Class index, (m,).
        near: Which units have a labelled pixel within the buffer, sparse (m, units).
        count: Pixels, (m,).
    """

    unit: NDArray[np.int64]
    kind: NDArray[np.int64]
    near: Any
    count: NDArray[np.float64]

    def counts(self, first: Sides, second: Sides, classes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Pixels of each class in the units `first`, and those in the units `second` out of reach of `first`."""
        kept = second[self.unit] & (self.near @ first.astype(np.int32) == 0)
        mine = first[self.unit]
        return tuple(  # type: ignore[return-value]  # of two
            np.bincount(self.kind[which], self.count[which], classes).astype(np.float64) for which in (mine, kept)
        )


def count_unit_cells(pool: Pool, unit: NDArray[np.int64], buffer: int) -> UnitCells:
    """Count labelled pixels by unit, class and the other units within the buffer.

    Args:
        pool: The pixels.
        unit: Unit of each pixel, 0 to the number of units - 1, (n,); a unit lies in one tile.
        buffer: Pixels, Chebyshev.
    """
    many, size = int(unit.max()) + 1, len(unit)
    pixels, others = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for mine, reached in _reaches(pool, unit, buffer) if buffer else ():
        pixels.append(reached)
        others.append(np.full(reached.size, mine))
    pixel, other = np.concatenate(pixels), np.concatenate(others)
    near = sparse.csr_array((np.ones(pixel.size, np.int32), (pixel, other)), shape=(size, many))
    # Pixels of one unit and class that are near the same units are one cell: a sum of random words stands for the set.
    words = np.random.default_rng(0).integers(0, 2**63, many, np.uint64)
    key = np.zeros(size, np.uint64)
    np.add.at(key, pixel, words[other])
    kinds = pool.values.size
    rows = np.stack([(unit * kinds + pool.class_index).astype(np.uint64), key], 1)
    _, cell, count = np.unique(rows, axis=0, return_index=True, return_counts=True)
    return UnitCells(unit[cell], pool.class_index[cell], near[cell], count.astype(np.float64))


def _reaches(pool: Pool, unit: NDArray[np.int64], buffer: int) -> Any:
    """Each unit, with the pixels of other units that lie within the buffer of it."""
    for tile, grid in enumerate(pool.tiles):
        first, last = np.searchsorted(pool.positions[:, 0], [tile, tile + 1])
        row, col = pool.positions[first:last, 1], pool.positions[first:last, 2]
        index = np.full(grid.shape, -1, np.int64)
        index[row, col] = np.arange(first, last)
        order = np.argsort(unit[first:last], kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(unit[first:last][order])) + 1) if last > first else ():
            mine = int(unit[first + members[0]])
            top, left = (int(max(axis[members].min() - buffer, 0)) for axis in (row, col))
            window = index[top : int(row[members].max()) + buffer + 1, left : int(col[members].max()) + buffer + 1]
            mask = np.zeros(window.shape, np.uint8)
            mask[row[members] - top, col[members] - left] = 1
            for axis in (0, 1):
                mask = ndimage.maximum_filter1d(mask, 2 * buffer + 1, axis, mode="constant")
            found = window[(mask > 0) & (window >= 0)]
            yield mine, found[unit[found] != mine]


def unit_starts(pool: Pool, unit: NDArray[np.int64], random: np.random.Generator) -> Starts:
    """Starts over units: scattered by chance; by a wave over their places, or by whole tiles (little lost to the buffer)."""
    count = np.bincount(unit)
    place = np.stack([np.bincount(unit, pool.positions[:, axis]) / count for axis in range(3)], 1)
    tile, many_tiles = place[:, 0].round().astype(int), len(pool.tiles)
    scale = np.maximum(np.ptp(place[:, 1:], axis=0), 1).max()

    def starts(fraction: float) -> list[Sides]:
        many = int(np.clip(round(fraction * count.size), 1, count.size - 1))
        drawn = []
        for number in range(STARTS):
            field = random.random(count.size)
            if number % 3 == 1 or (number % 3 == 2 and many_tiles == 1):
                way, shift = random.normal(0, 2 * np.pi / scale, 2), 2 * np.pi * random.random(many_tiles)
                field = np.sin(place[:, 1:] @ way + shift[tile])
            elif number % 3 == 2:
                field = random.permutation(many_tiles)[tile] + field
            start = np.zeros(count.size, bool)
            start[np.argsort(field, kind="stable")[:many]] = True
            drawn.append(start)
        return drawn

    return starts


def sparing(
    starts: Starts, pool: Pool, unit: NDArray[np.int64], training: Sides, random: np.random.Generator
) -> Starts:
    """The same starts among the units that train, without those that would take more than half of a class away.

    With many classes of few units, hardly a start would be allowed as validation otherwise.
    """
    counts = np.zeros((training.size, pool.values.size))
    np.add.at(counts, (unit, pool.class_index), 1)
    before = counts[training].sum(0)

    def spared(fraction: float) -> list[Sides]:
        found = []
        for start in starts(fraction):
            kept = start & training
            loss = counts[kept].sum(0)
            for number in random.permutation(np.flatnonzero(kept)):
                if (loss > before / 2)[counts[number] > 0].any():
                    kept[number] = False
                    loss -= counts[number]
            found.append(kept)
        return found

    return spared
