import json
import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from workbench.analysis import Scores, confusion_matrix, scores
from workbench.base.errors import WorkbenchError

# rows reference: 50 pixels of class 1, 30 of class 2, 20 of class 5
HAND = np.array([[40, 10, 0], [5, 20, 5], [5, 0, 15]])


def test_by_hand():
    result = scores(HAND, (1, 2, 5))
    assert result.support == (50, 30, 20)
    assert result.mapped == (50, 30, 20)
    assert result.producers == pytest.approx((40 / 50, 20 / 30, 15 / 20))
    assert result.users == pytest.approx((40 / 50, 20 / 30, 15 / 20))
    assert result.oa == pytest.approx(0.75)
    assert result.kappa == pytest.approx((0.75 - 0.38) / 0.62)
    assert result.quantity_disagreement == 0
    assert result.allocation_disagreement == pytest.approx(0.25)


def test_rows_are_the_reference():
    matrix = confusion_matrix([1, 1, 1, 2], [2, 2, 1, 2], (1, 2))
    assert matrix.tolist() == [[1, 2], [0, 1]]
    result = scores(matrix, (1, 2))
    assert result.producers == pytest.approx((1 / 3, 1.0))  # what of the ground is on the map
    assert result.users == pytest.approx((1.0, 1 / 3))  # what of the map is on the ground
    assert result.quantity_disagreement == pytest.approx(0.5)
    assert result.allocation_disagreement == pytest.approx(0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64])
def test_against_scikit_learn(seed, dtype):
    random = np.random.default_rng(seed)
    classes = [7, 3, 12, 1]
    reference = random.choice(classes, size=(40, 25), p=[0.6, 0.25, 0.1, 0.05]).astype(dtype)
    predicted = np.where(random.random((40, 25)) < 0.6, reference, random.choice(classes, size=(40, 25))).astype(dtype)
    a, b = reference.ravel(), predicted.ravel()
    matrix = confusion_matrix(reference, predicted, classes)
    assert matrix.dtype == np.int64
    np.testing.assert_array_equal(matrix, sk.confusion_matrix(a, b, labels=classes))
    result = scores(matrix, classes)
    assert result.oa == pytest.approx(sk.accuracy_score(a, b))
    assert result.aa == pytest.approx(sk.balanced_accuracy_score(a, b))
    assert result.kappa == pytest.approx(sk.cohen_kappa_score(a, b))
    assert result.miou == pytest.approx(sk.jaccard_score(a, b, labels=classes, average="macro"))
    assert result.producers == pytest.approx(sk.recall_score(a, b, labels=classes, average=None))
    assert result.users == pytest.approx(sk.precision_score(a, b, labels=classes, average=None))
    assert result.f1 == pytest.approx(sk.f1_score(a, b, labels=classes, average=None))
    assert result.iou == pytest.approx(sk.jaccard_score(a, b, labels=classes, average=None))
    assert result.quantity_disagreement + result.allocation_disagreement == pytest.approx(1 - result.oa)


def test_class_absent_from_the_reference():
    result = scores(confusion_matrix([1, 1, 2, 2], [1, 3, 2, 2], (1, 2, 3)), (1, 2, 3))
    assert result.producers == (0.5, 1.0, None)
    assert result.users == (1.0, 1.0, 0.0)
    assert result.aa == pytest.approx(0.75)  # class 3 does not count, as in scikit-learn
    assert result.left_out_of_aa == (3,)
    assert result.miou == pytest.approx(sk.jaccard_score([1, 1, 2, 2], [1, 3, 2, 2], average="macro"))


def test_class_absent_from_the_map():
    result = scores(confusion_matrix([1, 1, 2], [1, 1, 1], (1, 2)), (1, 2))
    assert result.users == (pytest.approx(2 / 3), None)
    assert result.producers == (1.0, 0.0)
    assert result.f1[1] == 0.0
    assert result.kappa == pytest.approx(sk.cohen_kappa_score([1, 1, 2], [1, 1, 1]))


def test_class_absent_from_both():
    result = scores(confusion_matrix([1, 2], [1, 1], (1, 2, 9)), (1, 2, 9))
    assert result.f1[2] is None
    assert result.iou[2] is None
    assert result.miou == pytest.approx((1 / 2 + 0) / 2)


def test_one_class_only_has_kappa_zero():
    result = scores([[4, 0], [0, 0]], (1, 2))
    assert (result.oa, result.kappa) == (1.0, 0.0)


def test_chance_agreement_does_not_overflow():
    big = 4 * 10**9
    assert scores([[big, 0], [0, big]], (1, 2)).kappa == pytest.approx(1.0)


def test_json_round_trip():
    before = scores(confusion_matrix([1, 1, 2], [1, 1, 1], (1, 2, 4)), (1, 2, 4))
    after = Scores.from_dict(json.loads(json.dumps(before.to_dict(), allow_nan=False)))
    assert after.to_dict() == before.to_dict()


def test_frame_is_readable():
    frame = scores(HAND, (1, 2, 5)).to_frame(["grass", "roof", "water"])
    assert frame.loc["water", "producer's accuracy"] == 0.75
    assert frame.loc["roof", "reference pixels"] == 30
    with pytest.raises(WorkbenchError, match="2 names for 3 classes"):
        scores(HAND, (1, 2, 5)).to_frame(["a", "b"])


@pytest.mark.parametrize(
    ("reference", "predicted", "message"),
    [
        ([1, 2], [1, 0], r"map holds 1 pixels of values \[0\]"),
        ([0, 2], [1, 2], r"reference holds 1 pixels of values \[0\]"),
        ([1, 2], [1, 300], r"values \[300\]"),
        ([1, 2], [1.0, np.nan], "none of the classes"),
        ([1, 2], [1], r"shape \(2,\), the map \(1,\)"),
        ([], [], "no pixel"),
    ],
)
def test_bad_input(reference, predicted, message):
    with pytest.raises(WorkbenchError, match=message):
        confusion_matrix(reference, predicted, (1, 2))


@pytest.mark.parametrize(
    "matrix", [np.zeros((2, 2)), [[1, -1], [0, 1]], [[0.5, 0], [0, 1]], [[np.nan, 0], [0, 1]], [[1]]]
)
def test_bad_matrix(matrix):
    with pytest.raises(WorkbenchError, match="While computing scores"):
        scores(matrix, (1, 2))


def test_bad_classes():
    with pytest.raises(WorkbenchError, match="once each"):
        confusion_matrix([1], [1], (1, 1))
    with pytest.raises(WorkbenchError, match="'confusion' and 'classes'"):
        Scores.from_dict({"oa": 1.0})


@pytest.mark.parametrize(
    ("confusion", "undefined"),
    [([[5, 0], [0, 0]], True), ([[0, 5], [0, 0]], False), ([[5, 1], [0, 0]], False), ([[5, 0], [0, 1]], False)],
)
def test_kappa_is_undefined_where_scikit_learn_has_no_number(confusion, undefined):
    reference, predicted = (np.repeat(np.indices((2, 2))[axis].ravel(), np.ravel(confusion)) for axis in (0, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scikit-learn, on the division
        oracle = sk.cohen_kappa_score(reference, predicted, labels=[0, 1])
    found = scores(confusion, (1, 2))
    assert bool(found.kappa_reason) == bool(np.isnan(oracle)) == undefined
    assert found.to_dict()["kappa_reason"] == found.kappa_reason
