"""Stretch, hatching and details, against NumPy."""

import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, open_scene, write_scene
from workbench.views.layers import Layer, angle_layer, anomaly_layer, find_layer, index_layer
from workbench.views.raster import can_detail, detail, paint, raster, stretch


def test_stretch_maps_percentiles_to_the_ends_and_keeps_nan():
    values = np.arange(101, dtype=np.float32).reshape(1, 1, 101)
    values[0, 0, 0] = np.nan
    scaled, limits = stretch(values, (10, 90))
    assert limits[0] == pytest.approx(np.nanpercentile(values, (10, 90)))
    assert np.isnan(scaled[0, 0, 0])
    assert scaled[0, 0, 1] == 0
    assert scaled[0, 0, -1] == 1
    middle = (50 - limits[0, 0]) / (limits[0, 1] - limits[0, 0])
    assert scaled[0, 0, 50] == pytest.approx(middle, abs=1e-6)


def test_constant_and_empty_bands_do_not_fail():
    scaled, _ = stretch(np.stack([np.full((2, 2), 7.0), np.full((2, 2), np.nan)]).astype(np.float32))
    assert (scaled[0] == 0.5).all()
    assert np.isnan(scaled[1]).all()


def test_no_data_is_hatched_not_black():
    painted = paint(np.array([[0.0, np.nan], [1.0, np.nan]], np.float32), ["#000000", "#ffffff"])
    assert painted[0, 0].tolist() == [0, 0, 0, 255]
    assert painted[1, 0].tolist() == [255, 255, 255, 255]
    assert (painted[:, 1, 3] < 255).all()


def test_a_single_band_keeps_its_values(small_world):
    scene = open_scene("small")
    drawn = raster(scene, find_layer(scene, "Height (lidar)"))
    np.testing.assert_array_equal(drawn.values, scene.read("lidar")[0])
    assert drawn.unit == "height (m)"
    assert (drawn.rgba[:4, :5, 3] < 255).all()
    assert (drawn.rgba[4:, 5:, 3] == 255).all()


def test_true_colour_of_reflectance_keeps_hues(small_world):
    scene = open_scene("small")
    drawn = raster(scene, find_layer(scene, "True colour (hsi)"))
    assert np.ptp(drawn.limits, axis=0).tolist() == [0, 0]


@pytest.mark.parametrize("percentiles", [(98, 2), (-1, 50), (5, 5)])
def test_percentiles_are_checked(small_world, percentiles):
    scene = open_scene("small")
    with pytest.raises(WorkbenchError, match="rise within 0 to 100"):
        raster(scene, find_layer(scene), percentiles)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A scene whose overview has three pixels a side for one."""
    rng = np.random.default_rng(0)
    array = rng.normal(0.3, 0.05, (4, 1040, 90)).astype("float32")
    array[:, 700:710, 20:30] = 0.9
    info = ModalityInfo.of("msi", array, quantity="reflectance", wavelengths=(460.0, 550.0, 640.0, 850.0))
    place = tmp_path_factory.mktemp("large") / "large.zarr"
    return write_scene(place, [TileDraft("large", {"msi": (array, info)})], ClassTable())


def test_a_detail_has_every_pixel_in_the_colours_of_the_overview(large):
    layer = find_layer(large)
    whole = raster(large, layer)
    window = (slice(690, 720), slice(10, 40))
    close = detail(large, layer, window)
    assert (whole.stride, close.stride) == (3, 1)
    assert close.rgba.shape == (30, 30, 4)
    np.testing.assert_array_equal(close.limits, whole.limits)
    values = large.read("msi", *window, layer.bands)
    low, high = whole.limits[0]
    expected = np.round(np.clip((values[0] - low) / (high - low), 0, 1) ** (1 / 1.8) * 255)
    np.testing.assert_allclose(close.rgba[..., 0], expected, atol=1)


@pytest.mark.parametrize("kind", ["mnf", "components", "index", "anomalies", "angle"])
def test_computed_layers_are_drawn_as_overview_and_as_detail(large, kind):
    made = {
        "index": index_layer(large, "msi", "NDVI"),
        "anomalies": anomaly_layer(large, "msi"),
        "angle": angle_layer(large, "msi", 705, 25),
    }
    layer = made.get(kind) or Layer(kind, "msi", kind)
    whole = raster(large, layer)
    assert whole.rgba.shape == (347, 30, 4)
    window = (slice(696, 714), slice(18, 33))
    close = detail(large, layer, window)
    assert close.rgba.shape == (18, 15, 4)
    if kind == "index":
        _, _, red, near = large.read("msi", *window)
        np.testing.assert_allclose(close.values, (near - red) / (near + red), rtol=1e-4)
    if kind == "angle":
        assert close.values[8, 5] == pytest.approx(0, abs=0.1)
        assert "°" in close.unit
    if kind == "anomalies":
        assert np.unravel_index(np.nanargmax(whole.values), whole.values.shape)[0] in range(232, 238)


def test_a_window_that_would_take_long_is_left_to_the_overview(large):
    assert can_detail(large, "msi", (slice(0, 1040), slice(0, 90)))
    deep = ModalityInfo.of("hsi", np.zeros((200, 2, 2), np.float32))

    class Deep:
        def info(self, name):
            return deep

    assert not can_detail(Deep(), "hsi", (slice(0, 1000), slice(0, 1000)))
    assert can_detail(Deep(), "hsi", (slice(0, 500), slice(0, 500)))
    assert not can_detail(large, "dem", (slice(0, 2100), slice(0, 2100)))  # quick to read, long to send
