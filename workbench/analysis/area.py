"""Accuracy of a map and areas of its classes, with confidence intervals, from a sample of interpreted points.

Olofsson et al. (2014), Good practices for estimating area and assessing accuracy of land change, Remote Sensing of
Environment 148:42-57; equation numbers are theirs. Their error matrix has the map in rows and the reference in
columns. **Ours has the reference in rows and the map in columns**: it is transposed here, on the way in and out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.base.errors import WorkbenchError

Z = 1.96
"""Standard errors on either side of a 95 % confidence interval, as the paper rounds it."""

MAPPED = "mapped area (pixel count), not an estimate"
"""What faces call the pixels that a map shows of a class: a count, which the map's errors bias."""

FLAT = "the points show no spread: the interval says too little"
"""Why an interval of ± 0 from a part of the pixels must not be believed."""


@dataclass(frozen=True)
class Estimate:
    """A figure from a sample.

    Attributes:
        value: The estimate, None where the sample cannot tell.
        se: Its standard error, None where the sample cannot tell.
        reason: Why one of them is None, or how the interval must not be read; else empty.
    """

    value: float | None
    se: float | None
    reason: str = ""

    @property
    def margin(self) -> float | None:
        """Half the width of the 95 % confidence interval."""
        return None if self.se is None else Z * self.se

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return {"estimate": self.value, "se": self.se, "margin_95": self.margin, "reason": self.reason}


@dataclass(frozen=True, eq=False)
class AreaEstimate:
    """Accuracy and area, each with its standard error; per-class figures follow the order of `classes`.

    Attributes:
        classes: Class values.
        counts: Interpreted points, int64 (K, K), rows reference, columns map.
        mapped: Mapped area of each class, (K,), in pixels or any unit of area: a count, not an estimate.
        proportions: Estimated shares of the area, (K, K), rows reference, columns map (equation 4, transposed); None
            where a class of the map has no point.
        overall: Overall accuracy, share of the area (equations 1 and 5).
        users: User's accuracy (equations 2 and 6).
        producers: Producer's accuracy (equations 3 and 7).
        shares: Share of the area that is of the class, by the reference (equations 9 and 10).
        corrected: Whether the correction for finite strata was applied.
    """

    classes: tuple[int, ...]
    counts: NDArray[np.int64]
    mapped: NDArray[np.float64]
    proportions: NDArray[np.float64] | None
    overall: Estimate
    users: tuple[Estimate, ...]
    producers: tuple[Estimate, ...]
    shares: tuple[Estimate, ...]
    corrected: bool

    @property
    def total(self) -> float:
        """The whole mapped area, in the unit of `mapped`."""
        return float(self.mapped.sum())

    def areas(self, unit: float = 1.0) -> tuple[Estimate, ...]:
        """Area of each class by the reference (equation 11).

        Args:
            unit: What one unit of `mapped` is in the wished one, such as hectares of a pixel.
        """
        whole = self.total * unit
        return tuple(
            Estimate(
                None if share.value is None else share.value * whole,
                None if share.se is None else share.se * whole,
                share.reason,
            )
            for share in self.shares
        )

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return {
            "classes": list(self.classes),
            "counts": self.counts.tolist(),
            "mapped": self.mapped.tolist(),
            "proportions": None if self.proportions is None else self.proportions.tolist(),
            "overall": self.overall.to_dict(),
            "users": [figure.to_dict() for figure in self.users],
            "producers": [figure.to_dict() for figure in self.producers],
            "shares": [figure.to_dict() for figure in self.shares],
            "corrected": self.corrected,
        }


def estimate_area(
    counts: ArrayLike, mapped: ArrayLike, classes: Sequence[int], corrected: bool = False
) -> AreaEstimate:
    """Accuracy and area from points drawn at random within each class of the map (the strata).

    Args:
        counts: Points, (K, K), **rows reference, columns map** as everywhere here; the paper has them transposed.
        mapped: Mapped area of each class, (K,), pixels or any unit of area; 0 for classes that the map never shows but
            the reference may.
        classes: Class values of rows and columns.
        corrected: Whether variances are multiplied by 1 - n / N in each stratum (the finite population correction;
            Cochran 1977, Sampling Techniques, theorem 5.3). It needs `mapped` in pixels. The paper leaves it out:
            its strata are large. A stratum of which every pixel was interpreted then adds no uncertainty, and one
            of a single pixel no gap.

    Raises:
        WorkbenchError: Shapes do not fit, there is no mapped area, counts are no whole numbers from 0, points lie in a
            class without mapped area, or, corrected, a stratum has more points than pixels.
    """
    given, area, values = _checked(counts, mapped, classes, corrected)
    sampled = given.T.astype(np.float64)  # the paper's: rows map, columns reference
    points = sampled.sum(axis=1)
    weight = area / area.sum()
    strata = weight > 0
    unseen = [values[h] for h in np.flatnonzero(strata & (points == 0))]
    left = 1 - points / np.maximum(area, 1) if corrected else np.ones_like(area)
    alone = [values[h] for h in np.flatnonzero(strata & (points == 1) & (left > 0))]
    within = sampled / np.maximum(points, 1)[:, None]  # n_ij / n_i.
    # each stratum's part of equations 5, 6, 7 and 10; no part where all of it is known
    spread = left[:, None] * within * (1 - within) / np.maximum(points - 1, 1)[:, None]
    proportions = weight[:, None] * within  # equation 4
    column = proportions.sum(axis=0)  # equation 9
    some = bool((left[strata] > 0).any())  # pixels that nobody interpreted
    whole = _gap(unseen, "no interpreted point") if unseen else ""
    unsure = _gap(alone, "a single interpreted point, of which no variance can be told") if alone else ""
    users, producers, shares = [], [], []
    for j in range(len(values)):
        users.append(_users(j, strata, points, within, spread, left))
        if whole:
            producers.append(Estimate(None, None, whole))
            shares.append(Estimate(None, None, whole))
            continue
        share = float(np.sqrt((weight**2 * spread[:, j]).sum()))  # equation 10
        note = unsure
        if some and not note and not share:
            note = FLAT if column[j] else "no interpreted point is of the class: the interval says too little"
        shares.append(Estimate(float(column[j]), None if unsure else share, note))
        producers.append(_producers(j, area, column, within, spread, unsure, some))
    diagonal = np.arange(len(values))
    variance = (weight**2 * spread[diagonal, diagonal]).sum()  # equation 5
    overall = Estimate(
        None if whole else float(proportions.trace()),  # equation 1
        None if whole or unsure else float(np.sqrt(variance)),
        whole or unsure or (FLAT if some and not variance else ""),
    )
    return AreaEstimate(
        classes=tuple(values),
        counts=given,
        mapped=area,
        proportions=None if whole else proportions.T,  # ours: rows reference, columns map
        overall=overall,
        users=tuple(users),
        producers=tuple(producers),
        shares=tuple(shares),
        corrected=corrected,
    )


