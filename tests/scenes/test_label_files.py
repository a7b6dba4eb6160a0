"""Label polygons as files: what is kept, what is refused, and that nothing is lost by a refusal."""

import geopandas
import numpy as np
import pytest
from shapely import Polygon, box

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, open_scene, write_scene
from workbench.scenes.classes import ClassEntry
from workbench.scenes.grid import Grid
from workbench.scenes.label_files import (
    LabelPolygon,
    PolygonLabels,
    label_path,
    list_label_files,
    next_value,
    polygon_problems,
    read_label_file,
    repaired,
    write_label_file,
)
from workbench.scenes.layers import write_label_layer
from workbench.scenes.readers.vector import burn_labels

UTM = "EPSG:32633"
GRID = Grid((40, 60), (2.0, 0.0, 500_000.0, 0.0, -2.0, 5_400_000.0), UTM)
CLASSES = ClassTable([ClassEntry(2, "meadow", "#117733"), ClassEntry(7, "roof", "#cc6677")])
BOW = Polygon([(500_010, 5_399_990), (500_030, 5_399_970), (500_030, 5_399_990), (500_010, 5_399_970)])


def labels(*polygons, crs=UTM, classes=CLASSES, removed=()):
    return PolygonLabels(tuple(LabelPolygon(shape, value) for shape, value in polygons), classes, removed, crs)


def square(row, col, size=4):
    """The square of pixels from (row, col), its edges on theirs."""
    return box(500_000 + 2 * col, 5_400_000 - 2 * (row + size), 500_000 + 2 * (col + size), 5_400_000 - 2 * row)


def test_what_is_written_is_read_with_classes_crs_and_removed_ones(tmp_path):
    gone = (ClassEntry(9, "water", "#88ccee"),)
    path = write_label_file(tmp_path / "drawn.gpkg", labels((square(3, 5), 2), (square(10, 20), 7), removed=gone), GRID)
    again = read_label_file(path, GRID)
    assert again.classes == CLASSES
    assert again.removed == gone
    assert [polygon.value for polygon in again.polygons] == [2, 7]
    for found, drawn in zip(again.polygons, (square(3, 5), square(10, 20)), strict=True):
        assert found.shape.equals(drawn)
    plain = geopandas.read_file(path, layer="labels")
    assert plain.crs.to_epsg() == 32633
    assert plain[["class", "class_value"]].to_dict("list") == {"class": ["meadow", "roof"], "class_value": [2, 7]}
    assert [file.name for file in tmp_path.iterdir()] == ["drawn.gpkg"]


def test_pixels_inside_become_labels(tmp_path):
    path = write_label_file(tmp_path / "drawn.gpkg", labels((square(3, 5), 2), (square(10, 20), 7)), GRID)
    expected = np.zeros(GRID.shape, np.uint16)
    expected[3:7, 5:9], expected[10:14, 20:24] = 2, 7
    np.testing.assert_array_equal(burn_labels(path, "class_value", GRID, CLASSES).labels, expected)


@pytest.mark.parametrize(
    ("polygon", "words"),
    [
        ((BOW, 2), r"polygon 2 crosses itself \(Self-intersection near 500020 5399980\)"),
        ((square(3, 5000), 2), r"polygon 2 lies outside the scene, near x=510004, y=5399990"),
        ((square(3, 5), 3), r"polygon 2 has the class 3, which is not in the class table \(2 meadow, 7 roof\)"),
    ],
)
def test_bad_polygons_are_refused_and_the_file_stays(tmp_path, polygon, words):
    path = write_label_file(tmp_path / "drawn.gpkg", labels((square(0, 0), 2)), GRID)
    before = path.read_bytes()
    with pytest.raises(WorkbenchError, match=words):
        write_label_file(path, labels((square(0, 0), 2), polygon), GRID)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["drawn.gpkg"]


def test_a_polygon_that_reaches_over_the_edge_is_fine():
    assert polygon_problems(labels((square(38, 58), 2)), GRID) == {}


def test_a_bow_tie_is_repaired_to_its_halves():
    halves = repaired(LabelPolygon(BOW, 7))
    assert [half.value for half in halves] == [7, 7]
    assert sum(half.shape.area for half in halves) == pytest.approx(200)  # two triangles of 20 by 10
    assert polygon_problems(labels(*[(half.shape, 7) for half in halves]), GRID) == {}


