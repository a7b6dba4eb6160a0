"""Whether a classifier is as sure as it is right: calibration error, proper scores, and one temperature that mends it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.base.errors import WorkbenchError

BINS = 15
"""Bins of confidence, as Guo et al. (2017) have them."""

LEAST = float(np.finfo(np.float64).eps)
"""Probabilities below count as this much where their logarithm is taken, as in scikit-learn's `log_loss`."""

COLDEST, HOTTEST = 0.02, 50.0
"""Temperatures between which `fit_temperature` looks; beyond them probabilities are 0 and 1, or all alike."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """How far confidence and accuracy are apart on some pixels.

    Confidence is the probability of the class that is given. Bin m of M holds the pixels of confidence in
    ((m - 1) / M, m / M], as in Guo et al. (2017, section 2).

    Attributes:
        pixels: Number of pixels.
        counts: Pixels in each bin, int64 (M,).
        confidence: Mean confidence in each bin, (M,); NaN in a bin without pixels.
        accuracy: Share of right pixels in each bin, (M,); NaN in a bin without pixels.
        ece: Expected calibration error: the mean distance of accuracy and confidence over the bins, weighted by their pixels
            (equation 3).
        mce: Maximum calibration error: the largest of those differences (equation 5).
        brier: Brier score: the mean over the pixels of the squared differences to the right answer, summed over the
            classes, 0 to 2 (Brier 1950, equation 2).
        nll: Mean negative log-likelihood of the right class, in nats.
    """

    pixels: int
    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    ece: float
    mce: float
    brier: float
    nll: float

    @property
    def edges(self) -> NDArray[np.float64]:
        """Borders of the bins, (M + 1,)."""
        return np.linspace(0, 1, len(self.counts) + 1)

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types; None for confidence and accuracy of a bin without pixels."""
        edges = self.edges
        table = [
            {
                "low": float(edges[m]),
                "high": float(edges[m + 1]),
                "pixels": int(count),
                "confidence": float(self.confidence[m]) if count else None,
                "accuracy": float(self.accuracy[m]) if count else None,
            }
            for m, count in enumerate(self.counts)
        ]
        figures = {name: getattr(self, name) for name in ("pixels", "ece", "mce", "brier", "nll")}
        return {**figures, "bins": table}


def calibration(probabilities: ArrayLike, reference: ArrayLike, bins: int = BINS) -> Calibration:
    """Calibration of class probabilities against the reference.

    Args:
        probabilities: Probability of each class, float (n, K); rows sum to 1.
        reference: Index of the right class, int (n,), 0 to K - 1.
        bins: Bins of equal width.

    Raises:
        WorkbenchError: There is no pixel or no bin, the shapes do not fit, an index is none of the classes, or rows are
            no probabilities.
    """
    given, right = _checked(probabilities, reference, "While measuring calibration")
    if bins < 1:
        raise WorkbenchError(f"While measuring calibration: there must be at least one bin, not {bins}.")
    rows = np.arange(len(given))
    confidence = given.max(axis=1)
    hit = given.argmax(axis=1) == right
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence, side="left")
    counts = np.bincount(place, minlength=bins)
    filled = np.maximum(counts, 1)
    empty = counts == 0
    mean_confidence = np.bincount(place, confidence, bins) / filled
    accuracy = np.bincount(place, hit, bins) / filled
    gaps = np.abs(accuracy - mean_confidence)  # 0 in an empty bin
    wanted = np.zeros_like(given)
    wanted[rows, right] = 1
    return Calibration(
        pixels=len(given),
        counts=counts,
        confidence=np.where(empty, np.nan, mean_confidence),
        accuracy=np.where(empty, np.nan, accuracy),
        ece=float((counts * gaps).sum() / len(given)),
        mce=float(gaps.max()),
        brier=float(((given - wanted) ** 2).sum(axis=1).mean()),
        nll=_nll(given, right),
    )


def fit_temperature(probabilities: ArrayLike, reference: ArrayLike) -> float:
    """The temperature T that makes `with_temperature` likeliest to have given the reference.

    It minimises the negative log-likelihood (Guo et al. 2017, section 4.2), which is convex in 1 / T. Above 1 it makes
    answers less sure, below 1 surer; the classes given stay the same. Fit it on pixels that are not scored afterwards.

    Args:
        probabilities: Probability of each class, float (n, K); rows sum to 1.
        reference: Index of the right class, int (n,).

    Returns:
        T between `COLDEST` and `HOTTEST`: an end where all pixels are right, or where guessing is better; 1 where T
        makes no difference.

    Raises:
        WorkbenchError: As `calibration`.
    """
    from scipy.optimize import minimize_scalar

    given, right = _checked(probabilities, reference, "While fitting a temperature")

    def loss(logarithm: float) -> float:
        return _nll(with_temperature(given, float(np.exp(logarithm))), right)

    ends = np.log([COLDEST, HOTTEST])
    inner = minimize_scalar(loss, bounds=tuple(ends), method="bounded", options={"xatol": 1e-6})
    # the bounded search stays off the ends; and where all are equally good, nothing shall be changed
    tried = [0.0, float(inner.x), *map(float, ends)]
    losses = np.array([loss(value) for value in tried])
    best = int(np.flatnonzero(losses <= losses.min() + 1e-12)[0])
    return float(np.exp(tried[best]))


def with_temperature(probabilities: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Class probabilities softmax(log p / T): of a network, its softmax with the logits divided by T.

    Args:
        probabilities: Probability of each class, (n, K).
        temperature: T, above 0.

    Raises:
        WorkbenchError: T is not above 0.
    """
    if not temperature > 0 or not np.isfinite(temperature):
        raise WorkbenchError(f"A temperature is a number above 0, not {temperature}.")
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), LEAST)) / temperature
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return shares


def _nll(probabilities: NDArray[np.float64], right: NDArray[np.int64]) -> float:
    chosen = probabilities[np.arange(len(right)), right]
    return float(-np.log(np.clip(chosen, LEAST, 1)).mean())


def _checked(
    probabilities: ArrayLike, reference: ArrayLike, doing: str
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    given, right = np.asarray(probabilities, np.float64), np.asarray(reference)
    if given.ndim != 2 or right.shape != given.shape[:1] or not given.size:
        raise WorkbenchError(
            f"{doing}: probabilities have shape {given.shape}, the reference {right.shape}; they must be (n, K) and (n,) "
            "with at least one pixel."
        )
    if right.dtype.kind not in "iu" or right.min() < 0 or right.max() >= given.shape[1]:
        raise WorkbenchError(
            f"{doing}: the reference must hold indices of the {given.shape[1]} classes, 0 to {given.shape[1] - 1}."
        )
    # float16 and float32 round: rows of many classes are off by some thousandths at most
    off = ~np.isfinite(given).all(axis=1) | (given < 0).any(axis=1) | (np.abs(given.sum(axis=1) - 1) > 0.01)
    if off.any():
        raise WorkbenchError(
            f"{doing}: {int(off.sum())} of {len(given)} rows are no probabilities, the first in row {int(off.argmax())}. "
            "Each row must hold numbers from 0 that sum to 1; give probabilities, not logits."
        )
    return given, right.astype(np.int64)
