from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine
from shapely import box

from workbench.base.errors import WorkbenchError
from workbench.scenes import AlignmentReport, import_catalogue_entry

SHARED = Path(__file__).parents[3] / "shared" / "data" / "idtrees2020"
SIDE = 6
# tile: x, y of the upper left corner in pixels, seed of its content
TILES = {
    "MLBS_1": (0, 0, 1),
    "MLBS_2": (6, 0, 2),  # shares a tree with MLBS_1
    "MLBS_10": (100, 0, 3),
    "MLBS_11": (106, 3, 6),  # shares a part of its edge with MLBS_10
    "OSBS_3": (300, 0, 4),
    "OSBS_4": (300, 0, 4),  # equals OSBS_3
    "OSBS_5": (400, 0, 5),  # far away, but holds a box of an individual of OSBS_3
}
X, Y = 500_000, 4_000_000


def crown(left, top, right, bottom):
    """A box in metres right of and below the origin."""
    return box(X + left, Y - bottom, X + right, Y - top)


BOXES = {
    "MLBS": [
        ("MLBS00001", crown(0, 0, 3, 3)),  # red maple
        ("MLBS00001", crown(3, 0, 4, 1)),  # the same tree again
        ("MLBS00002", crown(2, 2, 8, 4)),  # oak over maple, and over the edge to MLBS_2
        ("MLBS00003", crown(100, 0, 104, 4)),  # maple, large
        ("MLBS00004", crown(101, 1, 103, 3)),  # maple, small, inside
        ("MLBS00009", crown(100, 5, 103, 6)),  # taxon unknown
    ],
    "OSBS": [
        ("OSBS00005", crown(300, 0, 301, 1)),  # pine in two places
        ("OSBS00005", crown(405, 5, 406, 6)),
    ],
}
FIELD = """indvdID,siteID,taxonID,scientificName
MLBS00001,MLBS,ACRU,Acer rubrum L.
MLBS00001,MLBS,ACRU,Acer rubrum L.
MLBS00002,MLBS,QUAL,Quercus alba L.
MLBS00003,MLBS,ACRU,Acer rubrum L.
MLBS00004,MLBS,ACRU,Acer rubrum L.
OSBS00005,OSBS,PIPA2,Pinus palustris Mill.
"""
CODES = (
    "taxonCode,taxonID,scientificName\n2,ACRU,Acer rubrum L.\n18,PIPA2,Pinus palustris Mill.\n22,QUAL,Quercus alba L.\n"
)


def write(path, values, left, top, resolution, **profile):
    path.parent.mkdir(parents=True, exist_ok=True)
    bands, rows, cols = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=bands, height=rows, width=cols, dtype=values.dtype, crs="EPSG:32617",
        transform=Affine(resolution, 0, X + left, 0, -resolution, Y - top), **profile,
    ) as file:  # fmt: skip
        file.write(values)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    source = tmp_path / "source"
    for name, (left, top, seed) in TILES.items():
        rng = np.random.default_rng(seed)
        height = rng.random((1, SIDE, SIDE)).astype(np.float32)
        height[0, 5, 5] = -3.4e38
        write(source / "HSI" / f"{name}.tif", rng.integers(0, 7000, (4, SIDE, SIDE)).astype(np.int16), left, top, 1)
        write(source / "CHM" / f"{name}.tif", height, left, top, 1, nodata=-3.4e38)
        write(source / "RGB" / f"{name}.tif", rng.integers(0, 255, (3, 60, 60)).astype(np.uint8), left, top, 0.1)
    (source / "ITC").mkdir()
    for site, boxes in BOXES.items():
        names, shapes = zip(*boxes, strict=True)
        geopandas.GeoDataFrame({"indvdID": names}, geometry=list(shapes), crs="EPSG:32617").to_file(
            source / "ITC" / f"train_{site}.shp"
        )
    (source / "Field").mkdir()
    (source / "Field" / "train_data.csv").write_text(FIELD)
    (source / "Field" / "taxonID_ScientificName.csv").write_text(CODES)
    return source


