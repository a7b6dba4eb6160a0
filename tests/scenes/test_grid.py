import numpy as np
import pytest

from workbench.scenes.grid import Grid, footprint_overlap

UTM = Grid((10, 20), (2.0, 0.0, 500_000.0, 0.0, -2.0, 4_000_000.0), "EPSG:32617")


def moved(**fields):
    return Grid(**{"shape": UTM.shape, "transform": UTM.transform, "crs": UTM.crs, **fields})


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (moved(), []),
        (moved(transform=(2.0, 0.0, 500_000.0004, 0.0, -2.0, 4_000_000.0)), []),
        (moved(transform=(2.0, 0.0, 500_000.5, 0.0, -2.0, 4_000_000.0)), ["extent"]),
        (moved(crs="EPSG:32618"), ["CRS"]),
        (moved(crs=None), ["CRS"]),
        (moved(transform=(1.0, 0.0, 500_000.0, 0.0, -1.0, 4_000_000.0), shape=(20, 40)), ["size", "resolution"]),
        (moved(shape=(10, 19)), ["size", "extent"]),
        (Grid((10, 20)), []),
        (Grid((10, 21)), ["size"]),
    ],
)
def test_differences(other, told):
    assert UTM.differences(other) == told
    assert other.differences(UTM) == told


def test_windows_and_positions():
    part = UTM.window(slice(2, 5), slice(3, 10))
    assert part.shape == (3, 7)
    assert part.transform == (2, 0, 500_006, 0, -2, 3_999_996)
    assert [float(value) for value in part.positions(0, 0)] == [float(value) for value in UTM.positions(2, 3)]
    rows, cols = UTM.places(*UTM.positions(np.array([1.5, 4]), np.array([7, 0.25])))
    np.testing.assert_allclose([rows, cols], [[1.5, 4], [7, 0.25]])
    assert str(UTM) == ("10 rows x 20 columns of 2 x 2, CRS EPSG:32617, x 500000 to 500040, y 3999980 to 4000000")


def test_overlap():
    assert footprint_overlap(UTM, UTM) == pytest.approx(1)
    half = moved(transform=(2.0, 0.0, 500_020.0, 0.0, -2.0, 4_000_000.0))
    assert footprint_overlap(half, UTM) == pytest.approx(0.5)
    assert footprint_overlap(moved(transform=(2.0, 0.0, 0.0, 0.0, -2.0, 0.0)), UTM) == 0
    assert footprint_overlap(Grid((10, 20)), UTM) is None
    wide = Grid((100, 100), (0.001, 0.0, -81.05, 0.0, -0.001, 36.2), "EPSG:4326")
    assert footprint_overlap(wide, UTM) == pytest.approx(1)
