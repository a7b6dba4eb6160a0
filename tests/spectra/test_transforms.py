import numpy as np
import pytest
import spectral
from sklearn.decomposition import PCA

from workbench.base.errors import WorkbenchError
from workbench.spectra.transforms import fit_mnf, fit_pca


def mixed(rng, shape=(60, 70), bands=8, noise=0.01):
    """Smooth abundances of three spectra, and noise of one size a band."""
    rows, cols = np.mgrid[0 : shape[0], 0 : shape[1]] / shape[0]
    shares = np.stack([np.sin(3 * rows), np.cos(2 * cols), rows * cols])
    spectra = rng.uniform(0.2, 1.0, (bands, 3))
    cube = np.tensordot(spectra, shares, 1)
    return (cube + noise * rng.normal(size=cube.shape)).astype(np.float32)


def test_pca_is_that_of_scikit_learn(store, rng):
    cube = mixed(rng)
    transform = fit_pca(store(hsi=cube), "hsi", 4)
    spectra = cube.reshape(8, -1).T.astype(np.float64)
    oracle = PCA(4).fit(spectra)
    np.testing.assert_allclose(transform.strength, oracle.explained_variance_ratio_, rtol=1e-4)
    np.testing.assert_allclose(np.abs(np.sum(transform.matrix * oracle.components_, axis=1)), 1, atol=1e-3)
    expected = oracle.transform(spectra).T.reshape(4, 60, 70)
    np.testing.assert_allclose(np.abs(transform.apply(cube)[:2]), np.abs(expected[:2]), atol=1e-4)
    assert (np.take_along_axis(transform.matrix, np.abs(transform.matrix).argmax(1)[:, None], 1) > 0).all()


def test_mnf_is_that_of_spectral(store, rng):
    cube = mixed(rng, (60, 64))
    transform = fit_mnf(store(hsi=cube), "hsi", 3)
    image = cube.transpose(1, 2, 0).astype(np.float64)
    oracle = spectral.mnf(spectral.calc_stats(image), spectral.noise_from_diffs(image))
    np.testing.assert_allclose(transform.strength, oracle.napc.eigenvalues[:3] - 1, rtol=0.01)
    expected = oracle.reduce(image, num=3).transpose(2, 0, 1)
    for mine, its in zip(transform.apply(cube), expected, strict=True):
        assert abs(np.corrcoef(mine.ravel(), its.ravel())[0, 1]) > 0.999


def test_noise_of_an_mnf_component_has_variance_1(store, rng):
    flat = np.zeros((6, 64, 64)) + rng.normal(size=(6, 1, 1))
    cube = (flat + np.linspace(0.1, 2, 6)[:, None, None] * rng.normal(size=flat.shape)).astype(np.float32)
    transform = fit_mnf(store(hsi=cube), "hsi", 6)
    np.testing.assert_allclose(transform.apply(cube).var(axis=(1, 2)), 1, rtol=0.1)
    assert max(transform.strength) < 0.2  # nothing but noise


def test_mnf_orders_by_signal_to_noise_where_pca_orders_by_variance(store, rng):
    smooth = np.sin(np.arange(64) / 10)[None, :, None] * np.ones((1, 64, 64))
    loud = 5 * rng.normal(size=(1, 64, 64))
    cube = np.concatenate([smooth + 0.01 * rng.normal(size=smooth.shape), loud]).astype(np.float32)
    scene = store(hsi=cube)
    assert np.abs(fit_pca(scene, "hsi").matrix[0]).argmax() == 1
    first = fit_mnf(scene, "hsi").apply(cube)[0]
    assert abs(np.corrcoef(first.ravel(), smooth.ravel())[0, 1]) > 0.99


def test_pixels_and_bands_without_values_do_no_harm(store, rng):
    cube = mixed(rng)
    clean = fit_pca(store(hsi=cube[:7]), "hsi", 3)
    cube[7] = np.nan
    cube[3, 5, 6] = np.nan
    scene = store(hsi=cube, name="gaps")
    transform = fit_pca(scene, "hsi", 3)
    assert transform.bands == tuple(range(7))
    assert any("band 8" in note for note in transform.notes)
    np.testing.assert_allclose(transform.strength, clean.strength, rtol=1e-3)
    picture = transform.picture(scene)
    assert np.argwhere(np.isnan(picture.plane)).tolist() == [[5, 6]]
    assert picture.names == ("PC 1", "PC 2", "PC 3")
    mnf = fit_mnf(scene, "hsi", 3).picture(scene, (slice(4, 9), slice(0, 10)), (1,))
    assert (mnf.values.shape, mnf.names) == ((1, 5, 10), ("MNF 2",))
    assert np.isnan(mnf.plane).sum() == 1


def test_what_cannot_be_fitted_or_applied_says_so(store, rng):
    flat = store(hsi=np.ones((3, 20, 20), np.float32))
    with pytest.raises(WorkbenchError, match="all pixels are alike"):
        fit_pca(flat, "hsi")
    with pytest.raises(WorkbenchError, match="no noise to tell from signal"):
        fit_mnf(flat, "hsi")
    transform = fit_pca(store(hsi=mixed(rng), name="other"), "hsi")
    with pytest.raises(WorkbenchError, match="fitted on 8"):
        transform.picture(flat)
    with pytest.raises(WorkbenchError, match="fitted on 8 bands"):
        transform.apply(np.ones((3, 2, 2), np.float32))
    with pytest.raises(WorkbenchError, match="Only one"):
        fit_pca(store(hsi=np.ones((3, 1, 1), np.float32), name="one"), "hsi")
    one = fit_pca(store(lidar=rng.normal(size=(1, 9, 9)).astype(np.float32), name="single"), "lidar")
    assert one.strength == (1.0,)


def test_the_fit_is_the_same_for_the_same_seed(store, rng):
    scene = store(hsi=mixed(rng))
    first, second = fit_mnf(scene, "hsi", seed=5), fit_mnf(scene, "hsi", seed=5)
    np.testing.assert_array_equal(first.matrix, second.matrix)
