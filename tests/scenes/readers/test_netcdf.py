import numpy as np
import pytest
import rioxarray  # noqa: F401  (registers .rio)
import xarray as xr
from affine import Affine

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes.grid import Grid
from workbench.scenes.readers import open_raster, read_vector

STORED = np.random.default_rng(0).integers(-5, 900, (7, 5, 3)).astype(np.int16)  # y, x, band
AXES = {"y": ("y", 4_000_000 - 2.0 * np.arange(7)), "x": ("x", 500_000 + 2.0 * np.arange(5))}


def cube(unit="nm", wavelengths=(450.0, 550.0, 650.0), dims=("y", "x", "wavelength")):
    told = {"scale_factor": 1e-4, "add_offset": 0.5, "_FillValue": np.int16(-5), "units": "1",
            "standard_name": "surface_bidirectional_reflectance"}  # fmt: skip
    array = xr.DataArray(STORED, dims=("y", "x", "wavelength"), attrs=told)
    array = array.assign_coords(
        AXES
        | {
            "wavelength": ("wavelength", list(wavelengths), {"units": unit}),
            "fwhm": ("wavelength", [5.0, 5, 6], {"units": "nm"}),
        }
    )
    array = array.assign_coords(time=((), 4.5, {"units": "days since 2020-01-01"}))
    return (
        array.transpose(*dims).rio.write_crs("EPSG:32617").rio.write_transform(Affine(2, 0, 499_999, 0, -2, 4_000_001))
    )


def write(path, dataset, engine="h5netcdf", **options):
    dataset.to_netcdf(path, engine=engine, **options)
    return path


def whole(raster):
    _, rows, cols = raster.pixels.shape
    return np.asarray(raster.pixels[:, slice(0, rows), slice(0, cols)])


@pytest.mark.parametrize("dims", [("y", "x", "wavelength"), ("wavelength", "y", "x"), ("x", "wavelength", "y")])
@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
def test_values_and_descriptions_equal_what_xarray_decodes(tmp_path, dims, engine):
    path = write(tmp_path / "a.nc", cube(dims=dims).to_dataset(name="rfl"), engine)
    with xr.open_dataset(path, decode_coords="all", engine=engine) as dataset:
        oracle = dataset["rfl"].transpose("wavelength", "y", "x").load()
    with open_raster(f"{path}:rfl") as raster:
        stored = whole(raster)
        np.testing.assert_array_equal(stored, STORED.transpose(2, 0, 1))
        np.testing.assert_array_equal(raster.pixels[:, slice(2, 6), slice(1, 3)], stored[:, 2:6, 1:3])
        physical = np.where(stored == raster.nodata, np.nan, stored * raster.scale + raster.offset)
        np.testing.assert_allclose(physical, oracle.values, rtol=1e-6)
        assert raster.wavelengths == (450, 550, 650)
        assert raster.fwhm == (5, 5, 6)
        assert (raster.quantity, raster.unit, raster.date) == ("reflectance", "", "2020-01-05T12:00:00")
        told = Grid((7, 5), tuple(oracle.rio.transform())[:6], oracle.rio.crs.to_wkt())
        assert raster.grid.differences(told) == []
        assert raster.grid.crs_name == "EPSG:32617"
        assert raster.grid.transform == (2, 0, 499_999, 0, -2, 4_000_001)


def test_the_only_raster_needs_no_name_and_coordinates_place_it(tmp_path):
    array = cube().drop_vars(["spatial_ref", "fwhm", "time"])
    path = write(tmp_path / "a.nc", array.to_dataset(name="rfl"))
    with open_raster(path) as raster:
        assert raster.grid == Grid((7, 5), (2, 0, 499_999, 0, -2, 4_000_001), None)
        assert raster.fwhm is raster.date is None


