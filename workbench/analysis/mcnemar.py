"""McNemar's test: whether two models are right on the same pixels equally often."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from workbench.base.errors import WorkbenchError

EXACT_BELOW = 25
"""Discordant pixels below which the binomial distribution is used itself."""


@dataclass(frozen=True)
class McNemar:
    """What the test found.

    Attributes:
        pixels: Pixels that both models answered.
        both_right: Pixels that both have right.
        only_first: Pixels that only the first has right.
        only_second: Pixels that only the second has right.
        both_wrong: Pixels that both have wrong.
        method: `exact` binomial, `chi-square` with continuity correction, or `none` where nothing was to be tested.
        statistic: The chi-square (1 degree of freedom); None for the others.
        p: Two-sided p-value.
        reason: Why nothing was to be tested; empty otherwise.
    """

    pixels: int
    both_right: int
    only_first: int
    only_second: int
    both_wrong: int
    method: Literal["exact", "chi-square", "none"]
    statistic: float | None
    p: float
    reason: str = ""

    @property
    def discordant(self) -> int:
        """Pixels that only one of the two has right: all that the test looks at."""
        return self.only_first + self.only_second

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return asdict(self)


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> McNemar:
    """Test whether two models have the same accuracy, from which of the same pixels each has right.

    Foody 2004 (Photogrammetric Engineering & Remote Sensing 70:627-633) for maps on the same reference pixels; exact
    where fewer than 25 pixels are discordant, else chi-square with Edwards' continuity correction,
    (|b - c| - 1)^2 / (b + c). The test takes pixels as independent. Neighbours are not, so that it finds differences
    where there are none: read it beside the interval of `block_bootstrap`.

    Args:
        first_right: Whether the first model has each pixel right, bool (n,).
        second_right: The same of the second, for the same pixels in the same order.

    Raises:
        WorkbenchError: The shapes differ, there is no pixel, or the values are not bool.
    """
    first, second = np.asarray(first_right), np.asarray(second_right)
    doing = "While comparing two models pixel by pixel"
    if first.shape != second.shape or first.ndim != 1 or not first.size:
        raise WorkbenchError(
            f"{doing}: one has answers of shape {first.shape}, the other {second.shape}. Both must answer about the same "
            "pixels (n,), one at least."
        )
    if first.dtype != bool or second.dtype != bool:
        raise WorkbenchError(f"{doing}: right or wrong must be bool, not {first.dtype} and {second.dtype}.")
    from scipy.stats import binomtest, chi2

    b, c = int((first & ~second).sum()), int((~first & second).sum())
    both, neither = int((first & second).sum()), int((~first & ~second).sum())
    method: Literal["exact", "chi-square", "none"]
    statistic, reason = None, ""
    if not b + c:
        method, p, reason = "none", 1.0, "no pixel is right in one model alone"
    elif b + c < EXACT_BELOW:
        method, p = "exact", float(binomtest(b, b + c).pvalue)
    else:
        # Edwards' correction would turn a difference of 0 into one of 1
        statistic = max(abs(b - c) - 1, 0) ** 2 / (b + c)
        method, p = "chi-square", float(chi2.sf(statistic, 1))
    return McNemar(first.size, both, b, c, neither, method, statistic, p, reason)
