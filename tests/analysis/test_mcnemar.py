"""McNemar's test against statsmodels and a published table."""

import json

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as oracle

from workbench.analysis.mcnemar import EXACT_BELOW, mcnemar
from workbench.base.errors import WorkbenchError


def answers(both, first, second, neither):
    counts = (both, first, second, neither)
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


def test_approval_ratings_of_agresti():
    """Agresti 1990, Categorical Data Analysis, p. 350, as in the help of R's mcnemar.test: 16.818, p = 4.115e-05."""
    found = mcnemar(*answers(794, 150, 86, 570))
    assert found.method == "chi-square"
    assert found.statistic == pytest.approx(16.818, abs=5e-4)
    assert found.p == pytest.approx(4.115e-05, rel=1e-3)
    assert (found.pixels, found.both_right, found.only_first, found.only_second, found.both_wrong) == (
        *(1600, 794, 150, 86, 570),
    )


@pytest.mark.parametrize("counts", [(50, 0, 6, 3), (9, 12, 12, 0), (0, 24, 0, 0), (4, 13, 12, 8), (90, 30, 30, 1)])
def test_against_statsmodels(counts):
    both, b, c, neither = counts
    found = mcnemar(*answers(*counts))
    exact = b + c < EXACT_BELOW
    wanted = oracle([[both, b], [c, neither]], exact=exact, correction=True)
    assert found.method == ("exact" if exact else "chi-square")
    # for as many of the one as of the other statsmodels' correction adds a difference of 1 where there is none
    assert found.p == pytest.approx(1.0 if b == c else wanted.pvalue)
    assert found.discordant == b + c


def test_by_hand():
    """5 pixels for the first, none for the second: 2 / 2^5."""
    assert mcnemar(*answers(10, 5, 0, 2)).p == pytest.approx(0.0625)


@pytest.mark.parametrize("counts", [(9, 0, 0, 1), (1, 0, 0, 0), (0, 0, 0, 4)])
def test_nothing_discordant_is_no_difference(counts):
    found = mcnemar(*answers(*counts))
    assert (found.p, found.statistic, found.method) == (1.0, None, "none")
    assert "no pixel" in found.reason
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ([True], [True, False], r"shape \(1,\), the other \(2,\)"),
        ([], [], "one at least"),
        ([1, 0], [1, 1], "must be bool"),
    ],
)
def test_bad_input(first, second, words):
    with pytest.raises(WorkbenchError, match=words):
        mcnemar(np.array(first), np.array(second))
