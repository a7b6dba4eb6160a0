"""Pixels and map positions, against rasterio's transform."""

import numpy as np
import pytest
import rasterio
from affine import Affine

from workbench.scenes import ClassTable, ModalityInfo, TileDraft, write_scene
from workbench.views.grid import grid_of, pixel_at, point_of


def scene_of(tmp_path, transform, crs="EPSG:32633", shape=(6, 9)):
    array = np.zeros((1, *shape), np.float32)
    draft = TileDraft("s", {"a": (array, ModalityInfo.of("a", array))}, transform=transform, crs=crs)
    return write_scene(tmp_path / "s.zarr", [draft], ClassTable())


NORTH_UP = (2.0, 0.0, 500_000.0, 0.0, -2.0, 5_400_000.0)
SOUTH_UP = (2.0, 0.0, 500_000.0, 0.0, 2.0, 5_400_000.0)
MIRRORED = (-2.0, 0.0, 500_000.0, 0.0, -2.0, 5_400_000.0)


@pytest.mark.parametrize("transform", [NORTH_UP, SOUTH_UP, MIRRORED])
def test_every_pixel_is_drawn_where_the_transform_puts_it(tmp_path, transform):
    scene = scene_of(tmp_path, transform)
    grid = grid_of(scene)
    affine = Affine(*transform)
    assert grid.bounds == (*_lower(affine, scene.shape), *_upper(affine, scene.shape))
    placed = grid.place(np.arange(54).reshape(6, 9))
    left, bottom, right, top = grid.bounds
    for row, col in np.ndindex(6, 9):
        x, y = affine @ (col + 0.5, row + 0.5)
        assert point_of(scene, grid, row, col) == pytest.approx((x, y))
        assert pixel_at(scene, grid, x, y) == (row, col)
        # HoloViews draws row 0 of the array at the top of the bounds
        drawn_row = int((top - y) / (top - bottom) * 6)
        drawn_col = int((x - left) / (right - left) * 9)
        assert placed[drawn_row, drawn_col] == row * 9 + col


def _corners(affine, shape):
    return [affine @ corner for corner in ((0, 0), (shape[1], shape[0]))]


def _lower(affine, shape):
    return tuple(min(pair) for pair in zip(*_corners(affine, shape), strict=True))


def _upper(affine, shape):
    return tuple(max(pair) for pair in zip(*_corners(affine, shape), strict=True))


@pytest.mark.parametrize("transform", [None, (1.4, 1.4, 0.0, 1.4, -1.4, 0.0)], ids=["none", "rotated"])
def test_without_an_upright_grid_rows_grow_downwards(tmp_path, transform):
    scene = scene_of(tmp_path, transform, None if transform is None else "EPSG:32633")
    grid = grid_of(scene)
    assert (grid.bounds, grid.downwards, grid.x_label) == ((-0.5, -0.5, 8.5, 5.5), True, "column")
    assert pixel_at(scene, grid, 3.2, 0.4) == (0, 3)
    assert grid.place(np.arange(6)[:, None])[:, 0].tolist() == [5, 4, 3, 2, 1, 0]


def test_axis_names_tell_the_unit(tmp_path):
    assert grid_of(scene_of(tmp_path, NORTH_UP)).x_label == "easting (m)"
    degrees = (0.001, 0.0, 11.0, 0.0, -0.001, 48.0)
    (tmp_path / "b").mkdir()
    grid = grid_of(scene_of(tmp_path / "b", degrees, "EPSG:4326"))
    assert grid.y_label == "latitude (°)"
    assert grid.ticks != "%d"


def test_beside_the_scene_is_no_pixel(tmp_path):
    scene = scene_of(tmp_path, NORTH_UP)
    assert pixel_at(scene, grid_of(scene), 499_999, 5_399_999) is None
    assert pixel_at(scene, grid_of(scene), 500_001, 5_400_001) is None


def test_frame_is_true_to_scale(tmp_path):
    grid = grid_of(scene_of(tmp_path, NORTH_UP))
    assert grid.frame(90) == {"frame_width": 90, "frame_height": 60}
    assert grid.frame(900)["frame_width"] == 180  # nine pixels are not blown up to a page


def test_rasterio_agrees_on_bounds(tmp_path):
    grid = grid_of(scene_of(tmp_path, NORTH_UP))
    assert grid.bounds == rasterio.transform.array_bounds(6, 9, Affine(*NORTH_UP))
