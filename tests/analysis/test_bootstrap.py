"""Blocks and their bootstrap: against scipy, by hand, and whether the level holds where errors are correlated."""

import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import bootstrap
from sklearn import metrics as sk

from workbench.analysis.blocks import grid_blocks
from workbench.analysis.bootstrap import block_bootstrap as all_pairs
from workbench.analysis.mcnemar import mcnemar
from workbench.base.errors import WorkbenchError

SIDE = 128


def block_bootstrap(truth, first, second, blocks, classes, **options):
    return all_pairs(truth, [first, second], blocks, classes, **options)[0, 1]


def correlated_right(rng, sigma, share=0.8):
    """Whether each pixel of a square is right: a smooth field cut so that `share` of it is, on average."""
    field = gaussian_filter(rng.standard_normal((SIDE, SIDE)), sigma, mode="wrap")
    deviation = np.sqrt((gaussian_filter(np.eye(1, SIDE**2).reshape(SIDE, SIDE), sigma, mode="wrap") ** 2).sum())
    return field.ravel() < 0.8416212335729143 * deviation  # the 80 % point of the normal distribution


def rejections(rng, times, sigma, size):
    """Share of comparisons of equal models that come out at p < 0.05, by blocks and by McNemar."""
    rows, cols = (part.ravel() for part in np.indices((SIDE, SIDE)))
    blocks = grid_blocks(np.zeros(SIDE**2), rows, cols, size)
    truth = np.ones(SIDE**2, int)
    found = []
    for _ in range(times):
        first, second = correlated_right(rng, sigma), correlated_right(rng, sigma)
        by_blocks = block_bootstrap(truth, first.astype(int), second.astype(int), blocks, (0, 1), draws=400)["oa"]
        found.append((by_blocks.p < 0.05, mcnemar(first, second).p < 0.05))
    return np.mean(found, axis=0)


def test_the_level_holds_where_errors_are_correlated():
    """Errors alike over about 3 pixels (sigma 1), 16 blocks of 32 x 32. Two models of equal accuracy, 200 times."""
    by_blocks, by_pixels = rejections(np.random.default_rng(0), 200, 1.0, 32)
    assert 0.015 <= by_blocks <= 0.095  # three standard errors of 200 draws about 5 %, and a little
    assert by_pixels > 0.35


def test_a_real_difference_is_found():
    rng = np.random.default_rng(1)
    rows, cols = (part.ravel() for part in np.indices((SIDE, SIDE)))
    blocks = grid_blocks(np.zeros(SIDE**2), rows, cols, 16)
    first, second = correlated_right(rng, 2.0), correlated_right(rng, 2.0)
    second &= rng.random(SIDE**2) < 0.8
    found = block_bootstrap(np.ones(SIDE**2, int), first.astype(int), second.astype(int), blocks, (0, 1))["oa"]
    assert found.low > 0
    assert found.p < 0.01


def test_against_scipy_on_independent_pixels():
    rng = np.random.default_rng(2)
    truth = np.ones(400, int)
    first, second = (rng.random(400) < 0.85).astype(int), (rng.random(400) < 0.75).astype(int)
    found = block_bootstrap(truth, first, second, np.arange(400), (0, 1), draws=4000)["oa"]
    wanted = bootstrap(
        (first.astype(float), second.astype(float)), lambda a, b, axis: a.mean(axis) - b.mean(axis),
        paired=True, vectorized=True, method="percentile", n_resamples=4000, rng=np.random.default_rng(0),
    )  # fmt: skip
    interval = wanted.confidence_interval
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=0.006)


