"""Protocol `blocks`: whole grid blocks train or test, with a buffer so that no two patch windows meet.

Test pixels are kept clear of training and validation pixels alike, so that the test side does not depend on how
validation is chosen; validation pixels are then kept clear of training pixels. Blocks lie within a tile; pixels of
different tiles are never buffered against each other (the protocol `groups` keeps neighbouring tiles together).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from workbench.base.errors import WorkbenchError
from workbench.splits.assignment import Sides, search, shared, validation_score
from workbench.splits.parameters import SplitParameters
from workbench.splits.pool import Pool
from workbench.splits.sides import LEFT_OUT, TEST, TRAIN, VALIDATION, Assigned
from workbench.splits.windows import inside_windows

STARTS = 48


class BlocksParameters(SplitParameters):
    """Parameters of `blocks`; see `make_split`."""

    test_fraction: float = Field(default=0.5, gt=0, lt=1)
    buffer: int | None = Field(default=None, ge=0)
    block_size: int | None = Field(default=None, ge=1)


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


def assign_blocks(pool: Pool, parameters: BlocksParameters, patch_size: int, seed: int) -> Assigned:
    """Assign whole blocks, then drop the pixels that the buffer asks for.

    Raises:
        WorkbenchError: Blocks are narrower than the buffer, or fewer than two hold labels.
    """
    buffer = patch_size - 1 if parameters.buffer is None else parameters.buffer
    size = 3 * patch_size if parameters.block_size is None else parameters.block_size
    if size < max(buffer, 1):
        raise WorkbenchError(
            f"While splitting into blocks: a block of {size} pixels is narrower than the buffer of {buffer}. "
            f"Choose block_size >= {buffer} (3 x patch_size = {3 * patch_size} is usual)."
        )
    block, grids = number_blocks(pool, size)
    used, block_index = np.unique(block, return_inverse=True)
    if used.size < 2:
        raise WorkbenchError(
            f"While splitting into blocks of {size} pixels: all labels lie in one block. "
            "Choose a smaller block_size, or the protocol 'random'."
        )
    cells = count_cells(pool, block, used, grids, buffer)
    random = np.random.default_rng(seed)
    total = np.bincount(pool.class_index).astype(float)

    def test_score(test: Sides) -> float:
        train_counts, test_counts = cells.counts(~test, test, total.size)
        return float(shared(train_counts / total, test_counts / total, parameters.test_fraction).sum())

    starts = _starts(grids, used, parameters.test_fraction, random)
    test = search(test_score, starts, random)
    validation = choose_validation(cells, ~test, total.size, parameters.validation_fraction, grids, used, random)

    side = np.full(len(pool.labels), TRAIN, np.int8)
    side[test[block_index]] = TEST
    side[validation[block_index]] = VALIDATION
    if buffer:  # test against training and validation first, then validation against training
        tests, others = np.flatnonzero(side == TEST), pool.positions[side != TEST]
        side[tests[inside_windows(pool.positions[tests], others, buffer, buffer)]] = LEFT_OUT
        validations = np.flatnonzero(side == VALIDATION)
        near = inside_windows(pool.positions[validations], pool.positions[side == TRAIN], buffer, buffer)
        side[validations[near]] = LEFT_OUT
    notes = []
    if buffer < patch_size - 1:
        notes.append(f"the buffer of {buffer} is below patch_size - 1 = {patch_size - 1}: patch windows can overlap")
    return Assigned(side, buffer, notes=tuple(notes), resolved={"buffer": buffer, "block_size": size})


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
    cells: Cells,
    training: Sides,
    classes: int,
    fraction: float,
    grids: list[Grid],
    used: NDArray[np.int64],
    random: np.random.Generator,
) -> Sides:
    """Blocks of the training side that validate; none where no class can spare one."""
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

    starts = [none, *(start & training for start in _starts(grids, used, fraction, random))]
    return search(score, starts, random)


def _starts(grids: list[Grid], used: NDArray[np.int64], fraction: float, random: np.random.Generator) -> list[Sides]:
    """Candidate assignments: smooth random fields over the block grids, cut at the wanted share.

    Fields of different smoothness give scattered blocks (even classes) and clumps (little lost to the buffer).
    """
    starts = []
    for number in range(STARTS):
        sigma = (0.0, 0.7, 1.5)[number % 3]
        fields = [ndimage.gaussian_filter(random.standard_normal(grid.shape), sigma).ravel() for grid in grids]
        field = np.concatenate(fields)[used]
        many = int(np.clip(round(fraction * field.size), 1, field.size - 1))
        start = np.zeros(field.size, bool)
        start[np.argsort(field, kind="stable")[:many]] = True
        starts.append(start)
    return starts