def test_files_of_others(tmp_path):
    frame = geopandas.GeoDataFrame({"kind": ["roof", "meadow"]}, geometry=[square(1, 1), square(9, 9)], crs=UTM)
    far = tmp_path / "far.geojson"
    frame.to_crs("EPSG:4326").to_file(far)
    found = read_label_file(far, GRID, CLASSES)
    assert [polygon.value for polygon in found.polygons] == [7, 2]
    assert found.polygons[0].shape.symmetric_difference(square(1, 1)).area == pytest.approx(0, abs=0.01)
    assert read_label_file(far, GRID).classes.names == ("meadow", "roof")
    frame["note"] = "x"
    frame.to_file(tmp_path / "two.gpkg")
    with pytest.raises(WorkbenchError, match=r"which column holds the class\. There are: kind, note"):
        read_label_file(tmp_path / "two.gpkg", GRID, CLASSES)
    assert len(read_label_file(tmp_path / "two.gpkg", GRID, CLASSES, "kind").polygons) == 2
    with pytest.raises(UnknownNameError, match="kind"):
        read_label_file(tmp_path / "two.gpkg", GRID, CLASSES, "kindd")
    frame["kind"] = ["rof", "meadow"]
    frame[["kind", "geometry"]].to_file(tmp_path / "typo.gpkg")
    with pytest.raises(UnknownNameError, match="roof"):
        read_label_file(tmp_path / "typo.gpkg", GRID, CLASSES)


def test_no_crs_on_one_side(tmp_path):
    bare = Grid((40, 60))
    path = write_label_file(tmp_path / "bare.gpkg", labels((box(2, 3, 6, 8), 2), crs=None), bare)
    assert read_label_file(path, bare).polygons[0].shape.equals(box(2, 3, 6, 8))
    with pytest.raises(WorkbenchError, match=r"bare.gpkg has no CRS and the scene has one \(EPSG:32633\)"):
        read_label_file(path, GRID)
    path = write_label_file(tmp_path / "with.gpkg", labels((square(0, 0), 2)), GRID)
    with pytest.raises(WorkbenchError, match=r"the scene has no CRS and with.gpkg has one"):
        read_label_file(path, bare)


def test_no_polygons_yet(tmp_path):
    path = write_label_file(tmp_path / "empty.gpkg", labels(), GRID)
    assert read_label_file(path, GRID).classes == CLASSES


def test_a_damaged_file(tmp_path):
    (tmp_path / "bad.gpkg").write_bytes(b"SQLite format 3\0 and no more")
    with pytest.raises(WorkbenchError, match="truncated, damaged"):
        read_label_file(tmp_path / "bad.gpkg", GRID)


def test_values_are_never_used_again():
    assert next_value(CLASSES) == 8
    assert next_value(CLASSES, (ClassEntry(9, "water", "#88ccee"),)) == 10
    assert next_value(ClassTable()) == 1
    assert next_value(CLASSES, (), (30,)) == 31


def test_train_from_them_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    array = np.zeros((1, 40, 60), np.float32)
    draft = TileDraft("s", {"dem": (array, ModalityInfo.of("dem", array))}, None, GRID.transform, UTM)
    scene = write_scene(tmp_path / "s.zarr", [draft], ClassTable())
    path = label_path(scene, "drawn", scene)
    assert path == tmp_path / "labels" / "s" / "drawn.gpkg"
    write_label_file(path, labels((square(3, 5), 2)), scene.grid)
    assert list_label_files(open_scene("s"), scene) == {"drawn": path}
    (path.parent / "elsewhere.gpkg").symlink_to("/etc/hostname")
    assert list_label_files(scene, scene) == {"drawn": path}
    burnt = burn_labels(path, "class_value", scene.grid, CLASSES)
    write_label_layer(scene, "drawn", {scene.name: burnt.labels}, CLASSES)
    drawn = open_scene("s@drawn")
    assert drawn.classes == CLASSES
    assert int((drawn.read_labels() == 2).sum()) == 16
    assert label_path(drawn, "drawn", drawn) == path
    with pytest.raises(WorkbenchError, match="cannot name"):
        label_path(scene, "../drawn", scene)
