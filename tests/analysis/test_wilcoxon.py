"""The signed rank test over splits: against a published table, by hand, and where it cannot speak."""

import json
from itertools import product

import numpy as np
import pytest
from scipy.stats import rankdata

from workbench.analysis.wilcoxon import paired_wilcoxon
from workbench.base.errors import WorkbenchError

# R's help of wilcox.test, after Hollander and Wolfe 1973, p. 29: depression factor at two visits; V = 40, p = 0.03906
FIRST = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
SECOND = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]


def enumerated(differences):
    """P-value over all changes of sign, ties and all."""
    ranks = rankdata(np.abs(differences))
    seen = abs((np.sign(differences) * ranks).sum())
    signs = np.array(list(product([-1, 1], repeat=len(ranks))))
    return float((np.abs(signs @ ranks) >= seen - 1e-9).mean())


def test_hollander_and_wolfe():
    found = paired_wilcoxon(FIRST, SECOND)
    assert found.p == pytest.approx(0.03906, abs=5e-6)
    assert found.statistic == 5  # 45 - 40, the smaller sum
    assert (found.n, found.zeros, found.method) == (9, 0, "exact")


def test_five_splits_cannot_reach_five_percent():
    found = paired_wilcoxon([0.9, 0.91, 0.92, 0.93, 0.95], [0.8, 0.8, 0.8, 0.8, 0.8])
    assert found.p == found.smallest_p == 0.0625
    assert paired_wilcoxon(np.arange(6) + 1.0, np.zeros(6)).p == pytest.approx(0.03125)


@pytest.mark.parametrize("seed", range(4))
def test_ties_and_zeros_are_exact(seed):
    rng = np.random.default_rng(seed)
    differences = rng.integers(-3, 6, 11) / 100
    found = paired_wilcoxon(0.8 + differences, np.full(11, 0.8))
    left = differences[differences != 0]
    assert found.zeros == 11 - left.size
    assert found.p == pytest.approx(enumerated(left))
    assert found.smallest_p == 2 / 2**11


def test_many_tied_splits_use_the_normal_approximation():
    differences = np.repeat([0.01, -0.01, 0.02, 0.03], 4)
    found = paired_wilcoxon(differences, np.zeros(16))
    assert found.method == "normal"
    assert found.p == pytest.approx(enumerated(differences), abs=0.02)


@pytest.mark.parametrize("n", [0, 1])
def test_one_split_has_no_p(n):
    found = paired_wilcoxon([0.9] * n, [0.8] * n)
    assert (found.p, found.smallest_p, found.statistic) == (None, None, None)
    assert "needs two" in found.reason
    json.dumps(found.to_dict(), allow_nan=False)


def test_no_difference():
    found = paired_wilcoxon([0.1 + 0.2, 0.5], [0.3, 0.5])  # 0.1 + 0.2 differs from 0.3 in its last digit
    assert (found.p, found.zeros) == (1.0, 2)
    assert "no split" in found.reason


@pytest.mark.parametrize(("first", "second"), [([1.0], [1.0, 2.0]), ([[1.0]], [[1.0]]), ([np.nan, 1], [1, 1])])
def test_bad_input(first, second):
    with pytest.raises(WorkbenchError, match="While comparing two models over splits"):
        paired_wilcoxon(first, second)
