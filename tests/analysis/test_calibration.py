"""Calibration against torchmetrics and scikit-learn, cases by hand, and what has no ordinary answer."""

import json
import math

import numpy as np
import pytest
import torch
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss
from torchmetrics.functional.classification import multiclass_calibration_error

from workbench.analysis.calibration import COLDEST, HOTTEST, calibration, fit_temperature, with_temperature
from workbench.base.errors import WorkbenchError


def sample(n=3000, classes=5, sharpness=2.5, seed=0):
    """Answers surer than they are right: logits that gave the reference, times a factor above 1."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, classes))
    reference = (logits + rng.gumbel(size=logits.shape)).argmax(1)
    sharp = np.exp(sharpness * logits)
    return sharp / sharp.sum(1, keepdims=True), reference


@pytest.mark.parametrize("bins", [10, 15])
@pytest.mark.parametrize("seed", range(3))
def test_errors_against_torchmetrics(bins, seed):
    given, reference = sample(seed=seed)
    found = calibration(given, reference, bins)
    for norm, ours in (("l1", found.ece), ("max", found.mce)):
        theirs = multiclass_calibration_error(
            torch.tensor(given), torch.tensor(reference), num_classes=5, n_bins=bins, norm=norm
        )
        assert ours == pytest.approx(float(theirs), abs=1e-6)  # torchmetrics adds up in single precision


def test_scores_and_curve_against_scikit_learn():
    given, reference = sample()
    found = calibration(given, reference)
    assert found.nll == pytest.approx(log_loss(reference, given))
    assert found.brier == pytest.approx(brier_score_loss(reference, given, labels=range(5), scale_by_half=False))
    hit = given.argmax(1) == reference
    accuracy, confidence = calibration_curve(hit, given.max(1), n_bins=15)
    filled = found.counts > 0
    np.testing.assert_allclose(found.accuracy[filled], accuracy)
    np.testing.assert_allclose(found.confidence[filled], confidence)


def test_by_hand():
    given = [[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.45, 0.55]]
    found = calibration(given, [0, 1, 1, 1], bins=2)
    # all are surer than one half: one bin of confidence (0.9 + 0.9 + 0.7 + 0.55) / 4 and accuracy 3 / 4
    assert found.counts.tolist() == [0, 4]
    assert found.ece == found.mce == pytest.approx(0.7625 - 0.75)
    assert found.brier == pytest.approx((2 * 0.1**2 + 2 * 0.9**2 + 2 * 0.3**2 + 2 * 0.45**2) / 4)
    assert found.nll == pytest.approx(-(math.log(0.9) + math.log(0.1) + math.log(0.7) + math.log(0.55)) / 4)
    assert math.isnan(found.accuracy[0])
    assert [row["pixels"] for row in found.to_dict()["bins"]] == [0, 4]


def test_a_confidence_on_the_border_belongs_to_the_bin_below():
    found = calibration([[0.75, 0.25], [0.5, 0.5], [1.0, 0.0]], [0, 0, 0], bins=4)
    assert found.counts.tolist() == [0, 1, 1, 1]


def test_temperature_by_algebra():
    # always 0.9 sure, right in 7 of 10: the likeliest answer is 0.7, so log(9) / T = log(7 / 3)
    given = np.tile([0.9, 0.1], (10, 1))
    found = fit_temperature(given, [0] * 7 + [1] * 3)
    assert found == pytest.approx(math.log(9) / math.log(7 / 3), rel=1e-4)
    np.testing.assert_allclose(with_temperature(given, found)[:, 0], 0.7, atol=1e-5)


def test_temperature_against_scikit_learn():
    rng = np.random.default_rng(1)
    values = rng.normal(0, 1, (900, 3))
    reference = (2 * values[:, :2] @ [[1, -1, 0.5], [0, 1, -1]] + rng.gumbel(size=(900, 3))).argmax(1)
    sharp = LogisticRegression().fit(values[:60], reference[:60])
    sharp.coef_ *= 4
    held, kept = values[60:], reference[60:]
    theirs = CalibratedClassifierCV(FrozenEstimator(sharp), method="temperature").fit(held, kept)
    given = sharp.predict_proba(held)
    temperature = fit_temperature(given, kept)
    assert temperature > 1.5
    np.testing.assert_allclose(with_temperature(given, temperature), theirs.predict_proba(held), atol=1e-4)


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.5])
def test_temperature_finds_the_factor_that_was_put_in(sharpness):
    given, reference = sample(20_000, sharpness=sharpness)
    assert fit_temperature(given, reference) == pytest.approx(sharpness, rel=0.05)
    after = with_temperature(given, sharpness)
    assert (after.argmax(1) == given.argmax(1)).all()
    assert calibration(after, reference).ece < 0.015


def test_temperature_1_changes_nothing():
    given, _ = sample(50)
    np.testing.assert_allclose(with_temperature(given, 1), given, atol=1e-12)


def test_one_pixel():
    found = calibration([[0.25, 0.75]], [0])
    assert (found.ece, found.brier, found.nll) == pytest.approx((0.75, 1.125, math.log(4)))


def test_all_right_and_all_wrong_are_defined():
    given = np.tile([0.6, 0.4], (20, 1))
    assert fit_temperature(given, [0] * 20) == pytest.approx(COLDEST)
    assert fit_temperature(given, [1] * 20) == pytest.approx(HOTTEST)
    sure = np.tile([1.0, 0.0], (20, 1))
    right, wrong = calibration(sure, [0] * 20), calibration(sure, [1] * 20)
    assert (right.ece, right.nll, right.brier) == (0, 0, 0)
    assert (wrong.ece, wrong.mce, wrong.brier) == (1, 1, 2)
    assert math.isfinite(wrong.nll)
    assert fit_temperature([[0.5, 0.5]], [1]) == 1  # no temperature makes a difference
    json.dumps([right.to_dict(), wrong.to_dict()], allow_nan=False)


@pytest.mark.parametrize(
    ("given", "reference", "words"),
    [
        (np.zeros((0, 3)), np.zeros(0, int), "at least one pixel"),
        ([[0.5, 0.5]], [0, 1], r"shape \(1, 2\)"),
        ([[0.5, 0.5]], [2], "indices of the 2 classes"),
        ([[0.5, 0.5]], [0.0], "indices of the 2 classes"),
        ([[0.5, 0.5], [2.0, -1.0]], [0, 1], "first in row 1.*not logits"),
        ([[np.nan, 0.5]], [0], "1 of 1 rows are no probabilities"),
    ],
)
def test_bad_input(given, reference, words):
    for function in (calibration, fit_temperature):
        with pytest.raises(WorkbenchError, match=words):
            function(given, reference)


def test_other_bad_input():
    with pytest.raises(WorkbenchError, match="at least one bin"):
        calibration([[1.0, 0.0]], [0], bins=0)
    for value in (0, -1, float("nan"), float("inf")):
        with pytest.raises(WorkbenchError, match="above 0"):
            with_temperature([[0.5, 0.5]], value)
