"""Training on pixels without their labels, before the training or beside it: history, choice of the epoch, resuming."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch

from tests.training.conftest import CLASSES, a_recipe
from tests.training.test_task import layers, windows
from workbench.base.errors import WorkbenchError
from workbench.models import create_model
from workbench.runs.status import read_status
from workbench.training.fit import fit
from workbench.training.pretraining import PRETRAINED, PretrainingTask
from workbench.training.recorder import CHECKPOINT
from workbench.training.task import FusionTask, Samples

LOSSES = {"unlabelled_reconstruct_aux", "unlabelled_reconstruct_hsi"}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return create_model("selfloop", {"hsi": 4, "aux": 1}, CLASSES, 0.05)


@pytest.fixture
def training(training):
    """Three steps an epoch are enough."""
    return Samples(training.positions[::6], training.targets[::6])


@pytest.fixture
def validation(validation):
    return Samples(validation.positions[::6], validation.targets[::6])


@pytest.fixture
def unlabelled(sides):
    """Pixels that are neither test nor validation; what else they must be is not the training's business."""
    row, col = np.nonzero(~sides["test"] & ~sides["validation"])
    return np.stack([np.zeros_like(row), row, col], -1).astype(np.int32)


@pytest.fixture
def trained(model, table, training, validation, unlabelled, tmp_path):
    def run(name="run", view="patch", **changes):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        network = copy.deepcopy(model)
        recipe = a_recipe(**{"epochs": 3, "unlabelled_epochs": 2, "unlabelled_batch": 4, "tile": 12} | changes)
        result = fit(
            network, table, training, validation, recipe, view, 0, folder, progress=False, unlabelled=unlabelled
        )
        return network, result, folder

    return run


def same(one, other):
    return all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())


def history(folder):
    return pd.read_parquet(folder / "history.parquet").drop(columns="seconds")


def test_the_stage_before_is_in_the_history_and_does_not_compete(trained, monkeypatch):
    """The validation score is scripted: best in epoch 1; with patience 1 the training ends after epoch 2."""
    aa = iter([0.9, 0.1])
    monkeypatch.setattr(
        FusionTask, "validate", lambda _: {"validation_loss": 1.0, "validation_oa": 0.5, "validation_aa": next(aa)}
    )
    _, result, folder = trained(unlabelled="before", patience=1)
    kept = history(folder)
    assert kept["epoch"].tolist() == [-1, 0, 1, 2]
    assert kept["stage"].tolist() == ["unlabelled", "unlabelled", "labelled", "labelled"]
    assert kept.loc[kept["epoch"] < 1, list(LOSSES)].notna().all(axis=None)
    assert kept.loc[kept["epoch"] < 1, ["train_loss", "validation_aa"]].isna().all(axis=None)
    assert kept.loc[kept["epoch"] > 0, list(LOSSES)].isna().all(axis=None)
    assert (result.best_epoch, result.epochs, result.stopped_early) == (1, 2, True)
    assert result.unlabelled_seconds > 0
    assert read_status(folder)["epoch"] == 2


def test_beside_each_epoch_tells_its_reconstruction(trained):
    network, result, folder = trained(unlabelled="beside")
    kept = history(folder)
    assert kept["epoch"].tolist() == [1, 2, 3]
    assert kept[[*LOSSES, "unlabelled_clipped_hsi"]].notna().all(axis=None)
    assert result.unlabelled_seconds == 0
    assert "stage" not in kept
    plain, _, _ = trained("plain")
    assert not same(network, plain)


def test_before_reconstruction_is_learnt_and_nothing_of_the_classes(trained, model, monkeypatch):
    """What only the labels train is left as it was drawn; the reconstruction gets better."""
    found = []
    plain = FusionTask.configure_optimizers

    def seen(self):
        if type(self) is FusionTask:  # the training that follows begins
            found.append(copy.deepcopy(self.model.state_dict()))
        return plain(self)

    monkeypatch.setattr(FusionTask, "configure_optimizers", seen)
    _, _, folder = trained(unlabelled="before", unlabelled_epochs=4, learning_rate=5e-3)
    changed = {
        name.split(".")[0] for name, value in model.state_dict().items() if not torch.equal(found[0][name], value)
    }
    assert {"decode_hsi", "decode_aux", "block3", "block5"} <= changed
    assert "classifier" not in changed
    loss = history(folder)["unlabelled_reconstruct_hsi"].dropna()
    assert loss.iloc[-1] < loss.iloc[0]


