import numpy as np
import pytest

from workbench.scenes.synthetic.layout import PIXEL, SUN_ELEVATION, cast_shadow, choose_labelled, plan_parcels, shading


def test_shadow_falls_away_from_the_sun():
    # The sun stands at 150 degrees, in the south-south-east, so a tower's shadow points north-north-west.
    surface = np.zeros((41, 41))
    surface[20, 20] = 20.0
    rows, cols = np.nonzero(cast_shadow(surface))
    assert rows.max() < 20
    assert cols.max() <= 20
    length = np.hypot(20 - rows, 20 - cols).max() * PIXEL
    assert length == pytest.approx(20 / np.tan(np.deg2rad(SUN_ELEVATION)), abs=PIXEL)
    bearing = np.rad2deg(np.arctan2(cols.mean() - 20, 20 - rows.mean())) % 360
    assert bearing == pytest.approx(330, abs=6)


def test_level_ground_has_no_shadow_and_full_light():
    assert not cast_shadow(np.full((20, 30), 7.0)).any()
    np.testing.assert_allclose(shading(np.full((20, 30), 7.0)), 1)


def test_tall_ground_is_not_shaded_by_lower():
    surface = np.zeros((30, 30))
    surface[:15] = 12.0  # north of the caster, higher than it
    surface[15:18] = 10.0
    assert not cast_shadow(surface)[:15].any()


def test_slopes_towards_the_sun_are_brighter():
    south = np.tile(-np.arange(20.0)[:, None], (1, 30))  # falls to the south
    east = np.tile(-np.arange(30.0), (20, 1))
    assert (shading(south) > 1).all()
    assert (shading(-south) < 1).all()
    assert (shading(east) > 1).all()


def test_parcels_cover_everything_and_polygons_are_inside():
    plan = plan_parcels((120, 160), np.random.default_rng(5))
    assert plan.parcel.min() == 1
    np.testing.assert_array_equal(np.unique(plan.parcel), np.arange(1, plan.parcel.max() + 1))
    inside = plan.polygon > 0
    np.testing.assert_array_equal(plan.polygon[inside], plan.parcel[inside])
    assert plan.pure[inside].all()
    kind = np.arange(plan.parcel.max()) % 3
    labelled = choose_labelled(plan, kind, 3, np.random.default_rng(0))
    counts = np.bincount(kind[labelled], minlength=3)
    assert counts.min() == counts.max() >= 5
