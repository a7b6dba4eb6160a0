"""The rules' densities against independent ones, and the scene's claims against classifiers that were not told."""

import numpy as np
import pytest
from scipy import integrate, stats
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from workbench.scenes.synthetic import bayes
from workbench.scenes.synthetic.model import FAMILIES, KINDS, LOOKS, SAR_SPREAD
from workbench.scenes.synthetic.spectra import NOISE

NAMES = [kind.name for kind in KINDS]
SINGLE = ("hsi", "lidar", "sar")


def same_up_to_a_constant(found, expected):
    """Whether log-likelihoods (units, classes) differ by one number per unit only."""
    gap = found - expected
    np.testing.assert_allclose(gap - gap[:, :1], 0, atol=1e-5 * np.abs(expected).max())


def test_spectral_density_of_pixels_and_of_pooled_pixels():
    random = np.random.default_rng(0)
    light = random.uniform(0.2, 1.1, (6, 64))
    family = FAMILIES["herbs"]
    clean = family.mean + random.standard_normal((6, 3)) @ family.between.T
    measured = light * clean + NOISE * random.standard_normal((6, 64))
    statistics = bayes.hsi_statistics(measured, light)
    alone = bayes.hsi_likelihood(statistics, np.arange(6), 6)
    pooled = bayes.hsi_likelihood(statistics, np.array([0, 0, 1, 1, 1, 1]), 2)
    expected_alone, expected_pooled = np.zeros((6, 10)), np.zeros((2, 10))
    for index, kind in enumerate(KINDS):
        family = FAMILIES[kind.family]
        mean = family.mean + family.between @ np.array(kind.shift)
        for units, expected in (([[i] for i in range(6)], expected_alone), ([[0, 1], [2, 3, 4, 5]], expected_pooled)):
            for unit, pixels in enumerate(units):
                factor = light[pixels].ravel()
                # the whole covariance of all bands of all pixels, written out
                between = np.tile(family.between @ family.between.T, (len(pixels), len(pixels)))
                own = np.kron(np.eye(len(pixels)), family.within @ family.within.T)
                covariance = (between + own) * np.outer(factor, factor) + np.diag(np.tile(NOISE**2, len(pixels)))
                expected[unit, index] = stats.multivariate_normal.logpdf(
                    measured[pixels].ravel(), np.tile(mean, len(pixels)) * factor, covariance
                )
    same_up_to_a_constant(alone, expected_alone)
    same_up_to_a_constant(pooled, expected_pooled)


def test_height_density_of_pixels_and_of_pooled_pixels():
    height = np.array([0.1, 0.4, 1.3, 2.0, 7.0, 9.5])
    for unit in (np.arange(6), np.array([0, 0, 0, 1, 1, 1])):
        count = unit.max() + 1
        expected = np.zeros((count, 10))
        for index, kind in enumerate(KINDS):
            for number in range(count):
                pixels = height[unit == number]
                covariance = np.full((pixels.size, pixels.size), kind.height_spread**2)
                covariance += np.eye(pixels.size) * kind.roughness**2
                expected[number, index] = stats.multivariate_normal.logpdf(
                    pixels, np.full(pixels.size, kind.height), covariance
                )
        same_up_to_a_constant(bayes.lidar_likelihood(height, unit, count), expected)


def test_speckle_density_of_pixels_and_of_pooled_pixels():
    decibel = np.array([[-12.0, -19.0], [-10.0, -16.5], [-17.3, -24.0], [-4.0, -13.0]])

    def density(values, level):
        def integrand(offset):
            mean = 10 ** ((level + offset) / 10)
            power = 10 ** (values / 10)
            return stats.norm.pdf(offset, scale=SAR_SPREAD) * stats.gamma.pdf(power, LOOKS, scale=mean / LOOKS).prod()

        return np.log(integrate.quad(integrand, -7, 7, epsabs=0, epsrel=1e-9, limit=200)[0])

    for unit in (np.arange(4), np.array([0, 0, 1, 1])):
        count = unit.max() + 1
        expected = np.array(
            [
                [sum(density(decibel[unit == n, c], kind.backscatter[c]) for c in range(2)) for kind in KINDS]
                for n in range(count)
            ]
        )
        same_up_to_a_constant(bayes.sar_likelihood(decibel, unit, count), expected)


def clustered_error(values, parcel):
    """Standard error of a mean over pixels whose parcels, not pixels, are independent."""
    number, index = np.unique(parcel, return_inverse=True)
    gaps = np.bincount(index, values - values.mean())
    return np.sqrt((gaps**2).sum() * number.size / (number.size - 1)) / values.size


@pytest.mark.parametrize("rule", ["pixel", "object"])
def test_posteriors_are_calibrated(world, decisions, rule):
    # The mean posterior of the decision is the expected accuracy, if and only if the densities are the true ones.
    pure, truth, parcel = world.plan.pure, world.truth, world.plan.parcel
    for name, (decided, posterior) in decisions[rule].items():
        gap = (decided == truth)[pure] - posterior[pure]
        assert abs(gap.mean()) < 3.5 * clustered_error(gap, parcel[pure]), name


