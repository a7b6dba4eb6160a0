"""Class-aware assignment of units (blocks, groups) to two sides: scored random starts, then single flips."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

Sides = NDArray[np.bool_]  # one element per unit: True on the second side (test, or validation)
FLIPS = 2500


def search(score: Callable[[Sides], float], starts: Iterable[Sides], random: np.random.Generator) -> Sides:
    """The best start, improved by flipping one unit at a time until no flip helps.

    Args:
        score: Higher is better; minus infinity forbids an assignment.
        starts: Candidate assignments, bool (units,); at least one.
        random: Source of the order of flips; the result is a function of its state.

    Returns:
        bool (units,).
    """
    best, best_score = None, -np.inf
    for candidate in starts:
        value = score(candidate)
        if best is None or value > best_score:
            best, best_score = candidate.copy(), value
    assert best is not None
    spent, improved = 0, True
    while improved and spent < FLIPS:
        improved = False
        for unit in random.permutation(best.size):
            best[unit] = not best[unit]
            value = score(best)
            spent += 1
            if value > best_score:
                best_score, improved = value, True
            else:
                best[unit] = not best[unit]
    return best


def shared(first: NDArray[np.float64], second: NDArray[np.float64], fraction: float) -> NDArray[np.float64]:
    """How well each class is shared out: first^(1-f) * second^f.

    It is zero where a side has none, highest where the second side has the share `fraction`, and pays for pixels
    lost to the buffer; one number per class, so that a rare class counts as much as a common one.

    Args:
        first: Share of each class's pixels on the first side, (K,), 0 to 1.
        second: The same for the second side.
        fraction: Wanted share of the second side.
    """
    result: NDArray[np.float64] = first ** (1 - fraction) * second**fraction
    return result


def validation_score(
    train: NDArray[np.float64], validation: NDArray[np.float64], before: NDArray[np.float64], fraction: float
) -> float:
    """Score of moving units from training to validation.

    A class that would lose more than half of its training pixels forbids the move: training comes first.

    Args:
        train: Training pixels of each class after the move, (K,).
        validation: Validation pixels that survive the buffer, (K,).
        before: Training pixels before the move, (K,), positive.
        fraction: Wanted share of validation.
    """
    if (train < before / 2).any():
        return -np.inf
    # The floor keeps a gradient where a class has no validation unit yet.
    return float(shared(train / before, np.maximum(validation / before, 1e-3), fraction).sum())


def search_folds(
    score: Callable[[Sides], float], starts: Iterable[NDArray[np.int64]], folds: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """The best start, improved by moving one unit at a time to another fold until no move helps.

    Args:
        score: Of the units of one fold as the second side; the sum over folds is what counts.
        starts: Candidate folds of each unit, int64 (units,), 0 to `folds` - 1; at least one.
        folds: Number of folds.
        random: Source of the order of moves; the result is a function of its state.

    Returns:
        int64 (units,).
    """
    best, values = None, np.full(folds, -np.inf)
    for candidate in starts:
        found = np.array([score(candidate == fold) for fold in range(folds)])
        if best is None or found.sum() > values.sum():
            best, values = candidate.copy(), found
    assert best is not None
    spent, improved = 0, True
    while improved and spent < FLIPS:
        improved = False
        for unit in random.permutation(best.size):
            old = best[unit]
            for new in random.permutation(folds):
                if new == old:
                    continue
                best[unit] = new
                pair = score(best == old), score(best == new)
                spent += 1
                if sum(pair) > values[old] + values[new]:
                    values[old], values[new] = pair
                    improved = True
                    break
                best[unit] = old
    return best
