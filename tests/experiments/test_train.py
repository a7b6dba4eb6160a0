"""A run from request to folder: what it keeps, that it is not done twice, that a kill does not change it."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from sklearn.metrics import accuracy_score, cohen_kappa_score

from tests.experiments.conftest import OPTIONS, draft
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments import evaluate, open_run, train
from workbench.experiments.compare import compare_modalities
from workbench.experiments.evaluate import _bayes
from workbench.runs import list_runs
from workbench.scenes import ClassTable, write_scene
from workbench.splits import Sample, make_split
from workbench.training.fit import fit


def test_the_folder_holds_what_was_promised(run):
    names = {path.name for path in run.path.iterdir()}
    assert {
        "config.yaml", "model.safetensors", "history.parquet", "metrics.json", "predictions.parquet",
        "environment.json", "status.json", "split.npz", "inputs.json",
    } <= names  # fmt: skip
    assert not {"resume.ckpt", "best.safetensors"} & names
    assert run.finished
    assert run.history["epoch"].tolist() == [1, 2, 3]
    environment = json.loads((run.path / "environment.json").read_text())
    assert environment["packages"]["torch"]


def test_scores_are_those_of_the_predictions(run):
    test = run.predictions[run.predictions["set"] == "test"]
    scores = run.metrics["test"]
    assert scores["oa"] == pytest.approx(accuracy_score(test["reference"], test["predicted"]))
    assert scores["kappa"] == pytest.approx(cohen_kappa_score(test["reference"], test["predicted"]))
    assert run.metrics["controls"]["coordinates_only"]["oa"] < 1
    assert run.metrics["view_disagreement"]["pixels"] > 0
    assert run.metrics["tile_without_halo"]["pixels"] > 0


def test_predictions_are_the_split_and_leave_out_pixels_without_data(run, scene):
    split = run.split
    test = run.predictions[run.predictions["set"] == "test"]
    kept = {tuple(row) for row in test[["tile", "row", "col"]].to_numpy().tolist()}
    assert kept == {tuple(row) for row in split.test.positions.tolist()} - {(0, 5, 7)}
    labels = scene.read_labels()
    assert (labels[test["row"], test["col"]] == test["reference"]).all()


def test_a_finished_run_is_not_done_again(run, scene):
    before = (run.path / "model.safetensors").stat().st_mtime_ns
    again = train(scene, **OPTIONS)
    assert again.id == run.id
    assert (again.path / "model.safetensors").stat().st_mtime_ns == before
    assert open_run(run.id[-10:]).id == run.id
    (run.path / "resume.ckpt").touch()  # as a kill at the very end leaves it
    assert not (train(scene, **OPTIONS).path / "resume.ckpt").exists()


def test_what_determines_the_result_changes_the_id(run, scene):
    other = train(scene, **(OPTIONS | {"epochs": 1, "seed": 1}))
    assert other.id != run.id
    assert other.config.seed == 1


def test_evaluating_again_gives_the_same_scores(run):
    again = evaluate(run.id)
    assert again["test"]["confusion"] == run.metrics["test"]["confusion"]
    assert set(run.metrics) - set(again) == {"training"}
    assert again["inputs"] == run.metrics["inputs"]


def test_without_a_test_pixel_there_is_no_bayes_accuracy(run):
    scene = SimpleNamespace(scenes=[SimpleNamespace(reference={"bayes_pixel_all": np.ones((2, 2))})])
    assert _bayes(scene, run.predictions.head(0)) is None


SCRIPT = """
import os, signal, sys
from workbench.experiments import train
from workbench.scenes import open_scene
from workbench.training.task import FusionTask
plain = FusionTask.training_step
def dying(self, batch, batch_idx):
    if self.current_epoch == 1 and batch_idx == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(self, batch, batch_idx)
