"""Class maps as pixels."""

import numpy as np
import pytest
import rasterio

from workbench.base.errors import WorkbenchError
from workbench.base.files import write_json
from workbench.runs import open_run_folder
from workbench.scenes import ClassTable, open_scene
from workbench.views.classes import class_legend, colorize, hits, label_values, map_values, thin


def test_thin_keeps_sparse_labels():
    values = np.zeros((7, 9), np.uint16)
    values[3, 4], values[6, 8] = 5, 2
    small = thin(values, 4)
    assert small.tolist() == [[0, 5, 0], [0, 0, 2]]
    assert thin(values, 1) is values


def test_colours_are_those_of_the_class_table():
    classes = ClassTable.from_names(["a", "b"])
    pixels = colorize(np.array([[0, 1], [2, 9]]), classes)
    assert pixels[0, 0, 3] == pixels[1, 1, 3] == 0
    assert "#" + bytes(pixels[0, 1, :3]).hex() == classes.color(1)
    assert [entry.words for entry in class_legend(classes, np.array([0, 2]))] == ["b"]


def test_map_is_read_as_rasterio_reads_it(small_world):
    run, scene = open_run_folder(small_world.run), open_scene("small")
    values, stride = map_values(run, scene)
    with rasterio.open(run.path / "maps" / "small.tif") as raster:
        np.testing.assert_array_equal(values, raster.read(1))
    assert stride == 1


def test_a_map_of_an_earlier_import_is_not_shown(small_world, tmp_path):
    import shutil

    run = open_run_folder(small_world.run)
    shutil.copytree(run.path, tmp_path / run.id)
    old = type(run)(tmp_path / run.id)
    write_json(old.path / "maps" / "small.json", {"scene_hash": "another"})
    assert map_values(old, open_scene("small")) is None
    assert map_values(run, open_scene("small")) is not None


def test_hits_are_the_test_pixels(small_world):
    run, scene = open_run_folder(small_world.run), open_scene("small")
    values, _ = hits(run, scene)
    test = run.predictions.query("set == 'test'")
    right = test["reference"] == test["predicted"]
    assert (values == 1).sum() == right.sum()
    assert (values == 2).sum() == (~right).sum()
    wrong = test[~right]
    if len(wrong):
        assert values[wrong["row"].iloc[0], wrong["col"].iloc[0]] == 2


def test_labels_of_a_scene_without_any(small_world):
    with pytest.raises(WorkbenchError, match="no labels to draw"):
        label_values(open_scene("blank"))
    values, _ = label_values(open_scene("small"))
    np.testing.assert_array_equal(values, open_scene("small").read_labels())
