"""How many points of a stratified sample go to which class of the map."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.base.errors import UnknownNameError, WorkbenchError

RULES = ("proportional", "equal", "neyman")


def allocate(
    pixels: ArrayLike,
    points: int,
    least: int = 25,
    rule: str = "proportional",
    expected: Sequence[float] | None = None,
) -> NDArray[np.int64]:
    """Points for each stratum; together `points`, or every pixel where there are fewer.

    Olofsson et al. (2014, section 5.1) give 50 to 100 points to each rare class and deal out the rest proportionally:
    that is `proportional` with `least`, which serves overall accuracy and areas. `equal` serves the user's accuracy of
    each class. `neyman` (Cochran 1977, Sampling Techniques, equation 5.26) makes the variance of overall accuracy
    smallest, if user's accuracies are as `expected`.

    Args:
        pixels: Pixels of each stratum, (K,); a stratum of 0 gets no point.
        points: Points in all.
        least: Points that each stratum gets at least, or all of its pixels where it has fewer.
        rule: One of `RULES`.
        expected: Expected user's accuracy of each stratum, (K,), for `neyman`.

    Returns:
        Points of each stratum, int64 (K,).

    Raises:
        UnknownNameError: There is no such rule.
        WorkbenchError: There is no pixel, `points` do not suffice for `least` in each stratum, or `neyman` lacks
            expected accuracies between 0 and 1.
    """
    size = np.asarray(pixels, np.int64)
    if rule not in RULES:
        raise UnknownNameError("rule of allocation", rule, RULES)
    if size.ndim != 1 or not size.sum() or (size < 0).any():
        raise WorkbenchError("While dealing out points: the map shows no class. Is it all no-data (0)?")
    floor = np.minimum(max(least, 0), size)
    if points < 1 or floor.sum() > points:
        raise WorkbenchError(
            f"While dealing out points: {int((size > 0).sum())} classes with at least {least} points each (or all of "
            f"their pixels) need {max(int(floor.sum()), 1)} points, not {points}. Ask for more points (--points) or fewer "
            "for each class (--least)."
        )
    points = min(points, int(size.sum()))
    weight = _weights(size, rule, expected)
    # a stratum below its floor gets it, one above its size all of it; the others share what is left
    chosen = np.full(len(size), -1.0)
    while True:
        free = chosen < 0
        left = points - chosen[~free].sum()
        if not free.any() or not weight[free].sum():
            chosen[free] = floor[free]
            break
        share = left * weight / weight[free].sum()
        low, high = free & (share < floor), free & (share > size)
        # fix those on the side that is further off: fixing both at once may hand out too many or too few
        if (floor - share)[low].sum() >= (share - size)[high].sum():
            fixed, value = low, floor
        else:
            fixed, value = high, size
        if not fixed.any():
            chosen[free] = share[free]
            break
        chosen[fixed] = value[fixed]
    return _whole(chosen, points, size)


def _weights(size: NDArray[np.int64], rule: str, expected: Sequence[float] | None) -> NDArray[np.float64]:
    if rule == "equal":
        return (size > 0).astype(np.float64)
    if rule == "proportional":
        return size.astype(np.float64)
    accuracy = np.asarray([] if expected is None else expected, np.float64)
    if accuracy.shape != size.shape or not ((accuracy >= 0) & (accuracy <= 1))[size > 0].all():
        raise WorkbenchError(
            "While dealing out points: 'neyman' needs the expected user's accuracy of each class, from 0 to 1 "
            "(--expect CLASS=0.9); without any, take 'proportional'."
        )
    weight: NDArray[np.float64] = size.astype(np.float64) * np.sqrt(np.where(size > 0, accuracy * (1 - accuracy), 0))
    return weight


def _whole(shares: NDArray[np.float64], points: int, size: NDArray[np.int64]) -> NDArray[np.int64]:
    """Whole numbers that sum to `points`: the largest remainders are rounded up, none beyond its size."""
    whole = np.floor(shares + 1e-9).astype(np.int64)
    order = np.argsort(-(shares - whole), kind="stable")
    while whole.sum() < points:
        for place in order:
            if whole.sum() < points and whole[place] < size[place]:
                whole[place] += 1
    return whole
