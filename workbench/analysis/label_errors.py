"""Labels that are likely wrong, by confident learning.

Source: Northcutt, Jiang and Chuang, *Confident Learning: Estimating Uncertainty in Dataset Labels*, Journal of Artificial
Intelligence Research 70, 2021; computed by its authors' `cleanlab` (prune by noise rate, ranked by normalised margin). The
probabilities must come from a model that was not trained on these labels. A class that the model confuses is told from a
wrong label by nothing but a look: what is found here is to be looked at, not to be corrected unseen.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.base.errors import WorkbenchError

FEWEST = 10
"""Pixels of a class below which its threshold says little."""


@dataclass(frozen=True, eq=False)
class LabelErrors:
    """Pixels whose label is doubted, the most doubtful first.

    Attributes:
        index: Rows of the table that was given, int64 (m,).
        given: Class value of the label, int64 (m,).
        suggested: Class value that the model gives most probability, int64 (m,).
        probability: That the model gives the label, float64 (m,).
        quality: 0.5 plus half of how much that is above the probability of the likeliest other class, float64 (m,): 0 to 1,
            low is doubtful (cleanlab's `normalized_margin`).
        pixels: Pixels looked at.
        notes: What a reader must know, a sentence each.
    """

    index: NDArray[np.int64]
    given: NDArray[np.int64]
    suggested: NDArray[np.int64]
    probability: NDArray[np.float64]
    quality: NDArray[np.float64]
    pixels: int
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.index)

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        columns = (self.index, self.given, self.suggested, self.probability, self.quality)
        keys = ("index", "given", "suggested", "probability", "quality")
        rows = [dict(zip(keys, row, strict=True)) for row in zip(*(column.tolist() for column in columns), strict=True)]
        return {"pixels": self.pixels, "found": rows, "notes": list(self.notes)}


def label_errors(labels: ArrayLike, probabilities: ArrayLike, classes: Sequence[int]) -> LabelErrors:
    """Find labels that are likely wrong.

    Args:
        labels: Class values (n,).
        probabilities: Of each class, (n, K), in the order of `classes`, by a model that never saw these labels.
        classes: Class values.

    Raises:
        WorkbenchError: The shapes differ, a label is none of the classes, or a row holds no probabilities.
    """
    doing = "While looking for label errors"
    values, given = np.asarray(classes, np.int64), np.asarray(labels, np.int64)
    shares = np.asarray(probabilities, np.float64)
    if given.ndim != 1 or shares.shape != (len(given), len(values)):
        raise WorkbenchError(
            f"{doing}: {given.shape} labels, probabilities of shape {shares.shape} and {len(values)} classes."
        )
    if not np.isin(given, values).all() or not np.isfinite(shares).all():
        raise WorkbenchError(f"{doing}: a label is none of the classes {list(classes)}, or a probability is missing.")
    if (shares < 0).any() or not (shares.sum(axis=1) > 0).all():
        raise WorkbenchError(f"{doing}: each row must hold probabilities, from 0 and not all 0; give them, not logits.")
    nothing = np.zeros(0, np.int64)
    present, counts = np.unique(given, return_counts=True)
    if len(present) < 2:
        note = f"Labels are doubted by comparing classes; {len(present)} is there."
        return LabelErrors(nothing, nothing, nothing, np.zeros(0), np.zeros(0), len(given), (note,))
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    order = np.argsort(values)
    place = order[np.searchsorted(values, given, sorter=order)]
    shares = shares / shares.sum(axis=1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on classes with few pixels or none, which the notes tell
        found = np.asarray(
            find_label_issues(place, shares, return_indices_ranked_by="normalized_margin", n_jobs=1), np.int64
        )
        quality = np.asarray(get_label_quality_scores(place, shares, method="normalized_margin"), np.float64)
    few = [f"{int(value)} ({int(count)})" for value, count in zip(present, counts, strict=True) if count < FEWEST]
    notes = (f"Classes with fewer than {FEWEST} pixels, whose labels can hardly be doubted: {', '.join(few)}.",)
    return LabelErrors(
        found,
        given[found],
        values[shares[found].argmax(axis=1)],
        shares[found, place[found]],
        quality[found],
        len(given),
        notes if few else (),
    )
