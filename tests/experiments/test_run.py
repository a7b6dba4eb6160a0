"""A run that is opened later: its scene moved or changed, its files damaged, its pixel badly named."""

import json
import shutil
import sys

import numpy as np
import pytest

from tests.experiments.conftest import OPTIONS, draft
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments import evaluate, map_scene, open_run, train
from workbench.experiments.run import Run, as_run
from workbench.runs import list_runs
from workbench.scenes import ClassTable, write_scene

NAMES = ["low", "high", "bright"]
SHORT = OPTIONS | {"epochs": 1}


@pytest.fixture
def copied(run, roots, tmp_path, monkeypatch):
    """A copy of the finished run, under roots of its own, to be damaged."""
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    shutil.copytree(run.path, tmp_path / "runs" / run.id, ignore=shutil.ignore_patterns("maps"))
    return open_run(run.id)


def test_a_scene_outside_the_data_root_is_found_again(roots, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    write_scene(tmp_path / "far" / "away.zarr", [draft(seed=5, name="away")], ClassTable.from_names(NAMES))
    run = train(tmp_path / "far" / "away.zarr", **SHORT)
    again = open_run(run.id)
    assert again.scene.address == str(tmp_path / "far" / "away.zarr")
    assert map_scene(again)["away"].is_file()
    # one of the same name in the data root does not come before it, unless it is the same
    write_scene(roots / "data" / "away.zarr", [draft(seed=6, name="away")], ClassTable.from_names(NAMES))
    assert again.scene.address == str(tmp_path / "far" / "away.zarr")
    shutil.copytree(tmp_path / "far" / "away.zarr", roots / "data" / "away.zarr", dirs_exist_ok=True)
    assert again.scene.address == str(roots / "data" / "away.zarr")


def test_one_tile_of_a_collection_is_found_again(roots, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    tiles = [draft(seed=7, name="left"), draft(seed=8, name="right")]
    collection = write_scene(roots / "data" / "pair.zarr", tiles, ClassTable.from_names(NAMES))
    run = train(collection["right"], **SHORT)
    assert open_run(run.id).scene == collection["right"]
    assert open_run(run.id).attention(row=20, col=20).predicted in (1, 2, 3)


def test_a_scene_that_was_replaced_or_removed_is_told(roots, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    path = roots / "data" / "fleeting.zarr"
    write_scene(path, [draft(seed=5, name="fleeting")], ClassTable.from_names(NAMES))
    run = train("fleeting", **SHORT)
    write_scene(path, [draft(seed=6, name="fleeting")], ClassTable.from_names(NAMES), replace=True)
    for use in (evaluate, map_scene, lambda it: it.attention(row=3, col=3)):
        with pytest.raises(WorkbenchError, match=rf"'fleeting' has changed since run {run.id}"):
            use(run)
    assert train("fleeting", **SHORT).id != run.id
    shutil.rmtree(path)
    with pytest.raises(UnknownNameError, match="fleeting"):
        evaluate(run)


def cut(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    "name",
    ["model.safetensors", "split.npz", "inputs.json", "config.yaml", "metrics.json", "status.json", "history.parquet", "predictions.parquet"],
)  # fmt: skip
@pytest.mark.parametrize(
    "how", [cut, lambda path: path.unlink(), lambda path: path.write_bytes(b"{}")], ids=["cut", "gone", "other"]
)
def test_a_damaged_run_is_told_and_not_taken_for_complete(copied, name, how):
    assert copied.complete
    how(copied.path / name)
    run = Run(copied.path)
    assert not run.complete
    uses = {
        "model.safetensors": evaluate, "split.npz": evaluate, "inputs.json": map_scene, "config.yaml": evaluate,
        "metrics.json": map_scene, "status.json": lambda it: open_run(it.id), "history.parquet": lambda it: it.history,
        "predictions.parquet": lambda it: it.predictions,
    }  # fmt: skip
    with pytest.raises(WorkbenchError, match=rf"{run.id}|{name}"):
        uses[name](run)


def test_the_same_command_mends_a_damaged_run(copied, run, scene):
    cut(copied.path / "model.safetensors")
    (copied.path / "inputs.json").unlink()
    (copied.path / ".model.safetensors.abcdefgh.safetensors").touch()  # what a killed writer left
    mended = train(scene, **OPTIONS)
    assert mended.path == copied.path
    assert mended.complete
    assert (mended.path / "model.safetensors").read_bytes() == (run.path / "model.safetensors").read_bytes()
    assert mended.metrics["test"] == run.metrics["test"]
    assert {path.name for path in mended.path.glob(".*")} <= {".lock", ".map.lock"}


def test_weights_of_another_network_are_told(copied):
    other = copied.path / "config.yaml"
    other.write_text(other.read_text().replace("width: 0.03", "width: 0.05"))
    with pytest.raises(WorkbenchError, match="damaged or of another network"):
        Run(copied.path).predictor("cpu")


def test_a_run_is_named_in_many_ways(run):
    (listed,) = [one for one in list_runs() if one.id == run.id]
    assert not isinstance(listed, Run)
    for name in (run, listed, run.id, run.id[-10:]):
        assert as_run(name).path == run.path
    assert evaluate(listed)["test"]["oa"] == run.metrics["test"]["oa"]
    with pytest.raises(UnknownNameError, match="run"):
        evaluate(77.5)


def test_a_pixel_is_named_in_one_way(run, scene):
    here = run.attention(row=10, col=20)
    x, y = scene.position_of(10, 20)
    np.testing.assert_array_equal(run.attention(x, y).probabilities, here.probabilities)
    assert run.attention(row=np.int64(10), col=np.int32(20), tile="tiny").row == 10
    for expected, call in [
        ("either x and y, or row and col", {}),
        ("either x and y, or row and col", {"x": x}),
        ("either x and y, or row and col", {"x": x, "y": y, "row": 10, "col": 20}),
        ("either x and y, or row and col", {"x": x, "row": 10, "col": 20}),
        ("whole numbers", {"row": 10.5, "col": 20}),
        ("whole numbers", {"row": "10", "col": 20}),
        ("outside", {"row": -1, "col": 20}),
        ("outside", {"x": 0.0, "y": 0.0}),
        ("Unknown tile of 'tiny' 'tny'. Nearest: tiny", {"row": 10, "col": 20, "tile": "tny"}),
        ("tiles 0 to 0, not 1", {"row": 10, "col": 20, "tile": 1}),
        ("tiles 0 to 0, not -1", {"row": 10, "col": 20, "tile": -1}),
        ("no data", {"row": 5, "col": 7}),
        ("Unknown device", {"row": 10, "col": 20, "device": "gpu"}),
    ]:
        with pytest.raises(WorkbenchError, match=expected):
            run.attention(**call)


def test_the_class_table_is_that_of_the_training(run):
    assert run.class_table == ClassTable.from_names(NAMES)
    assert run.classes == (1, 2, 3)


def test_a_damaged_map_is_told(copied, scene):
    path = map_scene(copied)["tiny"]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(WorkbenchError, match=r"tiny\.tif is damaged.*map again"):
        copied.predict()
    path.unlink()
    assert copied.predict()["tiny"].shape == scene.shape
    path.with_suffix(".json").write_text("{")  # the note of what it was made of
    assert json.loads(map_scene(copied)["tiny"].with_suffix(".json").read_text())["scene"] == "tiny"


def test_what_is_done_needs_no_lock(copied, scene, monkeypatch):
    """A colleague's runs may lie where one may only read."""
    maps = map_scene(copied)

    def refuse(*_):
        raise WorkbenchError("Not allowed while locking")

    monkeypatch.setattr(sys.modules["workbench.experiments.working"], "file_lock", refuse)
    monkeypatch.setattr(sys.modules["workbench.experiments.maps"], "file_lock", refuse)
    assert map_scene(copied) == maps
    assert copied.predict()["tiny"].shape == scene.shape
    assert train(scene, **OPTIONS).path == copied.path
    maps["tiny"].unlink()
    with pytest.raises(WorkbenchError, match="Not allowed"):
        map_scene(copied)