def test_tiles_groups_and_classes(folder):
    told = []
    found = import_catalogue_entry("idtrees2020", folder, progress=lambda what, share: told.append(share))
    assert [tile.name for tile in found] == ["MLBS_1", "MLBS_2", "MLBS_10", "MLBS_11", "OSBS_3", "OSBS_5"]
    assert found.groups == ("MLBS_1", "MLBS_1", "MLBS_10", "MLBS_10", "OSBS_3", "OSBS_3")
    assert found.attrs["identical_tiles"] == {"OSBS_4": "OSBS_3"}
    assert found.attrs["tiles"]["OSBS_5"] == {"site": "OSBS"}
    assert found.attrs["licence"] == "CC BY 4.0"
    assert found.classes.to_json()[0] | {"color": ""} == {"value": 2, "name": "ACRU Acer rubrum", "color": ""}
    assert found.classes.values == (2, 18, 22)
    assert told[-1] == 1


def test_labels_and_crowns(folder):
    found = import_catalogue_entry("idtrees2020", folder)
    ids = found.attrs["crowns"]["ids"]
    assert ids == ["MLBS00001", "MLBS00002", "MLBS00003", "MLBS00004", "OSBS00005"]
    assert found.attrs["crowns"]["values"] == [2, 22, 2, 2, 18]
    labels, crowns = np.zeros((SIDE, SIDE), int), np.zeros((SIDE, SIDE), int)
    labels[0:3, 0:3], labels[0, 3], labels[2:4, 2:6] = 2, 2, 22
    crowns[0:3, 0:3], crowns[0, 3], crowns[2:4, 2:6] = 1, 1, 2
    labels[2, 2] = crowns[2, 2] = 0  # two taxa claim it
    np.testing.assert_array_equal(found["MLBS_1"].read_labels(), labels)
    np.testing.assert_array_equal(found["MLBS_1"].reference["crown"], crowns)
    labels, crowns = np.zeros((SIDE, SIDE), int), np.zeros((SIDE, SIDE), int)
    labels[2:4, 0:2], crowns[2:4, 0:2] = 22, 2  # the same box, seen by the neighbouring tile
    np.testing.assert_array_equal(found["MLBS_2"].read_labels(), labels)
    np.testing.assert_array_equal(found["MLBS_2"].reference["crown"], crowns)
    crowns = np.zeros((SIDE, SIDE), int)
    crowns[0:4, 0:4], crowns[1:3, 1:3] = 3, 4  # one taxon: the smaller crown keeps its pixels
    np.testing.assert_array_equal(found["MLBS_10"].reference["crown"], crowns)
    np.testing.assert_array_equal(found["MLBS_10"].read_labels(), 2 * (crowns > 0))
    assert np.argwhere(found["OSBS_5"].read_labels()).tolist() == [[5, 5]]
    assert found.attrs["counts"] == {
        "boxes": 8, "boxes_without_taxon": 1, "crowns": 5, "crowns_of_several_boxes": 2, "taxa": 3, "tiles": 6,
        "identical_tiles_dropped": 1, "groups": 3, "pixels_labelled": 9 + 8 - 1 + 4 + 16 + 2,
        "pixels_claimed_by_two_taxa": 1,
    }  # fmt: skip


def test_modalities(folder):
    found = import_catalogue_entry("idtrees2020", folder)
    tile = found["MLBS_2"]
    with rasterio.open(folder / "HSI" / "MLBS_2.tif") as file:
        np.testing.assert_array_equal(tile.read("hsi"), file.read())
        assert tile["hsi"].rio.transform() == file.transform
    with rasterio.open(folder / "RGB" / "MLBS_2.tif") as file:
        fine = file.read().astype(float).reshape(3, SIDE, 10, SIDE, 10).mean(axis=(2, 4))
    np.testing.assert_allclose(tile.read("rgb"), fine, rtol=1e-5)
    assert np.argwhere(np.isnan(tile.read("lidar"))).tolist() == [[0, 5, 5]]
    assert (found.info("lidar").quantity, found.info("lidar").unit) == ("height", "m")
    assert (found.info("hsi").quantity, found.info("hsi").wavelengths) == ("unknown", None)
    report = AlignmentReport.of(found)
    assert {row.name: row.note for row in report.rows}["rgb"] == "averaged onto the 1 m grid"
    assert report.rows[1].nodata_share == pytest.approx(1 / 36)
    assert "pixels claimed by two taxa: 1" in str(report)


