"""Class maps against rasterio, and what happens with other scenes."""

import json

import numpy as np
import pytest
import rasterio
import torch

from tests.experiments.conftest import SHAPE, draft
from workbench.base.errors import WorkbenchError
from workbench.experiments import map_scene
from workbench.mapping import stream_classes
from workbench.mapping.stream import predict_window
from workbench.models.pixels import load_pixels
from workbench.models.predict import logits_at
from workbench.scenes import ClassTable, write_scene

NAMES = ["low", "high", "bright"]


def test_the_map_is_what_the_network_says_everywhere(run, scene):
    predictor = run.predictor("cpu")
    table = load_pixels(scene, predictor.roles, "cpu", predictor.scaling)
    positions = np.array([(0, row, col) for row in range(SHAPE[0]) for col in range(SHAPE[1])], np.int32)
    expected = predictor.classes[logits_at(predictor.model, predictor.model, table, positions, "dense").argmax(1)]
    expected = expected.reshape(SHAPE)
    expected[5, 7] = 0  # no data
    mapped = run.predict()["tiny"]
    assert (mapped != expected).mean() < 1e-3  # ties in float32 may fall either way
    test = run.predictions
    assert (mapped[test["row"], test["col"]] == test["predicted"]).mean() > 0.999


def test_the_map_is_a_cloud_optimised_geotiff_with_crs_and_colours(run, scene):
    path = map_scene(run)["tiny"]
    assert run.map_path("tiny") == path
    with rasterio.open(path) as raster:
        assert raster.crs.to_epsg() == 32633
        assert tuple(raster.transform)[:6] == scene.transform
        assert raster.shape == SHAPE
        assert raster.nodata == 0
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        colours = raster.colormap(1)
        for entry in scene.classes:
            assert "#{:02x}{:02x}{:02x}".format(*colours[entry.value][:3]) == entry.color.lower()
        assert raster.tags(1)["class_2"] == "high"
        assert set(np.unique(raster.read(1))) <= {0, 1, 2, 3}
    facts = json.loads(path.with_suffix(".json").read_text())
    assert facts["no_data_share"] == pytest.approx(1 / (SHAPE[0] * SHAPE[1]))
    assert not list(path.parent.glob(".*.zarr"))


def test_windows_do_not_show(run, scene, tmp_path):
    """Tiled with halo equals whole."""
    import zarr

    predictor = run.predictor("cpu")
    layers = []
    for size in (256, 32):
        stream_classes(predictor, scene, tmp_path / f"{size}.zarr", size=size)
        layers.append(zarr.open_array(tmp_path / f"{size}.zarr", path="confidence")[:].astype(int))
    assert np.abs(layers[0] - layers[1]).max() <= 1


def test_a_killed_map_goes_on_where_it_was(run, scene, tmp_path, monkeypatch):
    from workbench.mapping import stream

    predictor, path = run.predictor("cpu"), tmp_path / "m.zarr"
    seen = []

    def counted(*args):
        seen.append(args[2:])
        if len(seen) == 3:
            raise KeyboardInterrupt
        return predict_window(*args)

    monkeypatch.setattr(stream, "predict_window", counted)
    with pytest.raises(KeyboardInterrupt):
        stream_classes(predictor, scene, path, size=32)
    stream_classes(predictor, scene, path, size=32)
    assert len(seen) == 3 + 9 - 2  # nine windows; two were done
    # another network does not continue this one's map
    with torch.no_grad():
        next(predictor.model.parameters()).add_(1.0)
    stream_classes(predictor, scene, path, size=32)
    assert len(seen) == 10 + 9


def test_another_scene_is_mapped_with_the_training_scaling(run, roots):
    write_scene(roots / "data" / "next.zarr", [draft(seed=9, hole=False, name="next")], ClassTable.from_names(NAMES))
    path = map_scene(run, "next")["next"]
    facts = json.loads(path.with_suffix(".json").read_text())
    assert facts["outside_training_range_share"] < 0.2
    far = draft(seed=9, name="far")
    far.modalities["lidar"] = (far.modalities["lidar"][0] + 100, far.modalities["lidar"][1])
    write_scene(roots / "data" / "far.zarr", [far], ClassTable.from_names(NAMES))
    path = map_scene(run, "far")["far"]
    assert json.loads(path.with_suffix(".json").read_text())["outside_training_range_share"] == 1.0


def test_a_scene_without_labels_is_mapped(run, roots):
    plain = draft(seed=3, name="plain")
    plain.labels = None
    write_scene(roots / "data" / "plain.zarr", [plain], ClassTable.from_names(NAMES))
    assert map_scene(run, "plain")["plain"].is_file()


def test_a_scene_that_does_not_fit_is_refused(run, roots):
    def stored(name, change):
        made = draft(seed=4, name=name)
        array, info = made.modalities["lidar"]
        made.modalities["lidar"] = (array, info.model_copy(update=change))
        write_scene(roots / "data" / f"{name}.zarr", [made], ClassTable.from_names(NAMES))
        return name

    with pytest.raises(WorkbenchError, match="elevation"):
        map_scene(run, stored("elevated", {"quantity": "elevation"}))
    lacking = draft(seed=4, name="lacking")
    del lacking.modalities["lidar"]
    write_scene(roots / "data" / "lacking.zarr", [lacking], ClassTable.from_names(NAMES))
    with pytest.raises(WorkbenchError, match="no modality 'lidar'"):
        map_scene(run, "lacking")
    shifted = draft(seed=4, name="shifted")
    array, info = shifted.modalities["hsi"]
    waves = tuple(value + 40 for value in info.wavelengths)
    shifted.modalities["hsi"] = (array, info.model_copy(update={"wavelengths": waves}))
    write_scene(roots / "data" / "shifted.zarr", [shifted], ClassTable.from_names(NAMES))
    with pytest.raises(WorkbenchError, match=r"40\.0 nm"):
        map_scene(run, "shifted")


def test_a_map_names_and_colours_the_runs_classes(run, roots):
    """The mapped scene may have no class table, or one in which the same values mean something else."""
    bare = draft(seed=3, name="bare")
    bare.labels = None
    write_scene(roots / "data" / "bare.zarr", [bare], ClassTable())
    write_scene(
        roots / "data" / "foreign.zarr", [draft(name="foreign")], ClassTable.from_names(["rot", "grün", "blau"])
    )
    for name in ("bare", "foreign"):
        with rasterio.open(map_scene(run, name)[name]) as raster:
            assert [raster.tags(1)[f"class_{value}"] for value in run.classes] == NAMES
            colours = raster.colormap(1)
        found = {value: "#{:02x}{:02x}{:02x}".format(*colours[value]) for value in run.classes}
        assert found == {entry.value: entry.color for entry in run.class_table}


def test_two_who_map_the_same_run_take_turns(run, scene, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    from workbench.experiments import maps

    at_once, most = [], []

    def watched(*args):
        at_once.append(1)
        most.append(len(at_once))
        result = stream_classes(*args)
        at_once.pop()
        return result

    for path in (run.path / "maps").glob("tiny.*"):
        path.unlink()
    monkeypatch.setattr(maps, "stream_classes", watched)
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: map_scene(run), range(2))
    assert one == other
    assert most == [1]  # the second one found the map


def test_a_folder_that_cannot_be_written_is_told(run, scene, monkeypatch, tmp_path):
    import shutil

    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path))
    shutil.copytree(run.path, tmp_path / run.id, ignore=shutil.ignore_patterns("maps"))
    (tmp_path / run.id / "maps").touch()
    with pytest.raises(WorkbenchError, match="Not allowed while making a folder for class maps"):
        map_scene(run.id)
