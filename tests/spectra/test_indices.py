import numpy as np
import pytest
import spyndex

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import ModalityInfo
from workbench.spectra.indices import QuantityWarning, find_band, list_indices, spectral_index

S2 = (442.7, 492.7, 559.8, 664.6, 704.1, 740.5, 782.8, 832.8, 864.7, 945.1, 1613.7, 2202.4)
NAMES = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")


def info(wavelengths, **fields):
    fields = {"quantity": "reflectance", "wavelengths": wavelengths} | fields
    bands = len(wavelengths or fields.get("band_names") or [1])
    return ModalityInfo.of("msi", np.zeros((bands, 1, 1), np.float32), **fields)


@pytest.mark.parametrize(
    ("parameter", "band"),
    [("A", "B01"), ("B", "B02"), ("G", "B03"), ("R", "B04"), ("RE1", "B05"), ("RE2", "B06"), ("RE3", "B07"),
     ("N", "B08"), ("N2", "B8A"), ("WV", "B09"), ("S1", "B11"), ("S2", "B12")],
)  # fmt: skip
def test_bands_of_sentinel_2_are_the_ones_the_catalogue_names(parameter, band):
    # the catalogue's own table of platforms is the oracle
    platform = getattr(spyndex.bands[parameter], "sentinel2a", None)
    if platform is not None:
        assert platform.band == band.replace("B0", "B")
    assert NAMES[find_band(info(S2), parameter)] == band


def test_the_band_nearest_to_the_middle_of_the_range_is_taken_and_little_outside_is_allowed():
    dense = tuple(float(nm) for nm in range(400, 2500, 10))
    assert dense[find_band(info(dense), "R")] in (650, 660)
    assert find_band(info((685.0, 695.0, 720.0)), "R") == 0
    assert find_band(info((500.0, 699.0)), "R") == 1
    with pytest.raises(WorkbenchError, match=r"no band R \(Red, 620 to 690 nm\): its 2 bands lie from 500 to 701 nm"):
        find_band(info((500.0, 701.0)), "R")


def test_bands_without_documented_wavelengths_are_not_guessed():
    with pytest.raises(WorkbenchError, match="no documented wavelengths"):
        find_band(info(None), "N")
    assert list_indices(info(None)) == []


def test_every_index_is_listed_with_what_it_lacks():
    every = {index.name: index for index in list_indices(info(S2), every=True)}
    assert set(every) == set(spyndex.indices)
    assert every["NDVI"].bands == {"N": 7, "R": 3}
    assert every["NDVI"].computable
    assert "thermal" in " ".join(every["NBRT1"].missing).lower()
    assert any("PAR" in text for text in every["NIRvP"].missing)
    computable = {index.name for index in list_indices(info(S2))}
    assert {"NDVI", "EVI", "NDWI", "NBR", "kNDVI", "FAI"} <= computable
    assert "DpRVIVV" not in computable
    visible = {index.name for index in list_indices(info(S2[:4]))}
    assert "NDVI" not in visible
    assert "VARI" in visible


def test_ndvi_is_the_normalised_difference_of_the_right_bands_where_both_have_values(store, rng):
    stored = rng.integers(1, 9000, (12, 70, 80)).astype(np.uint16)
    stored[7, 3, 4] = 65535
    scene = store({"msi": {"quantity": "reflectance", "scale": 1e-4, "wavelengths": S2, "nodata": 65535}}, msi=stored)
    red, near = stored[3].astype(float), stored[7].astype(float)
    expected = (near - red) / (near + red)
    expected[3, 4] = np.nan
    found = spectral_index(scene, "msi", "NDVI")
    assert (found.plane.dtype, found.stride, found.index.bands) == (np.float32, 1, {"N": 7, "R": 3})
    np.testing.assert_allclose(found.plane, expected, atol=1e-5)
    window = spectral_index(scene, "msi", "NDVI", (slice(2, 5), slice(60, 80)))
    np.testing.assert_array_equal(window.plane, found.plane[2:5, 60:80])
    assert (window.rows, window.cols) == (slice(2, 5), slice(60, 80))
    assert any("N 832.8 nm (band 8), R 664.6 nm (band 4)" in note for note in found.notes)


