"""Protocol `groups`: whole groups of tiles train or test, for collections."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from workbench.base.errors import WorkbenchError
from workbench.splits.assignment import Sides, search, shared, validation_score
from workbench.splits.parameters import FoldedParameters
from workbench.splits.pool import Pool
from workbench.splits.sides import TEST, TRAIN, VALIDATION, Assigned

STARTS = 400


class GroupsParameters(FoldedParameters):
    """Parameters of `groups`; see `make_split`."""

    min_pixels: int = Field(default=100, ge=1)
    min_groups: int = Field(default=2, ge=1)


def assign_groups(pool: Pool, parameters: GroupsParameters, patch_size: int, seed: int) -> Assigned:
    """Assign whole groups so that as many classes as possible meet the minima on both sides, evenly shared.

    With `folds`, groups are dealt out to so many folds instead and one of them tests; the seed deals, so that the folds
    of one seed test every pixel once.

    Raises:
        WorkbenchError: Fewer than two groups hold labels, or there are not as many folds.
    """
    units = np.array([tile.unit for tile in pool.tiles])[pool.positions[:, 0]]
    names, unit = np.unique(units, return_inverse=True)
    if names.size < 2:
        raise WorkbenchError(
            f"While splitting by groups: labels lie in one group only ({str(names[0])!r}). "
            "Use the protocol 'blocks' for a single scene."
        )
    values = pool.values
    counts = np.zeros((names.size, values.size))
    np.add.at(counts, (unit, pool.class_index), 1)
    random = np.random.default_rng(seed)
    if parameters.folds:
        return _assign_fold(pool, parameters, counts, unit, random)
    total = counts.sum(0)

    def kept(test: Sides) -> NDArray[np.bool_]:
        enough = np.ones(values.size, bool)
        for side in (test, ~test):
            enough &= counts[side].sum(0) >= parameters.min_pixels
            enough &= (counts[side] > 0).sum(0) >= parameters.min_groups
        return enough

    def test_score(test: Sides) -> float:
        good = shared(counts[~test].sum(0) / total, counts[test].sum(0) / total, parameters.test_fraction)
        # A class that is kept outweighs any gain in balance; a class that is not still pulls a little.
        return float((kept(test) * (1 + good) + 0.1 * good).sum())

    test = search(test_score, _starts(names.size, parameters.test_fraction, random), random)
    enough = kept(test)
    dropped = {int(values[index]): _reason(counts[:, index], test, parameters) for index in np.flatnonzero(~enough)}
    validation = np.zeros_like(test)
    if parameters.validation_fraction and enough.any():
        validation = _choose_validation(counts[:, enough], ~test, parameters.validation_fraction, random)
    side = np.full(len(pool.labels), TRAIN, np.int8)
    side[test[unit]] = TEST
    side[validation[unit]] = VALIDATION
    return Assigned(side, dropped=dropped)


def _assign_fold(
    pool: Pool,
    parameters: GroupsParameters,
    counts: NDArray[np.float64],
    unit: NDArray[np.int64],
    random: np.random.Generator,
) -> Assigned:
    """One fold tests, all others train. A class must stand in two folds, so that each can be learnt without the other."""
    asked = (
        f"While splitting by groups: fold {parameters.fold} of {parameters.folds} was asked for (folds count from 0)"
    )
    if not 2 <= parameters.folds <= len(counts) or parameters.fold >= parameters.folds:
        raise WorkbenchError(f"{asked}, and {len(counts)} groups hold labels. Ask for 2 to {len(counts)} folds.")
    dealt = random.permutation(len(counts))
    while True:  # a group whose every class is dropped would make a fold of nothing
        fold_of = np.full(len(counts), -1)
        fold_of[dealt] = np.arange(len(dealt)) % parameters.folds
        enough = np.zeros(counts.shape[1], bool)
        for index in range(counts.shape[1]):
            holds = (counts[:, index] >= parameters.min_pixels) & (fold_of >= 0)
            enough[index] = holds.sum() >= parameters.min_groups and np.unique(fold_of[holds]).size >= 2
        useful = counts[dealt][:, enough].sum(1) > 0
        if useful.all():
            break
        dealt = dealt[useful]
    if len(dealt) < parameters.folds:
        enough_is = f"at least {parameters.min_pixels} pixels in each of {parameters.min_groups} groups, in two folds"
        fewer = f"Ask for 2 to {len(dealt)} folds" if len(dealt) > 1 else "Ask for other folds"
        raise WorkbenchError(
            f"{asked}, and {len(dealt)} groups hold classes of {enough_is}. {fewer}, or a smaller min_pixels or min_groups."
        )
    test = fold_of == parameters.fold
    validation = np.zeros_like(test)
    if parameters.validation_fraction:
        validation = _choose_validation(counts[:, enough], ~test, parameters.validation_fraction, random)
    side = np.full(len(pool.labels), TRAIN, np.int8)
    side[test[unit]] = TEST
    side[validation[unit]] = VALIDATION
    dropped = {
        int(pool.values[index]): f"{int(counts[:, index].sum())} pixels in {int((counts[:, index] > 0).sum())} groups; "
        f"needs {parameters.min_pixels} pixels in each of {parameters.min_groups} groups, in two folds"
        for index in np.flatnonzero(~enough)
    }
    note = f"fold {parameters.fold + 1} of {parameters.folds}: score all folds of one seed together"
    return Assigned(side, dropped=dropped, notes=(note,), untested=True)


def _choose_validation(
    counts: NDArray[np.float64], training: Sides, fraction: float, random: np.random.Generator
) -> Sides:
    """Groups of the training side that validate; none where no class can spare one."""
    before = counts[training].sum(0)

    def score(validation: Sides) -> float:
        if (validation & ~training).any():
            return -np.inf
        return validation_score(counts[training & ~validation].sum(0), counts[validation].sum(0), before, fraction)

    starts = [start & training for start in _starts(training.size, fraction, random)]
    return search(score, [np.zeros_like(training), *starts], random)


def _starts(units: int, fraction: float, random: np.random.Generator) -> list[Sides]:
    many = int(np.clip(round(fraction * units), 1, units - 1))
    starts = np.zeros((STARTS, units), bool)
    for start in starts:
        start[random.permutation(units)[:many]] = True
    return list(starts)


def _reason(count: NDArray[np.float64], test: Sides, parameters: GroupsParameters) -> str:
    def words(side: Sides) -> str:
        return f"{int(count[side].sum())} pixels in {int((count[side] > 0).sum())} groups"

    least = f"{parameters.min_pixels} pixels in {parameters.min_groups} groups"
    return f"training {words(~test)}, test {words(test)}; each needs {least}"