FusionTask.training_step = dying
train(open_scene("tiny"), **eval(sys.argv[1]))
"""


def test_killed_in_the_middle_and_continued_equals_uninterrupted(run, scene, roots, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUNS", str(roots / "killed"))
    killed = subprocess.run(
        [sys.executable, "-c", SCRIPT, repr(OPTIONS)], check=False, capture_output=True, env=os.environ
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    interrupted = open_run(run.id)
    assert interrupted.status["state"] == "interrupted"
    assert interrupted.status["epoch"] == 1
    with pytest.raises(WorkbenchError, match="interrupted"):
        _ = interrupted.metrics
    continued = train(scene, **OPTIONS)
    assert continued.id == run.id
    one, other = (load_file(folder.path / "model.safetensors") for folder in (run, continued))
    assert all(np.array_equal(one[name], other[name]) for name in one)
    columns = ["epoch", "train_loss", "train_accuracy", "validation_loss", "validation_oa", "validation_aa"]
    assert continued.history[columns].equals(run.history[columns])
    assert continued.metrics["test"] == run.metrics["test"]


def test_patch_view_trains_with_published_recipe(scene):
    run = train(scene, recipe="published", epochs=1, width=0.02, learning_rate=1e-3, batch_size=256, progress=False)
    assert run.config.recipe.scaling == "minmax"
    assert run.config.recipe.optimizer == "nadam"
    assert run.metrics["tile_without_halo"] is None
    assert run.metrics["training"]["receptive_field"] == [5, 5]


def test_early_stopping_keeps_the_best_epoch(scene, monkeypatch):
    """The validation score is scripted: best in epoch 2, then worse for ever."""
    from workbench.training.task import FusionTask

    aa = iter([0.5, 0.9, 0.8, 0.7, 0.6, 0.5])
    weights = []

    def scripted(self):
        weights.append({name: value.clone().numpy() for name, value in self.model.state_dict().items()})
        return {"validation_loss": 1.0, "validation_oa": 0.5, "validation_aa": next(aa)}

    monkeypatch.setattr(FusionTask, "validate", scripted)
    split = make_split(scene, "random", 11, 0)  # the blocks of so small a scene leave none for validation
    run = train(scene, split=split, **(OPTIONS | {"epochs": 6, "patience": 2}))
    training = run.metrics["training"]
    assert training["stopped_early"]
    assert (training["best_epoch"], len(run.history)) == (2, 4)
    kept = load_file(run.path / "model.safetensors")
    assert all(np.array_equal(kept[name], weights[1][name]) for name in kept)


def test_modalities_are_compared_on_one_split(scene):
    said = []
    runs = compare_modalities(scene, say=said.append, **(OPTIONS | {"epochs": 1}))
    assert list(runs) == ["all", "hsi", "lidar"]
    assert len({run.config.split.hash for run in runs.values()}) == 1
    assert runs["lidar"].config.inputs == {"hsi": ("lidar",), "aux": ("lidar",)}
    assert said


def test_bad_requests_are_refused_before_anything_is_written(scene, roots):
    before = set((roots / "runs").iterdir())
    split = make_split(scene, "blocks", 11, 0)
    for expected, call in [
        ("fusatnet", {"model": "fusatne"}),
        ("published", {"recipe": "publishd"}),
        ("learning_rate", {"learning_rat": 1.0}),
        ("epochs", {"epochs": "many"}),
        ("'smell'|smell", {"inputs": {"hsi": "hsi", "aux": "smell"}}),
        ("role", {"inputs": {"hsi": "hsi", "aux": "lidar", "image": "hsi"}}),
        ("cuda|device", {"device": "cud"}),
        ("view", {"view": "sideways"}),
    ]:
        with pytest.raises(WorkbenchError, match=expected):
            train(scene, split=split, progress=False, **call)
    with pytest.raises(UnknownNameError, match="tiny"):
        train("tinny")
    assert set((roots / "runs").iterdir()) == before


def test_a_full_disk_is_told_and_the_run_can_be_continued(scene, monkeypatch):
    from workbench.models import weights

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    options = OPTIONS | {"seed": 5, "epochs": 1}
    with monkeypatch.context() as patch:
        patch.setattr(weights, "save_file", full)
        with pytest.raises(WorkbenchError, match="disk is full"):
            train(scene, **options)
    assert train(scene, **options).finished


def test_a_loss_that_is_not_finite_is_told(scene):
    with pytest.raises(WorkbenchError, match=r"step \d+ of epoch \d .*learning rate of 1e\+30"):
        train(scene, **(OPTIONS | {"learning_rate": 1e30, "epochs": 4}))


def test_a_run_that_failed_shows_its_history_up_to_the_last_good_epoch(scene, monkeypatch):
    from workbench.training.task import FusionTask

    plain = FusionTask.training_step

    def spoilt(self, batch, batch_idx):
        if self.current_epoch == 2:
            with torch.no_grad():
                next(self.model.parameters()).fill_(float("nan"))
        return plain(self, batch, batch_idx)

    options = OPTIONS | {"seed": 41, "epochs": 4}
    with monkeypatch.context() as patch:
        patch.setattr(FusionTask, "training_step", spoilt)
        with pytest.raises(WorkbenchError, match=r"not finite at step 1 of epoch 3 .* up to epoch 2 are kept"):
            train(scene, **options)
    (failed,) = [found for found in list_runs() if found.config.seed == 41]
    opened = open_run(failed.id)
    assert opened.history["epoch"].tolist() == [1, 2]
    assert (opened.status["state"], opened.status["epoch"], opened.status["epochs"]) == ("failed", 2, 4)
    assert "not finite at step 1 of epoch 3" in opened.status["message"]
    fresh = train(scene, **options, learning_rate=1e-4)
    assert fresh.id != failed.id
    assert fresh.history["epoch"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("loss", ["focal", "dice", "cross_entropy_dice"])
def test_other_losses_train(scene, loss):
    run = train(scene, loss=loss, class_weights="balanced", **(OPTIONS | {"epochs": 1}))
    assert np.isfinite(run.history[["train_loss", "validation_loss"]].dropna(axis=1)).all(axis=None)
    assert run.config.recipe.loss == loss


@pytest.mark.parametrize(("model", "view"), [("fusatnet", "patch"), ("fusatnet", "dense"), ("unet", "dense")])
def test_a_run_by_steps_takes_exactly_so_many(scene, model, view):
    small = {key: OPTIONS[key] for key in ("tile", "tile_batch", "pixels_per_tile", "width", "progress")}
    run = train(scene, model, view=view, recipe="common", steps=7, batch_size=128, **small)
    assert run.metrics["training"]["steps"] == 7
    assert run.metrics["training"]["epochs"] == run.status["epochs"] == run.status["epoch"] == len(run.history)


def test_a_class_left_out_is_neither_learnt_nor_scored(scene):
    split = make_split(scene, "blocks", 11, 0, leave_out=["high"])
    run = train(scene, split=split, **(OPTIONS | {"epochs": 1}))
    assert run.classes == (1, 3)
    assert 2 not in set(run.predictions["reference"]) | set(run.predictions["predicted"])
    assert run.metrics["audit"]["dropped"] == {"high": "left out as asked"}


def test_test_labels_do_not_touch_the_training(run, scene, roots):
    """Other labels at the test pixels, on the same positions, give the same weights and the same history."""

    split = run.split
    changed = draft(name="otherwise")
    positions = split.test.positions
    changed.labels[positions[:, 1], positions[:, 2]] = 4 - split.test.labels
    other = write_scene(roots / "data" / "otherwise.zarr", [changed], ClassTable.from_names(["low", "high", "bright"]))
    again = train(
        other,
        split=replace(split, scene_hash=other.content_hash, test=Sample(positions, 4 - split.test.labels)),
        **OPTIONS,
    )
    one, two = (load_file(folder.path / "model.safetensors") for folder in (run, again))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    drop = ["seconds"]
    assert again.history.drop(columns=drop).equals(run.history.drop(columns=drop))
    assert again.metrics["test"]["confusion"] != run.metrics["test"]["confusion"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"width": "0.5"}, "width"), ({"width": float("nan")}, "width"), ({"width": 100}, "width"),
        ({"seed": -1}, "seed"), ({"seed": 2**70}, "seed"), ({"threads": 0}, "threads"), ({"threads": "2"}, "threads"),
        ({"precision": "fp8"}, "precision"), ({"compile": "yes"}, "compile"), ({"learning_rate": float("inf")}, "finite"),
        ({"model": "unet", "tile": 25}, "windows as large as its training tiles.* tile is 25"),
        ({"model": "unet", "tile": 6}, "windows as large as its training tiles.* tile is 6"),
        ({"loss": "hinge"}, "loss"), ({"steps": 5, "epochs": 5}, "both say how long"),
        ({"inputs": {"hsi": "hsi", "aux": "sar"}}, "modality of scene 'tiny' 'sar'.* role 'aux'"),
        ({"model": "unet", "inputs": {"image": "hsi"}}, "role 'aux' got none, and scene 'tiny' has hsi, lidar"),
        ({"device": None}, "device"), ({"recipe": 5}, "recipe"), ({"model": None}, "model"), ({"split": "blocks"}, "split"),
    ],
)  # fmt: skip
def test_options_of_the_wrong_kind_are_told_before_anything_is_written(scene, roots, options, told):
    before, threads = set((roots / "runs").glob("*")), torch.get_num_threads()
    split = make_split(scene, "blocks", 11, 0)
    with pytest.raises(WorkbenchError, match=told):
        train(scene, **(OPTIONS | {"split": split} | options))
    assert set((roots / "runs").glob("*")) == before
    assert torch.get_num_threads() == threads


def test_pixels_without_data_are_told_before_the_training(scene, roots, monkeypatch):
    from workbench.training.task import FusionTask

    monkeypatch.setattr(FusionTask, "training_step", lambda *_: pytest.fail("the training began"))
    split = make_split(scene, "blocks", 11, 0)

    def holed(name, where):
        made = draft(name=name)
        array, info = made.modalities["lidar"]
        made.modalities["lidar"] = (np.where(where(made), np.nan, array), info)
        return write_scene(roots / "data" / f"{name}.zarr", [made], ClassTable.from_names(["low", "high", "bright"]))

    def test_side(made):
        mask = np.zeros(made.labels.shape, bool)
        mask[split.test.positions[:, 1], split.test.positions[:, 2]] = True
        return mask

    for name, where, told in [
        ("notest", test_side, "None of the .* test pixels has data"),
        ("noclass", lambda made: made.labels == 2, "no training pixel .*: high"),
        ("nothing", lambda made: made.labels >= 0, "While scaling 'lidar' of scene 'nothing'"),
    ]:
        with pytest.raises(WorkbenchError, match=told):
            train(holed(name, where), **OPTIONS)
        (failed,) = [run for run in list_runs() if run.id.startswith(name)]
        assert failed.status["state"] == "failed"


def test_a_run_that_is_stopped_says_so_and_how_far_it_came(scene, roots, monkeypatch):
    from workbench.training.task import FusionTask

    plain = FusionTask.training_step

    def stopped(self, batch, batch_idx):
        if self.current_epoch == 1:
            raise KeyboardInterrupt
        return plain(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(FusionTask, "training_step", stopped)
        with pytest.raises(KeyboardInterrupt):
            train(scene, **(OPTIONS | {"seed": 11}))
    (run,) = [run for run in list_runs() if run.config.seed == 11]
    assert (run.status["state"], run.status["epoch"]) == ("interrupted", 1)
    assert train(scene, **(OPTIONS | {"seed": 11})).id == run.id


def test_two_who_train_the_same_run_take_turns(scene, roots, monkeypatch):
    """Threads hold the lock as processes do."""
    monkeypatch.setenv("WORKBENCH_RUNS", str(roots / "twice"))
    done = []

    def counted(*args):
        done.append(args[0])
        return fit(*args)

    module = sys.modules["workbench.experiments.single"]
    monkeypatch.setattr(module, "fit", counted)
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: train(scene, **(OPTIONS | {"epochs": 1})), range(2))
    assert one.path == other.path
    assert len(done) == 1
    assert other.complete


def test_a_runs_root_that_is_no_folder_is_told(scene, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for place in ("file", "file/deeper"):
        monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / place))
        with pytest.raises(WorkbenchError, match="Not allowed while making a run folder"):
            train(scene, **OPTIONS)
