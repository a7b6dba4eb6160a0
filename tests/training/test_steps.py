"""Trainings by number of steps: exactly so many, whatever the network, the view and the sampler's epochs."""

import copy
from dataclasses import replace

import pandas as pd
import pytest
import torch

from tests.training.conftest import CLASSES, a_recipe
from workbench.models import create_model
from workbench.runs.status import read_status
from workbench.training.fit import fit
from workbench.training.task import FusionTask

BANDS = {"hsi": 4, "aux": 1}


@pytest.fixture
def table(table):
    """The roles of networks on patches, and those of segmentation networks, which call the cube `image`."""
    return replace(table, roles=table.roles | {"image": ("hsi",)})


@pytest.fixture
def made():
    """A network by name."""

    def make(name):
        torch.manual_seed(0)
        if name == "unet":
            return create_model(name, {"image": 4, "aux": 1}, CLASSES, 0.05, window=8)
        return create_model(name, BANDS, CLASSES, 0.02 if name == "fusatnet" else 0.05)

    return make


@pytest.fixture
def trained(table, training, validation, tmp_path):
    def run(network, view, name="run", **changes):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        network = copy.deepcopy(network)
        result = fit(network, table, training, validation, a_recipe(**changes), view, 0, folder, progress=False)
        return network, result, folder

    return run


@pytest.fixture
def seen(monkeypatch):
    """Epoch and step of every step taken."""
    steps = []
    plain = FusionTask.training_step

    def step(self, batch, batch_idx):
        steps.append((self.current_epoch, batch_idx))
        return plain(self, batch, batch_idx)

    monkeypatch.setattr(FusionTask, "training_step", step)
    return steps


CASES = [("fusatnet", "patch"), ("fusatnet", "dense"), ("mmrs", "patch"), ("unet", "dense")]
FULL = 8  # steps of an epoch, by the batch sizes below


def sizes(training, view):
    """Batches of which an epoch holds eight."""
    return (
        {"batch_size": len(training) // FULL}
        if view == "patch"
        else {"pixels_per_tile": len(training) // 16, "tile_batch": 2}
    )


@pytest.mark.parametrize(("name", "view"), CASES)
@pytest.mark.parametrize(("steps", "per_epoch"), [(19, [8, 8, 3]), (16, [8, 8]), (5, [5])])
def test_exactly_so_many_steps_are_taken(made, trained, training, seen, name, view, steps, per_epoch):
    _, result, folder = trained(made(name), view, steps=steps, schedule="onecycle", **sizes(training, view))
    assert seen == [(epoch, step) for epoch, count in enumerate(per_epoch) for step in range(count)]
    assert (result.steps, result.epochs, result.stopped_early) == (steps, len(per_epoch), False)
    history = pd.read_parquet(folder / "history.parquet")
    assert history["epoch"].tolist() == list(range(1, len(per_epoch) + 1))
    assert history["validation_aa"].notna().all()
    status = read_status(folder)
    assert (status["epoch"], status["epochs"]) == (len(per_epoch), len(per_epoch))
    batch = sizes(training, view)["batch_size" if view == "patch" else "tile_batch"]
    assert result.samples_per_second == pytest.approx(steps * batch / history["seconds"].sum())


@pytest.mark.parametrize(
    ("schedule", "die"), [("onecycle", (1, 3)), ("polynomial", (2, 0)), ("exponential", (2, 2)), ("onecycle", (2, 2))]
)
def test_stopped_in_the_middle_and_continued_equals_uninterrupted(made, trained, training, monkeypatch, schedule, die):
    options = {"steps": 19, "schedule": schedule, **sizes(training, "dense")}
    network = made("fusatnet")
    whole, _, _ = trained(network, "dense", "whole", **options)
    plain, happened = FusionTask.training_step, []

    def step(self, batch, batch_idx):
        if (self.current_epoch, batch_idx) == die and not happened:
            happened.append(True)
            raise KeyboardInterrupt
        return plain(self, batch, batch_idx)

    monkeypatch.setattr(FusionTask, "training_step", step)
    with pytest.raises(KeyboardInterrupt):
        trained(network, "dense", "stopped", **options)
    again, result, folder = trained(network, "dense", "stopped", **options)
    assert (result.steps, result.epochs) == (19, 3)
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in whole.state_dict().items())
    one, other = (
        pd.read_parquet(folder.parent / name / "history.parquet").drop(columns="seconds")
        for name in ("whole", "stopped")
    )
    assert one.equals(other)


def test_so_many_steps_as_epochs_hold_is_the_same_training(made, trained, training):
    network, options = made("fusatnet"), {"schedule": "onecycle", **sizes(training, "patch")}
    by_epochs, _, _ = trained(network, "patch", "epochs", epochs=2, **options)
    by_steps, _, _ = trained(network, "patch", "steps", epochs=77, steps=2 * FULL, **options)
    assert all(torch.equal(value, by_steps.state_dict()[key]) for key, value in by_epochs.state_dict().items())


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_the_schedule_covers_the_steps(made, table, training, validation, steps):
    """torch's own divides by zero where it has four points, as three steps need."""
    recipe = a_recipe(steps=steps, schedule="onecycle", learning_rate=0.04)
    task = FusionTask(made("fusatnet"), table, training, validation, recipe, "patch", 0)
    kept = task.configure_optimizers()
    rates = []
    for _ in range(steps):
        rates.append(kept["optimizer"].param_groups[0]["lr"])
        kept["optimizer"].step()
        kept["lr_scheduler"]["scheduler"].step()
    assert all(0 < rate <= 0.04 for rate in rates)


def test_patience_still_stops_early(made, trained, training, monkeypatch):
    aa = iter([0.9, 0.8, 0.7, 0.6])
    monkeypatch.setattr(
        FusionTask,
        "validate",
        lambda self: {"validation_loss": 1.0, "validation_oa": 0.5, "validation_aa": next(aa)},
    )
    _, result, _ = trained(made("fusatnet"), "patch", steps=70, patience=2, **sizes(training, "patch"))
    assert (result.stopped_early, result.epochs, result.best_epoch, result.steps) == (True, 3, 1, 3 * FULL)