def test_constants_have_the_catalogues_defaults_and_can_be_given(store):
    scene = store({"msi": {"quantity": "reflectance", "wavelengths": (660.0, 830.0)}},
                  msi=np.stack([np.full((2, 2), 0.1), np.full((2, 2), 0.5)]).astype(np.float32))  # fmt: skip
    default = spectral_index(scene, "msi", "SAVI")
    np.testing.assert_allclose(default.plane, (1 + 1) * 0.4 / (0.6 + 1), rtol=1e-6)
    assert any("L = 1" in note for note in default.notes)
    np.testing.assert_allclose(
        spectral_index(scene, "msi", "SAVI", constants={"L": 0.5}).plane, 1.5 * 0.4 / 1.1, rtol=1e-6
    )
    with pytest.raises(UnknownNameError, match="constant of SAVI"):
        spectral_index(scene, "msi", "SAVI", constants={"l": 0.5})
    # kernel index: example of spyndex' documentation has N 0.68, R 0.13 -> 0.4309459271768674
    other = store({"msi": {"quantity": "reflectance", "wavelengths": (660.0, 830.0)}}, name="kernel",
                  msi=np.array([[[0.13]], [[0.68]]], np.float32))  # fmt: skip
    assert spectral_index(other, "msi", "kNDVI").plane[0, 0] == pytest.approx(0.4309459271768674, abs=1e-6)


def test_wavelengths_go_into_formulas_that_need_them(store):
    values = np.array([0.1, 0.5, 0.3], np.float32)[:, None, None]
    scene = store({"msi": {"quantity": "reflectance", "wavelengths": (660.0, 830.0, 1610.0)}}, msi=values)
    expected = 0.5 - (0.1 + (0.3 - 0.1) * ((830 - 660) / (1610 - 660)))
    assert spectral_index(scene, "msi", "FAI").plane[0, 0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("quantity", ["radiance", "digital number", "unknown"])
def test_a_reflectance_index_of_something_else_warns(store, quantity):
    values = np.array([0.1, 0.5], np.float32)[:, None, None]
    scene = store({"msi": {"quantity": quantity, "wavelengths": (660.0, 830.0)}}, msi=values)
    with pytest.warns(QuantityWarning, match=quantity):
        found = spectral_index(scene, "msi", "NDVI")
    assert any("index of reflectance" in note for note in found.notes)


def test_reflectance_that_is_not_between_0_and_1_warns_and_percent_is_converted(store):
    values = np.array([1000, 5000], np.int16)[:, None, None]
    scene = store({"msi": {"quantity": "reflectance", "wavelengths": (660.0, 830.0)}}, msi=values)
    with pytest.warns(QuantityWarning, match="reaches 5000"):
        spectral_index(scene, "msi", "SAVI")
    percent = store({"msi": {"quantity": "reflectance", "unit": "%", "wavelengths": (660.0, 830.0)}}, name="percent",
                    msi=np.array([10, 50], np.int16)[:, None, None])  # fmt: skip
    assert spectral_index(percent, "msi", "SAVI").plane[0, 0] == pytest.approx(2 * 0.4 / 1.6, abs=1e-6)


def test_radar_indices_take_linear_power_and_bands_by_polarisation(store):
    sar = np.array([-17.0, -10.0], np.float32)[:, None, None]
    scene = store({"sar": {"quantity": "backscatter dB", "band_names": ("VH", "VV")}}, sar=sar)
    vh, vv = 10**-1.7, 10**-1.0
    found = spectral_index(scene, "sar", "DpRVIVV")
    assert found.plane[0, 0] == pytest.approx(4 * vh / (vv + vh), rel=1e-5)
    assert any("linear power" in note for note in found.notes)
    with pytest.raises(WorkbenchError, match="no documented wavelengths"):
        spectral_index(scene, "sar", "NDVI")


def test_an_index_that_is_not_there_or_lacks_a_band_says_so(store):
    scene = store(
        {"msi": {"quantity": "reflectance", "wavelengths": (660.0, 830.0)}}, msi=np.ones((2, 3, 3), np.float32)
    )
    with pytest.raises(UnknownNameError, match="NDVI"):
        spectral_index(scene, "msi", "NDVY")
    with pytest.raises(WorkbenchError, match=r"While computing NBR .*no band S2 .*from 660 to 830 nm"):
        spectral_index(scene, "msi", "NBR")


def test_the_overview_of_a_large_scene_is_used_and_said(store, rng):
    cube = rng.uniform(0.1, 0.6, (2, 600, 520)).astype(np.float32)
    scene = store({"msi": {"quantity": "reflectance", "wavelengths": (660.0, 830.0)}}, msi=cube)
    found = spectral_index(scene, "msi", "NDVI")
    assert (found.stride, found.plane.shape) == (2, (300, 260))
    mean = cube.reshape(2, 300, 2, 260, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(found.plane, (mean[1] - mean[0]) / (mean[1] + mean[0]), atol=1e-5)
    assert any("2 x 2" in note for note in found.notes)
