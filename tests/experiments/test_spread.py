"""Means and spreads over splits and seeds, by hand and against a variance analysis."""

import numpy as np
import pytest
from scipy import stats

from workbench.analysis import scores
from workbench.experiments.spread import line, pooled


def test_by_hand():
    found = line([[0.5, 0.7], [0.8, 0.8]])
    assert found.mean == pytest.approx(0.7)
    assert found.sd_splits == pytest.approx(np.sqrt(0.02))  # of 0.6 and 0.8
    assert found.sd_seeds == pytest.approx(np.sqrt(0.02 / 2))  # 0.1^2 + 0.1^2 over one degree of freedom each


def test_the_spreads_are_those_of_a_one_way_analysis_of_variance():
    values = np.random.default_rng(0).normal(0.8, 0.05, (6, 4)) + np.random.default_rng(1).normal(0, 0.1, (6, 1))
    found = line(values.tolist())
    between, within = 4 * found.sd_splits**2, found.sd_seeds**2
    assert between / within == pytest.approx(stats.f_oneway(*values).statistic)


def test_a_split_that_lacks_a_seed_counts_as_a_split():
    found = line([[0.5], [0.7, 0.9]])
    assert found.mean == pytest.approx(0.65)
    assert found.sd_seeds == pytest.approx(np.std([0.7, 0.9], ddof=1))


@pytest.mark.parametrize(
    ("values", "splits", "seeds"),
    [([[0.5]], None, None), ([[0.5], [0.7]], 0.1 * np.sqrt(2), None), ([[0.4, 0.4]], None, 0)],
)
def test_what_cannot_be_told_is_none(values, splits, seeds):
    found = line(values)
    assert found.sd_splits == (None if splits is None else pytest.approx(splits))
    assert found.sd_seeds == seeds


def test_folds_of_different_classes_are_pooled_by_class_value():
    first = {"classes": [1, 2], "confusion": [[5, 1], [0, 4]]}
    second = {"classes": [2, 3], "confusion": [[2, 2], [1, 3]]}
    by_hand = scores([[5, 1, 0], [0, 6, 2], [0, 1, 3]], [1, 2, 3])
    found = pooled([first, second])
    assert found == {key: getattr(by_hand, key) for key in ("oa", "aa", "kappa", "miou")}
