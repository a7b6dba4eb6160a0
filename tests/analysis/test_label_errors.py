"""Doubted labels: most flipped ones are found again, and no right one, and the ends are defined."""

import json

import numpy as np
import pytest

from workbench.analysis.label_errors import label_errors
from workbench.base.errors import WorkbenchError


def world(flipped=20, n=600):
    """Labels 2, 5 and 9 with good probabilities, and the first ones flipped."""
    rng = np.random.default_rng(0)
    classes = np.array([2, 5, 9])
    truth = rng.integers(0, 3, n)
    shares = rng.dirichlet((1, 1, 1), n) * 0.3
    shares[np.arange(n), truth] += 0.7
    labels = classes[truth].copy()
    labels[:flipped] = classes[(truth[:flipped] + 1) % 3]
    return labels, shares, classes[truth]


def test_flipped_labels_are_found_and_their_class_is_suggested():
    labels, shares, truth = world()
    found = label_errors(labels, shares, [2, 5, 9])
    assert set(found.index.tolist()) <= set(range(20))
    assert len(found) >= 16  # it prunes as many as it estimates, which misses a few
    assert (found.suggested == truth[found.index]).all()
    assert (found.given == labels[found.index]).all()
    columns = np.searchsorted([2, 5, 9], found.given)
    assert found.probability == pytest.approx(shares[found.index, columns])
    margin = found.probability - shares[found.index].max(axis=1)
    assert found.quality == pytest.approx((margin + 1) / 2)
    assert (np.diff(found.quality) >= 0).all()  # the most doubtful first
    assert found.pixels == 600
    assert found.notes == ()
    json.dumps(found.to_dict(), allow_nan=False)


def test_the_order_of_classes_is_that_of_the_columns():
    labels, shares, _ = world()
    there = label_errors(labels, shares[:, ::-1], [9, 5, 2])
    assert there.index.tolist() == label_errors(labels, shares, [2, 5, 9]).index.tolist()


def test_right_labels_are_not_doubted():
    labels, shares, _ = world(flipped=0)
    assert len(label_errors(labels, shares, [2, 5, 9])) == 0


def test_few_pixels_one_class_and_none():
    labels, shares, _ = world()
    few = label_errors([2, 5, *labels[100:140]], shares[[0, 1, *range(100, 140)]], [2, 5, 9])
    assert few.pixels == 42
    assert len(label_errors([2, 5], shares[:2], [2, 5, 9]).notes) == 1
    alone = label_errors([2, 2], shares[:2], [2, 5, 9])
    assert (len(alone), alone.notes) == (0, ("Labels are doubted by comparing classes; 1 is there.",))
    assert len(label_errors([], np.zeros((0, 3)), [2, 5, 9])) == 0


def test_what_does_not_fit_is_refused():
    labels, shares, _ = world()
    with pytest.raises(WorkbenchError, match=r"shape \(600, 3\) and 2 classes"):
        label_errors(labels, shares, [2, 5])
    with pytest.raises(WorkbenchError, match="none of the classes"):
        label_errors(labels, shares, [2, 5, 7])
    for bad in (np.where(shares > 0.9, -1, shares), np.zeros_like(shares)):
        with pytest.raises(WorkbenchError, match="not logits"):
            label_errors(labels, bad, [2, 5, 9])
    with pytest.raises(WorkbenchError, match="missing"):
        label_errors(labels, np.where(shares > 0.9, np.nan, shares), [2, 5, 9])
