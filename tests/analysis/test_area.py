"""Area and accuracy: Olofsson et al. (2014) as printed and as R packages compute it, by hand, and by simulation.

The paper's figures are as transcribed from its PDF, with pages, by the tests of the R package drift (newgraphenvironment;
helper-accuracy.R); those of R's sits 1.5.4 are the fixture of sacridini/zeit-cdts (tests/data/accuracy_sits.json); those
of R's mapaccuracy::stehman2014 are what the manual of drift prints for the same sample.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from workbench.analysis.area import FLAT, Z, estimate_area
from workbench.base.errors import WorkbenchError

# Table 8: rows map, columns reference - the paper's way - and mapped area in pixels of 30 m
PAPER = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
PIXELS = np.array([200_000, 150_000, 3_200_000, 6_450_000])
CLASSES = (1, 2, 3, 4)  # deforestation, forest gain, stable forest, stable non-forest


@pytest.fixture(scope="module")
def olofsson():
    return estimate_area(PAPER.T, PIXELS, CLASSES)


def column(figures, name):
    return np.array([getattr(figure, name) for figure in figures], float)


def test_error_matrix_as_printed(olofsson):
    """Table 9, to four decimals; ours is transposed to it."""
    printed = [
        [0.0176, 0, 0.0013, 0.0011],
        [0, 0.0110, 0.0016, 0.0024],
        [0.0019, 0, 0.2967, 0.0213],
        [0.0040, 0.0020, 0.0179, 0.6212],
    ]
    np.testing.assert_allclose(olofsson.proportions.T, printed, atol=5.1e-5)
    assert olofsson.proportions.sum() == pytest.approx(1)


def test_accuracies_as_printed(olofsson):
    """Section 5.2.1, to two decimals.

    Of the producer's margins the paper prints 0.23 for forest gain and 0.01 for stable non-forest, where its equation 7
    gives 0.254 and 0.018; `test_against_mapaccuracy` holds these two.
    """
    assert (olofsson.overall.value, olofsson.overall.margin) == pytest.approx((0.95, 0.02), abs=0.005)
    np.testing.assert_allclose(column(olofsson.users, "value"), [0.88, 0.73, 0.93, 0.96], atol=0.005)
    np.testing.assert_allclose(column(olofsson.users, "margin"), [0.07, 0.10, 0.04, 0.02], atol=0.005)
    np.testing.assert_allclose(column(olofsson.producers, "value"), [0.75, 0.85, 0.93, 0.96], atol=0.005)
    np.testing.assert_allclose(column(olofsson.producers, "margin")[[0, 2]], [0.21, 0.03], atol=0.005)


def test_areas_as_printed(olofsson):
    """Section 5.2.2: 235,086 pixels of 30 m and 68,418 either way are 21,158 and 6,158 ha."""
    pixels, hectares = olofsson.areas(), olofsson.areas(0.09)
    assert (pixels[0].value, pixels[0].margin) == pytest.approx((235_086, 68_418), abs=0.6)
    np.testing.assert_allclose(column(hectares, "value"), [21_158, 11_686, 285_770, 581_386], atol=0.6)
    np.testing.assert_allclose(column(hectares, "margin"), [6_158, 3_756, 15_510, 16_282], atol=0.6)
    assert olofsson.total == 10_000_000


THREE = np.array([[41, 6, 3], [4, 88, 8], [2, 7, 141]])


@pytest.mark.parametrize(
    ("matrix", "pixels", "area", "error", "producer", "overall"),
    [
        (
            PAPER,
            PIXELS,
            [235086.247086247, 129846.153846154, 3175221.44522145, 6459846.15384615],
            [34907.2244108116, 21291.5307562577, 87924.2420532232, 92299.6391850609],
            [0.748661404830841, 0.847156398104265, 0.934508908579693, 0.961608992831456],
            0.946511888111888,
        ),
        (
            THREE,
            [5200, 61000, 133800],
            [8488, 60548, 130964],
            [1762.21338607063, 3061.48779163556, 3094.17789580205],
            [0.502356267672007, 0.886569333421418, 0.960355517546807],
            0.91858,
        ),
    ],
)
def test_against_sits(matrix, pixels, area, error, producer, overall):
    found = estimate_area(matrix.T, pixels, range(1, len(matrix) + 1))
    np.testing.assert_allclose(column(found.areas(), "value"), area, rtol=1e-12)
    np.testing.assert_allclose(column(found.areas(), "se"), error, rtol=1e-12)
    np.testing.assert_allclose(column(found.producers, "value"), producer, rtol=1e-12)
    np.testing.assert_allclose(column(found.users, "value"), matrix.diagonal() / matrix.sum(1), rtol=1e-12)
    assert found.overall.value == pytest.approx(overall, rel=1e-12)


def test_against_mapaccuracy():
    found = estimate_area(PAPER.T, PIXELS, CLASSES, corrected=True)
    assert found.overall.se == pytest.approx(0.00943, abs=6e-6)
    np.testing.assert_allclose(column(found.users, "se"), [0.0378, 0.0514, 0.0203, 0.0105], atol=6e-5)
    np.testing.assert_allclose(column(found.producers, "se"), [0.109, 0.130, 0.0175, 0.00937], atol=6e-4)
    np.testing.assert_allclose(column(found.areas(0.09), "se"), [3142, 1916, 7913, 8307], atol=0.6)


def test_by_hand():
    # the map shows class 1 on 60 and class 2 on 40; of 10 points each, 8 and 9 are right
    found = estimate_area([[8, 1], [2, 9]], [60, 40], (1, 2))
    assert found.overall.value == pytest.approx(0.6 * 0.8 + 0.4 * 0.9)
    assert found.overall.se == pytest.approx((0.36 * 0.16 / 9 + 0.16 * 0.09 / 9) ** 0.5)
    assert found.areas()[0].value == pytest.approx(48 + 4)
    assert found.areas()[0].se == pytest.approx(100 * (0.36 * 0.16 / 9 + 0.16 * 0.09 / 9) ** 0.5)
    assert found.producers[0].value == pytest.approx(48 / 52)
    assert found.users[0].margin == pytest.approx(Z * (0.16 / 9) ** 0.5)
    assert found.proportions == pytest.approx(np.array([[0.48, 0.04], [0.12, 0.36]]))


TRUTH = np.array([[900, 200, 60], [150, 4000, 240], [30, 500, 2920]])  # pixels: rows reference, columns map


@pytest.mark.parametrize(("points", "corrected"), [((60, 150, 120), False), ((500, 2000, 1600), True)])
def test_estimates_are_unbiased_and_intervals_cover(points, corrected):
    """Many samples of one map with known truth; with a large share of the pixels sampled, only corrected ones fit."""
    rng = np.random.default_rng(0)
    mapped, areas, times = TRUTH.sum(0), TRUTH.sum(1), 1200
    estimates, errors, hits = [], [], []
    for _ in range(times):
        counts = np.stack([rng.multivariate_hypergeometric(TRUTH[:, h], points[h]) for h in range(3)], axis=1)
        found = estimate_area(counts, mapped, (1, 2, 3), corrected)
        value, error = column(found.areas(), "value"), column(found.areas(), "se")
        estimates.append([*value, found.overall.value, found.producers[0].value])
        errors.append([*error, found.overall.se, found.producers[0].se])
        hits.append(np.abs(value - areas) <= Z * error)
    truth = np.array([*areas, TRUTH.trace() / TRUTH.sum(), TRUTH[0, 0] / TRUTH[0].sum()])
    spread = np.std(estimates, axis=0)
    bias = np.mean(estimates, axis=0) - truth
    # producer's accuracy is a ratio: unbiased only as the sample grows
    assert (np.abs(bias[:4]) < 4 * spread[:4] / times**0.5).all()
    assert abs(bias[4]) < 0.01
    np.testing.assert_allclose(np.sqrt(np.mean(np.square(errors), axis=0)), spread, rtol=0.08)
    assert (np.mean(hits, axis=0) > 0.925).all()
    assert (np.mean(hits, axis=0) < 0.975).all()


def test_a_stratum_without_points_leaves_gaps():
    found = estimate_area([[5, 0, 0], [1, 6, 0], [0, 0, 0]], [50, 40, 10], (1, 2, 7))
    reason = "no interpreted point where the map shows class 7"
    for figure in (found.overall, *found.producers, *found.shares, *found.areas()):
        assert (figure.value, figure.se, figure.margin, figure.reason) == (None, None, None, reason)
    assert found.users[0].value == pytest.approx(5 / 6)
    assert found.users[2].reason == "no interpreted point where the map shows the class"
    assert found.proportions is None
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_stratum_of_one_point_has_no_variance():
    found = estimate_area([[5, 0], [1, 1]], [50, 50], (1, 2))
    assert found.overall.value == pytest.approx(0.5 * 5 / 6 + 0.5)
    for figure in (found.overall, *found.producers, *found.shares):
        assert figure.value is not None
        assert figure.se is None
        assert "single interpreted point" in figure.reason
    assert found.users[0].se is not None
    # unless that point is all there is of the class
    whole = estimate_area([[5, 0], [1, 1]], [50, 1], (1, 2), corrected=True)
    assert whole.overall.se == pytest.approx(50 / 51 * (5 / 36 / 5 * (1 - 6 / 50)) ** 0.5)
    assert (whole.users[1].value, whole.users[1].se, whole.users[1].reason) == (1, 0, "")


def test_classes_that_only_one_side_has():
    # class 3 is never mapped but found once; class 4 is mapped but never found; class 5 is neither
    counts = np.zeros((5, 5), int)
    counts[:3, 0], counts[:3, 1], counts[0, 3] = (9, 0, 1), (0, 10, 0), 10
    found = estimate_area(counts, [100, 100, 0, 20, 0], (1, 2, 3, 4, 5))
    assert found.users[2].reason == found.users[4].reason == "the map never shows the class"
    assert (found.producers[2].value, found.producers[2].se) == (0, 0)
    assert found.areas()[2].value == pytest.approx(10)
    assert found.areas()[2].se > 0
    assert found.users[3].value == 0
    assert "none of 10 points is right: up to 30% may be" in found.users[3].reason
    assert found.producers[3].value is None
    assert found.areas()[3].value == 0
    assert "says too little" in found.areas()[3].reason
    assert column(found.areas(), "value").sum() == pytest.approx(220)
    json.dumps(found.to_dict(), allow_nan=False)


def test_all_right_says_how_sure_that_is():
    found = estimate_area(np.diag([30, 60]), [10, 90], (1, 2))
    assert (found.overall.value, found.overall.se) == (1, 0)
    assert found.users[0].reason == "none of 30 points is wrong: up to 10% may be"
    all_wrong = estimate_area([[0, 30], [30, 0]], [10, 90], (1, 2))
    assert all_wrong.overall.value == 0
    assert [figure.value for figure in all_wrong.areas()] == [90, 10]
    for figures in (found, all_wrong):
        for figure in (figures.overall, *figures.producers, *figures.areas()):
            assert (figure.se, figure.reason) == (0, FLAT)
    # every pixel interpreted: nothing is left to be unsure of
    whole = estimate_area(np.diag([10, 90]), [10, 90], (1, 2), corrected=True)
    for figure in (whole.overall, *whole.users, *whole.producers, *whole.shares):
        assert (figure.se, figure.reason) == (0, "")


def test_an_interval_of_nothing_is_told_where_it_stands():
    """No pixel of class 1 was met outside its stratum: its producer's accuracy is 1 ± 0; all else has a spread."""
    found = estimate_area([[8, 0], [2, 10]], [10, 70], (1, 2))
    assert found.producers[0].value == pytest.approx(1)
    assert found.producers[0].se == pytest.approx(0, abs=1e-12)
    assert found.producers[0].reason == FLAT
    for figure in (found.overall, found.producers[1], *found.shares):
        assert figure.se > 0.001
        assert figure.reason == ""


