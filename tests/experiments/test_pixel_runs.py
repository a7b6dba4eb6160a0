"""Runs of pixel models: what scikit-learn says of the same pixels, kept and opened like any run."""

import shutil

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from tests.experiments.conftest import draft
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments import compare_modalities, evaluate, map_scene, open_run, train
from workbench.experiments.devices import resolve_device
from workbench.models.pixel_model import PixelModel
from workbench.runs import list_runs
from workbench.scenes import ClassTable, write_scene
from workbench.splits import make_split
from workbench.views.facts import command

OPTIONS = {"svm": {"c": 1.0, "gamma": 0.2}, "random_forest": {"trees": 10}, "knn": {"neighbours": 3}}


@pytest.fixture(scope="module")
def split(scene):
    return make_split(scene, "random", 11, 0)  # the blocks of so small a scene leave none for validation


@pytest.fixture
def pixel_run(scene, split):
    """Train, or take the run that is there."""
    return lambda name, **how: train(
        scene, name, **({"split": split, "options": OPTIONS[name], "progress": False} | how)
    )


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_the_folder_of_a_pixel_run(pixel_run, name):
    run = pixel_run(name)
    names = {path.name for path in run.path.iterdir()} - {"maps", ".map.lock"}
    assert names == {
        ".lock", "config.yaml", "model.skops", "history.parquet", "metrics.json", "predictions.parquet",
        "environment.json", "status.json", "split.npz", "inputs.json",
    }  # fmt: skip
    assert run.complete
    assert (run.status["epoch"], run.status["epochs"]) == (1, 1)
    assert run.config.view == "pixel"
    assert run.config.device == "cpu"
    (row,) = run.history.to_dict("records")
    test = run.metrics["test"]
    assert 0.8 < row["validation_oa"] <= 1
    assert row["train_loss"] >= 0
    assert 0.8 < test["oa"] <= 1
    told = run.metrics["training"]
    assert told["parameters"] is None
    assert told["classifier"]["training_pixels"] == len(run.split.train) - 1  # one has no data
    assert (told["receptive_field"], told["epochs"]) == ([0, 0], 1)
    assert told["seconds"] == row["seconds"] > 0
    leaks = [leak for leak in run.metrics["audit"]["leaks"] if leak["window"] == "receptive field"]
    assert leaks
    assert all(leak["inside"] == 0 for leak in leaks)  # single pixels share nothing
    assert evaluate(run.id)["test"] == test


@pytest.mark.parametrize("name", ["random_forest", "knn"])
def test_predictions_are_those_of_scikit_learn_on_the_same_pixels(scene, split, pixel_run, name):
    cube = np.concatenate([scene.read("hsi"), scene.read("lidar")])

    def features(sample):
        found = cube[:, sample.positions[:, 1], sample.positions[:, 2]].T
        there = np.isfinite(found).all(1)
        return found[there], sample.labels[there]

    pixels, labels = features(split.train)
    scaler = StandardScaler().fit(pixels.astype(float))
    plain = RandomForestClassifier(10, random_state=0) if name == "random_forest" else KNeighborsClassifier(3)
    plain.fit(scaler.transform(pixels).astype("float32"), labels)
    expected = plain.predict(scaler.transform(features(split.test)[0]).astype("float32"))
    kept = pixel_run(name).predictions
    found = kept[kept["set"] == "test"]["predicted"].to_numpy()
    assert (found == expected).mean() > 0.999  # the scaling is rounded to single precision


