import h5py
import numpy as np
import pytest
from scipy.io import savemat

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes.readers import open_raster, read_vector

CUBE = np.random.default_rng(0).integers(0, 999, (7, 5, 3))  # rows, columns, bands as MATLAB shows them


def save5(path, **arrays):
    savemat(path, arrays, do_compression=True)


def save73(path, **arrays):
    """As MATLAB writes: column-major arrays, so HDF5 sees the axes reversed, and the class as an attribute."""
    names = {"f8": "double", "f4": "single", "u1": "uint8", "u2": "uint16", "i2": "int16", "i8": "int64"}
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            stored = np.asarray(array)
            kind = "logical" if stored.dtype == bool else names.get(stored.dtype.str[1:], "double")
            item = file.create_dataset(name, data=stored.T.astype(np.uint8) if stored.dtype == bool else stored.T)
            item.attrs["MATLAB_class"] = np.bytes_(kind)


def whole(raster):
    _, rows, cols = raster.pixels.shape
    return np.asarray(raster.pixels[:, slice(0, rows), slice(0, cols)])


@pytest.fixture(params=[save5, save73], ids=["v5", "v7.3"])
def save(request):
    return request.param


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float64"])
def test_a_cube_is_band_row_column(tmp_path, save, dtype):
    save(tmp_path / "a.mat", cube=CUBE.astype(dtype))
    with open_raster(tmp_path / "a.mat") as raster:
        assert raster.pixels.shape == (3, 7, 5)
        assert raster.pixels.dtype == dtype
        assert raster.grid.shape == (7, 5)
        assert raster.grid.transform is None
        np.testing.assert_array_equal(whole(raster), CUBE.transpose(2, 0, 1).astype(dtype))
        np.testing.assert_array_equal(
            raster.pixels[:, slice(2, 6), slice(1, 3)], CUBE.transpose(2, 0, 1)[:, 2:6, 1:3].astype(dtype)
        )


def test_a_plane_has_one_band(tmp_path, save):
    save(tmp_path / "a.mat", mask=CUBE[:, :, 0] > 500)
    with open_raster(tmp_path / "a.mat") as raster:
        np.testing.assert_array_equal(whole(raster), (CUBE[:, :, 0] > 500)[None].astype(np.uint8))


def test_variables_are_chosen_by_name_or_being_alone(tmp_path, save):
    path = tmp_path / "a.mat"
    save(path, cube=CUBE.astype(float), gt=CUBE[:, :, 0].astype(float), wavelengths=np.array([[400.0], [500], [600]]))
    with open_raster(f"{path}:gt") as raster:
        np.testing.assert_array_equal(whole(raster)[0], CUBE[:, :, 0])
    with (
        pytest.raises(WorkbenchError, match=r"several arrays.*cube \(double, 7 x 5 x 3\).*a\.mat:VARIABLE"),
        open_raster(path),
    ):
        pass
    with pytest.raises(UnknownNameError, match="Nearest: cube"), open_raster(f"{path}:cub"):
        pass
    assert read_vector(f"{path}:wavelengths").tolist() == [400, 500, 600]
    save(tmp_path / "b.mat", cube=CUBE.astype(float), wavelengths=np.array([[400.0], [500], [600]]))
    with open_raster(tmp_path / "b.mat") as raster:
        assert raster.pixels.shape == (3, 7, 5)


@pytest.mark.parametrize("value", [CUBE + 1j, np.array([[CUBE, "x"]], dtype=object), {"field": 1.0}, "some text"])
def test_what_is_no_raster_is_refused(tmp_path, value):
    save5(tmp_path / "a.mat", thing=value)
    with pytest.raises(WorkbenchError, match=r"'thing' holds|no raster"), open_raster(f"{tmp_path}/a.mat:thing"):
        pass


def test_what_is_no_raster_is_refused_in_hdf5(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        pair = np.zeros((5, 7), np.dtype([("real", "f8"), ("imag", "f8")]))
        file.create_dataset("wave", data=pair).attrs["MATLAB_class"] = np.bytes_("double")
        file.create_dataset("text", data=np.zeros((4, 4), np.uint16)).attrs["MATLAB_class"] = np.bytes_("char")
        file.create_dataset("cells", (3, 3), h5py.ref_dtype).attrs["MATLAB_class"] = np.bytes_("cell")
        file.create_group("struct")
    for name in ("wave", "text", "cells", "struct"):
        with pytest.raises(WorkbenchError, match=f"{name!r} holds"), open_raster(f"{tmp_path}/a.mat:{name}"):
            pass
    with pytest.raises(WorkbenchError, match="no raster"), open_raster(tmp_path / "a.mat"):
        pass


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_files_are_told(tmp_path, save, share):
    path = tmp_path / "a.mat"
    save(path, cube=np.random.default_rng(0).random((40, 30, 20)))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(WorkbenchError, match="truncated"), open_raster(f"{path}:cube") as raster:
        whole(raster)


def test_lists_of_numbers_from_text(tmp_path):
    (tmp_path / "w.txt").write_text("400\n500.5\n")
    assert read_vector(tmp_path / "w.txt").tolist() == [400, 500.5]
    (tmp_path / "w.txt").write_text("blue\n")
    with pytest.raises(WorkbenchError, match="no list of numbers"):
        read_vector(tmp_path / "w.txt")
