from pathlib import Path

import numpy as np
import pytest
import rasterio

from workbench.base.errors import WorkbenchError
from workbench.scenes import AlignmentReport, ClassTable, TileDraft, open_scene
from workbench.scenes.catalogue.entry import CatalogueEntry
from workbench.scenes.catalogue.tiles import TileFiles
from workbench.scenes.catalogue.tileset import Labels, TileModality, import_tiles, look_up
from workbench.scenes.readers import open_raster

ENTRY = CatalogueEntry("spot", "A spot.", "CC0", "nobody", "ask", bring_in=None)
CLASSES = ClassTable.from_names(["one", "two"])
MODALITIES = {"img": TileModality("img"), "dem": TileModality("dem", dtype="float32", quantity="elevation", unit="m")}


@pytest.fixture(autouse=True)
def _root(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))


@pytest.fixture
def tile(put):
    def make(name, size=8, side="", dem=np.int16, nodata=None, at=None, **profile):
        rng = np.random.default_rng(len(name))
        files = {
            "img": put(f"{name}_img.tif", rng.integers(0, 99, (2, size, size)).astype(np.uint8), **profile),
            "dem": put(
                f"{name}_dem.tif", rng.integers(0, 99, (size, size)).astype(dem), **(at or profile), nodata=nodata
            ),
            "lc": put(f"{name}_lc.tif", (np.arange(size * size) % 3).reshape(size, size).astype(np.uint8), **profile),
        }
        return TileFiles(name, side, files)

    return make


def bring(tiles, **options):
    def read(tile, rasters):
        return Labels(look_up(rasters["lc"], {0: 0, 1: 1, 2: 2}, tile.files["lc"]))

    return import_tiles(ENTRY, tiles, MODALITIES, read, CLASSES, **options)


def test_files_of_several_types_become_one_schema(tile):
    tiles = [tile("a", side="training"), tile("bb", size=12, side="test", dem=np.float32, nodata=7, crs="EPSG:32717")]
    told = []
    found = bring(tiles, progress=lambda what, share: told.append(share))
    assert found.shapes == ((8, 8), (12, 12))
    assert found.info("dem").dtype == "float32"
    with rasterio.open(tiles[1].files["dem"]) as file:
        stored = file.read(1)
    heights = found["bb"].read("dem")[0]
    np.testing.assert_array_equal(np.isnan(heights), stored == 7)
    np.testing.assert_array_equal(heights[stored != 7], stored[stored != 7])
    np.testing.assert_array_equal(found["bb"].named_splits["official"], 3 * (found["bb"].read_labels() > 0))
    report = AlignmentReport.of(found)
    assert report.rows[0].crs == "2 systems"
    assert "8 x 8 (1), 12 x 12 (1)" in report.grid
    assert [shift.moving for shift in report.shifts] == ["dem"]
    assert told == sorted(told)
    assert told[-1] == 1


def test_a_raster_of_another_place_is_refused(tile, tmp_path):
    with pytest.raises(WorkbenchError, match=r"(?s)a_dem\.tif differs from the tile's grid in extent.*tile: .*dem: "):
        bring([tile("a", at={"col": 3})])
    assert not (tmp_path / "data" / "spot.zarr").exists()


def test_nothing_is_held_once_a_tile_is_stored(tile, monkeypatch):
    """The writer keeps the draft until the next is there; its planes must be gone by then."""
    from workbench.scenes import store

    seen: list[TileDraft] = []
    write = store.write_store

    def watched(path, drafts, *rest):
        def pass_on():
            for draft in drafts:
                assert all(before.labels is None and not before.splits for before in seen)
                seen.append(draft)
                yield draft

        return write(path, pass_on(), *rest)

    monkeypatch.setattr(store, "write_store", watched)
    bring([tile(name, side="training") for name in ("a", "bb", "ccc")])
    assert len(seen) == 3
    assert open_scene("spot")["ccc"].has_labels


def test_looking_up_labels(put):
    values = np.array([[0, 1, 4], [255, 2, 1]], np.uint8)
    with open_raster(put("lc.tif", values, nodata=255)) as raster:
        np.testing.assert_array_equal(look_up(raster, {0: 0, 1: 5, 2: 6, 4: 0}, "lc.tif"), [[0, 5, 0], [0, 6, 5]])
        with pytest.raises(
            WorkbenchError, match=r"lc\.tif: the number 4 at row 0, column 2 is no class.*known: 0, 1, 2;"
        ):
            look_up(raster, {1: 1, 2: 2, 0: 0}, Path("lc.tif"))
    fractions = put("f.tif", np.array([[np.nan, 1.0], [1.5, 2.0]], np.float32))
    with open_raster(fractions) as raster, pytest.raises(WorkbenchError, match=r"number 1\.5 at row 1, column 0"):
        look_up(raster, {1: 1, 2: 2}, "f.tif")
