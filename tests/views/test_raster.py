"""Stretch, principal components and hatching, against NumPy and scikit-learn."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from workbench.base.errors import WorkbenchError
from workbench.scenes import open_scene
from workbench.views.layers import find_layer
from workbench.views.raster import paint, principal_components, raster, stretch


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


def test_principal_components_equal_scikit_learn_up_to_sign():
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(300, 6)) @ rng.normal(size=(6, 6))
    bands = flat.T.reshape(6, 15, 20).astype(np.float32)
    bands[2, 0, 0] = np.nan
    found = principal_components(bands).reshape(3, -1)
    assert np.isnan(found[:, 0]).all()
    expected = PCA(3).fit(flat[1:]).transform(flat[1:]).T
    for mine, theirs in zip(found[:, 1:], expected, strict=True):
        assert abs(np.corrcoef(mine, theirs)[0, 1]) == pytest.approx(1, abs=1e-4)
        assert mine.std() == pytest.approx(theirs.std(), rel=1e-3)


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