@pytest.mark.parametrize("view", ["patch", "dense"])
@pytest.mark.parametrize(
    ("when", "kind", "epoch"),
    [("before", PretrainingTask, 1), ("before", FusionTask, 0), ("before", FusionTask, 1), ("beside", FusionTask, 1)],
)
def test_stopped_anywhere_and_continued_equals_uninterrupted(trained, monkeypatch, view, when, kind, epoch):
    options = {"view": view, "unlabelled": when, "augment": "dihedral", "schedule": "onecycle", "pixels_per_tile": 2}
    whole, result, one = trained("whole", **options)
    plain = kind.training_step

    def dying(self, batch, batch_idx):
        if type(self) is kind and (self.current_epoch, batch_idx) == (epoch, 1):
            raise KeyboardInterrupt
        return plain(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(kind, "training_step", dying)
        with pytest.raises(KeyboardInterrupt):
            trained("stopped", **options)
    assert read_status(one.parent / "stopped")["epoch"] == (epoch if kind is FusionTask else 0)
    again, result_again, other = trained("stopped", **options)
    assert same(again, whole)
    assert history(other).equals(history(one))
    assert result_again.best_epoch == result.best_epoch


def test_what_is_done_is_not_entered_again(trained, monkeypatch):
    network, result, folder = trained(unlabelled="before")
    for kind in (PretrainingTask, FusionTask):
        monkeypatch.setattr(kind, "training_step", lambda *_: pytest.fail("a step was taken"))
    again, same_result, _ = trained(unlabelled="before")
    assert same(again, network)
    assert same_result == result
    assert history(folder)["epoch"].tolist() == [-1, 0, 1, 2, 3]


def test_a_damaged_point_is_told_and_the_stage_done_again(trained):
    network, result, folder = trained(unlabelled="before")
    before = history(folder)
    (folder / PRETRAINED).write_bytes((folder / PRETRAINED).read_bytes()[:1000])
    with pytest.raises(WorkbenchError, match=rf"cannot be continued: {PRETRAINED} .*Remove .*{PRETRAINED}"):
        trained(unlabelled="before")
    (folder / PRETRAINED).unlink()
    assert (folder / CHECKPOINT).is_file()
    again, same_result, _ = trained(unlabelled="before")
    assert same(again, network)
    assert history(folder).equals(before)
    assert same_result.best_epoch == result.best_epoch


@pytest.mark.parametrize(("view", "size"), [("patch", 11), ("dense", 8)])
def test_a_batch_is_the_turned_windows_around_the_drawn_pixels(
    model, table, training, validation, unlabelled, view, size
):
    recipe = a_recipe(unlabelled="beside", unlabelled_batch=5, augment="dihedral")
    task = FusionTask(model, table, training, validation, recipe, view, 3, unlabelled=unlabelled)
    for epoch, step in [(0, 0), (1, task.steps - 1)]:
        inputs = task.unlabelled_batch(epoch, step)
        samples, turns = task._unlabelled_plan[1].step(step)
        assert len(samples) == 5
        for role, layer in layers(table).items():
            np.testing.assert_array_equal(inputs[role].numpy(), windows(layer, unlabelled[samples], turns, size, 0.0))
        parts = [task.unlabelled_batch(epoch, step, rank, 2)["hsi"] for rank in range(2)]
        assert torch.equal(torch.cat([parts[0][:1], parts[1][:1]]), inputs["hsi"][:2])


def test_a_recipe_that_asks_for_pixels_needs_them(model, table, training, validation, unlabelled):
    for given in (None, unlabelled[:0]):
        with pytest.raises(WorkbenchError, match="no unlabelled pixels"):
            FusionTask(model, table, training, validation, a_recipe(unlabelled="beside"), "patch", 0, unlabelled=given)
