import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.spectra.separability import band_correlation, separability


def fields(rng, means, spread=1.0, side=40):
    """One field of `side` x `side` pixels per class, in a row, of normal spectra."""
    bands = len(means[0])
    parts = [np.array(mean)[:, None, None] + spread * rng.normal(size=(bands, side, side)) for mean in means]
    labels = np.repeat(np.arange(1, len(means) + 1, dtype=np.uint8), side)[None].repeat(side, axis=0)
    return np.concatenate(parts, axis=2).astype(np.float32), labels


def test_two_normal_classes_have_the_distance_of_the_formula(store, rng):
    # equal covariances: B = d^2 / 8 with d the Mahalanobis distance of the means
    cube, labels = fields(rng, [(0.0, 0.0), (1.5, 2.0), (40.0, 0.0)])
    found = separability(store(hsi=cube, labels=labels), "hsi", per_class=1600)
    assert found.jm[0, 1] == pytest.approx(2 * (1 - np.exp(-(1.5**2 + 2**2) / 8)), rel=0.06)
    assert found.jm[0, 2] == pytest.approx(2, abs=1e-6)
    np.testing.assert_array_equal(found.jm, found.jm.T)
    assert np.diag(found.jm).tolist() == [0, 0, 0]
    assert found.counts == (1600, 1600, 1600)
    assert found.to_frame().loc["class 1", "class 3"] == "2.00"


def test_classes_that_differ_in_spread_alone_are_told_apart(store, rng):
    first, _ = fields(rng, [(0.0,)], 1.0, 60)
    second, _ = fields(rng, [(0.0,)], 3.0, 60)
    labels = np.repeat(np.array([1, 2], np.uint8), 60)[None].repeat(60, axis=0)
    found = separability(store(hsi=np.concatenate([first, second], axis=2), labels=labels), "hsi", per_class=3600)
    # one band: B = ln((s1 + s2) / (2 sqrt(s1 s2))) / 2 with variances 1 and 9
    expected = 2 * (1 - np.exp(-0.5 * np.log((1 + 9) / (2 * 3))))
    assert found.jm[0, 1] == pytest.approx(expected, rel=0.1)


def test_a_class_of_too_few_pixels_gets_a_dash_and_the_reason(store, rng):
    cube, labels = fields(rng, [(0.0, 0.0), (3.0, 0.0), (6.0, 0.0)])
    labels[labels == 3] = 0
    labels[0, 85:88] = 3
    found = separability(store(hsi=cube, labels=labels), "hsi")
    assert found.reasons == {3: "3 labelled pixels with values; 10 are needed"}
    assert found.to_frame().loc["class 3"].tolist() == ["-", "-", "-"]
    assert found.to_frame().loc["class 1", "class 2"] != "-"


def test_many_bands_and_few_pixels_are_no_reason_for_nonsense(store, rng):
    # 60 equal bands of noise and 40 pixels a class of one distribution: unregularised covariances say 0.7 and more
    cube = rng.normal(size=(60, 20, 20)).astype(np.float32)
    labels = np.zeros((20, 20), np.uint8)
    labels[:2], labels[10:12] = 1, 2
    found = separability(store(hsi=cube, labels=labels), "hsi")
    assert found.jm[0, 1] < 0.4


def test_a_second_modality_can_help(store, rng):
    cube, labels = fields(rng, [(0.0, 0.0), (0.0, 0.0)])
    height = (10.0 * (labels == 2) + rng.normal(size=labels.shape))[None].astype(np.float32)
    scene = store(hsi=cube, lidar=height, labels=labels)
    assert separability(scene, "hsi").jm[0, 1] < 0.2
    assert separability(scene, ["hsi", "lidar"]).jm[0, 1] > 1.8


def test_pixels_that_are_all_alike_say_so(store):
    labels = np.ones((20, 20), np.uint8)
    labels[10:] = 2
    found = separability(store(hsi=np.ones((3, 20, 20), np.float32), labels=labels), "hsi")
    assert found.reasons == {1: "all labelled pixels are alike", 2: "all labelled pixels are alike"}
    with pytest.raises(WorkbenchError, match="no labels"):
        separability(store(hsi=np.ones((3, 20, 20), np.float32), name="b"), "hsi")


def test_correlation_is_numpys_across_modalities_and_a_constant_band_has_none(store, rng):
    base = rng.normal(size=(1, 50, 60))
    cube = np.concatenate([base, -base, rng.normal(size=base.shape), np.ones_like(base)]).astype(np.float32)
    height = (base + rng.normal(size=base.shape)).astype(np.float32)
    scene = store({"hsi": {"wavelengths": (450.0, 550.0, 650.0, 750.0)}}, hsi=cube, lidar=height)
    found = band_correlation(scene, ["hsi", "lidar"])
    every = np.concatenate([cube[:3], height]).reshape(4, -1)
    np.testing.assert_allclose(found.values[np.ix_([0, 1, 2, 4], [0, 1, 2, 4])], np.corrcoef(every), atol=1e-6)
    assert np.isnan(found.values[3]).all()
    assert found.names == ("hsi 450 nm", "hsi 550 nm", "hsi 650 nm", "hsi 750 nm", "lidar 1")
    assert found.bounds == {"hsi": (0, 4), "lidar": (4, 5)}


def test_gaps_of_one_modality_do_not_empty_the_table(store, rng):
    cube = rng.normal(size=(2, 40, 40)).astype(np.float32)
    height = (cube[:1] * 2).copy()
    height[0, :20] = np.nan
    found = band_correlation(store(hsi=cube, lidar=height), ["hsi", "lidar"])
    assert found.values[0, 2] == pytest.approx(1, abs=1e-6)
    assert np.isfinite(found.values).all()


def test_one_band_of_height_is_not_lost_among_many_of_a_spectrum(store, rng):
    spectra = rng.normal(size=(40, 40, 80)).astype(np.float32)
    height, labels = fields(rng, [(0.0,), (6.0,)])
    scene = store(hsi=spectra, lidar=height, labels=labels)
    alone, both = separability(scene, "lidar"), separability(scene, ["hsi", "lidar"])
    assert alone.jm[0, 1] > 1.9
    assert both.jm[0, 1] > 1.7  # noise of the spectra takes a little away
