"""A score over splits and seeds: seeds are averaged within a split, and the two spreads are told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.analysis import scores

SCORES = ("oa", "aa", "kappa", "miou")


@dataclass(frozen=True)
class Line:
    """One score of a model, or of a control, over the splits.

    Attributes:
        mean: Mean over the splits of the means over the seeds, as a share.
        sd_splits: Sample standard deviation of the splits' means; None for one split.
        sd_seeds: Standard deviation over the seeds, pooled within the splits; None for one seed, and for controls.
    """

    mean: float
    sd_splits: float | None
    sd_seeds: float | None


def line(values: Sequence[Sequence[float]]) -> Line:
    """Mean and both spreads of a score.

    Args:
        values: For each split, the score of each seed; at least one of each.
    """
    means = [float(np.mean(seeds)) for seeds in values]
    free = sum(len(seeds) - 1 for seeds in values)
    within = sum(float(np.var(seeds)) * len(seeds) for seeds in values)  # sums of squares around the splits' means
    return Line(
        mean=float(np.mean(means)),
        sd_splits=float(np.std(means, ddof=1)) if len(means) > 1 else None,
        sd_seeds=float(np.sqrt(within / free)) if free else None,
    )


def pooled(tests: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Scores of the sum of confusion matrices, over all classes that occur in one of them."""
    classes = sorted({value for test in tests for value in test["classes"]})
    total = np.zeros((len(classes), len(classes)), np.int64)
    for test in tests:
        index = np.searchsorted(classes, test["classes"])
        total[np.ix_(index, index)] += np.asarray(test["confusion"], np.int64)
    result = scores(total, classes)
    return {key: float(getattr(result, key)) for key in SCORES}
