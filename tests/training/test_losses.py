"""Losses against torch's own, scikit-learn's weights, and values worked out by hand."""

import math

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

from tests.training.conftest import a_recipe
from workbench.training.losses import IGNORE, ClassificationLoss, class_weights, cross_entropy, dice, focal

CLASSES = 4
WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 0.25])
KINDS = ["cross_entropy", "focal", "dice", "cross_entropy_dice"]


def batch(shape, seed=0, ignored=0.4, spread=2.0):
    """Logits and targets of patches `(B,)` or tiles `(B, H, W)`, some of which do not count."""
    generator = torch.Generator().manual_seed(seed)
    logits = spread * torch.randn(shape[0], CLASSES, *shape[1:], generator=generator)
    targets = torch.randint(CLASSES, shape, generator=generator)
    targets[torch.rand(shape, generator=generator) < ignored] = IGNORE
    return logits.requires_grad_(), targets


SHAPES = [(32,), (3, 5, 7)]
LABELS = np.repeat([0, 1, 2, 3], [900, 60, 30, 10])


def made(kind, weights="none", gamma=2.0):
    return ClassificationLoss(a_recipe(loss=kind, class_weights=weights, focal_gamma=gamma), LABELS, CLASSES)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_cross_entropy_is_torchs_to_the_bit(shape, weights):
    logits, targets = batch(shape)
    theirs = functional.cross_entropy(logits, targets, weights, ignore_index=IGNORE)
    mine = cross_entropy(logits, targets, weights)
    if weights is None:  # so that trainings repeat those of before
        assert torch.equal(mine, theirs)
        assert torch.equal(*(torch.autograd.grad(loss, logits)[0] for loss in (mine, theirs)))
    torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_focal_is_its_formula_and_cross_entropy_at_gamma_zero(shape, weights):
    logits, targets = batch(shape)
    torch.testing.assert_close(focal(logits, targets, 0.0, weights), cross_entropy(logits, targets, weights))
    counted = targets != IGNORE
    chances = logits.softmax(1).movedim(1, -1)[counted]
    mine = chances[torch.arange(len(chances)), targets[counted]]
    share = torch.ones(len(mine)) if weights is None else weights[targets[counted]]
    expected = -(share * (1 - mine) ** 1.5 * mine.log()).sum() / share.sum()
    torch.testing.assert_close(focal(logits, targets, 1.5, weights), expected)


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.0])
def test_focal_has_a_finite_slope_where_the_network_is_sure(gamma):
    logits = torch.tensor([[200.0, 0, 0, 0], [0, 200.0, 0, 0]], requires_grad=True)
    loss = focal(logits, torch.tensor([0, 0]), gamma)  # surely right, and surely wrong
    (slope,) = torch.autograd.grad(loss, logits)
    assert loss.item() == pytest.approx(100)
    assert torch.isfinite(slope).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_dice_of_a_perfect_answer_is_zero(shape):
    _, targets = batch(shape)
    perfect = 200 * functional.one_hot(targets.clamp_min(0), CLASSES).movedim(-1, 1).float()
    assert dice(perfect, targets).item() == pytest.approx(0, abs=1e-6)
    assert dice(-perfect, targets).item() == pytest.approx(1, abs=1e-6)


def test_dice_of_an_even_answer_by_hand():
    """K = 4, p = 1/4 everywhere, 6 and 2 pixels of two classes: 2 * 6/4 / (8/4 + 6) = 3/8 and 2 * 2/4 / (8/4 + 2) = 1/4."""
    targets = torch.tensor([[[0, 0, 0, IGNORE, 0, 0, 0], [3, 3, IGNORE, IGNORE, IGNORE, IGNORE, IGNORE]]])
    even = torch.zeros(1, CLASSES, 2, 7)
    assert dice(even, targets).item() == pytest.approx(1 - (3 / 8 + 1 / 4) / 2)
    assert dice(even, targets, WEIGHTS).item() == pytest.approx(1 - (0.5 * 3 / 8 + 0.25 * 1 / 4) / 0.75)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weights", ["none", "balanced"])
def test_ignored_pixels_change_nothing(kind, weights):
    loss = made(kind, weights)
    logits, targets = batch((3, 5, 7))
    counted = targets != IGNORE
    alone = loss(logits.movedim(1, -1)[counted], targets[counted])
    torch.testing.assert_close(loss(logits, targets), alone)
    (slope,) = torch.autograd.grad(loss(logits, targets), logits)
    assert not slope.movedim(1, -1)[~counted].any()
    assert slope.movedim(1, -1)[counted].any(-1).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weights", ["none", "balanced"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_batch_in_which_nothing_counts_has_the_loss_zero(kind, weights, shape):
    """torch's own mean is NaN, which would stop the training."""
    logits, targets = batch(shape, ignored=2.0)
    assert torch.isnan(functional.cross_entropy(logits, targets, ignore_index=IGNORE))
    loss = made(kind, weights)(logits, targets)
    assert loss.item() == 0
    (slope,) = torch.autograd.grad(loss, logits)
    assert not slope.any()


def test_weights_are_scikit_learns_with_the_mean_one():
    weights = class_weights(LABELS, CLASSES)
    theirs = compute_class_weight("balanced", classes=np.arange(CLASSES), y=LABELS)
    np.testing.assert_allclose(weights / weights[0], theirs / theirs[0], rtol=1e-6)
    assert weights.mean() == pytest.approx(1)
    assert weights.dtype == np.float32
    rare = class_weights(LABELS[LABELS != 1], CLASSES)
    assert rare[1] == 0
    assert rare[[0, 2, 3]].mean() == pytest.approx(1)


def test_the_recipe_chooses():
    logits, targets = batch((3, 5, 7))
    weights = torch.from_numpy(class_weights(LABELS, CLASSES))
    one, other = cross_entropy(logits, targets), dice(logits, targets)
    assert torch.equal(made("cross_entropy")(logits, targets), one)
    assert torch.equal(made("dice")(logits, targets), other)
    assert torch.equal(made("cross_entropy_dice")(logits, targets), one + other)
    assert torch.equal(made("focal", gamma=3.0)(logits, targets), focal(logits, targets, 3.0))
    assert torch.equal(made("focal", "balanced")(logits, targets), focal(logits, targets, 2.0, weights))
    assert torch.equal(made("cross_entropy", "balanced")(logits, targets), cross_entropy(logits, targets, weights))


def test_half_precision_logits_are_counted_in_full():
    """A sum of 40,000 pixels overflows the 65504 of half precision."""
    logits = torch.zeros(1, CLASSES, 200, 200, dtype=torch.float16)
    targets = torch.zeros(1, 200, 200, dtype=torch.int64)
    assert dice(logits, targets).item() == pytest.approx(1 - 2 * 0.25 / 1.25)
    assert focal(logits, targets, 2.0).item() == pytest.approx(0.75**2 * math.log(4), rel=1e-3)