def test_groups_inherit_coordinates_and_crs(tmp_path):
    array = cube()
    write(tmp_path / "a.nc", array.coords.to_dataset())
    bare = array.drop_vars([*array.coords]).to_dataset(name="rfl")
    bare.to_netcdf(tmp_path / "a.nc", mode="a", group="deep/data", engine="h5netcdf")
    with open_raster(f"{tmp_path}/a.nc:deep/data/rfl") as raster:
        np.testing.assert_array_equal(whole(raster), STORED.transpose(2, 0, 1))
        assert raster.wavelengths == (450, 550, 650)
        assert raster.grid.crs_name == "EPSG:32617"
    with pytest.raises(UnknownNameError, match="Nearest: deep/data/rfl"), open_raster(f"{tmp_path}/a.nc:deep/data/rf"):
        pass


@pytest.mark.parametrize(("unit", "factor"), [("um", 1e-3), ("micrometers", 1e-3), ("nanometer", 1)])
def test_wavelengths_come_in_nm(tmp_path, unit, factor):
    path = write(tmp_path / "a.nc", cube(unit, np.array([450, 550, 650]) * factor).to_dataset(name="rfl"))
    with open_raster(f"{path}:rfl") as raster:
        assert raster.wavelengths == (450, 550, 650)
    assert read_vector(f"{path}:fwhm").tolist() == [5, 5, 6]


def test_unknown_wavelength_units_are_told(tmp_path):
    path = write(tmp_path / "a.nc", cube("furlong").to_dataset(name="rfl"))
    with open_raster(f"{path}:rfl") as raster:
        assert raster.wavelengths is None
        assert "'wavelength' must be nm or um, and 'furlong' was found" in raster.wavelength_fault


def test_axes_without_telling_names_must_be_declared(tmp_path):
    path = write(tmp_path / "a.nc", xr.Dataset({"c": (("p", "q", "r"), STORED)}))
    with (
        pytest.raises(WorkbenchError, match=r"a\.nc: 'c': its axes are 7 x 5 x 3 \(p, q, r\).*axes='band,y,x'"),
        open_raster(f"{path}:c"),
    ):
        pass
    with open_raster(f"{path}:c", axes="rows, cols, bands") as raster:
        np.testing.assert_array_equal(whole(raster), STORED.transpose(2, 0, 1))


def test_a_time_axis_of_one_is_skipped_and_of_more_is_told(tmp_path):
    once = cube().expand_dims(time=[0.0]).to_dataset(name="rfl")
    with open_raster(f"{write(tmp_path / 'a.nc', once)}:rfl") as raster:
        np.testing.assert_array_equal(whole(raster), STORED.transpose(2, 0, 1))
    twice = cube().drop_vars("time").expand_dims(time=[0.0, 1.0]).to_dataset(name="rfl")
    path = write(tmp_path / "b.nc", twice)
    with pytest.raises(WorkbenchError, match="Cut one raster out"), open_raster(f"{path}:rfl"):
        pass


def test_what_makes_no_raster_is_told(tmp_path):
    uneven = cube().drop_vars("spatial_ref").assign_coords(x=[0.0, 1, 2, 4, 8])
    two = cube()
    two.attrs["missing_value"] = np.int16(-7)
    for name, dataset, told in [
        ("uneven", uneven.to_dataset(name="rfl"), "'x' that are not evenly spaced"),
        ("fills", two.to_dataset(name="rfl"), "two no-data values -7 and -5"),
        ("text", xr.Dataset({"rfl": (("y", "x"), np.full((3, 4), "a"))}), "holds .* values"),
        ("scales", cube().assign_attrs(scale_factor=[1.0, 2.0]).to_dataset(name="rfl"), "one number is needed"),
    ]:
        path = write(tmp_path / f"{name}.nc", dataset)
        with pytest.raises(WorkbenchError, match=told), open_raster(f"{path}:rfl"):
            pass


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
@pytest.mark.parametrize("share", [0.1, 0.6])
def test_half_a_file_is_told(tmp_path, engine, share):
    big = xr.Dataset({"rfl": (("y", "x", "band"), np.random.default_rng(0).random((60, 50, 30)))})
    path = write(tmp_path / "a.nc", big, engine)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(WorkbenchError, match=r"a\.nc.*truncated"), open_raster(f"{path}:rfl") as raster:
        whole(raster)
