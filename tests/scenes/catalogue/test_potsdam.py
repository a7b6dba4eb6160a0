import numpy as np
import pytest
import rasterio

from workbench.base.errors import WorkbenchError
from workbench.scenes import AlignmentReport
from workbench.scenes.catalogue import potsdam

# the published order, which is that of the classes here
COLOURS = [(255, 0, 0), (255, 255, 255), (0, 0, 255), (0, 255, 255), (0, 255, 0), (255, 255, 0)]
SIZES = {"2_10": (9, 9), "7_10": (9, 12), "2_13": (9, 9)}
AT = {"crs": "EPSG:32633", "size": 0.05}


def codes(tile):
    return np.random.default_rng(list(SIZES).index(tile)).integers(1, 7, SIZES[tile])


@pytest.fixture
def make(put, monkeypatch):
    monkeypatch.setattr(potsdam, "TILES", {"training": 2, "test": 1})

    def tiles(**profile):
        for number, (tile, size) in enumerate(SIZES.items()):
            rng = np.random.default_rng(number)
            at = AT | {"col": 20 * number}
            row, col = tile.split("_")
            put(f"4_Ortho_RGBIR/top_potsdam_{tile}_RGBIR.tif", rng.integers(0, 255, (4, *size)).astype(np.uint8), **at)
            colours = np.array(COLOURS, np.uint8)[codes(tile) - 1].transpose(2, 0, 1)
            put(f"5_Labels_all/top_potsdam_{tile}_label.tif", colours, **at)
            height = rng.random(size, np.float32)
            put(f"1_DSM/dsm_potsdam_{int(row):02d}_{int(col):02d}.tif", height, **(at | profile))
            # what lies beside them in the archives and is not wanted
            put(f"2_Ortho_RGB/top_potsdam_{tile}_RGB.tif", np.zeros((3, *size), np.uint8), **at)
            put(f"5_Labels_all/top_potsdam_{tile}_label_noBoundary.tif", np.zeros((3, *size), np.uint8), **at)

    return tiles


def test_tiles_of_mixed_sizes_are_paired_over_leading_zeros(make, bring, tmp_path):
    make()
    found = bring("potsdam")
    assert [tile.name for tile in found] == ["2_10", "7_10", "2_13"]
    assert found.shapes == ((9, 9), (9, 12), (9, 9))
    for tile in found:
        np.testing.assert_array_equal(tile.read_labels(), codes(tile.name))
        code = {"2_10": 1, "7_10": 1, "2_13": 3}[tile.name]
        np.testing.assert_array_equal(tile.named_splits["official"], np.full(tile.shape, code))
    with rasterio.open(tmp_path / "source" / "1_DSM" / "dsm_potsdam_07_10.tif") as file:
        np.testing.assert_array_equal(found["7_10"].read("dsm"), file.read())
        assert found["7_10"].transform == tuple(file.transform)[:6]
    assert found.classes.name(1) == "clutter"
    assert [tuple(bytes.fromhex(color[1:])) for color in found.classes.colors] == COLOURS
    assert found.info("rgb").band_names == ("red", "green", "blue", "near infrared")
    report = str(AlignmentReport.of(found))
    for words in ("7_10 is known for wrong labels", "9 x 9 (2), 9 x 12 (1)"):
        assert words in report


def test_a_surface_model_with_a_world_file_only_belongs_to_its_tile(make, bring, tmp_path):
    make(crs=None)
    for number, tile in enumerate(SIZES):
        row, col = (int(part) for part in tile.split("_"))
        world = f"0.05\n0\n0\n-0.05\n{500_000 + number + 0.025}\n{3_000_000 - 0.025}\n"
        (tmp_path / "source" / "1_DSM" / f"dsm_potsdam_{row:02d}_{col:02d}.tfw").write_text(world)
    found = bring("potsdam")
    assert found.info("dsm").quantity == "elevation"
    (tmp_path / "source" / "1_DSM" / "dsm_potsdam_02_13.tfw").write_text("0.05\n0\n0\n-0.05\n510000\n3000000\n")
    with pytest.raises(WorkbenchError, match=r"dsm_potsdam_02_13\.tif differs from the tile's grid in extent"):
        bring("potsdam", replace=True)


def test_a_colour_that_is_no_class_is_told_with_its_first_pixel(make, bring, put):
    make()
    colours = np.array(COLOURS, np.uint8)[codes("2_10") - 1].transpose(2, 0, 1)
    colours[:, 5, 7:] = np.array([[252], [255], [0]])  # a yellow that lossy compression moved
    put("5_Labels_all/top_potsdam_2_10_label.tif", colours, **AT)
    with pytest.raises(
        WorkbenchError, match=r"colour \(252, 255, 0\) at row 5, column 7 is no class.*\(255, 255, 0\) car"
    ):
        bring("potsdam")


def test_the_split_is_the_contests():
    # counted in the data set's description: 24 for training, 14 for the test, none in both
    assert (len(potsdam.TRAIN), len(potsdam.TEST), len(potsdam.SIDES)) == (24, 14, 38)
    assert {"7_12", "7_7", "6_7"} <= set(potsdam.TRAIN)
    assert {"4_15", "6_15", "7_13"} <= set(potsdam.TEST)
    assert potsdam.TILES == {"training": 24, "test": 14}


def test_a_tile_twice_is_told(make, bring, put):
    make()
    put("copy/top_potsdam_2_10_RGBIR.tif", np.zeros((4, 9, 9), np.uint8), **AT)
    with pytest.raises(WorkbenchError, match=r"both the rgbir raster of tile '2_10'"):
        bring("potsdam")


def test_an_archive_of_one_side_only_is_imported_and_told(make, bring, tmp_path):
    make()
    for path in list((tmp_path / "source").rglob("*2_13*")):
        path.unlink()
    found = bring("potsdam")
    assert [tile.name for tile in found] == ["2_10", "7_10"]
    assert "no test tiles" in str(AlignmentReport.of(found))