@pytest.mark.parametrize(
    ("counts", "mapped", "classes", "words"),
    [
        ([[1, 2]], [1, 2], (1, 2), r"shape \(1, 2\)"),
        (np.eye(2), [1, 2, 3], (1, 2), r"\(K, K\)"),
        (np.eye(2), [1, 2], (1, 1), "different classes"),
        ([[0.5, 1], [0, 1]], [1, 2], (1, 2), "whole numbers"),
        ([[np.nan, 1], [0, 1]], [1, 2], (1, 2), "whole numbers"),
        ([[-1, 1], [0, 1]], [1, 2], (1, 2), "whole numbers"),
        (np.eye(2), [0, 0], (1, 2), "not all 0"),
        (np.eye(2), [1, np.nan], (1, 2), "numbers from 0"),
        ([[5, 3], [0, 0]], [10, 0], (1, 2), "class 2, whose mapped area is 0.*transposed"),
    ],
)
def test_bad_input(counts, mapped, classes, words):
    with pytest.raises(WorkbenchError, match=words):
        estimate_area(counts, mapped, classes)


def test_the_example_of_the_docs_prints_what_it_says():
    text = (Path(__file__).parents[2] / "docs" / "area.md").read_text(encoding="utf-8")
    code, printed = (re.search(rf"```{kind}\n(.*?)```", text, re.DOTALL).group(1) for kind in ("python", "text"))
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, encoding="utf-8")
    assert done.stdout == printed


def test_more_points_than_pixels_are_refused_where_it_matters():
    with pytest.raises(WorkbenchError, match="class 1 has 4 points but 3 pixels"):
        estimate_area([[4, 0], [0, 4]], [3, 97], (1, 2), corrected=True)
