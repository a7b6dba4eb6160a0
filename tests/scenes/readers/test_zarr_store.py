import json

import numpy as np
import pytest
import rioxarray  # noqa: F401  (registers .rio)
import xarray as xr
import zarr

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, write_scene
from workbench.scenes.readers import open_raster, read_vector

CUBE = np.random.default_rng(0).integers(0, 900, (3, 70, 66)).astype(np.int16)


def whole(raster):
    _, rows, cols = raster.pixels.shape
    return np.asarray(raster.pixels[:, slice(0, rows), slice(0, cols)])


@pytest.mark.parametrize("version", [2, 3])
def test_a_plain_array(tmp_path, version):
    store = tmp_path / "a.zarr"
    zarr.create_array(store, data=CUBE, chunks=(3, 32, 32), zarr_format=version)
    with open_raster(store, axes="band,y,x") as raster:
        np.testing.assert_array_equal(whole(raster), CUBE)
        np.testing.assert_array_equal(raster.pixels[:, slice(2, 40), slice(1, 3)], CUBE[:, 2:40, 1:3])
    with pytest.raises(WorkbenchError, match="axes are 3 x 70 x 66, which does not tell"), open_raster(store):
        pass


def test_a_plain_array_with_named_axes_in_a_group(tmp_path):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    group.create_array("deep/cube", data=CUBE.transpose(1, 2, 0), dimension_names=("y", "x", "band"))
    group.create_array("wl", data=np.array([450.0, 550, 650]))
    with open_raster(f"{tmp_path}/a.zarr:deep/cube") as raster:
        np.testing.assert_array_equal(whole(raster), CUBE)
    assert read_vector(f"{tmp_path}/a.zarr:wl").tolist() == [450, 550, 650]
    with pytest.raises(UnknownNameError, match="Nearest: deep/cube"), open_raster(f"{tmp_path}/a.zarr:deep/cub"):
        pass


@pytest.mark.parametrize("version", [2, 3])
def test_an_xarray_store_equals_what_xarray_reads(tmp_path, version):
    array = xr.DataArray(CUBE, dims=("wavelength", "y", "x"), attrs={"units": "mW"}, coords={
        "wavelength": ("wavelength", [0.45, 0.55, 0.65], {"units": "um"}),
        "y": 4e6 - 2.0 * np.arange(70), "x": 5e5 + 2.0 * np.arange(66),
    }).rio.write_crs("EPSG:32633")  # fmt: skip
    encoding = {"rad": {"scale_factor": 0.01, "_FillValue": np.int16(-1), "dtype": "int16"}}
    (array * 0.01).assign_attrs(array.attrs).to_dataset(name="rad").to_zarr(
        tmp_path / "a.zarr", zarr_format=version, encoding=encoding, consolidated=version == 2
    )
    oracle = xr.open_zarr(tmp_path / "a.zarr", decode_coords="all", consolidated=version == 2)["rad"]
    with open_raster(f"{tmp_path}/a.zarr:rad") as raster:
        stored = whole(raster)
        np.testing.assert_array_equal(stored, CUBE)
        physical = np.where(stored == raster.nodata, np.nan, stored * raster.scale)
        np.testing.assert_allclose(physical, oracle.values, rtol=1e-6)
        assert raster.wavelengths == (450, 550, 650)
        assert raster.unit == "mW"
        assert raster.grid.crs_name == "EPSG:32633"
        assert raster.grid.transform == tuple(oracle.rio.transform())[:6]


def test_a_modality_of_a_stored_scene(tmp_path):
    info = ModalityInfo.of(
        "hsi", CUBE, quantity="reflectance", scale=1e-4, nodata=-1, wavelengths=(450.0, 550.0, 650.0)
    )
    draft = TileDraft(
        "one", {"hsi": (CUBE, info)}, (CUBE[0] % 3).astype(np.uint8), (2, 0, 5e5, 0, -2, 4e6), "EPSG:32617"
    )
    write_scene(tmp_path / "one.zarr", [draft], ClassTable.from_names(["a", "b"]))
    for source in ("one.zarr", "one.zarr:hsi", "one.zarr:one/hsi"):
        with open_raster(f"{tmp_path}/{source}") as raster:
            np.testing.assert_array_equal(whole(raster), CUBE)
            assert (raster.scale, raster.nodata, raster.quantity) == (1e-4, -1, "reflectance")
            assert raster.wavelengths == (450, 550, 650)
            assert raster.grid.crs_name == "EPSG:32617"
    with open_raster(f"{tmp_path}/one.zarr:labels") as raster:
        np.testing.assert_array_equal(whole(raster)[0], CUBE[0] % 3)
        assert raster.class_names == {1: "a", 2: "b"}
    with pytest.raises(UnknownNameError, match="Nearest: hsi"), open_raster(f"{tmp_path}/one.zarr:his"):
        pass
    write_scene(
        tmp_path / "two.zarr", [draft, TileDraft("two", {"hsi": (CUBE, info)})], ClassTable.from_names(["a", "b"])
    )
    with pytest.raises(WorkbenchError, match="collection of 2 tiles"), open_raster(f"{tmp_path}/two.zarr:hsi"):
        pass


def test_pickled_arrays_are_refused_before_they_are_read(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=CUBE, zarr_format=2)
    told = json.loads((tmp_path / "a.zarr" / ".zarray").read_text())
    told["filters"] = [{"id": "pickle", "protocol": 5}]
    (tmp_path / "a.zarr" / ".zarray").write_text(json.dumps(told))
    with pytest.raises(WorkbenchError, match="pickle"), open_raster(tmp_path / "a.zarr", axes="band,y,x"):
        pass
    with pytest.raises(WorkbenchError, match="pickle"):
        read_vector(tmp_path / "a.zarr")


def test_what_is_no_raster_or_no_store(tmp_path):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    group.create_array("slc", data=CUBE[0] + 1j, dimension_names=("y", "x"))
    with pytest.raises(WorkbenchError, match="complex numbers"), open_raster(f"{tmp_path}/a.zarr:slc"):
        pass
    (tmp_path / "b.zarr").mkdir()
    with pytest.raises(WorkbenchError, match=r"b\.zarr"), open_raster(tmp_path / "b.zarr"):
        pass
    with pytest.raises(WorkbenchError, match="the store is missing"), open_raster(tmp_path / "c.zarr"):
        pass


def test_a_torn_chunk_is_told(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=CUBE, chunks=(3, 64, 64))
    chunk = tmp_path / "a.zarr" / "c" / "0" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:100])
    with (
        pytest.raises(WorkbenchError, match=r"a\.zarr.*truncated, damaged"),
        open_raster(tmp_path / "a.zarr", axes="band,y,x") as raster,
    ):
        whole(raster)
