import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.spectra.profiles import profile

PLAIN = {"transform": None}


def test_nearest_takes_the_pixel_that_holds_the_point(store):
    cube = np.arange(30, dtype=np.float32).reshape(1, 5, 6)
    scene = store(lidar=cube)  # 2 m pixels from x 1000, y 5000 down
    found = profile(scene, [(1001.0, 4999.0), (1011.0, 4999.0)])
    np.testing.assert_allclose(found.distance, [0, 2, 4, 6, 8, 10])
    assert found.unit == "m"
    np.testing.assert_array_equal(found.values["lidar"][:, 0], cube[0, 0])
    np.testing.assert_allclose(found.col, np.arange(6))
    down = profile(scene, [(1003.0, 4999.0), (1003.0, 4991.0)], ["lidar"])
    np.testing.assert_array_equal(down.values["lidar"][:, 0], cube[0, :, 1])


def test_bilinear_is_scipys_and_exact_on_a_plane(store, rng):
    cube = rng.normal(size=(3, 150, 140)).astype(np.float32)
    scene = store(hsi=cube, **PLAIN)
    found = profile(scene, [(3.3, 2.2), (130.1, 100.7), (20.0, 149.0)], method="bilinear", spacing=0.7)
    for band in range(3):
        expected = map_coordinates(cube[band].astype(np.float64), [found.row, found.col], order=1, mode="nearest")
        np.testing.assert_allclose(found.values["hsi"][:, band], expected, atol=1e-5)
    rows, cols = np.mgrid[0:50, 0:60]
    plane = (2.0 * rows + 3.0 * cols)[None].astype(np.float32)
    line = profile(store(dsm=plane, name="plane", **PLAIN), [(1.0, 1.0), (40.0, 30.0)], method="bilinear")
    np.testing.assert_allclose(line.values["dsm"][:, 0], 2 * line.row + 3 * line.col, rtol=1e-5)


def test_the_corners_of_the_line_have_their_distances(store):
    found = profile(store(a=np.ones((1, 20, 20), np.float32), **PLAIN), [(0, 0), (3, 4), (3, 10)])
    assert found.corners == (0.0, 5.0, 11.0)
    assert found.distance[-1] == 11.0
    np.testing.assert_allclose((found.x[-1], found.y[-1]), (3, 10))


def test_no_data_stays_nan_and_neighbours_of_no_weight_do_no_harm(store):
    cube = np.ones((1, 10, 10), np.float32)
    cube[0, 5, 5] = np.nan
    scene = store(a=cube, **PLAIN)
    near = profile(scene, [(0, 5), (9, 5)])
    assert np.flatnonzero(np.isnan(near.values["a"][:, 0])).tolist() == [5]
    smooth = profile(scene, [(0, 5), (9, 5)], method="bilinear")
    assert np.flatnonzero(np.isnan(smooth.values["a"][:, 0])).tolist() == [5]
    above = profile(scene, [(0, 4.5), (9, 4.5)], method="bilinear")
    assert np.flatnonzero(np.isnan(above.values["a"][:, 0])).tolist() == [5]
    aside = profile(scene, [(0, 4), (9, 4)], method="bilinear")
    assert not np.isnan(aside.values["a"]).any()


def test_a_line_that_leaves_the_scene_is_cut(store):
    scene = store(a=np.arange(100, dtype=np.float32).reshape(1, 10, 10), **PLAIN)
    beyond = profile(scene, [(-4, 5), (3, 5), (15, 5)])
    np.testing.assert_array_equal(beyond.values["a"][:, 0], np.arange(50, 60))
    np.testing.assert_allclose(beyond.distance, np.arange(10))
    assert beyond.corners == (0.0, 3.0, 9.0)
    assert (beyond.x[0], beyond.unit) == (0.0, "pixels")
    assert any("10 of its 20 points lie outside" in note for note in beyond.notes)
    back = profile(scene, [(8, 2), (14, 2), (14, 6), (8, 6)])  # out to the right, and back again
    assert np.flatnonzero(np.isnan(back.values["a"][:, 0])).tolist() == list(range(2, 15))
    assert back.distance[-1] == 16
    whole = profile(scene, [(0, 5), (9, 5)])
    assert not whole.notes


