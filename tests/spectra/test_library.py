import numpy as np
import pandas as pd
import pytest
import spectral

from workbench.base.errors import WorkbenchError
from workbench.spectra.library import (
    pick_spectra,
    read_csv,
    read_envi_library,
    write_csv,
    write_envi_library,
)

HSI = {
    "quantity": "reflectance",
    "scale": 1e-4,
    "wavelengths": (450.25, 550.0, 850.0),
    "fwhm": (5.0, 5.0, 6.0),
    "nodata": -1,
}


@pytest.fixture
def picked(store, rng):
    cube = rng.integers(0, 9000, (3, 70, 90)).astype(np.int16)
    cube[1, 4, 5] = -1
    scene = store({"hsi": HSI}, hsi=cube)
    return pick_spectra(scene, "hsi", [(4, 5), (69, 89)], ["roof, red {old}", "grass"]), cube


def test_picked_spectra_are_those_of_the_pixels_in_physical_units_with_their_place(picked):
    spectra, cube = picked
    np.testing.assert_allclose(spectra.values[1], cube[:, 69, 89] * 1e-4, rtol=1e-6)
    assert np.isnan(spectra.values[0]).tolist() == [False, True, False]
    place = spectra.places[1]
    assert (place.scene, place.row, place.col) == ("place", 69, 89)
    assert (place.x, place.y) == (1000 + 2 * 89.5, 5000 - 2 * 69.5)


def test_a_table_comes_back(picked, tmp_path):
    spectra, _ = picked
    path = write_csv(spectra, tmp_path / "spectra.csv")
    again = read_csv(path)
    np.testing.assert_array_equal(again.values, spectra.values)
    assert (again.names, again.places) == (spectra.names, spectra.places)
    assert again.info.wavelengths == HSI["wavelengths"]
    assert (again.info.quantity, again.info.name) == ("reflectance", "hsi")
    table = pd.read_csv(path)
    assert "450.25 nm" in table.columns
    assert table["row"].tolist() == [4, 69]


def test_an_envi_library_is_read_by_spectral_and_comes_back(picked, tmp_path):
    spectra, _ = picked
    path = write_envi_library(spectra, tmp_path / "new" / "spectra")
    assert sorted(file.name for file in path.parent.iterdir()) == ["spectra.hdr", "spectra.sli"]
    library = spectral.envi.open(str(path.with_suffix(".hdr")))
    np.testing.assert_array_equal(library.spectra, spectra.values)
    assert library.bands.centers == list(HSI["wavelengths"])
    assert library.bands.bandwidths == list(HSI["fwhm"])
    assert library.bands.band_unit == "Nanometers"
    assert library.names == ["roof red (old)", "grass"]
    again = read_envi_library(path)
    np.testing.assert_array_equal(again.values, spectra.values)
    assert (again.info.quantity, again.info.wavelengths, again.info.fwhm) == (
        "reflectance",
        HSI["wavelengths"],
        HSI["fwhm"],
    )


def test_without_wavelengths_bands_are_numbered_and_it_is_said(store, tmp_path):
    scene = store(hsi=np.arange(18, dtype=np.float32).reshape(2, 3, 3))
    spectra = pick_spectra(scene, "hsi", [(0, 0)])
    table = read_csv(write_csv(spectra, tmp_path / "a"))
    assert table.info.wavelengths is None
    assert list(pd.read_csv(tmp_path / "a.csv").columns[-2:]) == ["band 1", "band 2"]
    path = write_envi_library(spectra, tmp_path / "a")
    assert "no wavelengths are documented" in path.with_suffix(".hdr").read_text()
    again = read_envi_library(path)
    assert again.info.wavelengths is None
    np.testing.assert_array_equal(again.values, [[0, 9]])


def test_micrometres_are_converted_and_an_unknown_unit_is_refused(picked, tmp_path):
    path = write_envi_library(picked[0], tmp_path / "a")
    header = path.with_suffix(".hdr")
    text = header.read_text()
    header.write_text(
        text.replace("450.25 , 550.0 , 850.0", "0.45025 , 0.55 , 0.85").replace("Nanometers", "Micrometers")
    )
    np.testing.assert_allclose(read_envi_library(header).info.wavelengths, HSI["wavelengths"])
    header.write_text(text.replace("Nanometers", "Furlongs"))
    with pytest.raises(WorkbenchError, match=r"wavelength unit is 'furlongs'; known are .*nm"):
        read_envi_library(path)


def test_what_is_no_library_says_so(tmp_path, picked):
    with pytest.raises(WorkbenchError, match=r"needs a .hdr and a .sli"):
        read_envi_library(tmp_path / "none.sli")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(WorkbenchError, match="it has the columns a, b"):
        read_csv(tmp_path / "x.csv")
    with pytest.raises(WorkbenchError, match="No such file"):
        read_csv(tmp_path / "none.csv")
    path = write_envi_library(picked[0], tmp_path / "cut")
    path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(WorkbenchError, match="While reading the spectral library"):
        read_envi_library(path)


def test_a_pixel_outside_is_refused(store):
    scene = store(hsi=np.ones((1, 3, 4), np.float32))
    with pytest.raises(WorkbenchError, match="no pixel at row 3, column 0"):
        pick_spectra(scene, "hsi", [(3, 0)])
    with pytest.raises(WorkbenchError, match="1 pixels and 2 names"):
        pick_spectra(scene, "hsi", [(0, 0)], ["a", "b"])


def test_pixels_of_a_collection_name_their_tile(store, rng):
    collection = store(hsi=rng.normal(size=(2, 5, 5)).astype(np.float32), tiles=2)
    spectra = pick_spectra(collection, "hsi", [(1, 2, 3)])
    np.testing.assert_array_equal(spectra.values[0], collection.scenes[1].spectrum("hsi", 2, 3))
    assert spectra.places[0].tile == "t1"
