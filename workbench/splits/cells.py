"""Blocks of a grid, and labelled pixels counted by block, class and the neighbours that the buffer reaches."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.splits.assignment import Sides, search, validation_score
from workbench.splits.pool import Pool
from workbench.splits.windows import inside_windows

STARTS = 48

Starts = Callable[[float], list[Sides]]
"""Candidate assignments that put a given share of the units on the second side."""


class Counted(Protocol):
    """Labelled pixels counted so that any assignment of their units can be scored without touching a raster."""

    def counts(self, first: Sides, second: Sides, classes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Pixels of each class in the units `first`, and those in the units `second` out of reach of `first`."""
        ...


@dataclass(frozen=True, eq=False)
class Cells:
    """Labelled pixels counted by (block, class, which neighbouring blocks lie within the buffer).

    With these, the pixels that survive the buffer under any assignment of blocks are counted without touching a
    raster, which is what makes a search over thousands of assignments quick.

    Attributes:
        block: Block index, (m,).
        kind: Class index, (m,).
        near: Indices of the other blocks with a labelled pixel within the buffer; -1 pads; (9, m).
        count: Pixels, (m,).
    """

    block: NDArray[np.int64]
    kind: NDArray[np.int64]
    near: NDArray[np.int64]
    count: NDArray[np.float64]

    def counts(self, first: Sides, second: Sides, classes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Pixels of each class in the blocks `first`, and those in the blocks `second` out of reach of `first`."""
        reached = np.append(first, False)[self.near].any(0)
        kept = second[self.block] & ~reached
        mine = first[self.block]
        return self._by_class(mine, classes), self._by_class(kept, classes)

    def _by_class(self, which: Sides, classes: int) -> NDArray[np.float64]:
        return np.bincount(self.kind[which], self.count[which], classes).astype(np.float64)


@dataclass(frozen=True)
class Grid:
    """The blocks of one tile, numbered row by row from `first`; all are at least as wide as asked for."""

    first: int
    shape: tuple[int, int]
    row_edges: NDArray[np.int64]
    col_edges: NDArray[np.int64]


def number_blocks(pool: Pool, size: int) -> tuple[NDArray[np.int64], list[Grid]]:
    """Block number of each labelled pixel, and the grids.

    A tile is cut into as many equal blocks of at least `size` pixels as fit, at least one.
    """
    block = np.zeros(len(pool.labels), np.int64)
    grids, first = [], 0
    for index, tile in enumerate(pool.tiles):
        shape = (max(1, tile.shape[0] // size), max(1, tile.shape[1] // size))
        edges = [np.arange(n + 1) * length // n for n, length in zip(shape, tile.shape, strict=True)]
        grids.append(Grid(first, shape, *edges))
        mine = pool.positions[:, 0] == index
        row = np.searchsorted(edges[0], pool.positions[mine, 1], side="right") - 1
        col = np.searchsorted(edges[1], pool.positions[mine, 2], side="right") - 1
        block[mine] = first + row * shape[1] + col
        first += shape[0] * shape[1]
    return block, grids


def count_cells(pool: Pool, block: NDArray[np.int64], used: NDArray[np.int64], grids: list[Grid], buffer: int) -> Cells:
    """Count labelled pixels by block, class and the neighbouring blocks within the buffer.

    Blocks are at least as wide as the buffer, so only the eight neighbours can be reached. Blocks are coloured by
    row and column modulo three; a block and its neighbours have nine different colours, so one window test per
    colour finds which neighbours reach a pixel.
    """
    tile = pool.positions[:, 0]
    first = np.array([grid.first for grid in grids])[tile]
    height, width = np.array([grid.shape for grid in grids])[tile].T
    row, col = (block - first) // width, (block - first) % width
    colour = row % 3 * 3 + col % 3
    reached = np.zeros(len(block), np.int64)  # bit i: the neighbour of colour i reaches the pixel
    for other in range(9 if buffer else 0):
        down, right = _way_to(other, row, col)
        there = (row + down >= 0) & (row + down < height) & (col + right >= 0) & (col + right < width)
        candidates = np.flatnonzero(there & (colour != other))
        reach = inside_windows(pool.positions[candidates], pool.positions[colour == other], buffer, buffer)
        reached[candidates[reach]] |= 1 << other
    kinds = pool.values.size
    keys = (np.searchsorted(used, block) * kinds + pool.class_index) * 512 + reached
    cells, pixel, count = np.unique(keys, return_index=True, return_counts=True)
    near = np.full((9, cells.size), -1, np.int64)
    for other in range(9):
        hit = (cells >> other & 1).astype(bool)
        one = pixel[hit]
        down, right = _way_to(other, row[one], col[one])
        near[other, hit] = np.searchsorted(used, first[one] + (row[one] + down) * width[one] + col[one] + right)
    return Cells(cells // 512 // kinds, cells // 512 % kinds, near, count.astype(np.float64))


def _way_to(colour: int, row: NDArray[np.int64], col: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Steps down and right from blocks to their neighbours of a colour, each -1, 0 or 1."""
    return (colour // 3 - row + 1) % 3 - 1, (colour % 3 - col + 1) % 3 - 1


def choose_validation(
    cells: Counted, training: Sides, classes: int, fraction: float, starts: Starts, random: np.random.Generator
) -> Sides:
    """Units of the training side that validate; none where no class can spare one."""
    none = np.zeros_like(training)
    if not fraction:
        return none
    before, _ = cells.counts(training, none, classes)
    present = before > 0

    def score(validation: Sides) -> float:
        if (validation & ~training).any():
            return -np.inf
        train, kept = cells.counts(training & ~validation, validation, classes)
        return validation_score(train[present], kept[present], before[present], fraction)

    return search(score, [none, *(start & training for start in starts(fraction))], random)


def block_starts(grids: list[Grid], used: NDArray[np.int64], random: np.random.Generator) -> Starts:
    """Starts from smooth random fields over the block grids, cut at the wanted share."""

    def starts(fraction: float) -> list[Sides]:
        cut = []
        for field in smooth_fields(grids, used, random):
            many = int(np.clip(round(fraction * field.size), 1, field.size - 1))
            start = np.zeros(field.size, bool)
            start[np.argsort(field, kind="stable")[:many]] = True
            cut.append(start)
        return cut

    return starts


def smooth_fields(grids: list[Grid], used: NDArray[np.int64], random: np.random.Generator) -> list[NDArray[np.float64]]:
    """A random value for each block in use, many times over.

    Fields of different smoothness give scattered blocks (even classes) and clumps (little lost to the buffer).
    """
    drawn = []
    for number in range(STARTS):
        sigma = (0.0, 0.7, 1.5)[number % 3]
        fields = [ndimage.gaussian_filter(random.standard_normal(grid.shape), sigma).ravel() for grid in grids]
        drawn.append(np.concatenate(fields)[used])
    return drawn
