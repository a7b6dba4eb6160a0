import numpy as np
import pytest
import spectral
from scipy.optimize import minimize

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.spectra import unmixing
from workbench.spectra.unmixing import find_endmembers, fractions, unmix


@pytest.fixture
def mixture(rng):
    """Three spectra, fractions that are at least 0 and sum to 1, and three pure pixels."""
    members = rng.uniform(0.05, 1, (3, 12))
    shares = rng.dirichlet([1, 1, 1], (40, 50)).transpose(2, 0, 1)
    shares[:, 0, :3] = np.eye(3)
    return members, shares, np.tensordot(members.T, shares, 1).astype(np.float32)


@pytest.mark.parametrize("method", ["full", "non-negative", "unconstrained"])
def test_fractions_that_were_mixed_are_found(store, mixture, method):
    members, shares, cube = mixture
    found = unmix(store(hsi=cube), "hsi", members, method=method)
    np.testing.assert_allclose(found.values, shares, atol=1e-4)
    assert found.residual.max() < 1e-5
    assert found.names == ("endmember 1", "endmember 2", "endmember 3")


def test_unconstrained_fractions_are_those_of_spectral(store, rng):
    cube, members = rng.uniform(size=(6, 9, 8)).astype(np.float32), rng.uniform(size=(3, 6))
    found = unmix(store(hsi=cube), "hsi", members, method="unconstrained")
    np.testing.assert_allclose(
        found.values, spectral.unmix(cube.transpose(1, 2, 0), members).transpose(2, 0, 1), atol=1e-4
    )
    left = cube - np.tensordot(members.T, found.values, 1)
    np.testing.assert_allclose(found.residual, np.sqrt((left**2).mean(axis=0)), rtol=1e-4)


def test_constrained_fractions_are_the_best_ones_there_are(rng):
    members, spectra = rng.uniform(size=(4, 8)), rng.uniform(size=(25, 8))
    found = fractions(spectra, members, "full")
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert (found >= 0).all()
    assert (found < 1e-9).any()  # the constraint was at work
    for mine, spectrum in zip(found, spectra, strict=True):
        oracle = minimize(
            lambda x, s=spectrum: ((s - x @ members) ** 2).sum(), np.full(4, 0.25), bounds=[(0, 1)] * 4, method="SLSQP",
            constraints={"type": "eq", "fun": lambda x: x.sum() - 1}, options={"ftol": 1e-12},
        )  # fmt: skip
        assert ((spectrum - mine @ members) ** 2).sum() <= oracle.fun + 1e-6


@pytest.mark.parametrize("method", ["full", "non-negative"])
def test_few_and_many_endmembers_are_unmixed_alike(rng, monkeypatch, method):
    members, spectra = rng.uniform(size=(6, 9)), rng.normal(0.4, 0.5, (300, 9))
    at_once = fractions(spectra, members, method)
    monkeypatch.setattr(unmixing, "FEW", 0)  # scipy's solver, pixel by pixel
    np.testing.assert_allclose(at_once, fractions(spectra, members, method), atol=1e-6)
    assert (at_once == 0).any(axis=1).mean() > 0.5


def test_shade_lowers_the_sum_where_it_may(store, mixture):
    members, shares, cube = mixture
    dark = unmix(store(hsi=(0.4 * cube)), "hsi", members, method="non-negative")
    np.testing.assert_allclose(dark.values.sum(axis=0), 0.4, atol=1e-4)
    full = unmix(store(hsi=(0.4 * cube), name="full"), "hsi", members)
    np.testing.assert_allclose(full.values.sum(axis=0), 1, atol=1e-5)
    assert full.residual.mean() > dark.residual.mean() + 0.01
    assert shares.shape == full.values.shape


def test_pure_pixels_are_found_as_endmembers(store, mixture):
    members, _, cube = mixture
    scene = store({"hsi": {"quantity": "reflectance"}}, hsi=cube)
    found = find_endmembers(scene, "hsi", 3)
    assert {place[1:] for place in found.places} == {(0, 0), (0, 1), (0, 2)}
    np.testing.assert_allclose(np.sort(found.values, axis=0), np.sort(members, axis=0), rtol=1e-5)
    assert "SMACC" in found.method
    again = unmix(scene, "hsi", found)
    assert again.residual.max() < 1e-4
    assert again.names == ("endmember 1", "endmember 2", "endmember 3")


def test_nothing_is_printed_and_values_of_thousands_do_no_harm(store, mixture, capsys):
    members, _, cube = mixture
    found = find_endmembers(store(hsi=(10_000 * cube).astype(np.uint16)), "hsi", 3)
    np.testing.assert_allclose(np.sort(found.values, axis=0), np.sort(10_000 * members, axis=0), atol=2)
    assert capsys.readouterr().out == ""


def test_gaps_stay_gaps_and_empty_bands_are_left_out(store, mixture):
    members, shares, cube = mixture
    cube[5] = np.nan
    cube[2, 7, 8] = np.nan
    scene = store(hsi=cube)
    found = unmix(scene, "hsi", find_endmembers(scene, "hsi", 3), (slice(5, 10), slice(5, 10)))
    assert np.argwhere(np.isnan(found.residual)).tolist() == [[2, 3]]
    assert np.isnan(found.values[:, 2, 3]).all()
    given = members.copy()
    given[:, 5] = np.nan
    np.testing.assert_allclose(unmix(scene, "hsi", given).values[:, 0, 0], shares[:, 0, 0], atol=1e-4)


def test_what_cannot_be_unmixed_says_so(store, mixture):
    members, _, cube = mixture
    scene = store(hsi=cube)
    with pytest.raises(WorkbenchError, match="not independent"):
        unmix(scene, "hsi", [members[0], members[1], members[0] + members[1]])
    with pytest.raises(WorkbenchError, match="12 bands"):
        unmix(scene, "hsi", members[:, :4])
    with pytest.raises(UnknownNameError, match="full"):
        unmix(scene, "hsi", members, method="ful")
    with pytest.raises(WorkbenchError, match="between 1 and 12"):
        find_endmembers(scene, "hsi", 13)
    with pytest.raises(WorkbenchError, match="different ones"):
        find_endmembers(store(hsi=np.ones((4, 5, 5), np.float32), name="flat"), "hsi", 2)