def test_statistics_are_those_of_scikit_learn():
    rng = np.random.default_rng(3)
    truth, one, other = rng.choice([3, 7, 9], (3, 500))
    found = block_bootstrap(truth, one, other, np.arange(500) // 10, (3, 7, 9))
    for answer, name in ((one, "first"), (other, "second")):
        assert getattr(found["oa"], name) == pytest.approx(sk.accuracy_score(truth, answer))
        assert getattr(found["aa"], name) == pytest.approx(sk.balanced_accuracy_score(truth, answer))
        assert getattr(found["kappa"], name) == pytest.approx(sk.cohen_kappa_score(truth, answer))
    assert found["aa"].low < found["aa"].difference < found["aa"].high
    assert found.to_dict() == block_bootstrap(truth, one, other, np.arange(500) // 10, (3, 7, 9)).to_dict()
    json.dumps(found.to_dict(), allow_nan=False)


def test_few_blocks_are_told():
    truth, one = np.ones(60, int), np.tile([1, 2, 1], 20)
    none = block_bootstrap(truth, truth, one, np.arange(60) // 20, (1, 2))
    assert (none.blocks, none["oa"].low, none["oa"].p) == (3, None, None)
    assert none["oa"].difference == pytest.approx(1 / 3)
    assert "needs 5" in none.reason
    some = block_bootstrap(truth, truth, one, np.arange(60) // 6, (1, 2))
    assert "10 blocks are few" in some.caution
    assert some.largest_block == pytest.approx(0.1)
    # 30 blocks, one of which holds half of the pixels: 1 / (0.5 ** 2 + 29 * (0.5 / 29) ** 2) = 3.9
    blocks = np.r_[np.zeros(58, int), np.repeat(np.arange(1, 30), 2)]
    uneven = block_bootstrap(np.ones(116, int), np.ones(116, int), np.tile([1, 2], 58), blocks, (1, 2))
    assert "30 blocks differ so in size that they count as 4" in uneven.caution
    even = block_bootstrap(np.ones(60, int), np.ones(60, int), np.tile([1, 2], 30), np.arange(60) // 2, (1, 2))
    assert even.caution == ""


def test_models_that_are_alike_or_always_right():
    truth = np.ones(100, int)
    found = block_bootstrap(truth, truth, truth, np.arange(100) // 5, (1, 2))
    for one in found.differences:
        assert (one.low, one.high, one.p) == (0.0, 0.0, 1.0)
    assert found["kappa"].first == 0  # one class on both sides, as `scores` has it


def test_the_grid_is_that_of_the_split():
    """Blocks of at least 20 in 50 columns: two of 25; in 12 rows: one. A second tile has numbers of its own."""
    tile, row, col = [0, 0, 0, 1], [0, 11, 11, 0], [0, 24, 25, 0]
    assert grid_blocks(tile, row, col, 20, [(12, 50), (5, 5)]).tolist() == [0, 0, 1, 2]
    assert grid_blocks(tile, row, col, 20).tolist() == [0, 1, 1, 2]
    edges = np.arange(8) * 103 // 7
    cols = np.arange(103)
    given = grid_blocks(cols * 0, cols * 0, cols, 14, [(1, 103)])
    assert given.tolist() == (np.searchsorted(edges, cols, side="right") - 1).tolist()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: grid_blocks([0], [0], [0], 0), "size of at least 1"),
        (lambda: grid_blocks([0], [0, 1], [0], 3), "shapes"),
        (lambda: grid_blocks([0, 1], [0, 0], [0, 9], 3, [(5, 5)]), "1 pixels lie outside the 1 tiles"),
        (lambda: block_bootstrap([1], [1, 1], [1], [0], (1,)), r"\(1,\), \(1,\), \(2,\), \(1,\)"),
        (lambda: block_bootstrap([], [], [], [], (1,)), "one at least"),
        (lambda: block_bootstrap([1], [1], [2], [0], (1,)), "model 2 holds 1 pixels of values"),
        (lambda: block_bootstrap([1], [1], [1], [0], (1,), draws=5), "100 draws or more"),
        (lambda: block_bootstrap([1], [1], [1], [0], ()), "named once each"),
        (lambda: block_bootstrap([1], [1], [1], [0], (1, 1)), "named once each"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(WorkbenchError, match=words):
        call()
