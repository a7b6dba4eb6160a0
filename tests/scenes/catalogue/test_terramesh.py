from pathlib import Path

import numpy as np
import pytest
import rasterio

from workbench.base.errors import WorkbenchError
from workbench.scenes import AlignmentReport, import_catalogue_entry
from workbench.scenes.catalogue.terramesh import has_offset

SHARED = Path(__file__).parents[4] / "shared" / "data" / "terramesh"
CHIPS = {"1D_2R_0_1": ("EPSG:32733", 8), "3U_4L_1_2": ("EPSG:32617", 12)}


def spectra(size, offset=0, seed=0):
    """Water in the first row, dark everywhere; vegetation below."""
    rng = np.random.default_rng(seed)
    values = rng.integers(200, 4000, (12, size, size))
    values[:, 0] = rng.integers(20, 250, (12, size))
    return (values + offset).astype(np.int16)


@pytest.fixture
def make(put):
    def chips(offset=0):
        for number, (chip, (crs, size)) in enumerate(CHIPS.items()):
            rng = np.random.default_rng(number)
            put(f"S2L2A/{chip}.tif", spectra(size, offset if number else 0, number), crs=crs)
            put(f"S1RTC/{chip}.tif", rng.normal(-12, 3, (2, size, size)), crs=crs)  # float64, as published
            put(f"DEM/{chip}.tif", rng.integers(0, 900, (size, size)).astype(np.int16), crs=crs)
            put(f"LULC/{chip}.tif", (np.arange(size * size).reshape(size, size) % 10).astype(np.uint8), crs=crs)
            put(f"NDVI/{chip}.tif", np.zeros((size, size), np.float32), crs=crs)

    return chips


def test_chips_keep_their_zone_and_size(make, bring):
    make()
    found = bring("terramesh")
    assert [tile.name for tile in found] == list(CHIPS)
    assert found.shapes == ((8, 8), (12, 12))
    assert ["EPSG:" + str(rasterio.crs.CRS.from_wkt(tile.crs).to_epsg()) for tile in found] == [
        "EPSG:32733",
        "EPSG:32617",
    ]
    np.testing.assert_array_equal(found.scenes[0].read_labels(), np.arange(64).reshape(8, 8) % 10)
    assert found.classes.name(7) == "snow or ice"
    np.testing.assert_allclose(found.scenes[1].read("msi"), spectra(12, seed=1) * 1e-4, rtol=1e-5)
    assert found.info("msi").band_names[-3:] == ("B09", "B11", "B12")
    assert found.info("sar").dtype == "float32"
    assert found.info("dem").quantity == "elevation"
    assert found.attrs["labels_are"] == "a map product (Esri land cover, derived from Sentinel-2 itself)"
    assert "offset" not in str(AlignmentReport.of(found))


def test_an_offset_is_taken_out_of_the_chip_that_has_it(make, bring):
    make(offset=1000)
    found = bring("terramesh")
    np.testing.assert_allclose(found.scenes[0].read("msi"), spectra(8) * 1e-4, rtol=1e-5)
    np.testing.assert_allclose(found.scenes[1].read("msi"), spectra(12, seed=1) * 1e-4, rtol=1e-5)
    notes = [note for note in AlignmentReport.of(found).notes if "offset" in note]
    assert len(notes) == 1
    assert notes[0].startswith("3U_4L_1_2: the processing offset of 1000")


def test_an_offset_is_not_guessed():
    assert has_offset(spectra(20)) is False
    assert has_offset(spectra(20, 1000)) is True
    cloud = np.full((12, 20, 20), 5000)
    assert has_offset(cloud) is None  # nothing dark
    snow = np.full((12, 20, 20), 9000)
    snow[10:] = 600  # dark in the short-wave infrared alone
    assert has_offset(snow) is False
    noisy = spectra(200, 1000)
    noisy[0, 0, 0] = 969  # a slightly negative reflectance, which the offset is made for
    assert has_offset(noisy) is True


def test_other_files_are_told(put, bring):
    put("chips/a.tif", np.zeros((3, 3), np.uint8))
    with pytest.raises(WorkbenchError, match=r"holds 1 other GeoTIFFs, such as chips/a\.tif"):
        bring("terramesh")


def test_what_was_fetched_needs_no_folder(make, bring, tmp_path):
    make()
    (tmp_path / "data" / "downloads").mkdir(parents=True)
    (tmp_path / "source").rename(tmp_path / "data" / "downloads" / "terramesh")
    assert len(import_catalogue_entry("terramesh")) == 2


def test_archives_are_named(bring, tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "chips.zip").touch()
    with pytest.raises(WorkbenchError, match=r"holds no GeoTIFF\. Unpack chips\.zip first"):
        bring("terramesh")


def test_bands_of_level_1c_are_refused(make, bring, put):
    make()
    put("S2L2A/3U_4L_1_2.tif", np.ones((13, 12, 12), np.int16), crs="EPSG:32617")
    with pytest.raises(WorkbenchError, match=r"3U_4L_1_2\.tif has 13 bands, and 12 were expected"):
        bring("terramesh")


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_the_real_chips(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    found = import_catalogue_entry("terramesh", SHARED)
    assert len(found) == 5
    assert len({tile.crs for tile in found}) == 5
    assert len(set(found.groups)) == 5
    for tile in found:
        with rasterio.open(SHARED / "S2L2A" / f"{tile.name}.tif") as file:
            stored = file.read().astype(float)
        with rasterio.open(SHARED / "LULC" / f"{tile.name}.tif") as file:
            trees = file.read(1) == 2
            np.testing.assert_array_equal(tile.read_labels(), file.read(1))
        lowered = 1000 if tile.name == "433D_629L_3_1" else 0
        np.testing.assert_allclose(tile.read("msi"), (stored - lowered) * 1e-4, atol=1e-6)
        if trees.any():  # vegetation is green in all chips once the offset is out
            red, infrared = (np.median(tile.read("msi", bands=[band])[0][trees]) for band in (3, 7))
            assert (infrared - red) / (infrared + red) > 0.65
    assert sum("offset" in note for note in AlignmentReport.of(found).notes) == 1
