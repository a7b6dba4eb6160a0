"""Jeffries-Matusita of single bands, against the Bhattacharyya distance of `spectral`."""

from types import SimpleNamespace

import numpy as np
import pytest
from spectral import GaussianStats, bdist

from workbench.spectra.band_separability import band_separability


def test_it_is_that_of_spectral_in_one_band():
    rng = np.random.default_rng(0)
    one, other = rng.normal((0, 5), (1, 2), (40, 2)), rng.normal((1, 5.1), (1.5, 2), (60, 2))
    found = band_separability(one, other)
    for band in range(2):
        pair = [
            SimpleNamespace(stats=GaussianStats(group[:, [band]].mean(0), np.cov(group[:, [band]].T).reshape(1, 1), 1))
            for group in (one, other)
        ]
        assert found[band] == pytest.approx(2 * (1 - np.exp(-float(bdist(*pair)))))


def test_alike_far_apart_and_gaps():
    rng = np.random.default_rng(1)
    one = rng.normal(0, 1, (30, 4))
    other = one + np.array([0, 1000, 0, 0])
    other[:, 2] = np.nan
    one[:, 3] = other[:, 3] = 7.0  # no spread
    found = band_separability(one, other)
    assert found[:2] == pytest.approx([0, 2], abs=1e-9)
    assert np.isnan(found[2:]).all()
    assert np.isnan(band_separability(one[:2], other)).all()
