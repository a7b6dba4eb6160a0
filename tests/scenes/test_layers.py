import numpy as np
import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, list_scenes, open_scene, write_scene
from workbench.scenes.layers import describe_label_layer, remove_label_layer, write_label_layer

CLASSES = ClassTable.from_names(["grass", "roof"])
OTHER = ClassTable.from_names(["forest", "water", "urban"])


def draft(name="a", **fields):
    hsi = np.random.default_rng(0).random((3, 20, 30), np.float32)
    labels = np.zeros((20, 30), np.uint8)
    labels[:5], labels[10:15] = 1, 2
    given = {"name": name, "modalities": {"hsi": (hsi, ModalityInfo.of("hsi", hsi))}, "labels": labels}
    return TileDraft(**{**given, **fields})


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    return tmp_path


def drawn(value=3):
    plane = np.zeros((20, 30), np.int64)
    plane[2:8, 4:9] = value
    return plane


def test_drawn_labels_open_as_a_layer_and_leave_the_scene_as_it_was(place):
    scene = write_scene(place / "spot.zarr", [draft()], CLASSES, {"note": "old", "licence": "free"})
    before = scene.content_hash, scene.read_labels()
    layer = write_label_layer(scene, "drawn", {"spot": drawn()}, OTHER, {"note": "mine"})
    assert (layer.name, layer.collection, layer.classes) == ("spot@drawn", "spot@drawn", OTHER)
    np.testing.assert_array_equal(layer.read_labels(), drawn())
    np.testing.assert_array_equal(layer.labels.values, drawn())
    np.testing.assert_array_equal(layer.read("hsi"), scene.read("hsi"))
    assert layer.attrs == {"note": "mine", "licence": "free"}
    again = open_scene("spot")
    assert again.label_layers == ("drawn",)
    assert (again.content_hash, again.classes) == (before[0], CLASSES)
    np.testing.assert_array_equal(again.read_labels(), before[1])
    assert open_scene("spot@drawn") == layer != again
    assert [summary.layers for summary in list_scenes() if summary.name == "spot"] == [("drawn",)]


def test_replacing_a_layer_is_asked_for_and_leaves_no_file_behind(place):
    scene = write_scene(place / "spot.zarr", [draft()], CLASSES)
    first = write_label_layer(scene, "drawn", {"spot": drawn()}, OTHER)
    with pytest.raises(WorkbenchError, match="already"):
        write_label_layer(scene, "drawn", {"spot": drawn(2)}, OTHER)
    second = write_label_layer(scene, "drawn", {"spot": drawn(2)}, OTHER, replace=True)
    assert second.read_labels().max() == 2
    assert second.content_hash != first.content_hash
    assert len([path for path in (place / "spot.zarr" / "a" / "layers").iterdir() if path.is_dir()]) == 1
    remove_label_layer(scene, "drawn")
    assert open_scene("spot").label_layers == ()
    with pytest.raises(UnknownNameError, match="drawn"):
        open_scene("spot@drawn")


@pytest.mark.parametrize(
    ("planes", "told"),
    [
        ({"spot": np.zeros((20, 31), int)}, "20 x 31"),
        ({"spot": np.full((20, 30), 4)}, "outside the class"),
        ({"spit": np.zeros((20, 30), int)}, "spot"),
    ],
)
def test_a_refused_layer_leaves_nothing(place, planes, told):
    scene = write_scene(place / "spot.zarr", [draft()], CLASSES)
    with pytest.raises(WorkbenchError, match=told):
        write_label_layer(scene, "drawn", planes, OTHER)
    assert open_scene("spot").label_layers == ()
    kept = place / "spot.zarr" / "a" / "layers"
    assert not kept.exists() or not [path for path in kept.iterdir() if path.is_dir()]


def test_layers_of_a_collection_come_with_its_drafts(place):
    tiles = [draft("a", layers={"lc": drawn()}), draft("b")]
    both = write_scene(place / "many.zarr", tiles, CLASSES, layer_classes={"lc": OTHER})
    layer = open_scene("many@lc")
    assert (both.label_layers, layer.name, layer.classes) == (("lc",), "many@lc", OTHER)
    assert [tile.has_labels for tile in layer] == [True, False]
    assert layer["b"].read_labels() is None
    assert layer.content_hash != both.content_hash
    assert [tile.has_labels for tile in both] == [True, True]
    with pytest.raises(WorkbenchError, match="no class table"):
        write_scene(place / "none.zarr", [draft(layers={"lc": drawn()})], CLASSES)


def test_official_splits_are_kept_and_checked(place):
    codes = np.zeros((20, 30), np.uint8)
    codes[:5], codes[10:15] = 1, 3
    scene = write_scene(place / "spot.zarr", [draft(splits={"official": codes})], CLASSES)
    np.testing.assert_array_equal(scene.named_splits["official"], codes)
    assert dict(write_label_layer(scene, "drawn", {"spot": drawn()}, OTHER).named_splits) == {}
    other = np.where(drawn() > 0, 3, 0)
    both = draft(splits={"official": codes, "official@lc": other}, layers={"lc": drawn()})
    write_scene(place / "both.zarr", [both], CLASSES, layer_classes={"lc": OTHER})
    np.testing.assert_array_equal(open_scene("both").named_splits["official"], codes)
    np.testing.assert_array_equal(open_scene("both@lc").named_splits["official"], other)
    assert list(open_scene("both@lc").named_splits) == ["official"]
    plain = write_scene(place / "plain.zarr", [draft()], CLASSES)
    assert plain.content_hash != scene.content_hash
    for wrong, told in ((codes + 3, "value 4"), (np.ones((20, 30), int), "300 pixels without label")):
        with pytest.raises(WorkbenchError, match=told):
            write_scene(place / "wrong.zarr", [draft(splits={"official": wrong})], CLASSES)


def test_a_layer_is_described_later(place):
    scene = write_scene(place / "spot.zarr", [draft()], CLASSES, {"note": "old"})
    before = write_label_layer(scene, "drawn", {"spot": drawn()}, OTHER)
    describe_label_layer(scene, "drawn", {"labels_are": "a map product"})
    after = open_scene("spot@drawn")
    assert after.attrs == {"note": "old", "labels_are": "a map product"}
    assert after.content_hash == before.content_hash
    assert open_scene("spot").attrs == {"note": "old"}
    with pytest.raises(UnknownNameError):
        describe_label_layer(scene, "other", {})
