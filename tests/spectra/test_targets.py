from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat
from scipy.stats import chi2
from sklearn.covariance import EmpiricalCovariance

from workbench.base.errors import WorkbenchError
from workbench.spectra.targets import angle_classes, anomalies, matched_filter, spectral_angles


def test_angles_do_not_change_with_brightness_and_are_in_degrees(store, rng):
    cube = rng.uniform(0.1, 1, (5, 20, 30)).astype(np.float32)
    scene = store(hsi=cube)
    target = cube[:, 3, 4]
    found = spectral_angles(scene, "hsi", [target, 7 * target], names=["roof", "bright roof"])
    assert found.names == ("roof", "bright roof")
    np.testing.assert_allclose(found.values[0], found.values[1], atol=1e-3)
    assert found.plane[3, 4] == pytest.approx(0, abs=0.05)
    a, b = cube[:, 10, 11].astype(float), target.astype(float)
    expected = np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))
    assert found.plane[10, 11] == pytest.approx(expected, abs=1e-3)
    right = spectral_angles(store(hsi=np.array([[[1.0]], [[0.0]]], np.float32), name="r"), "hsi", [[0.0, 2.0]])
    assert right.plane[0, 0] == pytest.approx(90)


def test_the_most_alike_spectrum_wins_within_the_limit(store):
    cube = np.array([[1.0, 0.0, 1.0, np.nan], [0.0, 1.0, 1.0, 1.0]], np.float32)[:, None]
    angles = spectral_angles(store(hsi=cube), "hsi", np.eye(2))
    assert angle_classes(angles).tolist() == [[1, 2, 1, 0]]
    assert angle_classes(angles, 20).tolist() == [[1, 2, 0, 0]]


def test_bands_in_which_a_picked_spectrum_has_no_value_are_left_out(store, rng):
    cube = rng.uniform(0.1, 1, (4, 5, 6)).astype(np.float32)
    target = cube[:, 0, 0].copy()
    target[2] = np.nan
    found = spectral_angles(store(hsi=cube), "hsi", target)
    assert found.plane[0, 0] == pytest.approx(0, abs=0.05)
    assert any("band 3" in note for note in found.notes)


@pytest.mark.parametrize(
    ("spectra", "text"),
    [([[1.0, 2.0]], "have 3 bands"), ([[0.0, 0.0, 0.0]], "zero in all bands"), ([[np.nan] * 3], "no band in which all"),
     (np.zeros((0, 3)), "have 3 bands")],
)  # fmt: skip
def test_spectra_that_mean_nothing_are_refused(store, spectra, text):
    with pytest.raises(WorkbenchError, match=text):
        spectral_angles(store(hsi=np.ones((3, 4, 4), np.float32)), "hsi", spectra)


def test_rx_scores_are_mahalanobis_distances_and_the_limit_is_that_of_chi_square(store, rng):
    mixing = rng.normal(size=(4, 4))
    cube = np.tensordot(mixing, rng.normal(size=(4, 100, 100)), 1).astype(np.float32)
    cube[:, 50, 60] += 100
    cube[1, 7, 8] = np.nan
    scene = store(hsi=cube)
    found = anomalies(scene, "hsi")
    spectra = cube.reshape(4, -1).T
    complete = np.isfinite(spectra).all(axis=1)
    oracle = EmpiricalCovariance().fit(spectra[complete].astype(np.float64))
    expected = np.full(10_000, np.nan)
    expected[complete] = oracle.mahalanobis(spectra[complete].astype(np.float64))
    np.testing.assert_allclose(found.plane.ravel(), expected, rtol=5e-3, atol=1e-3)
    assert np.unravel_index(np.nanargmax(found.plane), (100, 100)) == (50, 60)
    assert np.argwhere(np.isnan(found.plane)).tolist() == [[7, 8]]
    assert any(f"{chi2.isf(0.001, 4):.4g}" in note for note in found.notes)
    window = anomalies(scene, "hsi", (slice(40, 60), slice(50, 70)))
    np.testing.assert_allclose(
        window.plane, found.plane[40:60, 50:70], rtol=1e-4
    )  # the background is the whole scene's


def test_the_matched_filter_is_1_on_the_target_and_0_on_the_mean(store, rng):
    cube = rng.normal(10, 1, (5, 80, 80)).astype(np.float32)
    scene = store(hsi=cube)
    target = np.full(5, 14.0)
    cube_mean = cube.reshape(5, -1).mean(axis=1)
    share = 0.3 * target + 0.7 * cube_mean
    probe = cube.copy()
    probe[:, 0, 0], probe[:, 0, 1], probe[:, 0, 2] = target, cube_mean, share
    found = matched_filter(store(hsi=probe, name="probe"), "hsi", target)
    np.testing.assert_allclose(found.plane[0, :3], [1, 0, 0.3], atol=0.01)
    with pytest.raises(WorkbenchError, match="no value in band 2"):
        matched_filter(scene, "hsi", [1.0, np.nan, 1.0, 1.0, 1.0])
    with pytest.raises(WorkbenchError, match="equals the mean"):
        matched_filter(scene, "hsi", cube_mean)


def test_the_background_of_a_small_tile_can_be_its_collection(store, rng):
    collection = store(hsi=rng.normal(size=(20, 9, 10)).astype(np.float32), tiles=2)
    tile = collection.scenes[0]
    alone = anomalies(tile, "hsi")
    assert any("few for 20 bands" in note for note in alone.notes)
    many = store(hsi=rng.normal(size=(20, 60, 60)).astype(np.float32), name="many")
    found = anomalies(tile, "hsi", background=many)
    assert not any("few for" in note for note in found.notes)
    assert found.plane.mean() == pytest.approx(20, rel=0.2)  # the mean of chi-square is its degrees of freedom
    assert any("over many" in note for note in matched_filter(tile, "hsi", np.full(20, 9.0), background=many).notes)


SHARED = Path(__file__).parents[3] / "shared" / "data" / "muufl_mini" / "an_hsi_img_for_tgt_det_demo.mat"


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared data")
def test_targets_of_a_real_scene_stand_out(store):
    held = loadmat(SHARED, squeeze_me=True)
    cube = np.ascontiguousarray(held["hsi_sub"].transpose(2, 0, 1))
    scores = matched_filter(store(hsi=cube), "hsi", held["tgt_spectra"]).plane
    ranks = (-scores).ravel().argsort().argsort().reshape(scores.shape)[held["gtImg_sub"] > 0]
    # of the three targets in 1,296 pixels one is much smaller than a pixel
    assert sorted(ranks)[1] < 0.03 * scores.size
