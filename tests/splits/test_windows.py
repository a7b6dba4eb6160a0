import numpy as np
import pytest

from workbench.splits.windows import inside_windows, nominal_window, windows_overlap


def brute(targets, centres, before, after):
    return np.array(
        [
            any(t == u and r - before <= s <= r + after and c - before <= q <= c + after for u, r, c in centres)
            for t, s, q in targets
        ]
    )


def brute_overlap(targets, centres, before, after):
    def cells(point):
        t, r, c = point
        return {(t, i, j) for i in range(r - before, r + after + 1) for j in range(c - before, c + after + 1)}

    all_cells = set().union(*map(cells, centres))
    return np.array([bool(cells(target) & all_cells) for target in targets])


@pytest.mark.parametrize(("before", "after"), [(0, 0), (1, 0), (0, 2), (2, 3), (4, 1)])
@pytest.mark.parametrize("seed", [0, 1])
def test_against_all_pairs(before, after, seed):
    random = np.random.default_rng(seed)
    targets = random.integers(0, (3, 25, 30), (60, 3)).astype(np.int32)
    centres = random.integers(0, (2, 25, 30), (6, 3)).astype(np.int32)  # none in tile 2
    found = inside_windows(targets, centres, before, after)
    np.testing.assert_array_equal(found, brute(targets, centres.tolist(), before, after))
    found = windows_overlap(targets, centres, before, after)
    np.testing.assert_array_equal(found, brute_overlap(targets.tolist(), centres.tolist(), before, after))


def test_empty_sides():
    points = np.array([[0, 1, 1]], np.int32)
    assert inside_windows(points, points[:0], 3, 3).tolist() == [False]
    assert inside_windows(points[:0], points, 3, 3).shape == (0,)


def test_nominal_window_has_the_patch_size():
    for size in range(1, 12):
        before, after = nominal_window(size)
        assert before + after + 1 == size
        assert before == (size - 1) // 2