def _users(
    i: int,
    strata: NDArray[np.bool_],
    points: NDArray[np.float64],
    within: NDArray[np.float64],
    spread: NDArray[np.float64],
    left: NDArray[np.float64],
) -> Estimate:
    """Equations 2 and 6."""
    if not strata[i]:
        return Estimate(None, None, "the map never shows the class")
    if not points[i]:
        return Estimate(None, None, "no interpreted point where the map shows the class")
    if points[i] == 1 and left[i] > 0:
        return Estimate(float(within[i, i]), None, "a single interpreted point where the map shows the class")
    note = ""
    if within[i, i] in (0, 1) and left[i] > 0:
        kind = "wrong" if within[i, i] == 1 else "right"
        # Hanley and Lippman-Hand (1983), JAMA 249:1743: the rule of three
        note = f"none of {int(points[i])} points is {kind}: up to {min(3 / points[i], 1):.0%} may be"
    return Estimate(float(within[i, i]), float(np.sqrt(spread[i, i])), note)


def _producers(
    j: int,
    area: NDArray[np.float64],
    column: NDArray[np.float64],
    within: NDArray[np.float64],
    spread: NDArray[np.float64],
    unsure: str,
    some: bool,
) -> Estimate:
    """Equations 3 and 7."""
    if not column[j]:
        return Estimate(None, None, "no interpreted point is of the class")
    total = column[j] * area.sum()  # the paper's N_.j
    value = float(area[j] * within[j, j] / total)
    if unsure:
        return Estimate(value, None, unsure)
    others = np.arange(len(area)) != j
    variance = (area[j] * (1 - value)) ** 2 * spread[j, j] + value**2 * (area[others] ** 2 * spread[others, j]).sum()
    error = float(np.sqrt(variance) / total)
    # nothing is found of a class that the map never shows, which needs no points; 1 - value is off 0 by rounding
    flat = some and area[j] > 0 and error < 1e-9
    return Estimate(value, error, FLAT if flat else "")


def _gap(classes: Sequence[int], what: str) -> str:
    return f"{what} where the map shows class {', '.join(map(str, classes))}"


def _checked(
    counts: ArrayLike, mapped: ArrayLike, classes: Sequence[int], corrected: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64], list[int]]:
    doing = "While estimating accuracy and area"
    raw, area = np.asarray(counts), np.asarray(mapped, np.float64)
    values = [int(value) for value in classes]
    if raw.shape != (len(values), len(values)) or area.shape != (len(values),) or len(set(values)) != len(values):
        raise WorkbenchError(
            f"{doing}: the matrix has shape {raw.shape} and the mapped areas {area.shape} for the classes {values}; "
            "they must be (K, K) and (K,) for K different classes."
        )
    given = raw.astype(np.int64) if np.isfinite(raw.astype(np.float64)).all() else np.full(raw.shape, -1)
    if (given != raw).any() or (given < 0).any():
        raise WorkbenchError(f"{doing}: the matrix must count points, whole numbers from 0.")
    if not np.isfinite(area).all() or (area < 0).any() or not area.sum():
        raise WorkbenchError(f"{doing}: mapped areas must be numbers from 0 that are not all 0, not {area.tolist()}.")
    points = given.sum(axis=0)
    nowhere = [values[h] for h in np.flatnonzero((points > 0) & (area == 0))]
    if nowhere:
        raise WorkbenchError(
            f"{doing}: points lie where the map shows class {nowhere[0]}, whose mapped area is 0. Rows must be the "
            "reference and columns the map; is the matrix transposed?"
        )
    if corrected and (points > area).any():
        worst = int((points - area).argmax())
        raise WorkbenchError(
            f"{doing}: class {values[worst]} has {points[worst]} points but {area[worst]:g} pixels; the correction for "
            "finite strata needs mapped areas in pixels."
        )
    given.setflags(write=False)
    return given, area, values
