import h5py
import numpy as np
import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes.readers import open_raster, read_vector

CUBE = np.random.default_rng(0).integers(0, 900, (3, 7, 5)).astype(np.int16)


def whole(raster):
    _, rows, cols = raster.pixels.shape
    return np.asarray(raster.pixels[:, slice(0, rows), slice(0, cols)])


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset(
            "site/Reflectance/data", data=CUBE.transpose(1, 2, 0), chunks=(2, 2, 3), compression="gzip"
        )
        data.attrs.update({"scale_factor": 1e-4, "_FillValue": -9999, "units": np.bytes_("mW")})
        lengths = file.create_dataset("site/wavelength", data=[0.45, 0.55, 0.65])
        lengths.attrs["units"] = "micrometers"
        lengths.make_scale("wavelength")
        for axis, label in enumerate(("line", "sample", "band")):
            data.dims[axis].label = label
        data.dims[2].attach_scale(lengths)
        file["bare"] = CUBE
        file["plane"] = CUBE[0]
        file["text"] = ["a", "b"]
        file["complex"] = CUBE[0] + 1j
    return tmp_path / "a.h5"


def test_labels_of_dimensions_tell_the_axes(path):
    with open_raster(f"{path}:site/Reflectance/data") as raster:
        np.testing.assert_array_equal(whole(raster), CUBE)
        np.testing.assert_array_equal(raster.pixels[:, slice(2, 6), slice(1, 3)], CUBE[:, 2:6, 1:3])
        assert raster.wavelengths == (450, 550, 650)
        assert (raster.scale, raster.nodata, raster.unit) == (1e-4, -9999, "mW")
        assert raster.axes == ("y", "x", "band")
    assert read_vector(f"{path}:site/wavelength").tolist() == [0.45, 0.55, 0.65]


def test_axes_without_names_must_be_declared(path):
    with (
        pytest.raises(WorkbenchError, match=r"'bare': its axes are 3 x 7 x 5, which does not tell.*axes='band,y,x'"),
        open_raster(f"{path}:bare"),
    ):
        pass
    with open_raster(f"{path}:bare", axes="band,y,x") as raster:
        np.testing.assert_array_equal(whole(raster), CUBE)
    with open_raster(f"{path}:plane") as raster:
        np.testing.assert_array_equal(whole(raster), CUBE[:1])
    for wrong in ("band,y", "band,y,y", "band,up,down"):
        with pytest.raises(WorkbenchError, match="does not describe"), open_raster(f"{path}:bare", axes=wrong):
            pass


def test_what_is_no_raster_is_refused(path):
    for name, told in (("complex", "complex numbers"), ("text", "object values"), ("nope", "Unknown variable")):
        with pytest.raises(WorkbenchError, match=told), open_raster(f"{path}:{name}"):
            pass
    with pytest.raises(WorkbenchError, match=r"several arrays.*bare"), open_raster(path):
        pass
    with pytest.raises(UnknownNameError, match="Nearest: site/wavelength"):
        read_vector(f"{path}:site/wavelenght")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_half_a_file_is_told(tmp_path, share):
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["cube"] = np.random.default_rng(0).random((40, 30, 20))
    raw = (tmp_path / "b.h5").read_bytes()
    (tmp_path / "b.h5").write_bytes(raw[: int(len(raw) * share)])
    with (
        pytest.raises(WorkbenchError, match=r"b\.h5.*truncated.*again"),
        open_raster(f"{tmp_path}/b.h5:cube", axes="band,y,x") as raster,
    ):
        whole(raster)
