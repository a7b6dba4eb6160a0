import warnings

import numpy as np
import pytest
import rasterio
from affine import Affine

from workbench.base.errors import WorkbenchError
from workbench.scenes.readers import open_raster

GRID = {"transform": Affine(2, 0, 500_000, 0, -2, 4_000_000), "crs": "EPSG:32617"}


def write(path, values, tags=(), band_tags=(), descriptions=(), scales=None, offsets=None, mask=None, **profile):
    bands, rows, cols = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=bands, height=rows, width=cols, dtype=values.dtype, **{**GRID, **profile}
    ) as file:
        file.write(values)
        file.update_tags(**dict(tags))
        for band, told in enumerate(band_tags, start=1):
            file.update_tags(band, **told)
        for band, text in enumerate(descriptions, start=1):
            file.set_band_description(band, text)
        if scales:
            file.scales = scales
        if offsets:
            file.offsets = offsets
        if mask is not None:
            file.write_mask(mask)
    return path


def cube(bands=3, rows=80, cols=50, dtype=np.uint16):
    return np.random.default_rng(0).integers(1, 200, (bands, rows, cols)).astype(dtype)


def whole(raster):
    _, rows, cols = raster.pixels.shape
    return raster.pixels[:, slice(0, rows), slice(0, cols)]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_pixels_grid_and_nodata(tmp_path, dtype):
    values = cube(dtype=dtype)
    path = write(tmp_path / "a.tif", values, nodata=7, tiled=True, blockxsize=16, blockysize=16, compress="deflate")
    with open_raster(path) as raster:
        np.testing.assert_array_equal(whole(raster), values)
        np.testing.assert_array_equal(raster.pixels[:, slice(5, 9), slice(1, 40)], values[:, 5:9, 1:40])
        assert raster.pixels.dtype == dtype
        assert raster.grid.transform == (2, 0, 500_000, 0, -2, 4_000_000)
        assert raster.grid.crs_name == "EPSG:32617"
        assert (raster.nodata, raster.scale, raster.offset, raster.wavelengths) == (7, 1, 0, None)


def test_scale_offset_unit_and_names(tmp_path):
    path = write(tmp_path / "a.tif", cube(2), scales=(0.01, 0.01), offsets=(5, 5), descriptions=("one", "two"))
    with rasterio.open(path, "r+") as file:
        file.units = ("m", "m")
    with open_raster(path) as raster:
        assert (raster.scale, raster.offset, raster.unit) == (0.01, 5, "m")
        assert raster.band_names == ("one", "two")


def test_scales_that_differ_by_band_and_masks_give_physical_values(tmp_path):
    values = cube(2)
    with open_raster(write(tmp_path / "a.tif", values, scales=(0.5, 2), offsets=(0, 1), nodata=9)) as raster:
        expected = np.stack([values[0] * 0.5, values[1] * 2.0 + 1]).astype(np.float32)
        expected[values == 9] = np.nan
        np.testing.assert_array_equal(whole(raster), expected)
        assert (raster.scale, raster.offset, raster.nodata) == (1, 0, None)
    mask = np.full((80, 50), 255, np.uint8)
    mask[3:5, 7] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        path = write(tmp_path / "b.tif", values, mask=mask)
    with open_raster(path) as raster:
        assert np.argwhere(np.isnan(whole(raster)[1])).tolist() == [[3, 7], [4, 7]]


@pytest.mark.parametrize(
    ("band_tags", "descriptions", "expected"),
    [
        ([{"wavelength": "450.5", "wavelength_units": "Nanometers"}, {"wavelength": "2.2", "wavelength_units": "Micrometers"}],
         (), (450.5, 2200)),
        ([{"wavelength": "450.5"}, {"wavelength": "550"}], (), None),
        ([{"wavelength": "450", "wavelength_units": "Unknown"}] * 2, (), None),
        ([], ("Band 1 (450.5 nm)", "0.55 um"), (450.5, 550)),
        ([], ("Band 1 (450.5 nm)", "Band 2"), None),
        ([], ("1", "450"), None),
    ],
)  # fmt: skip
def test_wavelengths_only_where_documented_with_their_unit(tmp_path, band_tags, descriptions, expected):
    path = write(tmp_path / "a.tif", cube(2), band_tags=band_tags, descriptions=descriptions)
    with open_raster(path) as raster:
        assert raster.wavelengths == (None if expected is None else pytest.approx(expected))
        assert ("must be nanometers or micrometers" in raster.wavelength_fault) == (
            expected is None and bool(band_tags)
        )


@pytest.mark.parametrize("dtype", ["complex64", "complex_int16"])
def test_complex_numbers_are_refused(tmp_path, dtype):
    with rasterio.open(
        tmp_path / "slc.tif", "w", driver="GTiff", count=1, height=4, width=5, dtype=dtype, **GRID
    ) as file:
        file.write(np.ones((1, 4, 5), np.complex64))
    with pytest.raises(WorkbenchError, match=r"slc\.tif: it holds complex numbers"), open_raster(tmp_path / "slc.tif"):
        pass


def test_wavelengths_of_the_imagery_domain(tmp_path):
    path = write(tmp_path / "a.tif", cube(2))
    with rasterio.open(path, "r+") as file:
        for band, centre in ((1, "0.45"), (2, "0.85")):
            file.update_tags(band, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=centre, FWHM_UM="0.01")
        file.update_tags(ns="IMAGERY", ACQUISITIONDATETIME="2020-06-01 10:00:00")
    with open_raster(path) as raster:
        assert raster.wavelengths == pytest.approx((450, 850))
        assert raster.fwhm == pytest.approx((10, 10))
        assert raster.date == "2020-06-01 10:00:00"


@pytest.mark.parametrize("layout", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 16}, {"compress": "lzw"}])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_truncated_files_are_told(tmp_path, layout, share):
    path = write(tmp_path / "a.tif", cube(5), **layout)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(WorkbenchError, match=r"a\.tif: the file is truncated"), open_raster(path) as raster:
        whole(raster)


def test_missing_and_other_files_are_told(tmp_path):
    with pytest.raises(WorkbenchError, match="missing"):
        open_raster(tmp_path / "no.tif")
    (tmp_path / "a.tif").write_text("hello")
    with pytest.raises(WorkbenchError, match="no GeoTIFF"), open_raster(tmp_path / "a.tif"):
        pass
    (tmp_path / "a.xyz").write_text("hello")
    with pytest.raises(WorkbenchError, match=r"no reader knows the suffix '\.xyz'"):
        open_raster(tmp_path / "a.xyz")


def test_a_plain_tiff_has_no_georeference_and_no_warning(tmp_path):
    path = write(tmp_path / "a.tif", cube(1), transform=None, crs=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with open_raster(path) as raster:
            assert raster.grid.transform is None
            assert raster.grid.crs is None


def test_ground_control_points_are_refused(tmp_path):
    points = [rasterio.control.GroundControlPoint(row, col, 1 + col, 2 - row) for row in (0, 80) for col in (0, 50)]
    path = write(tmp_path / "a.tif", cube(1), transform=None, crs=None)
    with rasterio.open(path, "r+") as file:
        file.gcps = (points, rasterio.crs.CRS.from_epsg(4326))
    with pytest.raises(WorkbenchError, match="ground control points"), open_raster(path):
        pass
