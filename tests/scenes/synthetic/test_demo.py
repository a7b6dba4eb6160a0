import json

import numpy as np
import pytest
from scipy import stats

from workbench.base.errors import WorkbenchError
from workbench.scenes import open_scene, write_scene
from workbench.scenes.synthetic import make_demo
from workbench.scenes.synthetic.model import COMBINATIONS, KINDS, LOOKS


def arrays(made):
    tile = made[0][0]
    pixels = {name: array for name, (array, _) in tile.modalities.items()}
    return {**pixels, **tile.reference, "labels": tile.labels}


def test_seed_decides_every_byte():
    first, again, other = (make_demo(seed, (60, 80)) for seed in (3, 3, 4))
    for name, array in arrays(first).items():
        assert array.tobytes() == arrays(again)[name].tobytes(), name
    assert first[2] == again[2]
    for name in ("hsi", "lidar", "sar", "labels", "parcel", "truth", "shadow"):
        assert arrays(first)[name].tobytes() != arrays(other)[name].tobytes(), name


def test_what_is_stored_opens_again(tmp_path):
    tiles, classes, attrs = make_demo(1, (64, 80))
    write_scene(tmp_path / "small.zarr", tiles, classes, attrs)
    scene = open_scene(tmp_path / "small.zarr")
    assert scene.shape == (64, 80)
    assert scene.modalities == ("hsi", "lidar", "sar")
    assert scene["hsi"].rio.crs.to_epsg() == 32633
    assert scene["hsi"].rio.resolution() == (2.5, -2.5)
    assert scene.info("hsi").wavelengths[0] == 420
    assert scene.info("hsi").wavelengths[-1] == 2430
    assert (scene.info("hsi").bands, scene.info("lidar").bands, scene.info("sar").bands) == (64, 1, 2)
    assert [scene.info(name).quantity for name in scene.modalities] == ["reflectance", "height", "backscatter dB"]
    assert scene.attrs["synthetic"] is True
    assert "fusion wins by construction" in scene.attrs["note"]
    assert len(scene.classes) == 10
    assert {"truth", "shadow", "parcel", "bayes_pixel_all", "bayes_object_hsi_lidar"} <= set(scene.reference)
    hsi = scene.read("hsi")
    assert -0.08 < hsi.min() < hsi.max() < 1
    assert 2 < scene.read("lidar").max() < 20


def test_attributes_are_json_and_hold_the_figures(demo):
    tile, attrs = demo[0][0], demo[2]
    assert json.loads(json.dumps(attrs, allow_nan=False)) == attrs
    inside = tile.labels > 0
    for rule in ("pixel", "object"):
        assert set(attrs["bayes"][rule]) == set(COMBINATIONS)
        for name, figure in attrs["bayes"][rule].items():
            right = tile.reference[f"bayes_{rule}_{name}"][inside] == tile.labels[inside]
            assert figure == pytest.approx(right.mean(), abs=1e-4)


def test_labels_suit_the_splits(demo):
    tile = demo[0][0]
    labels, parcel = tile.labels, tile.reference["parcel"]
    assert 3000 <= (labels > 0).sum() <= 5000
    for value in range(1, 11):
        mine = labels == value
        assert mine.sum() >= 200
        assert len(np.unique(parcel[mine])) >= 12
        rows, cols = np.nonzero(mine)
        assert len({(row // 33, col // 33) for row, col in zip(rows, cols, strict=True)}) >= 8


def test_labelled_pixels_are_pure_and_right(world):
    inside = world.labels > 0
    assert world.plan.pure[inside].all()
    np.testing.assert_array_equal(world.labels[inside], world.truth[inside])
    for row, col in np.argwhere(inside):
        window = world.plan.parcel[max(row - 3, 0) : row + 4, max(col - 3, 0) : col + 4]
        assert (window == window[0, 0]).all()


def test_border_pixels_are_mixed(world):
    clean = world.parcels.height[world.plan.parcel.astype(int) - 1]
    roughness = np.array([kind.roughness for kind in KINDS])[world.truth - 1]
    deviation = np.abs(world.lidar[0] - clean) / roughness
    assert deviation[world.plan.pure].max() < 6
    assert (deviation[~world.plan.pure] > 6).mean() > 0.02


def test_neighbours_are_independent(world):
    # Classes of touching parcels agree as often as chance says: 1 in 10.
    parcel = world.plan.parcel.astype(int) - 1
    pairs = np.concatenate(
        [
            np.stack([parcel[:, :-1], parcel[:, 1:]], -1).reshape(-1, 2),
            np.stack([parcel[:-1], parcel[1:]], -1).reshape(-1, 2),
        ]
    )
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], 1), axis=0)
    same = (world.parcels.kind[pairs[:, 0]] == world.parcels.kind[pairs[:, 1]]).sum()
    assert stats.binomtest(int(same), len(pairs), 0.1).pvalue > 0.001


def test_size_says_nothing_of_the_class(world):
    sizes = np.bincount(world.plan.parcel.ravel())[1:]
    groups = [sizes[world.parcels.kind == index] for index in range(10)]
    assert stats.kruskal(*groups).pvalue > 0.001


def test_speckle_is_gamma_in_power_and_independent(world):
    pure, place = world.plan.pure, world.plan.parcel.astype(int) - 1
    level = world.parcels.backscatter[place].transpose(2, 0, 1)
    ratio = 10 ** ((world.sar - level) / 10)
    for channel in range(2):
        sample = ratio[channel][pure][::7]
        assert stats.kstest(sample, stats.gamma(LOOKS, scale=1 / LOOKS).cdf).pvalue > 0.001
        assert 1 / sample.var() == pytest.approx(LOOKS, rel=0.1)  # equivalent number of looks
    assert abs(np.corrcoef(ratio[0][pure], ratio[1][pure])[0, 1]) < 0.03
    both = pure[:, :-1] & pure[:, 1:]
    assert abs(np.corrcoef(ratio[0][:, :-1][both], ratio[0][:, 1:][both])[0, 1]) < 0.03


def test_light_darkens_reflectance_by_its_factor(world):
    shaded = world.shadow & world.plan.pure
    assert shaded.sum() > 100
    place = world.plan.parcel.astype(int) - 1
    clean = world.parcels.spectrum[place].transpose(2, 0, 1) * world.light
    gap = (world.hsi * 1e-4 - clean)[:, shaded]
    assert (np.abs(gap.mean(1)) < 4.5 * gap.std(1) / np.sqrt(shaded.sum())).all()
    assert world.light[:, shaded].mean(1)[0] > 2 * world.light[:, shaded].mean(1)[-1]  # skylight is blue
    assert world.light[:, ~world.shadow].mean() == pytest.approx(1, abs=0.05)


def test_only_tall_kinds_cast_shadow(world):
    # Each shaded pixel has a tall parcel towards the sun, within the reach of the tallest.
    tall = np.array([kind.tall for kind in KINDS])[world.truth - 1]
    for row, col in np.argwhere(world.shadow):
        towards = [(round(row + d * np.cos(np.pi / 6)), round(col + d * 0.5)) for d in np.arange(0.5, 9, 0.5)]
        assert any(r < 200 and c < 300 and tall[r, c] for r, c in towards)


@pytest.mark.parametrize(("seed", "shape"), [(0, (47, 300)), (0, (200, 10)), (-1, (60, 80))])
def test_too_small_or_odd_seed(seed, shape):
    with pytest.raises(WorkbenchError, match="While making the synthetic scene"):
        make_demo(seed, shape)
