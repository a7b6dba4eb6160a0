"""Windows over a grid. (What streaming answers is tested with a trained network in tests/experiments/test_maps.py.)"""

import numpy as np
import pytest
import zarr

from workbench.mapping.stream import WINDOW, _open_store, windows


@pytest.mark.parametrize("shape", [(1, 1), (256, 256), (257, 255), (512, 256), (349, 1905), (5, 1000)])
@pytest.mark.parametrize("size", [WINDOW, 100, 7])
def test_windows_cover_each_pixel_once(shape, size):
    times = np.zeros(shape, int)
    for rows, cols in windows(shape, size):
        assert 0 < rows.stop - rows.start <= size
        assert 0 < cols.stop - cols.start <= size
        assert rows.stop <= shape[0]
        assert cols.stop <= shape[1]
        times[rows, cols] += 1
    assert (times == 1).all()


def test_windows_go_row_by_row():
    found = [(rows.start, cols.start) for rows, cols in windows((5, 5), 2)]
    assert found == [(row, col) for row in (0, 2, 4) for col in (0, 2, 4)]


def test_a_store_is_continued_only_for_the_same_map(tmp_path):
    path = tmp_path / "m.zarr"
    _open_store(path, (50, 60), 4, 32, "one")["done"][1] = 1
    assert _open_store(path, (50, 60), 4, 32, "one")["done"][:].tolist() == [0, 1, 0, 0]
    assert _open_store(path, (50, 60), 4, 32, "other")["done"][:].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("text", ["", "{", "{}", "[]"])
def test_a_damaged_store_is_made_anew(tmp_path, text):
    path = tmp_path / "m.zarr"
    _open_store(path, (50, 60), 4, 32, "one")["done"][1] = 1
    (path / "zarr.json").write_text(text)
    store = _open_store(path, (50, 60), 4, 32, "one")
    assert store["done"][:].tolist() == [0, 0, 0, 0]
    assert zarr.open_group(path, mode="r").attrs["key"] == "one"


def test_a_store_that_lost_an_array_is_made_anew(tmp_path):
    path = tmp_path / "m.zarr"
    _open_store(path, (50, 60), 4, 32, "one")["done"][1] = 1
    (path / "outside" / "zarr.json").unlink()
    store = _open_store(path, (50, 60), 4, 32, "one")
    assert set(store) == {"classes", "confidence", "outside", "done"}
    assert store["done"][:].tolist() == [0, 0, 0, 0]
