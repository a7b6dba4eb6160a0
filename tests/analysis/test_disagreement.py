"""Disagreement of members against entropies and pairs by hand."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import entropy

from workbench.analysis.disagreement import disagreement
from workbench.base.errors import WorkbenchError


def test_figures_are_those_by_hand():
    rng = np.random.default_rng(0)
    answers = rng.dirichlet(np.ones(4), (5, 60)).astype(np.float32)
    found = disagreement(iter(answers))
    given = answers.argmax(2)
    pairs = [(given[i] != given[j]).mean() for i, j in combinations(range(5), 2)]
    assert found.other_class_share == pytest.approx(np.mean(pairs))
    assert found.entropy == pytest.approx(entropy(answers.mean(0), axis=1).mean(), rel=1e-5)
    assert found.expected_entropy == pytest.approx(entropy(answers, axis=2).mean(), rel=1e-5)
    assert found.mutual_information == pytest.approx(found.entropy - found.expected_entropy)
    assert (found.members, found.pixels) == (5, 60)
    assert found.to_dict()["pixels"] == 60


def test_members_that_say_the_same_do_not_disagree():
    one = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]], np.float32)
    found = disagreement([one, one, one])
    assert found.other_class_share == 0
    assert found.mutual_information == pytest.approx(0, abs=1e-12)
    assert found.expected_entropy == pytest.approx(np.log(2) / 2)


def test_sure_members_that_differ_are_all_disagreement():
    one = np.array([[1.0, 0.0]], np.float32)
    found = disagreement([one, one[:, ::-1]])
    assert found.other_class_share == 1
    assert found.mutual_information == pytest.approx(np.log(2))
    assert found.expected_entropy == 0


def test_what_cannot_be_compared_is_refused():
    one = np.full((3, 2), 0.5, np.float32)
    with pytest.raises(WorkbenchError, match="there are 1"):
        disagreement([one])
    with pytest.raises(WorkbenchError, match="there are 0"):
        disagreement([])
    with pytest.raises(WorkbenchError, match=r"member 2 .*\(2, 2\), the first \(3, 2\)"):
        disagreement([one, one[:2]])
    with pytest.raises(WorkbenchError, match="one at least"):
        disagreement([one[:0], one[:0]])
