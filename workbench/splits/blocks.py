"""Protocol `blocks`: whole grid blocks train or test, with a buffer so that no two patch windows meet.

Test pixels are kept clear of training and validation pixels alike, so that the test side does not depend on how
validation is chosen; validation pixels are then kept clear of training pixels. Blocks lie within a tile; pixels of
different tiles are never buffered against each other (the protocol `groups` keeps neighbouring tiles together).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from workbench.base.errors import WorkbenchError
from workbench.splits.assignment import Sides, search, search_folds, shared
from workbench.splits.buffer import buffer_notes, drop_near, nominal_buffer
from workbench.splits.cells import (
    Cells,
    Grid,
    block_starts,
    choose_validation,
    count_cells,
    number_blocks,
    smooth_fields,
)
from workbench.splits.parameters import FoldedParameters
from workbench.splits.pool import Pool
from workbench.splits.sides import TEST, TRAIN, VALIDATION, Assigned


class BlocksParameters(FoldedParameters):
    """Parameters of `blocks`; see `make_split`."""

    buffer: int | None = Field(default=None, ge=0)
    block_size: int | None = Field(default=None, ge=1)

    def recorded(self) -> dict[str, Any]:
        """As kept with the split; without folds nothing is said of them, as before there were any."""
        return self.model_dump(exclude=None if self.folds else {"folds", "fold"})


def assign_blocks(pool: Pool, parameters: BlocksParameters, patch_size: int, seed: int) -> Assigned:
    """Assign whole blocks, then drop the pixels that the buffer asks for.

    With `folds`, the blocks are dealt out to so many folds instead and one of them tests; the seed deals, so that in the
    folds of one seed every block tests once.

    Raises:
        WorkbenchError: Blocks are narrower than the buffer, fewer than two hold labels, or there are not as many folds.
    """
    buffer = nominal_buffer(parameters.buffer, patch_size)
    size = max(3 * patch_size, buffer) if parameters.block_size is None else parameters.block_size
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
            "Choose a smaller block_size, or the protocol 'polygons'."
        )
    cells = count_cells(pool, block, used, grids, buffer)
    random = np.random.default_rng(seed)
    starts = block_starts(grids, used, random)
    total = np.bincount(pool.class_index).astype(float)
    dropped: dict[int, str] = {}
    notes: tuple[str, ...] = ()
    if parameters.folds:
        fold_of = _deal(cells, grids, used, parameters, total, random)
        test = fold_of == parameters.fold
        dropped = _of_one_side(pool, cells, fold_of, parameters.folds, total)
        notes = (f"fold {parameters.fold + 1} of {parameters.folds}: score all folds of one seed together",)
    else:

        def test_score(test: Sides) -> float:
            train_counts, test_counts = cells.counts(~test, test, total.size)
            return float(shared(train_counts / total, test_counts / total, parameters.test_fraction).sum())

        test = search(test_score, starts(parameters.test_fraction), random)
    validation = choose_validation(cells, ~test, total.size, parameters.validation_fraction, starts, random)
    side = np.full(len(pool.labels), TRAIN, np.int8)
    side[test[block_index]] = TEST
    side[validation[block_index]] = VALIDATION
    drop_near(pool.positions, side, buffer)
    if not (side == TEST).any():
        raise WorkbenchError(
            f"While splitting into blocks of {size} pixels: the buffer of {buffer} leaves no test pixel. Choose larger "
            "blocks, a smaller buffer or fewer folds."
        )
    return Assigned(
        side,
        buffer,
        dropped=dropped,
        notes=(*notes, *buffer_notes(buffer, patch_size)),
        resolved={"buffer": buffer, "block_size": size},
        untested=bool(parameters.folds),
    )


def _deal(
    cells: Cells,
    grids: list[Grid],
    used: NDArray[np.int64],
    parameters: BlocksParameters,
    total: NDArray[np.float64],
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Fold of each block, so that every class is tested in as many folds as can be, evenly."""
    folds = parameters.folds
    if not 2 <= folds <= used.size or parameters.fold >= folds:
        raise WorkbenchError(
            f"While splitting into blocks: fold {parameters.fold} of {folds} was asked for (folds count from 0), and "
            f"{used.size} blocks hold labels. Ask for 2 to {used.size} folds, or choose a smaller block_size."
        )

    def score(test: Sides) -> float:
        if not test.any():
            return -np.inf
        train_counts, test_counts = cells.counts(~test, test, total.size)
        return float(shared(train_counts / total, test_counts / total, 1 / folds).sum())

    starts = []
    for field in smooth_fields(grids, used, random):
        start = np.empty(used.size, np.int64)
        start[np.argsort(field, kind="stable")] = np.arange(used.size) * folds // used.size
        starts.append(start)
    return search_folds(score, starts, folds, random)


def _of_one_side(
    pool: Pool, cells: Cells, fold_of: NDArray[np.int64], folds: int, total: NDArray[np.float64]
) -> dict[int, str]:
    """Classes that some fold could not learn, or that no fold tests: left out of all folds alike."""
    counts = [cells.counts(fold_of != fold, fold_of == fold, total.size) for fold in range(folds)]
    learnt = np.all([train > 0 for train, _ in counts], axis=0)
    tested = np.any([test > 0 for _, test in counts], axis=0)
    reasons = {}
    for index, value in enumerate(pool.values):
        many = f"({int(total[index])} labelled pixels)"
        if not learnt[index]:
            reasons[int(value)] = f"all in one fold: absent from training where that fold tests {many}"
        elif not tested[index]:
            reasons[int(value)] = f"absent from test in every fold: the buffer reaches all of it {many}"
    return reasons
