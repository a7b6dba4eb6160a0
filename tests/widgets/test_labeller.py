"""Labelling in JupyterLab: by the values of its controls."""

import numpy as np
import pytest

from workbench.scenes import ClassTable, ModalityInfo, TileDraft, open_scene, write_scene
from workbench.widgets import SceneLabeller


@pytest.fixture
def labeller(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    array = np.random.default_rng(0).random((3, 30, 40)).astype(np.float32)
    write_scene(tmp_path / "s.zarr", [TileDraft("s", {"rgb": (array, ModalityInfo.of("rgb", array))})], ClassTable())
    return SceneLabeller(open_scene("s"))


def draw(labeller, row, col, size=4):
    """What the page tells after a square was drawn."""
    source = labeller.drawn._source
    value, color = labeller.drawn._outline.tags
    low, left = row - 0.5, col - 0.5
    new = {"xs": [left, left + size, left + size, left], "ys": [low, low, low + size, low + size]}
    new |= {"value": value, "color": color, "key": 0}
    source.data = {name: [*column, new[name]] for name, column in source.data.items()}


def test_from_a_class_to_labels_to_train_on(labeller):
    assert "Add a class" in labeller.said.value
    labeller.save.click()
    labeller.class_name.value = "grass"
    labeller.add.click()
    labeller.class_name.value = "roof"
    labeller.add.click()
    assert labeller.current.options == (("1 grass", 1), ("2 roof", 2))
    labeller.mode.value = "draw"
    assert labeller.drawn.mode == "draw"
    assert "Tap each corner" in labeller.hint.value
    draw(labeller, 3, 5)
    labeller.current.value = 1
    draw(labeller, 12, 20)
    assert labeller.polygon.options == (("1: 2 roof", 0), ("2: 1 grass", 1))
    assert "kept as a draft" in labeller.said.value
    labeller.make.click()
    assert "workbench train s@drawn" in labeller.said.value
    labels = open_scene("s@drawn").read_labels()
    expected = np.zeros((30, 40), np.uint16)
    expected[3:7, 5:9], expected[12:16, 20:24] = 2, 1
    np.testing.assert_array_equal(labels, expected)


def test_polygons_and_classes_are_changed(labeller):
    for name in ("grass", "roof"):
        labeller.class_name.value = name
        labeller.add.click()
    draw(labeller, 3, 5)
    draw(labeller, 12, 20)
    labeller.current.value = 1
    labeller.polygon.value = 0
    labeller.give.click()
    assert [polygon.value for polygon in labeller.labelling.polygons] == [1, 2]
    labeller.polygon.value = 1
    labeller.delete.click()
    assert len(labeller.labelling.polygons) == 1
    labeller.remove.click()
    assert "has 1 polygon" in labeller.said.value
    labeller.class_name.value, labeller.color.value = "meadow", "#00ff00"
    labeller.change.click()
    assert labeller.labelling.classes.name(1) == "meadow"
    assert list(labeller.drawn._source.data["color"]) == ["#00ff00"]
    labeller.undo.click()
    assert labeller.labelling.classes.name(1) == "grass"
    assert SceneLabeller(open_scene("s")).labelling.polygons == labeller.labelling.polygons  # from the draft
    labeller.discard.click()
    assert labeller.labelling.polygons == ()


def test_no_polygon_and_no_class(labeller):
    labeller.delete.click()
    assert "no polygon yet" in labeller.said.value
    labeller.remove.click()
    assert "no class yet" in labeller.said.value
    labeller.add.click()
    assert "has no name" in labeller.said.value


def test_display_packs_what_is_shown_now(labeller):
    stale = labeller._place.render_bundle
    assert "application/vnd.jupyter.widget-view+json" in labeller._repr_mimebundle_()
    assert labeller._place.render_bundle is not stale
