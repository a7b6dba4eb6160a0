"""Batches against windows cut from padded arrays, and the optimiser against an explicit penalty."""

import copy
import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.training.conftest import SHAPE, a_recipe
from workbench.training.losses import IGNORE
from workbench.training.task import FusionTask


@pytest.fixture
def task(model, table, training, validation):
    def make(view="patch", **changes):
        return FusionTask(model, table, training, validation, a_recipe(**changes), view, seed=3)

    return make


def turned(window, turn):
    """A window `(..., rows, cols)` in one of the eight orientations, by numpy."""
    return np.rot90(window[..., ::-1] if turn >= 4 else window, turn % 4, axes=(-2, -1))


def windows(layer, positions, turns, size, outside):
    """The oracle: pad, slice, turn."""
    pad = ((0, 0),) * (layer.ndim - 2) + ((size, size), (size, size))
    padded = np.pad(layer, pad, constant_values=outside)
    starts = positions[:, 1:] - size // 2 + size
    cut = [padded[..., row : row + size, col : col + size] for row, col in starts]
    return np.stack([turned(window, turn) for window, turn in zip(cut, turns, strict=True)])


def layers(table):
    """The scaled scene as arrays `(bands, rows, cols)` by role."""
    return {
        role: np.concatenate([table.bands[name][:-1].numpy().T.reshape(-1, *SHAPE) for name in names])
        for role, names in table.roles.items()
    }


@pytest.mark.parametrize(
    ("view", "size", "augment"), [("patch", 11, "dihedral"), ("patch", 11, "rotations"), ("dense", 8, "dihedral")]
)
def test_a_batch_is_the_turned_windows_around_the_drawn_pixels(task, table, training, view, size, augment):
    task = task(view, augment=augment)
    for epoch, step in [(0, 0), (1, 2)]:
        inputs, _ = task.batch(epoch, step)
        samples, turns = task.plan(epoch).step(step)
        for role, layer in layers(table).items():
            expected = windows(layer, training.positions[samples], turns, size, 0.0)
            np.testing.assert_array_equal(inputs[role].numpy(), expected)


def test_targets_of_patches_are_the_classes_of_their_centres(task, training, truth):
    task = task("patch", augment="dihedral")
    for step in range(task.steps):
        _, targets = task.batch(0, step)
        positions = training.positions[task.plan(0).step(step)[0]]
        assert targets.tolist() == truth[positions[:, 1], positions[:, 2]].tolist()


def test_in_tiles_only_training_pixels_count(task, training, truth, sides):
    """Labels of test and validation pixels are in the scene, and never in a target."""
    task = task("dense", augment="dihedral")
    known = np.where(sides["train"], truth, IGNORE)
    seen = 0
    for step in range(task.steps):
        _, targets = task.batch(0, step)
        samples, turns = task.plan(0).step(step)
        np.testing.assert_array_equal(targets.numpy(), windows(known, training.positions[samples], turns, 8, IGNORE))
        assert (targets != IGNORE).flatten(1).any(1).all()  # each tile has something to learn from
        places = windows(np.arange(known.size).reshape(SHAPE), training.positions[samples], turns, 8, -1)
        counted = places[(targets != IGNORE).numpy()]
        assert not sides["test"].ravel()[counted].any()
        assert not sides["validation"].ravel()[counted].any()
        seen += len(counted)
    assert seen > 3 * task.steps * 3  # more than the tiles' centres


@pytest.mark.parametrize("view", ["patch", "dense"])
def test_ranks_share_out_a_batch(task, view):
    task = task(view)
    _, whole = task.batch(0, 0)
    parts = [task.batch(0, 0, rank, 2)[1] for rank in range(2)]
    assert torch.equal(torch.cat([parts[0][:1], parts[1][:1]]), whole[:2])
    assert sum(map(len, parts)) == len(whole)