def test_figures_are_in_the_wanted_range(demo):
    figures = demo[2]["bayes"]
    for rule in ("limit", "object"):
        assert 0.95 <= figures[rule]["all"] <= 0.99
        assert 0.72 <= figures[rule]["hsi"] <= 0.85
        assert 0.45 <= figures[rule]["lidar"] <= 0.62
        assert 0.45 <= figures[rule]["sar"] <= 0.62
    for rule in ("limit", "object", "pixel"):
        best_alone = max(figures[rule][name] for name in SINGLE)
        best_pair = max(figures[rule][name] for name in ("hsi_lidar", "hsi_sar", "lidar_sar"))
        assert figures[rule]["all"] > best_pair + 0.04 > best_alone + 0.08
    for name in figures["pixel"]:
        assert figures["pixel_expected"][name] < figures["object_expected"][name] + 0.01
        # the labelled parcels are a sample, the limit is an expectation
        assert figures["object"][name] < figures["limit"][name] + 0.08


def test_limit_against_draws_without_noise():
    # Height alone: integrate the highest density over height, by roughness.
    heights = np.linspace(-5, 20, 200_001)
    expected = 0.0
    for roughness in {kind.roughness for kind in KINDS}:
        kinds = [kind for kind in KINDS if kind.roughness == roughness]
        densities = [stats.norm.pdf(heights, kind.height, kind.height_spread) for kind in kinds]
        expected += np.trapezoid(np.max(densities, 0), heights) / len(KINDS)
    assert bayes.limit_accuracy()["lidar"] == pytest.approx(expected, abs=0.008)


def pair_accuracy(first, second, features, truth, parcel, chosen):
    """Accuracy of quadratic discriminant analysis between two classes, trained and tested on different parcels."""
    mine = chosen & np.isin(truth, [NAMES.index(first) + 1, NAMES.index(second) + 1])
    train, test = mine & (parcel % 2 == 0), mine & (parcel % 2 == 1)
    model = QuadraticDiscriminantAnalysis(reg_param=0.01).fit(features[:, train].T, truth[train])
    side = [NAMES.index(name) + 1 for name in (first, second)]
    predicted = model.predict(features[:, test].T)
    return np.mean([(predicted[truth[test] == value] == value).mean() for value in side])


@pytest.mark.parametrize(
    ("first", "second", "separates"),
    [
        ("asphalt", "low flat roof", "lidar"),
        ("smooth soil", "ploughed soil", "sar"),
        ("meadow", "dry grass", "hsi"),
        ("asphalt", "artificial turf", "hsi"),
    ],
)
def test_pairs_are_separable_as_claimed(world, first, second, separates):
    features = {"hsi": world.hsi * 1e-4, "lidar": world.lidar.astype(float), "sar": world.sar.astype(float)}
    found = {
        name: pair_accuracy(first, second, array, world.truth, world.plan.parcel, world.plan.pure)
        for name, array in features.items()
    }
    # One pixel of speckle, or of uneven grass, is a weak witness.
    assert found[separates] > 0.72
    for name in set(SINGLE) - {separates}:
        assert found[name] < 0.66, name


@pytest.mark.parametrize("name", ["all", "hsi", "lidar", "sar"])
def test_a_classifier_approaches_the_pixel_rule_and_does_not_exceed_it(world, decisions, name):
    arrays = {"hsi": world.hsi * 1e-4, "lidar": world.lidar.astype(float), "sar": world.sar.astype(float)}
    features = np.concatenate([arrays[part] for part in (SINGLE if name == "all" else (name,))])
    parcel, pure, truth = world.plan.parcel, world.plan.pure, world.truth
    train, test = pure & (parcel % 3 != 0), pure & (parcel % 3 == 0)
    model = QuadraticDiscriminantAnalysis(reg_param=1e-4).fit(features[:, train].T, truth[train])
    learned = model.predict(features[:, test].T) == truth[test]
    gain = learned - (decisions["pixel"][name][0] == truth)[test].astype(float)
    error = clustered_error(gain, parcel[test])
    assert gain.mean() < 3 * error
    assert gain.mean() > -0.12


def test_shadows_tell_the_camera_nothing_new(world, decisions):
    # Whatever casts shadow is known from its own spectrum without doubt, so its shadow adds nothing.
    tall = np.array([kind.tall for kind in KINDS])
    decided, posterior = decisions["object"]["hsi"]
    casting = tall[world.truth - 1] & world.plan.pure
    assert casting.sum() > 1000
    assert posterior[casting].min() > 1 - 1e-9
    np.testing.assert_array_equal(decided[casting], world.truth[casting])
    low = ~tall[world.truth - 1] & world.plan.pure
    assert not tall[decided[low] - 1].any()
