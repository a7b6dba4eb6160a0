"""Calibration of a run: the temperature sees validation pixels only; gaps have a reason."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from workbench.base.errors import WorkbenchError
from workbench.experiments.calibration import calibration_figures
from workbench.runs.folder import probability_column

CLASSES = (1, 2, 5)


def predictions(test, validation, seed=0):
    """Logits three times those that gave the reference; sides of so many pixels."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (test + validation, 3))
    right = (logits + rng.gumbel(size=logits.shape)).argmax(1)
    sharp = np.exp(3 * logits)
    given = (sharp / sharp.sum(1, keepdims=True)).astype(np.float32)
    frame = pd.DataFrame(given, columns=[probability_column(value) for value in CLASSES])
    side = ["test"] * test + ["validation"] * validation
    return frame.assign(set=side, reference=np.array(CLASSES)[right].astype(np.uint16))


def test_temperature_of_the_validation_mends_the_test():
    found = calibration_figures(predictions(2000, 2000), CLASSES)
    assert found["temperature"] == pytest.approx(3, rel=0.1)
    assert (found["fitted_on"], found["at_end"], found["reason"]) == (2000, False, "")
    assert found["before"]["ece"] > 0.1
    assert found["after"]["ece"] < 0.03
    assert found["after"]["nll"] < found["before"]["nll"]
    assert found["before"]["pixels"] == sum(row["pixels"] for row in found["before"]["bins"]) == 2000
    json.dumps(found, allow_nan=False)


def test_test_pixels_have_no_part_in_the_temperature():
    frame = predictions(500, 500)
    turned = frame.copy()
    test = turned["set"] == "test"
    turned.loc[test, "reference"] = np.roll(turned.loc[test, "reference"], 1)
    one, other = calibration_figures(frame, CLASSES), calibration_figures(turned, CLASSES)
    assert one["temperature"] == other["temperature"]
    assert one["before"]["ece"] != other["before"]["ece"]


@pytest.mark.parametrize(("test", "validation", "words"), [(0, 5, "no test pixel"), (5, 0, "no validation pixels")])
def test_an_empty_side_has_a_reason(test, validation, words):
    found = calibration_figures(predictions(test, validation), CLASSES)
    assert words in found["reason"]
    assert found["after"] is found["temperature"] is None
    assert (found["before"] is None) is (test == 0)


def test_one_pixel_each():
    found = calibration_figures(predictions(1, 1), CLASSES)
    assert found["before"]["pixels"] == found["after"]["pixels"] == 1
    assert math.isfinite(found["temperature"])
    json.dumps(found, allow_nan=False)


def test_refused():
    frame = predictions(5, 5)
    with pytest.raises(WorkbenchError, match="lack the column 'p5'"):
        calibration_figures(frame.drop(columns="p5"), CLASSES)
    frame.loc[0, "reference"] = 9
    with pytest.raises(WorkbenchError, match="test pixels are of class 9"):
        calibration_figures(frame, CLASSES)


def test_a_run_keeps_the_figures_of_its_predictions(run):
    kept, frame = run.metrics["calibration"], run.predictions
    columns = [probability_column(value) for value in run.classes]
    test = frame[frame["set"] == "test"]
    assert kept["before"]["nll"] == pytest.approx(
        log_loss(test["reference"], test[columns], labels=run.classes), rel=1e-5
    )
    assert (frame["set"] == "test").all()  # the scene is too small for validation blocks
    assert (kept["temperature"], kept["reason"]) == (None, "the split has no validation pixels to fit a temperature on")