def test_the_length_of_an_epoch(task, training):
    count = len(training)
    assert task("patch").steps == round(count / 8)
    assert task("patch", augment="rotations").steps == round(4 * count / 8)
    assert task("dense").steps == round(count // 8 / 3)
    assert task("dense", pixels_per_tile=10**9).steps == 1
    assert len(task("patch").train_dataloader()) == round(count / 8)


def loss_of(model, task, penalty=0.0):
    inputs, targets = task.batch(0, 0)
    inputs = {role: tensor.double() for role, tensor in inputs.items()}
    loss = functional.cross_entropy(model(inputs, view="patch").logits, targets)
    kernels = [module.weight for module in model.modules() if isinstance(module, torch.nn.Conv2d)]
    return loss + penalty * sum(kernel.square().sum() for kernel in kernels)


def test_the_kernel_penalty_is_keras_l2(task, model):
    """Keras adds l2 * sum(w * w) of each convolution kernel to the loss; the moments then see its gradient."""
    model.double()
    one, other = task("patch", optimizer="nadam", kernel_l2=0.05, learning_rate=0.01), copy.deepcopy(model)
    optimizer = one.configure_optimizers()
    explicit = torch.optim.NAdam(other.parameters(), lr=0.01, eps=1e-7, momentum_decay=4e-3)
    start = [parameter.clone() for parameter in model.parameters()]
    for _ in range(4):
        for network, stepper, penalty in ((model, optimizer, 0.0), (other, explicit, 0.05)):
            stepper.zero_grad()
            loss_of(network, one, penalty).backward()
            stepper.step()
    for mine, theirs, before in zip(model.parameters(), other.parameters(), start, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-7, atol=1e-9)
        assert not torch.equal(mine, before)


def test_adamw_decays_kernels_only_and_apart_from_the_gradient(task, model):
    """Against the formula: without a gradient, a step shrinks a kernel by the factor 1 - rate * decay."""
    optimizer = task("patch", optimizer="adamw", weight_decay=0.1, learning_rate=0.5).configure_optimizers()
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    decayed = {
        name.rsplit(".", 1)[0] for name, value in model.named_parameters() if not torch.equal(value, before[name])
    }
    assert decayed == {name for name, module in model.named_modules() if isinstance(module, torch.nn.Conv2d)}
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter, before[name] * (0.95 if parameter.dim() > 1 else 1.0))


def test_every_parameter_is_optimised_once(task, model):
    for name in ("nadam", "adamw"):
        groups = task("patch", optimizer=name).configure_optimizers().param_groups
        ids = [id(parameter) for group in groups for parameter in group["params"]]
        assert sorted(ids) == sorted(id(parameter) for parameter in model.parameters())


def test_the_rate_rises_over_a_quarter_and_falls_to_zero_by_a_cosine(task):
    task = task("patch", schedule="onecycle", epochs=20, learning_rate=0.04)
    made = task.configure_optimizers()
    optimizer, schedule = made["optimizer"], made["lr_scheduler"]["scheduler"]
    assert made["lr_scheduler"]["interval"] == "step"
    total = 20 * task.steps
    rates = []
    for _ in range(total):  # as many as a training takes; one more would be an error of the schedule
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    peak = int(np.argmax(rates))
    assert max(rates) == pytest.approx(0.04, rel=1e-3)
    assert peak == pytest.approx(total / 4, abs=1)
    half = peak + (total - peak) // 2
    assert rates[half] == pytest.approx(0.02 * (1 + math.cos(math.pi * (half - peak) / (total - peak))), rel=0.02)
    assert rates[-1] < 1e-3 * 0.04
    assert rates == sorted(rates[: peak + 1]) + sorted(rates[peak + 1 :], reverse=True)


def test_a_constant_rate_has_no_schedule(task):
    assert isinstance(task("patch", schedule="constant").configure_optimizers(), torch.optim.Optimizer)


def test_batch_norm_follows_the_recipe(task, model):
    task("patch", norm_momentum=0.25)
    momenta = {module.momentum for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)}
    assert momenta == {0.25}
