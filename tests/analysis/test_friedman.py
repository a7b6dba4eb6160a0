"""Friedman's test against the worked example of Demsar 2006, and scipy."""

import json

import numpy as np
import pytest
from scipy.stats import friedmanchisquare

from workbench.analysis.friedman import friedman
from workbench.base.errors import WorkbenchError

MODELS = ("C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf")
# Demsar 2006, table 6: ranks of four classifiers on 14 data sets
RANKS = np.array(
    [
        *([4, 3, 2, 1], [1, 2, 3, 4], [4, 1, 2, 3], [4, 1, 3, 2], [4, 2, 3, 1], [1, 2.5, 4, 2.5], [3, 2, 4, 1]),
        *([2.5, 2.5, 4, 1], [4, 3, 2, 1], [2.5, 2.5, 2.5, 2.5], [4, 2.5, 1, 2.5], [3, 2, 4, 1], [4, 1, 2, 3]),
        [3, 1, 4, 2],
    ]
)
SETS = [f"set {number}" for number in range(len(RANKS))]


def test_demsar():
    """Average ranks 3.143, 2.000, 2.893, 1.964; chi-square 9.28 (without the correction for ties); CD 1.25."""
    found = friedman(-RANKS, MODELS, SETS)
    assert found.average_ranks == pytest.approx((3.143, 2.000, 2.893, 1.964), abs=5e-4)
    assert found.critical_difference == pytest.approx(1.25, abs=5e-3)
    ties = (3 * (2**3 - 2) + (4**3 - 4)) / (14 * 4 * (4**2 - 1))  # three pairs, one four
    assert found.statistic * (1 - ties) == pytest.approx(9.28, abs=5e-3)
    assert found.cliques == ((3, 1, 2, 0),)  # 'the post-hoc test is not powerful enough', p. 13


@pytest.mark.parametrize("seed", range(3))
def test_against_scipy(seed):
    scores = np.random.default_rng(seed).random((7, 5)).round(1)
    found = friedman(scores, "abcde", SETS[:7])
    wanted = friedmanchisquare(*scores.T)
    assert (found.statistic, found.p) == pytest.approx((wanted.statistic, wanted.pvalue))
    assert 0 <= found.f_p <= 1
    assert found.to_frame()["average rank"].is_monotonic_increasing
    json.dumps(found.to_dict(), allow_nan=False)


def test_by_hand_where_all_sets_agree():
    """Three models in one order on four data sets: 12 * 4 / (3 * 4) * (1 + 0 + 1) = 8."""
    found = friedman([[0.9, 0.8, 0.7]] * 4, "abc", SETS[:4])
    assert found.statistic == pytest.approx(8)
    assert found.f_statistic is None
    assert any("infinite" in note for note in found.notes)
    assert found.cliques == ((0, 1), (1, 2))  # CD 2.343 sqrt(12 / 24) = 1.657


def test_models_that_are_all_alike():
    found = friedman(np.ones((3, 3)), "abc", SETS[:3])
    assert (found.statistic, found.p, found.average_ranks) == (0.0, 1.0, (2.0, 2.0, 2.0))
    assert found.cliques == ((0, 1, 2),)


@pytest.mark.parametrize(
    ("scores", "models", "sets", "words"),
    [
        (np.ones((1, 3)), "abc", ["one"], "needs 2 data sets and 3 models"),
        (np.ones((5, 2)), "ab", SETS[:5], r"splits of one scene are compared by Wilcoxon"),
        (np.ones((3, 3)), "abc", SETS[:2], r"shape \(3, 3\) for 2 data sets"),
        (np.full((3, 3), np.nan), "abc", SETS[:3], "needs a score on every data set"),
        (np.ones((3, 3)), "aab", SETS[:3], "once each"),
    ],
)
def test_bad_input(scores, models, sets, words):
    with pytest.raises(WorkbenchError, match=words):
        friedman(scores, models, sets)


def test_bad_level():
    with pytest.raises(WorkbenchError, match="level"):
        friedman(np.ones((3, 3)), "abc", SETS[:3], level=1.0)
