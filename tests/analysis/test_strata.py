"""Errors against a covariate: published intervals, the area under the curve, a case by hand, and the ends."""

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from workbench.analysis.strata import strata, wilson
from workbench.base.errors import WorkbenchError


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    # Newcombe, Statistics in Medicine 17, 1998, table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_the_published_ones(count, of, low, high):
    assert wilson(count, of) == pytest.approx((low, high), abs=5e-5)


def test_by_hand():
    values = [1, 1, 1, 5, 5, 5, 5, 9, np.nan]
    wrong = [True, True, False, True, False, False, False, False, True]
    found = strata(values, wrong, edges=(0, 2, 6, 10), names=("near", "middle", "far"))
    assert (found.pixels, found.wrong, found.missing) == (8, 3, 1)
    assert [(one.name, one.pixels, one.wrong) for one in found.bins] == [
        ("near", 3, 2),
        ("middle", 4, 1),
        ("far", 1, 0),
    ]
    assert found.bins[0].ratio == pytest.approx((2 / 3) / (1 / 5))
    assert found.bins[2].ratio == 0
    assert found.bins[1].interval == wilson(1, 4)
    table = found.to_frame("distance")
    assert table.loc["near"].tolist() == [3, 2, "66.7", "20.8 to 93.9", "3.33"]
    json.dumps(found.to_dict(), allow_nan=False)


def test_the_order_of_wrong_and_right_is_the_area_under_the_curve():
    rng = np.random.default_rng(1)
    wrong = rng.random(400) < 0.3
    values = rng.normal(size=400).round(1) + 0.7 * wrong
    found = strata(values, wrong)
    assert found.larger == pytest.approx(roc_auc_score(wrong, values))
    assert sum(one.pixels for one in found.bins) == 400
    assert max(one.pixels for one in found.bins) < 110  # quantiles, but for ties
    assert [one.low for one in found.bins[1:]] == [one.high for one in found.bins[:-1]]


def test_bins_are_named_with_as_few_decimals_as_tell_them_apart():
    names = [one.name for one in strata(np.arange(100) / 10, np.arange(100) % 2 == 0).bins]
    assert names == ["0 to 2", "2 to 4", "4 to 6", "6 to 8", "8 to 10"]
    small = strata(np.arange(100) / 1e5, np.arange(100) % 2 == 0)
    assert small.bins[0].name == "0.0000 to 0.0002"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_value_that_most_pixels_have_gets_a_bin_of_its_own(sign):
    values = sign * np.concatenate([np.zeros(170), np.linspace(1, 30, 30)])
    found = strata(values, values != 0)
    assert found.larger == (1 if sign > 0 else 0)
    sizes = [(one.pixels, one.wrong) for one in found.bins][::sign]
    assert sizes[0] == (170, 0)
    assert sizes[1:] == [(8, 8), (7, 7), (7, 7), (8, 8)]
    two = strata([0] * 30 + [1] * 2, [True] * 3 + [False] * 28 + [True])
    assert [(one.name, one.pixels, one.wrong) for one in two.bins] == [("0.0 to 0.5", 30, 3), ("0.5 to 1.0", 2, 1)]


@pytest.mark.parametrize("wrong", [True, False])
def test_all_wrong_and_all_right(wrong):
    found = strata(np.arange(20.0), np.full(20, wrong))
    assert found.larger is None
    assert all(one.ratio is None for one in found.bins)
    assert all(one.error_rate == float(wrong) for one in found.bins)
    assert (found.to_frame()["times as often as right"] == "–").all()


def test_one_pixel_one_value_and_none():
    one = strata([3.0], [True])
    assert one.bins == ()
    assert "the same for every pixel (3)" in one.reason
    assert strata([np.nan], [True]).reason == "no pixel has a value"
    assert strata([], []).missing == 0
    shadow = strata([0, 0, 0], [True, False, False], edges=(-0.5, 0.5, 1.5), names=("sun", "shadow"))
    assert shadow.reason == "every pixel lies in one bin (sun)"


def test_empty_bins_inside_have_a_dash_and_those_outside_are_left_out():
    found = strata([1, 1, 7], [True, False, False], edges=(0, 2, 4, 6, 8, 10))
    assert [one.pixels for one in found.bins] == [2, 0, 0, 1]
    assert found.to_frame().iloc[1].tolist() == [0, 0, "–", "–", "–"]


def test_what_does_not_fit_is_refused():
    with pytest.raises(WorkbenchError, match=r"\(2,\) and errors \(1,\)"):
        strata([1, 2], [True])
    with pytest.raises(WorkbenchError, match="must rise"):
        strata([1, 2], [True, False], edges=(1, 1))
    with pytest.raises(WorkbenchError, match="name per bin"):
        strata([1, 2], [True, False], edges=(0, 1, 2), names=("a",))
    with pytest.raises(WorkbenchError, match="need the edges"):
        strata([1, 2], [True, False], names=("a", "b"))
