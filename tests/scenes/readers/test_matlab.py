from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat

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


HEIGHTS = np.random.default_rng(1).random((7, 5, 2))
LABELS = np.random.default_rng(2).integers(-1, 3, (7, 5)).astype(np.int16)


def nested5(path):
    """As MUUFL's file: a structure of arrays, of a cell of structures, and of a structure."""
    cells = np.empty((1, 2), object)
    cells[0, 0], cells[0, 1] = {"z": HEIGHTS, "x": HEIGHTS[..., 0]}, {"z": HEIGHTS * 2}
    series = np.zeros((1, 2), [("z", object), ("name", object)])
    series[0, 0], series[0, 1] = (HEIGHTS[..., 0], "first"), (HEIGHTS[..., 1], "second")
    hsi = {
        "Data": CUBE.astype(float),
        "Lidar": cells,
        "sceneLabels": {"labels": LABELS},
        "info": {"bands": 3.0},
        "S": series,
    }
    savemat(path, {"hsi": hsi}, do_compression=True)


def nested73(path):
    with h5py.File(path, "w", userblock_size=512) as file:

        def put(group, name, array, kind="double"):
            item = group.create_dataset(name, data=array.T)
            item.attrs["MATLAB_class"] = np.bytes_(kind)
            return item.ref

        hsi, kept = file.create_group("hsi"), file.create_group("#refs#")
        put(hsi, "Data", CUBE.astype(float))
        put(hsi.create_group("sceneLabels"), "labels", LABELS, "int16")
        for i in (0, 1):
            put(kept.create_group(f"cell{i}"), "z", HEIGHTS * (i + 1))
        cells = hsi.create_dataset("Lidar", (2, 1), h5py.ref_dtype)
        cells[:, 0] = [kept["cell0"].ref, kept["cell1"].ref]
        cells.attrs["MATLAB_class"] = np.bytes_("cell")
        series = hsi.create_group("S").create_dataset("z", (2, 1), h5py.ref_dtype)
        series[:, 0] = [put(kept, f"s{i}", HEIGHTS[..., i]) for i in (0, 1)]


@pytest.fixture(params=[nested5, nested73], ids=["v5", "v7.3"])
def nested(request, tmp_path):
    request.param(tmp_path / "muufl.mat")
    return tmp_path / "muufl.mat"


def test_paths_into_structures_and_cells(nested):
    for variable, expected in {
        "hsi.Data": CUBE.transpose(2, 0, 1),
        "hsi.Lidar[0].z": HEIGHTS.transpose(2, 0, 1),
        "hsi.Lidar[1].z": HEIGHTS.transpose(2, 0, 1) * 2,
        "hsi.sceneLabels.labels": LABELS[None],
        "hsi.S[0].z": HEIGHTS[None, ..., 0],
        "hsi.S[1].z": HEIGHTS[None, ..., 1],
    }.items():
        with open_raster(f"{nested}:{variable}") as raster:
            np.testing.assert_array_equal(whole(raster), expected, err_msg=variable)
            assert raster.grid.shape == (7, 5)


def test_the_same_path_as_the_squeezing_loader(tmp_path):
    nested5(tmp_path / "a.mat")
    hsi = loadmat(tmp_path / "a.mat", squeeze_me=True, struct_as_record=False)["hsi"]
    with open_raster(f"{tmp_path}/a.mat:hsi.Lidar[1].z") as raster:
        np.testing.assert_array_equal(whole(raster), hsi.Lidar[1].z.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("hsi.Dat", "Nearest: Data"),
        ("hsi.Lidar.z", r"'hsi.Lidar' has 2 elements.*hsi.Lidar\[0\]"),
        ("hsi.Lidar[2].z", "has 2 elements"),
        ("hsi.Lidar[0]", "struct values"),
        ("hsi..Data", "no path"),
        ("his.Data", "Unknown (variable|field)"),
    ],
)
def test_paths_that_lead_nowhere(nested, variable, told):
    with pytest.raises(WorkbenchError, match=told), open_raster(f"{nested}:{variable}"):
        pass


def test_transposed_axes_are_recognised_from_the_expected_shape(tmp_path, save):
    """A Berlin-like file whose rows and columns are swapped, and one with its bands first."""
    path = tmp_path / "swapped.mat"
    save(path, cube=CUBE.transpose(1, 0, 2).astype(float), first=CUBE.transpose(2, 0, 1).astype(float))
    with open_raster(f"{path}:cube", axes="x,y,band", expected_shape=(7, 5)) as raster:
        np.testing.assert_array_equal(whole(raster), CUBE.transpose(2, 0, 1))
    with (
        pytest.raises(
            WorkbenchError,
            match=r"swapped\.mat:cube: 7 rows x 5 columns were expected and 5 rows x 7 columns x 3 bands were found. "
            r"Its axes are transposed.*axes='x,y,band'",
        ),
        open_raster(f"{path}:cube", expected_shape=(7, 5)),
    ):
        pass
    with pytest.raises(WorkbenchError, match="axes='band,y,x'"), open_raster(f"{path}:first", expected_shape=(7, 5)):
        pass
    with (
        pytest.raises(WorkbenchError, match="right packaging"),
        open_raster(f"{path}:cube", expected_shape=(8, 5)),
    ):
        pass
    with pytest.raises(WorkbenchError, match="axes='x,y' does not describe"), open_raster(f"{path}:cube", axes="x,y"):
        pass


SHARED = Path(__file__).parents[4] / "shared" / "data" / "muufl_mini"


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/data")
def test_real_muufl_files():
    path = SHARED / "an_hsi_image_sub_for_demo.mat"
    oracle = loadmat(path)
    with open_raster(f"{path}:hsi_img_sub", expected_shape=(51, 88)) as raster:
        assert raster.pixels.shape == (72, 51, 88)
        np.testing.assert_array_equal(whole(raster), oracle["hsi_img_sub"].transpose(2, 0, 1))
    with open_raster(f"{path}:mask_sub") as raster:
        np.testing.assert_array_equal(whole(raster)[0], oracle["mask_sub"])
    assert read_vector(f"{path}:wavelengths")[0] == pytest.approx(367.7)
    spectra = loadmat(SHARED / "an_hsi_img_for_class_demo.mat", squeeze_me=True, struct_as_record=False)["train_data"]
    for place in (0, 4):
        with open_raster(f"{SHARED}/an_hsi_img_for_class_demo.mat:train_data[{place}].Spectra") as raster:
            np.testing.assert_array_equal(whole(raster)[0], spectra[place].Spectra)
