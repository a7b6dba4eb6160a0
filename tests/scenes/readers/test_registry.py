from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio.errors import NotGeoreferencedWarning

from workbench.base.errors import WorkbenchError
from workbench.scenes.readers import open_raster, read_vector, split_variable

CUBE = np.random.default_rng(0).integers(0, 900, (12, 9, 5)).astype(np.uint16)  # rows, columns, bands


def whole(raster):
    _, rows, cols = raster.pixels.shape
    return np.asarray(raster.pixels[:, slice(0, rows), slice(0, cols)])


@pytest.mark.parametrize(
    ("source", "path", "variable"),
    [
        ("a/b.mat:hsi.Lidar[0].z", "a/b.mat", "hsi.Lidar[0].z"),
        ("b.nc:group/rfl", "b.nc", "group/rfl"),
        ("C:/data/b.tif", "C:/data/b.tif", None),
        ("C:/data/b.H5:x", "C:/data/b.H5", "x"),
        ("a:b/c.npy", "a:b/c.npy", None),
        ("store.zarr", "store.zarr", None),
    ],
)
def test_paths_and_variables(source, path, variable):
    assert split_variable(source) == (Path(path), variable)


def test_the_expected_shape_and_axes_of_a_fixed_format(tmp_path):
    path = tmp_path / "a.tif"
    with (
        pytest.warns(NotGeoreferencedWarning),
        rasterio.open(path, "w", driver="GTiff", count=5, height=12, width=9, dtype="uint16") as file,
    ):
        file.write(CUBE.transpose(2, 0, 1))
    with open_raster(path, expected_shape=(12, 9)) as raster:
        np.testing.assert_array_equal(whole(raster), CUBE.transpose(2, 0, 1))
    with (
        pytest.raises(WorkbenchError, match=r"9 rows x 12 columns were expected.*swapped: transpose"),
        open_raster(path, expected_shape=(9, 12)),
    ):
        pass
    with pytest.raises(WorkbenchError, match="format fixes the axes"):
        open_raster(path, axes="band,y,x")
    with pytest.raises(WorkbenchError, match="it is a raster"):
        read_vector(path)


def test_what_no_reader_knows(tmp_path):
    (tmp_path / "a.jp2").write_bytes(b"1")
    with pytest.raises(WorkbenchError, match=r"no reader knows the suffix '\.jp2'.*\.hdf5.*\.zarr"):
        open_raster(tmp_path / "a.jp2")
    for name in ("a.npy", "a.nc", "a.h5", "a.mat", "a.hdr"):
        with pytest.raises(WorkbenchError, match="the file is missing"):
            open_raster(tmp_path / name)


def make_npy(path):
    np.save(path, CUBE)


def make_npz(path):
    np.savez_compressed(path, cube=CUBE)


def make_hdf5(path):
    with h5py.File(path, "w", userblock_size=512 if path.suffix == ".mat" else 0) as file:
        file.create_dataset("cube", data=CUBE, compression="gzip")


def make_netcdf(path):
    xr.Dataset({"cube": (("y", "x", "band"), CUBE)}).to_netcdf(
        path, engine="h5netcdf" if path.suffix == ".nc4" else "scipy"
    )


@pytest.mark.parametrize(
    ("name", "make"),
    [("a.npy", make_npy), ("a.npz", make_npz), ("a.h5", make_hdf5), ("a.mat", make_hdf5), ("a.nc", make_netcdf), ("a.nc4", make_netcdf)],
)  # fmt: skip
def test_flipped_and_missing_bytes_never_end_in_another_error(tmp_path, name, make):
    """Damage is told or goes unnoticed; it never escapes as an error of the library behind a reader."""
    path = tmp_path / name
    make(path)
    good, rng = path.read_bytes(), np.random.default_rng(0)
    told = 0
    for attempt in range(30):
        raw = bytearray(good)
        if attempt % 3 == 0:
            raw = raw[: rng.integers(len(raw))]
        for place in rng.integers(max(len(raw), 1), size=4 if raw else 0):
            raw[place] = rng.integers(256)
        path.write_bytes(raw)
        with suppress(WorkbenchError), open_raster(path, axes="y,x,band") as raster:
            whole(raster)
            told -= 1
        told += 1
    assert told >= 8  # at least those cut short
