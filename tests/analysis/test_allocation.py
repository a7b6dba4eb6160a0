"""Points dealt out to strata: Olofsson et al. (2014, table 5), by hand, and at the ends."""

import numpy as np
import pytest

from workbench.analysis.allocation import RULES, allocate
from workbench.base.errors import UnknownNameError, WorkbenchError

PIXELS = [200_000, 150_000, 3_200_000, 6_450_000]


def test_as_published():
    """Table 5: 641 points dealt out proportionally, and 640 equally."""
    assert allocate(PIXELS, 641, 0).tolist() == [13, 10, 205, 413]
    assert allocate(PIXELS, 640, 0, "equal").tolist() == [160, 160, 160, 160]


def test_a_least_for_rare_classes_and_the_rest_proportionally():
    found = allocate(PIXELS, 641, 75)
    assert found.tolist() == [75, 75, 163, 328]  # 491 in the ratio 3.2 : 6.45
    assert found.sum() == 641


def test_neyman_by_hand():
    # N sqrt(U (1 - U)): 100 x 0.5 and 200 x 0.3
    assert allocate([100, 200], 110, 0, "neyman", [0.5, 0.9]).tolist() == [50, 60]
    assert allocate([100, 200], 60, 20, "neyman", [1.0, 0.9]).tolist() == [20, 40]
    assert allocate([100, 200], 60, 20, "neyman", [1.0, 1.0]).sum() == 60  # nothing to go by


@pytest.mark.parametrize("rule", RULES)
def test_never_more_than_there_is_nor_fewer_than_asked(rule):
    rng = np.random.default_rng(0)
    for _ in range(200):
        pixels = rng.integers(0, 400, rng.integers(1, 8))
        pixels[0] += 1
        least = int(rng.integers(0, 30))
        points = int(np.minimum(least, pixels).sum() + rng.integers(1, 300))
        found = allocate(pixels, points, least, rule, rng.random(len(pixels)))
        assert (found <= pixels).all()
        assert (found >= np.minimum(least, pixels)).all()
        assert found.sum() == min(points, pixels.sum())


def test_small_classes_are_taken_whole():
    assert allocate([3, 0, 1000], 100, 25, "equal").tolist() == [3, 0, 97]
    assert allocate([3, 4], 100).tolist() == [3, 4]


def test_refused():
    with pytest.raises(WorkbenchError, match=r"3 classes with at least 25 points .* need 75 points, not 60"):
        allocate([100, 100, 100], 60)
    with pytest.raises(WorkbenchError, match="all no-data"):
        allocate([0, 0], 10)
    with pytest.raises(WorkbenchError, match="need 1 points, not 0"):
        allocate([5, 5], 0, 0)
    with pytest.raises(UnknownNameError, match="proportional"):
        allocate([5, 5], 5, 0, "proportionl")
    for expected in (None, [0.5], [0.5, 1.5], [0.5, float("nan")]):
        with pytest.raises(WorkbenchError, match="expected user's accuracy"):
            allocate([100, 100], 50, 5, "neyman", expected)
