"""Errors against something known of each pixel: the error rate from bin to bin, with its 95 % interval.

The intervals are Wilson's (1927, as recommended by Newcombe, Statistics in Medicine 17, 1998), by `scipy.stats`. They
take pixels as independent draws; neighbouring pixels are not, so true intervals are wider.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.base.errors import WorkbenchError

BINS = 5


@dataclass(frozen=True)
class Stratum:
    """One bin.

    Attributes:
        name: What to call it; a range where it has no name of its own.
        low: Lowest value of the bin, included.
        high: End of the bin, not included but for the last one.
        pixels: Pixels in it.
        wrong: Wrong ones among them.
        error_rate: `wrong` / `pixels`; None for an empty bin.
        interval: Wilson's 95 % interval of the error rate; None for an empty bin.
        ratio: How many times as often wrong pixels lie here as right ones: the share of all wrong pixels that lie in the
            bin over that of all right ones. None where no pixel is wrong, none is right, or no right one lies here.
    """

    name: str
    low: float
    high: float
    pixels: int
    wrong: int
    error_rate: float | None
    interval: tuple[float, float] | None
    ratio: float | None


@dataclass(frozen=True)
class Strata:
    """Error rates over bins of one covariate.

    Attributes:
        bins: The bins, in rising order, without empty ones at the ends; none where there is nothing to bin, which
            `reason` then tells.
        pixels: Pixels with a value.
        wrong: Wrong ones among them.
        missing: Pixels without a value; they are in no bin.
        larger: Probability that a wrong pixel has a larger value than a right one, ties half (the area under the ROC
            curve, Mann and Whitney's U over its largest possible value): 0.5 says nothing, 0 and 1 everything. None
            where no pixel is wrong or none is right.
        reason: Why there is no bin.
    """

    bins: tuple[Stratum, ...]
    pixels: int
    wrong: int
    missing: int
    larger: float | None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return {**asdict(self), "bins": [{**asdict(one), "interval": _listed(one.interval)} for one in self.bins]}

    def to_frame(self, name: str = "value") -> Any:
        """One row per bin, as a pandas DataFrame of numbers and text; a dash where there is no figure.

        Args:
            name: What the bins are of.
        """
        import pandas as pd

        rows = [
            [
                one.pixels,
                one.wrong,
                "–" if one.error_rate is None else f"{100 * one.error_rate:.1f}",
                "–" if one.interval is None else f"{100 * one.interval[0]:.1f} to {100 * one.interval[1]:.1f}",
                "–" if one.ratio is None else f"{one.ratio:.2f}",
            ]
            for one in self.bins
        ]
        head = ["pixels", "wrong", "wrong %", "95 % interval", "times as often as right"]
        return pd.DataFrame(rows, columns=head, index=pd.Index([one.name for one in self.bins], name=name))


def strata(
    values: ArrayLike, wrong: ArrayLike, edges: Sequence[float] | None = None, names: Sequence[str] | None = None
) -> Strata:
    """Error rate in bins of a covariate.

    Args:
        values: The covariate, any real (n,); not finite where it is not known.
        wrong: Whether each pixel is wrong, bool (n,).
        edges: Rising edges of the bins; values outside are in no bin and count as missing. None makes at most `BINS`
            bins of about equally many pixels, fewer where many values are the same.
        names: One per bin; only with `edges`.

    Raises:
        WorkbenchError: The shapes differ, the edges do not rise, or names are given without edges or in another number.
    """
    doing = "While binning errors"
    known, bad = np.asarray(values, np.float64), np.asarray(wrong, bool)
    if known.ndim != 1 or known.shape != bad.shape:
        raise WorkbenchError(f"{doing}: values have shape {known.shape} and errors {bad.shape}; both must be (n,).")
    if names is not None and edges is None:
        raise WorkbenchError(f"{doing}: names {list(names)} need the edges of their bins; give both or neither.")
    inside = np.isfinite(known)
    if edges is not None:
        ends = np.asarray(edges, np.float64)
        if len(ends) < 2 or not (np.diff(ends) > 0).all() or (names is not None and len(names) != len(ends) - 1):
            raise WorkbenchError(f"{doing}: edges {list(edges)} must rise, with a name per bin or none.")
        inside &= (known >= ends[0]) & (known <= ends[-1])
    missing = int((~inside).sum())
    known, bad = known[inside], bad[inside]
    if not known.size:
        return Strata((), 0, 0, missing, None, "no pixel has a value")
    if edges is None:
        ends = _ends(known)
        if len(ends) < 2:
            return Strata(
                (), len(known), int(bad.sum()), missing, None, f"it is the same for every pixel ({ends[0]:.4g})"
            )
    place = np.clip(np.searchsorted(ends, known, side="right") - 1, 0, len(ends) - 2)
    pixels = np.bincount(place, minlength=len(ends) - 1)
    errors = np.bincount(place[bad], minlength=len(ends) - 1)
    told = list(names) if names is not None else _ranges(ends)
    used = np.flatnonzero(pixels)
    if len(used) == 1 and edges is not None:
        return Strata((), len(known), int(bad.sum()), missing, None, f"every pixel lies in one bin ({told[used[0]]})")
    bins = tuple(
        _stratum(
            told[k],
            float(ends[k]),
            float(ends[k + 1]),
            int(pixels[k]),
            int(errors[k]),
            len(known),
            int(bad.sum()),
        )
        for k in range(used[0], used[-1] + 1)
    )
    return Strata(bins, len(known), int(bad.sum()), missing, _larger(known, bad))


def wilson(count: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share.

    Args:
        count: Cases found.
        of: Cases looked at, at least 1.
        confidence: Level of the interval.
    """
    from scipy.stats import binomtest

    found = binomtest(count, of).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)


def _ends(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ends of bins of about equally many pixels; a single one where all values are the same."""
    ends: NDArray[np.float64] = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)))
    if len(ends) != 2:
        return ends
    # the smallest or the largest value fills so many bins that one is left: it gets its own, the rest share the others
    several, counts = np.unique(values, return_counts=True)
    cut = several[:2].mean() if counts[0] >= counts[-1] else several[-2:].mean()
    rest = values[values > cut] if counts[0] >= counts[-1] else values[values < cut]
    return np.unique([*ends, cut, *np.quantile(rest, np.linspace(0, 1, BINS)[1:-1])])


def _stratum(name: str, low: float, high: float, pixels: int, wrong: int, of: int, errors: int) -> Stratum:
    right, hits = pixels - wrong, of - errors
    ratio = (wrong / errors) / (right / hits) if errors and hits and right else None
    rate = wrong / pixels if pixels else None
    return Stratum(name, low, high, pixels, wrong, rate, wilson(wrong, pixels) if pixels else None, ratio)


def _larger(values: NDArray[np.float64], wrong: NDArray[np.bool_]) -> float | None:
    from scipy.stats import mannwhitneyu

    if wrong.all() or not wrong.any():
        return None
    found = mannwhitneyu(values[wrong], values[~wrong], method="asymptotic").statistic
    return float(found / (int(wrong.sum()) * int((~wrong).sum())))


def _ranges(ends: NDArray[np.float64]) -> list[str]:
    """Bins in words, with as few decimals as tell their ends apart."""
    for decimals in range(16):
        words = [f"{round(float(end), decimals) + 0.0:.{decimals}f}" for end in ends]
        if len(set(words)) == len(words):
            break
    return [f"{low} to {high}" for low, high in pairwise(words)]


def _listed(pair: tuple[float, float] | None) -> list[float] | None:
    return None if pair is None else list(pair)
