import numpy as np
import pytest
from rasterio.crs import CRS

from workbench.scenes.catalogue.places import grid_of_positions

ROWS, COLS = 4, 6


def positions(turn=0.0):
    row, col = np.mgrid[0:ROWS, 0:COLS] + 0.5
    return 1000 + 2 * (np.cos(turn) * col + np.sin(turn) * row), 5000 + 2 * (np.sin(turn) * col - np.cos(turn) * row)


@pytest.mark.parametrize("turn", [0.0, 0.3])
def test_a_regular_grid_is_found_from_pixel_centres(turn):
    grid, note = grid_of_positions(*positions(turn), (ROWS, COLS), "EPSG:32616")
    x, y = grid.positions(*(np.mgrid[0:ROWS, 0:COLS] + 0.5))
    np.testing.assert_allclose(x, positions(turn)[0], atol=1e-5)
    np.testing.assert_allclose(y, positions(turn)[1], atol=1e-5)
    assert CRS.from_wkt(grid.crs).to_epsg() == 32616
    assert "centres" in note


@pytest.mark.parametrize("column", [False, True])
def test_vectors_of_either_direction(column):
    x, y = positions()
    x, y = x[:1], y[:, :1]
    grid, _ = grid_of_positions(x.T if column else x, y.T if column else y, (ROWS, COLS), "EPSG:32616")
    assert grid.transform == (2, 0, 1000, 0, -2, 5000)


@pytest.mark.parametrize(
    ("x", "y", "told"),
    [
        (np.ones((3, 3)), np.ones((3, 3)), "do not fit its pixels"),
        (np.full((ROWS, COLS), np.nan), positions()[1], "do not fit"),
        (positions()[0] ** 2, positions()[1], "no regular grid"),
        (np.ones((ROWS, COLS)), positions()[1], "no regular grid"),
    ],
)
def test_other_positions_leave_the_scene_without_georeference(x, y, told):
    grid, note = grid_of_positions(x, y, (ROWS, COLS), "EPSG:32616")
    assert grid.transform is None
    assert told in note
