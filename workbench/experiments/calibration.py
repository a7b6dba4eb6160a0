"""How calibrated a run is on its test pixels, and what one temperature fitted on validation pixels would mend."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.calibration import BINS, COLDEST, HOTTEST, calibration, fit_temperature, with_temperature
from workbench.base.errors import WorkbenchError
from workbench.runs.folder import probability_column

if TYPE_CHECKING:
    import pandas as pd


def calibration_figures(predictions: "pd.DataFrame", classes: Sequence[int]) -> dict[str, Any]:
    """Calibration on the test pixels as trained, and with a temperature (Guo et al. 2017, section 4.2).

    The temperature is fitted on validation pixels alone; test pixels have no part in it. Validation pixels that chose
    the epoch flatter it: the epoch kept is the one that suits them best, so on them the network is right a little too
    often and the temperature comes out a little too low (answers stay too sure). What that costs shows in the error
    after: it is measured on test pixels.

    Args:
        predictions: As a run keeps them: columns set, reference, and the probability of each class.
        classes: Class values.

    Returns:
        JSON types: `before` and `after`, each as `Calibration.to_dict` on the test pixels; `temperature`,
        `fitted_on` (validation pixels) and `at_end` (whether it lies at an end of what is tried: no temperature suits).
        What cannot be told is None, and `reason` says why.

    Raises:
        WorkbenchError: The table lacks a class's probabilities, or a reference value is none of `classes`.
    """
    found: dict[str, Any] = {"bins": BINS, "before": None, "after": None, "temperature": None, "fitted_on": 0}
    found |= {"at_end": False, "reason": ""}
    test, right = _side(predictions, "test", classes)
    held, known = _side(predictions, "validation", classes)
    if not len(test):
        return found | {"reason": "no test pixel has data in every modality"}
    found["before"] = calibration(test, right).to_dict()
    if not len(held):
        return found | {"reason": "the split has no validation pixels to fit a temperature on"}
    temperature = fit_temperature(held, known)
    return found | {
        "after": calibration(with_temperature(test, temperature), right).to_dict(),
        "temperature": temperature,
        "fitted_on": len(held),
        "at_end": not COLDEST * 1.01 < temperature < HOTTEST / 1.01,
    }


def _side(
    predictions: "pd.DataFrame", side: str, classes: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities (n, K) and the index of the right class (n,) of the pixels of one side."""
    columns = [probability_column(value) for value in classes]
    missing = [name for name in columns if name not in predictions]
    if missing:
        raise WorkbenchError(
            f"While measuring calibration: the predictions lack the column {missing[0]!r}; they were kept by an older "
            "version. Train the run again."
        )
    part = predictions[predictions["set"] == side]
    place = {value: index for index, value in enumerate(classes)}
    strange = sorted(set(part["reference"].tolist()) - set(place))
    if strange:
        raise WorkbenchError(
            f"While measuring calibration: {side} pixels are of class {strange[0]}, which is none of {list(classes)}."
        )
    right = np.array([place[value] for value in part["reference"].tolist()], np.int64)
    return part[columns].to_numpy(np.float64), right
