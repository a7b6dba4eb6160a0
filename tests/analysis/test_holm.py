"""Holm's correction against statsmodels."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from workbench.analysis.holm import holm
from workbench.base.errors import WorkbenchError


@pytest.mark.parametrize("seed", range(5))
def test_against_statsmodels(seed):
    p = np.random.default_rng(seed).uniform(0, 0.2, 9).round(2)  # with ties
    assert holm(p.tolist()) == pytest.approx(multipletests(p, method="holm")[1])


def test_by_hand_and_what_was_not_tested():
    assert holm([0.04, None, 0.01, 0.03]) == [0.06, None, 0.03, 0.06]
    assert holm([None]) == [None]
    assert holm([]) == []


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_bad_values(p):
    with pytest.raises(WorkbenchError, match="between 0 and 1"):
        holm([0.5, p])
