"""Accuracy figures of a class map against reference labels. Rows are the reference, columns the map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.base.errors import WorkbenchError

KAPPA_UNDEFINED = "reference and map hold one class only, the same, so that chance agrees everywhere"


@dataclass(frozen=True, eq=False)
class Scores:
    """Accuracy figures, fractions from 0 to 1; per-class figures follow the order of `classes`.

    Attributes:
        classes: Class values.
        confusion: Pixel counts, int64 (K, K), rows reference, columns map; read-only.
        oa: Overall accuracy.
        aa: Average accuracy: mean producer's accuracy over the classes that have reference pixels.
        kappa: Cohen's kappa. Where reference and map are one and the same class it is 0 / 0: chance alone agrees
            everywhere. It is then 0 to reckon with, for the map says no more than chance does, and `kappa_reason` says so.
        miou: Mean intersection over union over the classes that occur in the reference or the map.
        quantity_disagreement: Share of pixels that differ because class totals differ (Pontius and Millones 2011).
        allocation_disagreement: The rest of the disagreement: right totals, wrong places.
        producers: Producer's accuracy (recall); None for a class without reference pixels.
        users: User's accuracy (precision); None for a class that the map never shows.
        f1: F1 score; None for a class that neither holds.
        iou: Intersection over union; None for a class that neither holds.
        support: Reference pixels.
        mapped: Pixels of the class in the map.
    """

    classes: tuple[int, ...]
    confusion: NDArray[np.int64]
    oa: float
    aa: float
    kappa: float
    miou: float
    quantity_disagreement: float
    allocation_disagreement: float
    producers: tuple[float | None, ...]
    users: tuple[float | None, ...]
    f1: tuple[float | None, ...]
    iou: tuple[float | None, ...]
    support: tuple[int, ...]
    mapped: tuple[int, ...]

    @property
    def left_out_of_aa(self) -> tuple[int, ...]:
        """Class values without reference pixels: AA does not count them."""
        return tuple(value for value, count in zip(self.classes, self.support, strict=True) if not count)

    @property
    def kappa_reason(self) -> str:
        """Why kappa is undefined, so that faces show a dash; "" where it is defined."""
        seen = (self.confusion != 0).sum()
        return KAPPA_UNDEFINED if seen == 1 and self.confusion.diagonal().any() else ""

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return {
            "classes": list(self.classes),
            "confusion": self.confusion.tolist(),
            "oa": self.oa,
            "aa": self.aa,
            "kappa": self.kappa,
            "kappa_reason": self.kappa_reason,
            "miou": self.miou,
            "quantity_disagreement": self.quantity_disagreement,
            "allocation_disagreement": self.allocation_disagreement,
            "producers": list(self.producers),
            "users": list(self.users),
            "f1": list(self.f1),
            "iou": list(self.iou),
            "support": list(self.support),
            "mapped": list(self.mapped),
            "left_out_of_aa": list(self.left_out_of_aa),
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "Scores":
        """Make the figures again from `to_dict`; all follow from the confusion matrix and the classes.

        Raises:
            WorkbenchError: Confusion matrix or classes are missing or do not fit.
        """
        if "confusion" not in values or "classes" not in values:
            raise WorkbenchError("While reading scores: 'confusion' and 'classes' are needed to make them again.")
        return scores(values["confusion"], values["classes"])

    def to_frame(self, names: Sequence[str] | None = None) -> Any:
        """One row per class, as a pandas DataFrame.

        Args:
            names: Class names in the order of `classes`; the values where None.

        Returns:
            Columns producer's accuracy, user's accuracy, F1, IoU, reference pixels, mapped pixels; numbers to reckon
            with, NaN where a figure is None. Faces show a dash there.

        Raises:
            WorkbenchError: There are not as many names as classes.
        """
        import pandas as pd

        if names is not None and len(names) != len(self.classes):
            raise WorkbenchError(f"While tabulating scores: {len(names)} names for {len(self.classes)} classes.")
        columns = {
            "producer's accuracy": np.array(self.producers, float),
            "user's accuracy": np.array(self.users, float),
            "F1": np.array(self.f1, float),
            "IoU": np.array(self.iou, float),
            "reference pixels": np.array(self.support),
            "mapped pixels": np.array(self.mapped),
        }
        return pd.DataFrame(columns, index=pd.Index(list(names or self.classes), name="class"))


def confusion_matrix(reference: ArrayLike, predicted: ArrayLike, classes: Sequence[int]) -> NDArray[np.int64]:
    """Count pixels by reference class (rows) and mapped class (columns).

    Args:
        reference: Class values, any integer array.
        predicted: Class values, of the same shape.
        classes: The class values that rows and columns stand for, in this order.

    Returns:
        Counts, int64 (K, K).

    Raises:
        WorkbenchError: The shapes differ, there are no pixels, a class is named twice, or a value is none of `classes`.
    """
    doing = "While counting a confusion matrix"
    reference, predicted, values = np.asarray(reference), np.asarray(predicted), np.asarray(classes, np.int64)
    if reference.shape != predicted.shape:
        raise WorkbenchError(f"{doing}: reference has shape {reference.shape}, the map {predicted.shape}.")
    if not reference.size:
        raise WorkbenchError(f"{doing}: there is no pixel. Is the test side of the split empty?")
    rows = class_indices(reference.ravel(), values, f"{doing}: the reference")
    columns = class_indices(predicted.ravel(), values, f"{doing}: the map")
    return np.bincount(rows * values.size + columns, minlength=values.size**2).reshape(values.size, values.size)


def scores(confusion: ArrayLike, classes: Sequence[int]) -> Scores:
    """Accuracy figures from a confusion matrix.

    Args:
        confusion: Counts (K, K), rows reference, columns map.
        classes: Class values of rows and columns.

    Raises:
        WorkbenchError: The matrix is not (K, K), holds negative or fractional counts, or no pixel.
    """
    doing = "While computing scores"
    counts = checked_counts(confusion, len(classes), doing)
    total = int(counts.sum())
    if not total:
        raise WorkbenchError(f"{doing}: the confusion matrix holds no pixel.")
    hits, support, mapped = counts.diagonal(), counts.sum(1), counts.sum(0)
    producers, users = _shares(hits, support), _shares(hits, mapped)
    f1, iou = _shares(2 * hits, support + mapped), _shares(hits, support + mapped - hits)
    oa = int(hits.sum()) / total
    # Python integers: products of totals leave int64 on scenes of billions of pixels.
    chance = sum(int(a) * int(b) for a, b in zip(support, mapped, strict=True)) / total**2
    quantity = float(np.abs(support - mapped).sum()) / (2 * total)
    counts.setflags(write=False)
    return Scores(
        classes=tuple(int(value) for value in classes),
        confusion=counts,
        oa=oa,
        aa=_mean(producers),
        kappa=(oa - chance) / (1 - chance) if chance < 1 else 0.0,
        miou=_mean(iou),
        quantity_disagreement=quantity,
        allocation_disagreement=max(0.0, 1 - oa - quantity),
        producers=producers,
        users=users,
        f1=f1,
        iou=iou,
        support=tuple(support.tolist()),
        mapped=tuple(mapped.tolist()),
    )


def checked_counts(confusion: ArrayLike, classes: int, doing: str) -> NDArray[np.int64]:
    """A confusion matrix as counts, a copy.

    Args:
        confusion: Counts (K, K).
        classes: K.
        doing: What is being done; an error begins with it.

    Raises:
        WorkbenchError: The matrix is not (K, K), or holds negative or fractional counts.
    """
    given = np.asarray(confusion)
    if given.shape != (classes, classes):
        raise WorkbenchError(f"{doing}: the confusion matrix has shape {given.shape} for {classes} classes.")
    with np.errstate(invalid="ignore"):  # NaN is no count, and told below
        counts = given.astype(np.int64)
    if (counts != given).any() or (counts < 0).any():
        raise WorkbenchError(f"{doing}: the confusion matrix must hold counts, whole numbers from 0.")
    return counts


def class_indices(values: NDArray[Any], classes: NDArray[np.int64], what: str) -> NDArray[np.int64]:
    """Index of each value in `classes`.

    Args:
        values: Class values, (n,).
        classes: The class values there are, (K,).
        what: Whose values they are, with what is being done; an error begins with it.

    Raises:
        WorkbenchError: A class is named twice, there is none, or a value is none of `classes`.
    """
    if not classes.size or np.unique(classes).size != classes.size:
        raise WorkbenchError(f"{what} needs classes that are named once each, not {classes.tolist()}.")
    order = np.argsort(classes)
    found = np.minimum(np.searchsorted(classes, values, sorter=order), classes.size - 1)
    index: NDArray[np.int64] = order[found]
    wrong = classes[index] != values
    if wrong.any():
        strange = np.unique(values[wrong])[:5].tolist()
        raise WorkbenchError(
            f"{what} holds {int(wrong.sum())} pixels of values {strange} that are none of the classes "
            f"{classes.tolist()}. Leave unlabelled pixels (0) out before scoring."
        )
    return index


def _shares(part: NDArray[np.int64], whole: NDArray[np.int64]) -> tuple[float | None, ...]:
    return tuple(int(a) / int(b) if b else None for a, b in zip(part, whole, strict=True))


def _mean(values: Sequence[float | None]) -> float:
    present = [value for value in values if value is not None]
    return sum(present) / len(present)
