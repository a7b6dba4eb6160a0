"""A run's network as an ONNX file: what it answers on raw values, what it says of itself, and what is refused."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import rasterio

from tests.experiments.conftest import SHAPE, point
from workbench import cli
from workbench.base.errors import WorkbenchError
from workbench.experiments import Run, export, export_onnx, map_scene, onnx_facts


def call(patch, *arguments):
    patch.setattr(sys, "argv", ["workbench", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code or 0


@pytest.fixture(scope="module")
def exported(roots, run):
    """Made once, for tracing takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        point(patch, roots)
        return export_onnx(run)


@pytest.fixture
def traced(exported, monkeypatch):
    """The graph that is already there takes the place of tracing; a test may change it."""
    graph = onnx.load(exported)
    monkeypatch.setattr(export, "build_graph", lambda predictor, side: graph)
    return graph


def test_raw_values_give_the_map_of_the_workbench(run, scene, exported):
    """Padded by the reach with no data, the whole scene in one piece, with the hole in it."""
    before, after = onnx_facts(exported)["receptive_field"]
    margin = ((0, 0), (before, after), (before, after))
    raw = {name: np.pad(scene.read(name), margin, constant_values=np.nan)[None] for name in scene.modalities}
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    (found,) = session.run(["probabilities"], raw)
    answers = found[0, :, before : before + SHAPE[0], before : before + SHAPE[1]]
    np.testing.assert_allclose(answers.sum(0), 1, atol=1e-5)
    with rasterio.open(map_scene(run)[scene.name]) as file:
        mapped = file.read(1)
    classes = np.array(run.classes)[answers.argmax(0)]
    assert (mapped == 0).sum() == 1
    assert (classes == mapped)[mapped > 0].mean() > 0.999


def test_the_file_says_what_it_is(run, exported):
    assert exported == run.path / "model.onnx"
    facts = onnx_facts(exported)
    assert (facts["run"], facts["scene"], facts["model"], facts["view"]) == (run.id, "tiny", "fusatnet", "dense")
    assert facts["classes"] == run.metrics["classes"]
    assert facts["inputs"]["hsi"]["wavelengths"] == [450.0, 550.0, 650.0, 750.0, 850.0, 950.0]
    assert (facts["inputs"]["lidar"]["bands"], facts["inputs"]["lidar"]["unit"]) == (1, "m")
    assert facts["roles"] == {"hsi": ["hsi"], "aux": ["lidar"]}
    assert facts["receptive_field"] == run.metrics["training"]["receptive_field"]
    assert facts["patch_size"] is facts["window"] is None
    for parity in (facts["parity"]["random"], facts["parity"]["scene"]):
        assert 0 < parity["largest_difference"] < facts["parity"]["tolerance"]
        assert parity["equal_classes"] > 0.999
    assert facts["parity"]["scene"]["answers"] == export.CHECKED["dense"] * export.DENSE_SIDE**2


def test_the_command_prints_the_path_and_the_check(run, exported, traced, tmp_path, monkeypatch, capsys):
    path = tmp_path / "new" / "net.onnx"
    assert call(monkeypatch, "export", run.id, "--output", str(path)) == 0
    out, err = capsys.readouterr()
    assert out.split() == [str(path)]
    assert "On random values (2259 pixels)" in err
    assert "On the run's scene" in err
    assert call(monkeypatch, "export", run.id, "--output", str(path), "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"path": str(path), **onnx_facts(exported)}


def test_a_network_whose_scene_is_gone_is_checked_on_random_values(run, traced, tmp_path, monkeypatch, capsys):
    gone = property(lambda self: (_ for _ in ()).throw(WorkbenchError("gone")))
    monkeypatch.setattr(Run, "scene", gone)
    assert call(monkeypatch, "export", run.id, "--output", str(tmp_path / "net.onnx")) == 0
    assert onnx_facts(tmp_path / "net.onnx")["parity"]["scene"] is None
    assert "Not checked on the run's scene" in capsys.readouterr().err


def test_other_answers_leave_no_file(run, traced, tmp_path):
    weights = max(traced.graph.initializer, key=lambda one: len(one.raw_data))
    values = np.frombuffer(weights.raw_data, np.float32)
    weights.raw_data = (values * 1.1).astype(np.float32).tobytes()
    with pytest.raises(WorkbenchError, match="Nothing was written"):
        export_onnx(run, tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_answers_that_are_no_numbers_leave_no_file(run, traced, tmp_path):
    weights = max(traced.graph.initializer, key=lambda one: len(one.raw_data))
    weights.raw_data = np.full(len(weights.raw_data) // 4, np.nan, np.float32).tobytes()
    with pytest.raises(WorkbenchError, match="by up to nan"):
        export_onnx(run, tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_a_model_that_is_no_network_is_refused(run, monkeypatch):
    monkeypatch.setattr(Run, "predictor", lambda self, device, tta=None: SimpleNamespace(model=object()))
    with pytest.raises(WorkbenchError, match=r"no neural network \(not an nn.Module\)"):
        export_onnx(run)


def test_a_folder_is_no_place_for_the_file(run, traced, tmp_path):
    with pytest.raises(WorkbenchError, match="Choose another place"):
        export_onnx(run, tmp_path)


def test_facts_are_read_from_exported_files_only(exported, tmp_path):
    for name, content in (("torn", exported.read_bytes()[:500]), ("words", b"hello"), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WorkbenchError, match="Export the run again"):
            onnx_facts(tmp_path / name)
    with pytest.raises(WorkbenchError, match="cannot be read"):
        onnx_facts(tmp_path / "none")