def test_decibels_are_interpolated_as_power(store):
    scene = store({"sar": {"quantity": "backscatter dB"}}, sar=np.array([[[-20.0, -10.0]]], np.float32), **PLAIN)
    found = profile(scene, [(0, 0), (1, 0)], method="bilinear", spacing=0.5)
    assert found.values["sar"][1, 0] == pytest.approx(10 * np.log10((0.01 + 0.1) / 2), abs=1e-4)
    assert any("linear power" in note for note in found.notes)


def test_a_long_line_has_a_limit_and_says_so(store):
    found = profile(store(a=np.ones((1, 300, 3), np.float32), **PLAIN), [(1, 0), (1, 299)], most=50)
    assert len(found.distance) == 50
    assert any("50 points, one every 6.1 pixels" in note for note in found.notes)


def test_a_table_has_a_column_per_band(store):
    found = profile(
        store(a=np.ones((2, 3, 3), np.float32), b=np.zeros((1, 3, 3), np.float32), **PLAIN), [(0, 0), (2, 2)]
    )
    assert list(found.to_frame().columns) == ["distance (pixels)", "x", "y", "row", "col", "a 1", "a 2", "b 1"]


@pytest.mark.parametrize(
    ("fields", "error", "text"),
    [
        ({"vertices": [(1, 1)]}, WorkbenchError, "two or more different points"),
        ({"vertices": [(1, 1), (1, 1)]}, WorkbenchError, "two or more different points"),
        ({"vertices": [(1, 1), (float("nan"), 1)]}, WorkbenchError, "two or more different points"),
        ({"vertices": [(-20, 0), (0, 0)]}, WorkbenchError, "lies outside it"),  # one point inside is no line
        ({"vertices": [(100, 100), (200, 100)]}, WorkbenchError, "lies outside it"),
        ({"vertices": [(0, 0), (2, 2)], "spacing": 0}, WorkbenchError, "above 0"),
        ({"vertices": [(0, 0), (2, 2)], "method": "cubic"}, UnknownNameError, "bilinear"),
        ({"vertices": [(0, 0), (2, 2)], "modalities": ["b"]}, UnknownNameError, "modality"),
    ],
)
def test_a_line_that_means_nothing_is_refused(store, fields, error, text):
    with pytest.raises(error, match=text):
        profile(store(a=np.ones((1, 5, 5), np.float32), **PLAIN), **fields)


@pytest.mark.parametrize(
    ("crs", "step", "pixel"),
    [
        ("EPSG:4326", 0.1, 11_119.5 * np.cos(np.deg2rad(49.95))),  # a tenth of a degree on a sphere
        ("EPSG:2263", 10.0, 3.048),  # US survey feet
    ],
)
def test_distances_are_metres_whatever_the_map_has(tmp_path, crs, step, pixel):
    from workbench.scenes import ClassTable, ModalityInfo, TileDraft, write_scene

    cube = np.ones((1, 5, 5), np.float32)
    draft = TileDraft("t", {"a": (cube, ModalityInfo.of("a", cube))}, None, (step, 0, 10, 0, -step, 50), crs)
    scene = write_scene(tmp_path / "s.zarr", [draft], ClassTable())
    found = profile(scene, [scene.position_of(0, 0), scene.position_of(0, 4)])
    assert found.unit == "m"
    np.testing.assert_allclose(found.distance, np.arange(5) * pixel, rtol=0.005)
    assert found.corners[-1] == found.distance[-1]


def test_a_georeference_without_a_crs_has_map_units(tmp_path):
    from workbench.scenes import ClassTable, ModalityInfo, TileDraft, write_scene

    cube = np.ones((1, 5, 5), np.float32)
    draft = TileDraft("t", {"a": (cube, ModalityInfo.of("a", cube))}, None, (2.0, 0, 10, 0, -2.0, 50))
    found = profile(write_scene(tmp_path / "s.zarr", [draft], ClassTable()), [(11, 49), (17, 49)])
    assert (found.unit, found.distance[-1]) == ("map units", 6.0)
