"""Label masks as they are handed around, made into labels and a split: values, conflicts, index lists, counts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes.classes import ClassTable
from workbench.scenes.draft import SPLIT_CODES

Plane = NDArray[np.int32]
"""Class values (rows, cols), 0 = unlabelled."""


def class_values(plane: NDArray[Any], classes: ClassTable, what: str, expected: Sequence[int] | None) -> Plane:
    """Class values of a mask.

    Besides 0, negative values, NaN and the highest value of an unsigned type (a -1 that was cast) mean unlabelled.
    Where they occur and 0 does too, classes may be counted from 0: that is taken only if the counts say so.

    Args:
        plane: Any real type, (rows, cols).
        classes: The class table.
        what: The file, for messages.
        expected: Pixels of each class, None where they are not known.

    Raises:
        WorkbenchError: Values are no whole numbers, or none of the class table.
    """
    numbers = np.where(np.isfinite(plane), plane, -1.0) if plane.dtype.kind == "f" else plane
    if not np.array_equal(numbers, np.round(numbers)):
        raise WorkbenchError(f"While reading labels from {what}: they are no whole numbers. Is it the label file?")
    whole = numbers.astype(np.int64)
    if plane.dtype.kind == "u":
        top = int(np.iinfo(plane.dtype).max)
        whole[whole == top] = 0 if top in classes else -1
    none = whole < 0
    values = np.where(none, 0, whole)
    if none.any() and (whole == 0).any() and expected is not None:
        shifted = np.where(none, 0, whole + 1)
        if counts(shifted, classes) == tuple(expected) != counts(values, classes):
            values = shifted
    wrong = np.setdiff1d(values, [0, *classes.values])
    if wrong.size:
        row, col = (int(place[0]) for place in np.nonzero(values == wrong[0]))
        there = ", ".join(f"{entry.value} {entry.name}" for entry in classes)
        raise WorkbenchError(
            f"While reading labels from {what}: {len(classes)} classes were expected ({there}), and the value "
            f"{wrong[0]} was found ({int((values == wrong[0]).sum())} pixels, first at row {row}, column {col}). "
            "Is it the label file of this data set?"
        )
    return values.astype(np.int32)


def union(train: Plane, test: Plane, what: str) -> tuple[Plane, NDArray[np.uint8]]:
    """Labels and split codes of a training and a test mask.

    Returns:
        The labels of both, and per pixel a code of `SPLIT_CODES`.

    Raises:
        WorkbenchError: A pixel is in both.
    """
    both = (train > 0) & (test > 0)
    if both.any():
        row, col = (int(place[0]) for place in np.nonzero(both))
        differ = int((train != test)[both].sum())
        raise WorkbenchError(
            f"While joining the masks of {what}: {int(both.sum())} pixels are in both the training and the test mask "
            f"({differ} of them with two classes), first at row {row}, column {col} (training {train[row, col]}, test "
            f"{test[row, col]}). A pixel either trains or tests; get the masks from their provider again."
        )
    split = np.zeros(train.shape, np.uint8)
    split[train > 0], split[test > 0] = SPLIT_CODES["training"], SPLIT_CODES["test"]
    return np.where(train > 0, train, test), split


def agree(labels: Plane, masks: Plane, what: str) -> None:
    """Refuse labels that contradict the masks, with a `WorkbenchError` that counts the pixels."""
    wrong = (masks > 0) & (labels != masks)
    if wrong.any():
        row, col = (int(place[0]) for place in np.nonzero(wrong))
        raise WorkbenchError(
            f"While joining the masks of {what}: {int(wrong.sum())} pixels have another class in the masks than in the "
            f"label map, first at row {row}, column {col} (mask {masks[row, col]}, map {labels[row, col]}). Do the files "
            "belong together?"
        )


def from_index(
    labels: Plane,
    train: NDArray[Any],
    test: NDArray[Any],
    what: str,
    expected: tuple[Sequence[int] | None, Sequence[int] | None] = (None, None),
    classes: ClassTable | None = None,
) -> tuple[NDArray[np.uint8], int]:
    """Split codes of lists of rows and columns, counted from 0 or from 1: from which, the labels decide.

    Args:
        labels: Labels of all pixels.
        train: Rows and columns of training pixels, (n, 2) or (2, n).
        test: The same of test pixels.
        what: The file, for messages.
        expected: Pixels of each class that train and test, where known.
        classes: The class table, for `expected`.

    Returns:
        Codes, and the number that the lists count from.

    Raises:
        WorkbenchError: Neither base puts every pixel on a label and the right number in each class, or both do.
    """
    pairs = {"training": _pairs(train, what), "test": _pairs(test, what)}
    fits: dict[int, NDArray[np.uint8]] = {}
    told = []
    for base in (0, 1):
        places = {side: pair - base for side, pair in pairs.items()}
        every = np.concatenate(list(places.values()))
        if ((every < 0) | (every >= labels.shape)).any():
            told.append(f"counted from {base}, some lie outside the {labels.shape[0]} x {labels.shape[1]} pixels")
            continue
        bare = int((labels[tuple(every.T)] == 0).sum())
        if bare:
            told.append(f"counted from {base}, {bare} of {len(every)} have no label")
            continue
        found = {side: np.where(_mask(labels.shape, place), labels, 0) for side, place in places.items()}
        if (found["training"] > 0)[found["test"] > 0].any():
            told.append(f"counted from {base}, some are in both lists")
            continue
        wrong = [
            side
            for side, wanted in zip(found, expected, strict=True)
            if wanted is not None and classes is not None and counts(found[side], classes) != tuple(wanted)
        ]
        if wrong:
            got = {side: counts(found[side], classes or ClassTable()) for side in wrong}
            told.append(f"counted from {base}, the classes have {got} pixels")
            continue
        fits[base] = union(found["training"], found["test"], what)[1]
    if len(fits) == 1:
        base, codes = next(iter(fits.items()))
        return codes, base
    wanted = f" Expected per class: training {expected[0]}, test {expected[1]}." if expected[0] is not None else ""
    raise WorkbenchError(
        f"While reading the index lists of {what}: whether they count rows and columns from 0 or from 1 cannot be told: "
        f"{'; '.join(told) if told else 'both put every pixel on a label'}.{wanted} Do the lists and the labels belong "
        "together? A packaging with masks has no such doubt."
    )


def counts(plane: Plane, classes: ClassTable) -> tuple[int, ...]:
    """Pixels of each class, in the order of the table."""
    found = np.bincount(plane.ravel(), minlength=max(classes.values, default=0) + 1)
    return tuple(int(found[value]) for value in classes.values)


def check_counts(plane: Plane, classes: ClassTable, expected: Sequence[int] | None, what: str, doubt: str = "") -> None:
    """Hold pixels per class against what is published.

    Args:
        plane: Class values.
        classes: The class table.
        expected: Pixels of each class in its order; None where they are not known.
        what: Which pixels of which packaging, for the message.
        doubt: Which of the expected numbers are not verified.

    Raises:
        WorkbenchError: They differ; the message has both, class by class.
    """
    found = counts(plane, classes)
    if expected is None or found == tuple(expected):
        return
    lines = "".join(
        f"\n  {entry.value} {entry.name}: expected {wanted}, found {got}"
        for entry, wanted, got in zip(classes, expected, found, strict=True)
        if wanted != got
    )
    told = []
    if sorted(found) == sorted(expected):
        told.append("The same numbers stand at other classes: this file has the classes in another order.")
    elif sum(found) == sum(expected):
        told.append("The sum is right: pixels have changed classes.")
    if doubt:
        told.append(f"Not verified: {doubt}; if you trust your files, import them as your own.")
    told.append("Is it this data set, whole and unchanged?")
    raise WorkbenchError(
        f"While counting {what}: {sum(expected)} pixels were expected and {sum(found)} were found:{lines}\n{' '.join(told)}"
    )


def _pairs(index: NDArray[Any], what: str) -> NDArray[np.int64]:
    if index.ndim != 2 or 2 not in index.shape or not np.array_equal(index, np.round(index)):
        raise WorkbenchError(
            f"While reading the index lists of {what}: whole numbers of n x 2 (row, column) were expected and "
            f"{' x '.join(map(str, index.shape))} of {index.dtype} was found."
        )
    whole = index.astype(np.int64)
    return whole if whole.shape[1] == 2 else whole.T


def _mask(shape: tuple[int, ...], places: NDArray[np.int64]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, bool)
    mask[tuple(places.T)] = True
    return mask
