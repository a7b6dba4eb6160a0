"""Wilcoxon's signed rank test of two models over splits."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.base.errors import WorkbenchError

DIGITS = 12  # scores that differ by less are the same: sums of floats differ in their last digits
TIED_UP_TO = 15  # pairs up to which ties are enumerated: 2^15 sign changes


@dataclass(frozen=True)
class PairedWilcoxon:
    """What the test found.

    Attributes:
        n: Pairs of scores, one per split.
        zeros: Pairs without a difference; they are left out of the ranks.
        mean_difference: Mean of first minus second; None without pairs.
        statistic: The smaller sum of ranks; None where there was nothing to test.
        p: Two-sided p-value; 1 where no split has a difference; None where `reason` says why there is none.
        smallest_p: What p is where every one of the n pairs differs and all for the same model: fewer splits than six
            cannot reach 0.05.
        method: `exact` enumeration, `normal` approximation, or `none`.
        reason: Why there is no p-value; empty otherwise.
    """

    n: int
    zeros: int
    mean_difference: float | None
    statistic: float | None
    p: float | None
    smallest_p: float | None
    method: Literal["exact", "normal", "none"]
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return asdict(self)


def paired_wilcoxon(first: ArrayLike, second: ArrayLike) -> PairedWilcoxon:
    """Test whether one of two models scores higher over the same splits.

    Wilcoxon 1945 (Biometrics Bulletin 1:80-83) by scipy. Pairs without a difference are dropped before ranking (scipy's
    `zero_method="wilcox"`, as in the paper); they say that the models are alike, so the smallest p is told for all n
    pairs and p rests on those left. Exact up to 50 pairs, with ties up to 15, by the normal approximation beyond.
    Splits of one scene share pixels, so p is a little too small still (Nadeau and Bengio 2003, Machine Learning
    52:239-281).

    Args:
        first: Score of the first model on each split, (n,); seeds are averaged before.
        second: Of the second, in the same order of splits.

    Raises:
        WorkbenchError: The shapes differ, or a score is not finite.
    """
    one, other = np.asarray(first, float), np.asarray(second, float)
    doing = "While comparing two models over splits"
    if one.shape != other.shape or one.ndim != 1:
        raise WorkbenchError(f"{doing}: scores of shape {one.shape} and {other.shape} are not pairs; give (n,) each.")
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise WorkbenchError(f"{doing}: every split needs a score of both models; leave the others out.")
    n = one.size
    differences = np.round(one - other, DIGITS)
    left = differences[differences != 0]
    mean = float(differences.mean()) if n else None
    smallest = 2.0 ** (1 - n) if n > 1 else None
    if n < 2:
        return PairedWilcoxon(n, n - left.size, mean, None, None, smallest, "none", f"{n} split(s); a test needs two")
    if not left.size:
        return PairedWilcoxon(n, n, mean, None, 1.0, smallest, "none", "no split has a difference")
    statistic, p, method = _test(left)
    return PairedWilcoxon(n, n - left.size, mean, statistic, p, smallest, method)


def _test(differences: NDArray[np.float64]) -> tuple[float, float, Literal["exact", "normal"]]:
    from scipy.stats import PermutationMethod, wilcoxon

    tied = np.unique(np.abs(differences)).size < differences.size
    if tied and differences.size <= TIED_UP_TO:
        # scipy's table of the exact distribution knows no ties; all changes of sign do
        found = wilcoxon(differences, method=PermutationMethod(n_resamples=2**TIED_UP_TO))
        return float(found.statistic), float(found.pvalue), "exact"
    found = wilcoxon(differences)
    exact = not tied and differences.size <= 50
    return float(found.statistic), float(found.pvalue), "exact" if exact else "normal"