def test_a_pixel_run_is_done_once_and_continues(scene, split, pixel_run, roots, monkeypatch):
    one = pixel_run("random_forest")
    before = (one.path / "model.skops").stat().st_mtime_ns
    assert pixel_run("random_forest").id == one.id
    assert (one.path / "model.skops").stat().st_mtime_ns == before
    monkeypatch.setenv("WORKBENCH_RUNS", str(roots / "stopped"))

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(PixelModel, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pixel_run("random_forest")
    stopped = open_run(one.id)
    assert stopped.status["state"] == "interrupted"
    assert not stopped.complete
    again = pixel_run("random_forest")
    assert (again.id, again.complete) == (one.id, True)
    assert again.metrics["test"] == one.metrics["test"]
    assert again.predictions.equals(one.predictions)


def test_what_determines_a_pixel_run_changes_its_id(pixel_run):
    ids = {
        pixel_run("knn").id,
        pixel_run("knn", options={"neighbours": 1}).id,
        pixel_run("knn", inputs={"hsi": ["hsi"]}).id,
        pixel_run("knn", scaling="minmax").id,
    }
    assert len(ids) == 4


def test_spectra_alone(pixel_run):
    run = pixel_run("knn", inputs={"hsi": "hsi"})
    assert run.config.inputs == {"hsi": ("hsi",)}
    assert set(run.metrics["controls"]) >= {"coordinates_only"}
    assert run.metrics["test"]["oa"] < pixel_run("knn").metrics["test"]["oa"] - 0.1  # heights tell two classes
    assert open_run(run.id).predict()["tiny"].shape == (72, 96)
    assert pixel_run("knn", inputs={"hsi": "hsi", "aux": []}).id == run.id
    with pytest.raises(WorkbenchError, match="role 'hsi' got none"):
        pixel_run("knn", inputs={"aux": "lidar"})


def test_modalities_are_compared(scene, split):
    runs = compare_modalities(scene, "knn", split=split, say=lambda _: None, progress=False)
    assert {name: run.config.inputs for name, run in runs.items()} == {
        "all": {"hsi": ("hsi",), "aux": ("lidar",)}, "hsi": {"hsi": ("hsi",)}, "lidar": {"hsi": ("lidar",)},
    }  # fmt: skip


def test_a_scene_without_the_second_role(roots):
    made = draft(name="spectra")
    del made.modalities["lidar"]
    scene = write_scene(roots / "data" / "spectra.zarr", [made], ClassTable.from_names(["low", "high", "bright"]))
    assert train(scene, "knn", progress=False).config.inputs == {"hsi": ("hsi",)}
    with pytest.raises(WorkbenchError, match="role 'aux' got none"):
        train(scene, "fusatnet", progress=False)


def test_another_scene_is_mapped(roots, pixel_run):
    names = ClassTable.from_names(["low", "high", "bright"])
    other = write_scene(roots / "data" / "elsewhere.zarr", [draft(seed=3, name="elsewhere")], names)
    run = pixel_run("svm")
    assert map_scene(run, "elsewhere").keys() == {"elsewhere"}
    labels = other.read_labels()
    mapped = run.predict("elsewhere")["elsewhere"]
    assert (mapped == labels)[labels > 0].mean() > 0.9
    assert mapped[5, 7] == 0  # no data


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"epochs": 5}, "epochs = 5 means nothing to svm: of a recipe only scaling, scaling_from count"),
        ({"learning_rate": 0.1}, "learning_rate"), ({"patience": 3}, "patience"), ({"width": 0.5}, "width can only be 1.0"),
        ({"precision": "bf16-mixed"}, "precision can only be '32-true'"), ({"compile": True}, "compile can only be False"),
        ({"device": "cuda"}, "runs on cpu only, not on cuda"), ({"device": "gpu"}, "Unknown device"),
        ({"view": "dense"}, "view of svm"), ({"recipe": "published"}, "recipe of svm"), ({"options": {"C": 1.0}}, "option of model"),
        ({"options": {"c": "high"}}, "float is needed"), ({"scaling": "none"}, "scaling"),
    ],
)  # fmt: skip
def test_what_means_nothing_to_a_pixel_model_is_refused_before_anything_is_written(roots, pixel_run, how, told):
    before = set((roots / "runs").glob("*"))
    with pytest.raises((WorkbenchError, UnknownNameError), match=told):
        pixel_run("svm", **how)
    assert set((roots / "runs").glob("*")) == before


def test_auto_is_the_cpu_for_them(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto", PixelModel.devices) == "cpu"
    assert resolve_device("auto") == "cuda"


def test_a_pixel_run_has_no_attention(pixel_run):
    with pytest.raises(WorkbenchError, match="KNN has no attention to show"):
        pixel_run("knn").attention(row=10, col=10)


def test_a_damaged_pixel_run_is_told_and_mended(pixel_run, tmp_path, monkeypatch):
    run = pixel_run("knn")
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    shutil.copytree(run.path, tmp_path / "runs" / run.id)
    copied = open_run(run.id)
    content = (copied.path / "model.skops").read_bytes()
    (copied.path / "model.skops").write_bytes(content[: len(content) // 2])
    assert not copied.complete
    with pytest.raises(WorkbenchError, match=rf"model of run {run.id} cannot be used: model\.skops is damaged"):
        evaluate(copied)
    assert pixel_run("knn").complete
    assert evaluate(copied)["test"] == run.metrics["test"]
    (copied.path / "model.skops").unlink()
    with pytest.raises(WorkbenchError, match="does not hold its trained model"):
        evaluate(copied)


def test_the_command_of_a_pixel_run_gives_the_same_run(pixel_run):
    run = pixel_run("random_forest")
    words = command(run).split()
    assert "trees=10" in words
    given = dict(zip(words[3::2], words[4::2], strict=True))
    assert (given["--view"], given["--epochs"], given["--device"]) == ("pixel", "1", "cpu")
    again = pixel_run("random_forest", view="pixel", epochs=1, width=1.0, device="cpu", threads=int(given["--threads"]))
    assert again.id == run.id
    assert len([one for one in list_runs() if one.id == run.id]) == 1
