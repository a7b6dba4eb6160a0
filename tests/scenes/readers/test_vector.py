import geopandas
import numpy as np
import pytest
from shapely import Point, Polygon, box

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import ClassTable
from workbench.scenes.grid import Grid
from workbench.scenes.readers.vector import burn_labels

GRID = Grid((10, 12), (2.0, 0.0, 500_000.0, 0.0, -2.0, 4_000_000.0), "EPSG:32617")


def cell(row, col, rows=1, cols=1):
    """A box of whole pixels."""
    return box(500_000 + 2 * col, 4_000_000 - 2 * (row + rows), 500_000 + 2 * (col + cols), 4_000_000 - 2 * row)


def save(path, shapes, crs="EPSG:32617", **columns):
    geopandas.GeoDataFrame(columns, geometry=shapes, crs=crs).to_file(path)
    return path


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".fgb"])
def test_names_become_classes_and_overlaps_are_unlabelled(tmp_path, suffix):
    shapes = [cell(0, 0, 3, 3), cell(2, 2, 3, 3), cell(8, 8), cell(2, 2), cell(6, 0, 2, 2)]
    kinds = ["roof", "grass", "roof", "roof", None]
    path = save(tmp_path / f"a{suffix}", shapes, kind=kinds)
    found = burn_labels(path, "kind", GRID)
    assert found.classes.names == ("grass", "roof")
    expected = np.zeros((10, 12), int)
    expected[0:3, 0:3], expected[2:5, 2:5], expected[8, 8], expected[2, 2] = 2, 1, 2, 0
    np.testing.assert_array_equal(found.labels, expected)
    assert found.counts == {
        "polygons": 5,
        "polygons_without_class": 1,
        "polygons_outside": 0,
        "polygons_without_pixel": 0,
        "pixels_labelled": 17,
        "pixels_claimed_by_two_classes": 1,
    }


def test_a_pixel_belongs_where_its_centre_lies(tmp_path):
    shapes = [box(500_000.9, 3_999_990, 500_003.1, 4_000_000), box(500_010.1, 3_999_998.1, 500_010.9, 3_999_999.9)]
    found = burn_labels(save(tmp_path / "a.gpkg", shapes, kind=[3, 3]), "kind", GRID)
    expected = np.zeros((10, 12), int)
    expected[0:5, 0:2] = 3
    np.testing.assert_array_equal(found.labels, expected)
    assert found.counts["polygons_without_pixel"] == 1
    assert found.classes.names == ("class 3",)


def test_polygons_of_another_crs_are_moved(tmp_path):
    frame = geopandas.GeoDataFrame({"kind": ["a"]}, geometry=[cell(2, 3, 4, 5)], crs="EPSG:32617")
    frame.to_crs(4326).to_file(tmp_path / "a.geojson")
    labels = burn_labels(tmp_path / "a.geojson", "kind", GRID).labels
    expected = np.zeros((10, 12), int)
    expected[2:6, 3:8] = 1
    np.testing.assert_array_equal(labels, expected)


def test_plain_pixel_positions_without_any_crs(tmp_path):
    path = save(tmp_path / "a.gpkg", [box(2.5, 0.5, 4.5, 2.5)], crs=None, kind=["a"])
    found = burn_labels(path, "kind", Grid((6, 6)))
    assert np.argwhere(found.labels).tolist() == [[1, 3], [1, 4], [2, 3], [2, 4]]
    assert found.counts["polygons_outside"] == found.counts["polygons_without_pixel"] == 0


def test_a_given_table_rules(tmp_path):
    table = ClassTable.from_names(["roof", "grass", "soil"])
    path = save(tmp_path / "a.gpkg", [cell(0, 0)], kind=["grass"])
    assert burn_labels(path, "kind", GRID, table).labels[0, 0] == 2
    path = save(tmp_path / "b.gpkg", [cell(0, 0)], kind=["gras"])
    with pytest.raises(UnknownNameError, match="Nearest: grass"):
        burn_labels(path, "kind", GRID, table)
    path = save(tmp_path / "c.gpkg", [cell(0, 0)], kind=[4])
    with pytest.raises(WorkbenchError, match="value 4 outside the class table"):
        burn_labels(path, "kind", GRID, table)


@pytest.mark.parametrize(
    ("shapes", "columns", "column", "told"),
    [
        ([cell(0, 0)], {"kind": ["a"]}, None, "which column.*There are: kind"),
        ([cell(0, 0)], {"kind": ["a"]}, "kin", "Nearest: kind"),
        ([cell(0, 0)], {"kind": [-1]}, "kind", "negative value -1"),
        ([cell(0, 0)], {"kind": [1.5]}, "kind", "neither names nor whole numbers"),
        ([Point(500_001, 3_999_999)], {"kind": ["a"]}, "kind", "holds Point"),
        ([box(0, 0, 1, 1)], {"kind": ["a"]}, "kind", "all 1 lie outside it"),
    ],
)
def test_what_cannot_be_burnt_is_told(tmp_path, shapes, columns, column, told):
    path = save(tmp_path / "a.gpkg", shapes, **columns)
    with pytest.raises(WorkbenchError, match=told):
        burn_labels(path, column, GRID)


def test_files_that_are_missing_damaged_or_without_crs_are_told(tmp_path):
    with pytest.raises(WorkbenchError, match="missing"):
        burn_labels(tmp_path / "no.gpkg", "kind", GRID)
    (tmp_path / "a.geojson").write_text('{"type": "FeatureColl')
    with pytest.raises(WorkbenchError, match="truncated"):
        burn_labels(tmp_path / "a.geojson", "kind", GRID)
    path = save(tmp_path / "b.shp", [cell(0, 0)], crs=None, kind=["a"])
    with pytest.raises(WorkbenchError, match=r"b\.shp has no CRS"):
        burn_labels(path, "kind", GRID)


def test_a_bow_tie_is_mended(tmp_path):
    x, y = 500_000, 4_000_000
    tie = Polygon([(x, y), (x + 8, y - 8), (x + 8, y), (x, y - 8)])
    assert not tie.is_valid
    labels = burn_labels(save(tmp_path / "a.gpkg", [tie], kind=["a"]), "kind", GRID).labels
    assert labels[1, 0] == labels[1, 3] == 1
    assert labels[0, 1] == 0
