import pickle
import zipfile

import numpy as np
import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes.readers import open_raster, read_vector

CUBE = np.random.default_rng(0).integers(0, 900, (7, 5, 3)).astype(np.uint16)


class Evil:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def whole(raster):
    _, rows, cols = raster.pixels.shape
    return np.asarray(raster.pixels[:, slice(0, rows), slice(0, cols)])


@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray])
@pytest.mark.parametrize("order", ["<", ">"])
def test_arrays_are_read_in_windows(tmp_path, layout, order):
    np.save(tmp_path / "a.npy", layout(CUBE.astype(CUBE.dtype.newbyteorder(order))))
    with open_raster(tmp_path / "a.npy", axes="y,x,band") as raster:
        np.testing.assert_array_equal(whole(raster), CUBE.transpose(2, 0, 1))
        np.testing.assert_array_equal(raster.pixels[:, slice(2, 6), slice(1, 3)], CUBE.transpose(2, 0, 1)[:, 2:6, 1:3])
    with pytest.raises(WorkbenchError, match=r"axes are 7 x 5 x 3.*axes='band,y,x'"), open_raster(tmp_path / "a.npy"):
        pass


def test_a_plane_is_rows_and_columns(tmp_path):
    np.save(tmp_path / "a.npy", CUBE[..., 0] > 400)
    with open_raster(tmp_path / "a.npy") as raster:
        np.testing.assert_array_equal(whole(raster)[0], CUBE[..., 0] > 400)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_of_an_npz_by_name(tmp_path, save):
    save(tmp_path / "a.npz", cube=CUBE, gt=CUBE[..., 0], wl=[450.0, 550, 650])
    with open_raster(f"{tmp_path}/a.npz:cube", axes="y,x,band") as raster:
        np.testing.assert_array_equal(whole(raster), CUBE.transpose(2, 0, 1))
    with open_raster(f"{tmp_path}/a.npz:gt") as raster:
        np.testing.assert_array_equal(whole(raster)[0], CUBE[..., 0])
    assert read_vector(f"{tmp_path}/a.npz:wl").tolist() == [450, 550, 650]
    with (
        pytest.raises(WorkbenchError, match=r"several arrays: cube \(uint16, 7 x 5 x 3\)"),
        open_raster(tmp_path / "a.npz"),
    ):
        pass
    with pytest.raises(UnknownNameError, match="Nearest: cube"), open_raster(f"{tmp_path}/a.npz:cub"):
        pass


def test_objects_are_never_unpickled(tmp_path):
    trace = tmp_path / "trace"
    evil = np.array([[Evil(trace), 1]], dtype=object)
    np.save(tmp_path / "a.npy", evil, allow_pickle=True)
    np.savez(tmp_path / "a.npz", thing=evil, allow_pickle=True)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Evil(trace)))
    for source, told in (("a.npy", "Python objects"), ("a.npz:thing", "object values"), ("b.npy", "Python objects")):
        with pytest.raises(WorkbenchError, match=told), open_raster(f"{tmp_path}/{source}"):
            pass
        with pytest.raises(WorkbenchError):
            read_vector(f"{tmp_path}/{source}")
    assert not trace.exists()


def test_text_is_no_array_and_no_pickle(tmp_path):
    (tmp_path / "a.npy").write_text("1 0 2")
    with (
        pytest.raises(WorkbenchError, match=r"no NumPy array, whatever its name; it begins with b'1 0 2'"),
        open_raster(tmp_path / "a.npy"),
    ):
        pass


def test_complex_numbers_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", CUBE[..., 0] + 1j)
    np.savez(tmp_path / "a.npz", slc=CUBE[..., 0] + 1j)
    for source in ("a.npy", "a.npz:slc"):
        with (
            pytest.raises(WorkbenchError, match=r"complex numbers.*real and imaginary"),
            open_raster(f"{tmp_path}/{source}"),
        ):
            pass


@pytest.mark.parametrize("share", [0.001, 0.5, 0.99])
@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_half_a_file_is_told(tmp_path, share, name):
    path = tmp_path / name
    cube = np.random.default_rng(0).random((40, 30, 20))
    np.save(path, cube) if name == "a.npy" else np.savez(path, cube=cube)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(WorkbenchError, match="truncated, damaged"), open_raster(path, axes="y,x,band") as raster:
        whole(raster)


def test_a_member_that_declares_more_than_it_holds(tmp_path):
    np.savez(tmp_path / "a.npz", cube=np.zeros((4, 4)))
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        header = archive.read("cube.npy").replace(b"(4, 4)", b"(9, 9)")
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("cube.npy", header)
    with pytest.raises(WorkbenchError, match="declares 776 bytes and holds 256"), open_raster(tmp_path / "b.npz"):
        pass
