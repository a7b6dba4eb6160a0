"""Labelling: what is drawn, changed, saved and trained on, and that nothing is lost on the way."""

import numpy as np
import pytest
from shapely import Polygon, box

from workbench.base.errors import WorkbenchError
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, open_scene, write_scene
from workbench.scenes.label_files import LabelPolygon, PolygonLabels, read_label_file, write_label_file
from workbench.views.backend import hv
from workbench.views.labelling import Labelling
from workbench.views.live import LiveMap
from workbench.views.polygon_tools import DrawnPolygons

TRANSFORM = (2.0, 0.0, 500_000.0, 0.0, -2.0, 5_400_000.0)


def tile(name, shape=(30, 40), transform=TRANSFORM, crs="EPSG:32633"):
    array = np.zeros((1, *shape), np.float32)
    return TileDraft(name, {"dem": (array, ModalityInfo.of("dem", array))}, None, transform, crs)


@pytest.fixture
def scene(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    return write_scene(tmp_path / "s.zarr", [tile("s")], ClassTable())


def corners(row, col, size=4):
    """Corners of a square of pixels, in map coordinates."""
    x, y = 500_000 + 2 * col, 5_400_000 - 2 * row
    return np.array([(x, y), (x + 2 * size, y), (x + 2 * size, y - 2 * size), (x, y - 2 * size)], float)


BOW = corners(2, 2)[[0, 2, 1, 3]]


@pytest.fixture
def labelling(scene):
    made = Labelling(scene)
    made.add_class("meadow")
    made.add_class("roof", "#cc6677")
    made.set_outlines([(corners(3, 5), 1, None), (corners(10, 20), 2, None)])
    return made


def test_train_from_them_at_once(labelling):
    made = labelling.make_layer()
    assert made.collection == "s@drawn"
    labels = open_scene("s@drawn").read_labels()
    expected = np.zeros((30, 40), np.uint16)
    expected[3:7, 5:9], expected[10:14, 20:24] = 1, 2
    np.testing.assert_array_equal(labels, expected)
    assert open_scene("s@drawn").classes.names == ("meadow", "roof")
    assert not labelling.unsaved
    assert labelling.has_layer
    before = made.content_hash
    assert Labelling(open_scene("s")).has_layer
    labelling.delete(1)
    labelling.save()
    assert not labelling.has_layer  # it was made of other polygons
    assert not Labelling(open_scene("s")).has_layer
    assert labelling.make_layer().content_hash != before
    assert open_scene("s@drawn").classes.names == ("meadow",)  # no class without a pixel


def test_a_page_that_is_closed_loses_nothing(scene, labelling):
    labelling.save()
    labelling.set_outlines([(BOW, 1, None), (corners(10, 20), 2, None)])  # cannot be saved yet
    labelling.add_class("water")
    again = Labelling(open_scene("s"))
    assert again.unsaved
    assert "not saved" in again.said
    assert again.polygons == labelling.polygons
    assert again.classes.names == ("meadow", "roof", "water")
    again.open("drawn", discard=True)
    assert not again.unsaved
    assert [polygon.value for polygon in again.polygons] == [1, 2]
    assert again.classes.names == ("meadow", "roof")
    assert [path.name for path in again.path.parent.iterdir()] == ["drawn.gpkg"]


def test_a_polygon_that_crosses_itself_is_named_and_repaired(labelling):
    labelling.set_outlines([(corners(3, 5), 1, None), (BOW, 2, None)])
    assert list(labelling.problems()) == [1]
    assert "crosses itself" in labelling.table()["problem"][2]
    with pytest.raises(WorkbenchError, match="polygon 2 crosses itself"):
        labelling.make_layer()
    assert labelling.draft.is_file()
    labelling.repair(1)
    assert [polygon.value for polygon in labelling.polygons] == [1, 2, 2]
    assert sum(polygon.shape.area for polygon in labelling.polygons[1:]) == pytest.approx(32)
    labelling.save()
    labelling.undo()
    assert len(labelling.polygons) == 2


def test_values_are_never_given_to_another_class(labelling):
    labelling.give(1, 1)
    labelling.remove_class(2)
    assert labelling.add_class("water") == 3
    labelling.save()
    assert Labelling(open_scene("s")).add_class("soil") == 4
    with pytest.raises(WorkbenchError, match="has 2 polygons"):
        labelling.remove_class(1)
    with pytest.raises(WorkbenchError, match="'water' twice"):
        labelling.change_class(1, "water")
    labelling.change_class(1, "pasture", "#00ff00")
    assert labelling.classes.to_json()[0] == {"value": 1, "name": "pasture", "color": "#00ff00"}
    assert [polygon.value for polygon in labelling.polygons] == [1, 1]


def test_classes_begin_with_those_of_the_scene(small_world, tmp_path, monkeypatch):
    whole = open_scene("small")
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    labelling = Labelling(whole)
    assert labelling.classes == whole.classes
    assert labelling.add_class("new") == 4


def test_what_another_page_saved_is_not_overwritten(scene, labelling):
    labelling.save()
    other = Labelling(scene)
    other.delete(0)
    other.save()
    labelling.add_class("water")
    with pytest.raises(WorkbenchError, match="changed by another page"):
        labelling.save()
    labelling.save_as("mine")
    assert (labelling.name_, labelling.files()) == ("mine", ["drawn", "mine"])
    with pytest.raises(WorkbenchError, match="already"):
        labelling.save_as("drawn")


def test_tiles_of_a_collection_share_classes_and_become_one_layer(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    tiles = [tile("a"), tile("b", (20, 20), (2.0, 0.0, 500_000.0, 0.0, -2.0, 5_400_000.0), "EPSG:32632")]
    both = write_scene(tmp_path / "c.zarr", tiles, ClassTable())
    labelling = Labelling(both)
    labelling.add_class("meadow")
    labelling.set_outlines([(corners(3, 5), 1, None)])
    labelling.save()
    labelling.go(1)
    assert labelling.classes.names == ("meadow",)
    assert labelling.polygons == ()
    labelling.set_outlines([(corners(0, 0), 1, None)])
    made = labelling.make_layer()
    assert [int((one.read_labels() == 1).sum()) for one in made.scenes] == [16, 16]
    assert sorted(path.name for path in labelling.path.parent.iterdir()) == ["drawn@a.gpkg", "drawn@b.gpkg"]


def test_a_file_of_another_program(scene, tmp_path):
    import geopandas

    path = tmp_path / "roads.geojson"
    shape = Polygon(corners(3, 5), [corners(4, 6, 1)])
    geopandas.GeoDataFrame({"kind": ["road"]}, geometry=[shape], crs="EPSG:32633").to_crs(4326).to_file(path)
    labelling = Labelling(scene, path=path)
    assert labelling.classes.names == ("road",)
    assert labelling.unsaved
    assert labelling.save() == tmp_path / "labels" / "s" / "drawn.gpkg"
    assert len(read_label_file(labelling.path, scene.grid).polygons[0].shape.interiors) == 1


def test_nothing_to_train_on(scene):
    labelling = Labelling(scene)
    labelling.add_class("meadow")
    with pytest.raises(WorkbenchError, match="nothing to train on"):
        labelling.make_layer()


@pytest.fixture(params=["map", "pixels", "rotated"])
def drawn(request, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    kinds = {
        "map": {},
        "pixels": {"transform": None, "crs": None},
        "rotated": {"transform": (1.5, 0.5, 500_000.0, 0.5, -1.5, 5_400_000.0)},
    }
    scene = write_scene(tmp_path / "s.zarr", [tile("s", **kinds[request.param])], ClassTable.from_names(["a", "b"]))
    live = LiveMap(scene, 1, None)
    labelling = Labelling(scene)
    tools = DrawnPolygons(live, labelling)
    hv.renderer("bokeh").get_plot(live.element)
    return scene, live, labelling, tools


def test_what_is_drawn_on_the_map_lies_on_those_pixels(drawn):
    scene, live, labelling, tools = drawn
    x0, y0, x1, y1 = live.grid.bounds
    cell = (x1 - x0) / 40
    top = y0 if live.grid.downwards else y1
    down = cell if live.grid.downwards else -cell
    xs = [x0 + cell * col for col in (5, 9, 9, 5, 5)]  # the double tap at the end leaves a corner twice
    ys = [top + down * row for row in (3, 3, 8, 8, 8)]
    assert tools._outline.tags[0] == 1
    labelling.current = 2
    labelling.param.trigger("version")
    tools.show()
    assert tools._outline.tags == [2, scene.classes.color(2)]
    tools._source.data = {"xs": [xs], "ys": [ys], "value": [2], "color": ["#000000"], "key": [0]}
    made = labelling.make_layer()
    expected = np.zeros((30, 40), np.uint16)
    expected[3:8, 5:9] = 2
    np.testing.assert_array_equal(made.read_labels(), expected)


def test_the_map_follows_and_keeps_holes(drawn):
    scene, _, labelling, tools = drawn
    grid = scene.grid
    ring = np.stack(grid.positions([3, 3, 9, 9], [5, 12, 12, 5]), axis=1)
    hole = np.stack(grid.positions([5, 5, 7, 7], [7, 9, 9, 7]), axis=1)
    shapes = (LabelPolygon(Polygon(ring, [hole]), 1), LabelPolygon(Polygon(ring + 8), 2))
    write_label_file(labelling.path, PolygonLabels(shapes, labelling.classes, (), scene.crs), grid)
    labelling.open("drawn")
    tools.show()
    data = {name: list(column) for name, column in tools._source.data.items()}
    assert data["value"] == [1, 2]
    assert len(tools._holes.data["xs"]) == 1
    for column in data.values():
        del column[1]  # deleted on the map
    data["xs"][0] = [x + 0.25 for x in data["xs"][0]]
    tools._source.data = data
    assert [polygon.value for polygon in labelling.polygons] == [1]
    assert len(labelling.polygons[0].shape.interiors) == 1
    labelling.undo()
    tools.show()
    assert list(tools._source.data["value"]) == [1, 2]


def test_an_outline_that_is_being_drawn_is_no_polygon_yet(drawn):
    _, _, labelling, tools = drawn
    tools._source.data = {"xs": [[1.0, 2.0]], "ys": [[1.0, 2.0]], "value": [1], "color": ["#000000"], "key": [0]}
    assert labelling.polygons == ()
    assert labelling.unfinished == 1
    assert list(tools._source.data["xs"]) == [[1.0, 2.0]]  # not taken from under the pointer


def test_corners_are_taken_back(drawn):
    *_, tools = drawn
    tools._outline.data = {"xs": [[1.0, 2.0]], "ys": [[3.0, 4.0]]}
    assert tools.take_back_corner()
    assert tools._outline.data == {"xs": [[1.0]], "ys": [[3.0]]}
    assert tools.take_back_corner()
    assert not tools.take_back_corner()


def test_a_damaged_draft_is_not_thrown_away(scene, labelling):
    labelling.draft.write_text("{}")
    with pytest.raises(WorkbenchError, match="cannot be understood"):
        Labelling(scene)
    assert labelling.draft.is_file()


def test_outside_the_scene(labelling):
    labelling.set_outlines([(np.array(box(0, 0, 9, 9).exterior.coords), 1, None)])
    with pytest.raises(WorkbenchError, match="lies outside the scene"):
        labelling.save()
