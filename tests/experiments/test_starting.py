"""Trainings that start from the weights of a run or of a file."""

import shutil

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file

from tests.experiments.conftest import OPTIONS
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments import open_run, train
from workbench.models import FusionModel, initial
from workbench.models.resnet import ResNet50
from workbench.runs import list_runs
from workbench.splits import make_split
from workbench.training.task import FusionTask

ONE = OPTIONS | {"epochs": 1}


@pytest.fixture
def first(monkeypatch):
    """Weights with which trainings began, in order."""
    found, plain = [], FusionTask.__init__

    def init(self, model, *args, **options):
        found.append({key: value.clone().numpy() for key, value in model.state_dict().items()})
        plain(self, model, *args, **options)

    monkeypatch.setattr(FusionTask, "__init__", init)
    return found


def test_a_run_goes_on_from_another(run, scene, first):
    said = []
    more = train(scene, **ONE, init=run.id[-10:], say=said.append)
    old = load_file(run.path / "model.safetensors")
    assert all(np.array_equal(first[0][key], value) for key, value in old.items())
    assert more.config.init.source == run.id
    told = more.metrics["training"]["init"]
    assert (told["source"], told["fresh"], told["tensors"]) == (run.id, [], len(old))
    assert said == [f"Starts from {run.id}: {len(old)} tensors; no layer of other shape."]
    assert open_run(more.id).predictor().model.classes == 3
    plain = train(scene, **ONE)
    assert plain.id != more.id
    assert plain.config.init is None
    assert plain.metrics["training"]["init"] is None
    assert train(scene, **ONE, init="").id == plain.id
    assert train(scene, **ONE, init=run.id).id == more.id


def test_other_bands_and_classes_are_listed(run, scene, first):
    split = make_split(scene, "blocks", 11, 0, leave_out=["bright"])
    more = train(scene, **ONE, split=split, inputs={"hsi": "hsi", "aux": "hsi"}, init=run.id, say=lambda _: None)
    fresh = more.metrics["training"]["init"]["fresh"]
    assert {"classifier.conv6", "spatial_attention.conv1"} <= set(fresh)
    old = load_file(run.path / "model.safetensors")
    same = {
        key for key, value in old.items() if value.shape == first[0][key].shape and np.array_equal(value, first[0][key])
    }
    assert set(old) - same == {f"{layer}.{part}" for layer in fresh for part in ("weight", "bias")} - same
    assert "hsi_features.conv1.weight" in same


def test_a_files_content_counts_and_not_its_place(scene, tmp_path, monkeypatch):
    """A thin network stands in for the full one of width 1."""
    monkeypatch.setattr(FusionModel, "hidden", lambda self, channels: max(4, round(channels * self.width / 16)))
    options = ONE | {"width": 1.0, "say": lambda _: None}
    path, moved = tmp_path / "resnet50.safetensors", tmp_path / "moved.safetensors"
    runs = []
    for seed in range(2):
        torch.manual_seed(seed)
        save_file({key: value.contiguous() for key, value in ResNet50(3, 4).state_dict().items()}, path)
        runs.append(train(scene, "pspnet", **options, init=path))
    assert runs[0].id != runs[1].id
    shutil.copy(path, moved)
    assert train(scene, "pspnet", **options, init=moved).id == runs[1].id
    told = runs[0].metrics["training"]["init"]
    assert (told["source"], told["fresh"], told["into"]) == (str(path), ["encoder.conv1"], ["encoder"])


def test_it_is_not_put_over_a_checkpoint(run, scene, monkeypatch):
    options = OPTIONS | {"seed": 21, "init": run.id, "say": lambda _: None}
    whole = train(scene, **options)
    kept = load_file(whole.path / "model.safetensors")
    history = whole.history.drop(columns="seconds")
    shutil.rmtree(whole.path)
    plain, happened = FusionTask.training_step, []

    def dying(self, batch, batch_idx):
        if (self.current_epoch, batch_idx) == (2, 1) and not happened:
            happened.append(True)
            raise KeyboardInterrupt
        return plain(self, batch, batch_idx)

    monkeypatch.setattr(FusionTask, "training_step", dying)
    with pytest.raises(KeyboardInterrupt):
        train(scene, **options)
    monkeypatch.setattr(initial.InitialWeights, "load", lambda *_: pytest.fail("put over the checkpoint"))
    again = train(scene, **options)
    assert again.id == whole.id
    assert all(np.array_equal(value, kept[key]) for key, value in load_file(again.path / "model.safetensors").items())
    assert again.history.drop(columns="seconds").equals(history)
    assert again.metrics["training"]["init"]["source"] == run.id


def test_what_does_not_fit_is_refused_before_anything_is_written(run, scene, roots, tmp_path):
    before = set((roots / "runs").iterdir())
    split = make_split(scene, "blocks", 11, 0)
    torch.save({}, tmp_path / "w.pth")
    for error, told, more in [
        (WorkbenchError, "is of model 'fusatnet' at width 0.03; this training is of model 'fusatnet' at width 0.05",
         {"init": run.id, "width": 0.05}),
        (WorkbenchError, "'fusatnet' at width 0.03; .* 'selfloop' at width 0.03 with loops=1, released=False",
         {"init": run.id, "model": "selfloop"}),
        (UnknownNameError, "Unknown run", {"init": "nothing-of-the-kind"}),
        (WorkbenchError, "are pickles", {"init": tmp_path / "w.pth"}),
        (WorkbenchError, "'width' = '0.5'", {"init": run.id, "width": "0.5"}),
    ]:  # fmt: skip
        with pytest.raises(error, match=told):
            train(scene, **ONE | {"split": split} | more)
    assert set((roots / "runs").iterdir()) == before


def test_a_run_that_is_not_finished_cannot_be_started_from(scene, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FusionTask, "training_step", stop)
        with pytest.raises(KeyboardInterrupt):
            train(scene, **ONE | {"seed": 33})
    (stopped,) = [found for found in list_runs() if found.config.seed == 33]
    with pytest.raises(WorkbenchError, match=r"cannot start from this run.*interrupted"):
        train(scene, **ONE, init=stopped.id)