def test_the_layout_of_the_archive(folder, tmp_path):
    first = import_catalogue_entry("idtrees2020", folder)
    unpacked = tmp_path / "download" / "IDTREES_competition_train_v2"
    (unpacked / "test" / "RemoteSensing" / "HSI").mkdir(parents=True)  # test data beside it has no labels
    (unpacked / "train" / "RemoteSensing").mkdir(parents=True)
    for name in ("HSI", "CHM", "RGB"):
        (folder / name).rename(unpacked / "train" / "RemoteSensing" / name)
    for name in ("ITC", "Field"):
        (folder / name).rename(unpacked / "train" / name)
    again = import_catalogue_entry("idtrees2020", tmp_path / "download", replace=True)
    assert again.content_hash == first.content_hash


def test_incomplete_sources_are_told(folder, tmp_path):
    (folder / "CHM" / "OSBS_5.tif").unlink()
    with pytest.raises(WorkbenchError, match=r"OSBS_5\.tif.*missing"):
        import_catalogue_entry("idtrees2020", folder)
    write(folder / "CHM" / "OSBS_5.tif", np.zeros((1, SIDE, SIDE), np.float32), 401, 0, 1, nodata=-3.4e38)
    with pytest.raises(WorkbenchError, match="lidar differs from hsi in extent"):
        import_catalogue_entry("idtrees2020", folder)
    (folder / "Field" / "train_data.csv").write_text("a,b\n1,2\n")
    with pytest.raises(WorkbenchError, match="tables in"):
        import_catalogue_entry("idtrees2020", folder)
    assert list((tmp_path / "data").glob("*")) == []


def labels_by_containment(tile):
    """Labels of a real tile, pixel by pixel: the one taxon whose boxes hold the pixel's centre."""
    field = pd.read_csv(SHARED / "Field" / "train_data.csv")
    codes = pd.read_csv(SHARED / "Field" / "taxonID_ScientificName.csv").set_index("taxonID")["taxonCode"]
    values = field.drop_duplicates("indvdID").set_index("indvdID")["taxonID"].map(codes)
    boxes = geopandas.read_file(SHARED / "ITC" / f"train_{tile.name[:4]}.shp")
    boxes = [
        (values[name], shape.bounds)
        for name, shape in zip(boxes.indvdID, boxes.geometry, strict=False)
        if name in values
    ]
    labels = np.zeros(tile.shape, int)
    for row, col in np.ndindex(tile.shape):
        x, y = tile.position_of(row, col)
        taxa = {value for value, (left, bottom, right, top) in boxes if left < x < right and bottom < y < top}
        labels[row, col] = taxa.pop() if len(taxa) == 1 else 0
    return labels


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_the_real_data(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    found = import_catalogue_entry("idtrees2020", SHARED)
    assert len(found) == 84
    assert found.attrs["identical_tiles"] == {"OSBS_35": "OSBS_16"}
    counts = found.attrs["counts"]
    assert (counts["boxes"], counts["boxes_without_taxon"], counts["taxa"]) == (1215, 67, 33)
    groups = dict(zip([tile.name for tile in found], found.groups, strict=True))
    for one, other in [("MLBS_6", "MLBS_7"), ("OSBS_18", "OSBS_21"), ("MLBS_32", "MLBS_33"), ("OSBS_3", "OSBS_8")]:
        assert groups[one] == groups[other]
    total = 0
    for tile in found:
        labels, crowns = tile.read_labels(), tile.reference["crown"]
        total += np.count_nonzero(labels)
        np.testing.assert_array_equal(labels > 0, crowns > 0)
        values = np.array([0, *found.attrs["crowns"]["values"]])
        np.testing.assert_array_equal(values[crowns], labels)
        assert {found.attrs["crowns"]["ids"][place - 1][:4] for place in np.unique(crowns[crowns > 0])} <= {
            tile.name[:4]
        }
    assert total == counts["pixels_labelled"] > 15_000
    for name in ("MLBS_6", "OSBS_16", "OSBS_27"):
        np.testing.assert_array_equal(found[name].read_labels(), labels_by_containment(found[name]))
    with rasterio.open(SHARED / "HSI" / "OSBS_9.tif") as file:
        np.testing.assert_array_equal(found["OSBS_9"].read("hsi"), file.read())
