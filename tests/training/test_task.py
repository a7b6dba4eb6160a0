"""Batches against windows cut from padded arrays, and the optimiser against an explicit penalty."""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.training.conftest import CLASSES, SHAPE, a_recipe
from workbench.base.errors import WorkbenchError
from workbench.models import create_model
from workbench.models.pixels import region_table
from workbench.models.scaling import BandScaling
from workbench.training.losses import IGNORE
from workbench.training.sampling import blank_draws
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
    for name in ("nadam", "adam", "adamw"):
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


def test_adam_adds_the_decay_to_the_gradient(task, model):
    optimizer = task("patch", optimizer="adam", weight_decay=0.01, learning_rate=1e-3).configure_optimizers()
    before = [parameter.clone() for parameter in model.parameters()]
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for old, new in zip(before, model.parameters(), strict=True):
        # a first step of Adam is the rate in the direction of the gradient, here of the decay alone, whatever its size
        torch.testing.assert_close(old - new.detach(), 1e-3 * old * 0.01 / (0.01 * old.abs() + 1e-8))


def test_the_rate_goes_down_a_step_every_fifty_epochs(task):
    made = task("patch", optimizer="adam", schedule="step", epochs=120, learning_rate=0.04).configure_optimizers()
    optimizer, schedule = made["optimizer"], made["lr_scheduler"]["scheduler"]
    assert made["lr_scheduler"]["interval"] == "epoch"
    rates = []
    for _ in range(120):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([0.04] * 50 + [0.036] * 50 + [0.0324] * 20)


@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 5])
def test_the_rate_of_a_training_of_few_steps_stays_between_nothing_and_its_peak(task, epochs):
    task = task("dense", schedule="onecycle", epochs=epochs, learning_rate=0.04, pixels_per_tile=10**9)
    made = task.configure_optimizers()
    for _ in range(epochs):
        made["optimizer"].step()
        made["lr_scheduler"]["scheduler"].step()
        assert 0 <= made["optimizer"].param_groups[0]["lr"] <= 0.04


def test_a_constant_rate_has_no_schedule(task):
    assert isinstance(task("patch", schedule="constant").configure_optimizers(), torch.optim.Optimizer)


def test_batch_norm_follows_the_recipe(task, model):
    task("patch", norm_momentum=0.25)
    momenta = {module.momentum for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)}
    assert momenta == {0.25}


@pytest.fixture
def shifted(truth):
    """A scene scaled to [0, 1], where a training mean is not zero; two modalities play one role, one plays both."""
    rng = np.random.default_rng(5)
    arrays = {
        "dem": rng.random((1, *SHAPE), np.float32),
        "hsi": (rng.random((4, *SHAPE), np.float32) + (truth == 2)).astype("float32"),
        "lidar": rng.random((2, *SHAPE), np.float32) ** 2,
    }
    arrays["lidar"][:, 3:9, 4:20] = np.nan
    scaling = {name: BandScaling.fit(array.reshape(len(array), -1).T, "minmax") for name, array in arrays.items()}
    roles = {"hsi": ("hsi", "dem"), "aux": ("lidar", "dem")}
    return region_table(arrays, roles, scaling, "cpu"), arrays


@pytest.mark.parametrize("view", ["patch", "dense"])
def test_a_blanked_modality_stands_at_its_training_mean(shifted, training, validation, view):
    """In every role that it plays and where it has no data; other modalities and what lies outside stay as they are."""
    table, arrays = shifted
    model = create_model("fusatnet", {"hsi": 5, "aux": 3}, CLASSES, 0.02)
    means = {name: np.nanmean(array, axis=(1, 2)) for name, array in arrays.items()}
    lows = {name: np.nanmin(array, axis=(1, 2)) for name, array in arrays.items()}
    spans = {name: np.nanmax(array, axis=(1, 2)) - lows[name] for name, array in arrays.items()}
    places = {"dem": [("hsi", 4, 5), ("aux", 2, 3)], "hsi": [("hsi", 0, 4)], "lidar": [("aux", 0, 2)]}

    def make(chance):
        recipe = a_recipe(modality_dropout=chance, batch_size=16, tile_batch=16, pixels_per_tile=2)
        return FusionTask(model, table, training, validation, recipe, view, seed=3)

    seen = set()
    for step in range(2):
        dropped, targets = make(0.9).batch(0, step)
        plain, same = make(0.0).batch(0, step)
        assert torch.equal(targets, same)
        samples, turns = make(0.9).plan(0).step(step)
        size = dropped["hsi"].shape[-1]
        inside = windows(np.ones(SHAPE), training.positions[samples], turns, size, 0.0).astype(bool)
        drawn = blank_draws(len(samples), 3, 0.9, 3, 0, step, 0)
        seen |= set(drawn.tolist())
        expected = {role: values.numpy().copy() for role, values in plain.items()}
        for number, where in enumerate(drawn):
            name = [*places][where] if where >= 0 else None
            for role, first, last in places.get(name, []):
                mean = ((means[name] - lows[name]) / spans[name])[:, None, None]
                expected[role][number, first:last] = np.where(inside[number], mean, 0.0)
        for role in plain:
            np.testing.assert_allclose(dropped[role].numpy(), expected[role], atol=1e-6)
            assert dropped[role].is_contiguous(memory_format=torch.channels_last)
    assert seen == {-1, 0, 1, 2}


def test_dropout_needs_two_modalities(model, table, training, validation):
    alone = replace(table, bands={"hsi": table.bands["hsi"]})
    with pytest.raises(WorkbenchError, match=r"one of several modalities.*uses 1.*it is 0\.5"):
        FusionTask(model, alone, training, validation, a_recipe(modality_dropout=0.5), "patch", seed=3)
