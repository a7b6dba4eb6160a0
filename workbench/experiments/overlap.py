"""Scores on the test pixels that training cannot have seen: those whose patch shares no pixel with a training patch."""

from typing import Any

import pandas as pd

from workbench.analysis import confusion_matrix, scores
from workbench.splits import Split, clear_of_training
from workbench.splits.windows import nominal_window

LEAKING = ("official", "random", "probability")  # protocols without a buffer


def scores_without_overlap(test: pd.DataFrame, split: Split) -> tuple[dict[str, Any] | None, str]:
    """Scores of a run on test pixels that are clear of training, for splits that keep no distance.

    Args:
        test: Predictions on test pixels: columns tile, row, col, reference, predicted.
        split: The split.

    Returns:
        As `metrics["test"]`, or None where no pixel is left or the split keeps its sides apart; and a sentence on how
        many pixels that are, empty where the split keeps its sides apart.
    """
    if not len(test):
        return None, ""
    positions = test[["tile", "row", "col"]].to_numpy()
    clear = clear_of_training(split, positions, *nominal_window(split.patch_size))
    if clear.all() and split.protocol not in LEAKING:
        return None, ""
    size, many = split.patch_size, int(clear.sum())
    if not many:
        return None, (
            f"none of the {len(test):,} test pixels is left without overlap: each one's patch of {size} x {size} shares "
            "pixels with a training patch"
        )
    kept = test[clear]
    found = scores(confusion_matrix(kept["reference"], kept["predicted"], split.classes), split.classes).to_dict()
    return found, f"{many:,} of {len(test):,} test pixels have a patch of {size} x {size} clear of training patches"
