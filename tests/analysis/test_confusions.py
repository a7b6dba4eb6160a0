"""Who is taken for whom: a case by hand, scikit-learn, and the ends."""

import json

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix as oracle

from workbench.analysis.confusions import confusions
from workbench.base.errors import WorkbenchError

MATRIX = np.array([[8, 2, 0], [1, 6, 3], [0, 0, 10]])


def test_by_hand():
    found = confusions(MATRIX, [1, 2, 5])
    assert [(p.reference, p.mapped, p.pixels) for p in found.pairs] == [(2, 5, 3), (1, 2, 2), (2, 1, 1)]
    first = found.pairs[0]
    assert (first.of_reference, first.of_errors) == (0.3, 0.75)
    assert first.of_mapped == pytest.approx(3 / 13)
    assert (found.wrong, found.false_alarms) == ((2, 4, 0), (1, 2, 3))
    assert found.of(2)[1].mapped == 1
    assert found.worst() == (2, 1)
    table = found.to_frame(["a", "b", "c"])
    assert table.iloc[0].tolist() == ["b", "c", 3, 30.0, 75.0, 23.1]
    assert json.loads(json.dumps(found.to_dict()))["pairs"][1]["pixels"] == 2


def test_shares_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    reference, mapped = rng.integers(0, 4, 500), rng.integers(0, 4, 500)
    found = confusions(oracle(reference, mapped), [0, 1, 2, 3])
    rows, columns = (oracle(reference, mapped, normalize=how) for how in ("true", "pred"))
    assert len(found.pairs) == 12
    for pair in found.pairs:
        assert pair.of_reference == pytest.approx(rows[pair.reference, pair.mapped])
        assert pair.of_mapped == pytest.approx(columns[pair.reference, pair.mapped])


def test_nothing_wrong_all_wrong_and_an_empty_class():
    right = confusions(np.diag([3, 0, 2]), [1, 2, 3])
    assert (right.pairs, right.worst(), right.support) == ((), (), (3, 0, 2))
    assert len(right.to_frame()) == 0
    wrong = confusions([[0, 1], [0, 0]], [1, 2])
    assert wrong.worst() == (1,)
    assert wrong.pairs[0].of_errors == 1.0


def test_what_does_not_fit_is_refused():
    with pytest.raises(WorkbenchError, match=r"\(3, 3\) for 2 classes"):
        confusions(MATRIX, [1, 2])
    for counts in ([[0.5, 1], [0, 1]], [[-1, 1], [0, 1]], [[np.nan, 1], [0, 1]]):
        with pytest.raises(WorkbenchError, match=r"listing confusions.*whole numbers from 0"):
            confusions(counts, [1, 2])
    with pytest.raises(WorkbenchError, match="1 names for 3"):
        confusions(MATRIX, [1, 2, 3]).to_frame(["a"])
