"""Which pixels train without their labels, against the definition pixel by pixel."""

import itertools

import numpy as np
import pytest
import torch

from workbench.base.errors import WorkbenchError
from workbench.models.pixels import PixelTable
from workbench.splits.pool import TileGrid
from workbench.splits.split import Sample, Split
from workbench.training.unlabelled import unlabelled_pixels

SHAPES = [(14, 17), (12, 11), (9, 20), (10, 10)]
GROUPS = ["a", "a", "b", "c"]


@pytest.fixture
def tiles():
    """Four tiles, some pixels without data; only their geometry matters."""
    sizes = [rows * cols for rows, cols in SHAPES]
    heights, widths = torch.tensor(SHAPES).T
    valid = torch.from_numpy(np.random.default_rng(0).random(sum(sizes)) > 0.1)
    offsets = torch.tensor([0, *np.cumsum(sizes)[:-1]])
    return PixelTable({}, valid, offsets, heights, widths, {}, {})


def split_of(patch_size, **sides):
    """A split with pixels `(tile, row, col)` on each side."""
    samples = {side: Sample(np.array(where).reshape(-1, 3), np.ones(len(where))) for side, where in sides.items()}
    grids = tuple(
        TileGrid(f"t{n}", group, shape, None, None) for n, (group, shape) in enumerate(zip(GROUPS, SHAPES, strict=True))
    )
    return Split("blocks", 0, patch_size, 0, {}, "", (1, 2), {}, **samples, tiles=grids, names={})


SIDES = {
    "train": [(0, 0, 0), (1, 3, 3), (3, 5, 5)],
    "validation": [(0, 13, 16), (1, 11, 0)],
    "test": [(0, 7, 8), (2, 4, 4)],
}


@pytest.mark.parametrize("patch_size", [1, 3, 5])
@pytest.mark.parametrize("window", [5, 6])
def test_the_pixels_are_those_of_the_definition(tiles, patch_size, window):
    found = unlabelled_pixels(tiles, split_of(patch_size, **SIDES), window)
    held_out = SIDES["validation"] + SIDES["test"]
    expected, seeing = [], 0
    counts = dict.fromkeys(found.left_out, 0)
    for tile, (rows, cols) in enumerate(SHAPES):
        for row, col in itertools.product(range(rows), range(cols)):
            distances = [max(abs(row - r), abs(col - c)) for t, r, c in held_out if t == tile]
            if not tiles.valid[tiles.offsets[tile] + row * cols + col]:
                counts["without_data"] += 1
            elif tile == 2:  # its group tests and has no training pixel
                counts["in_test_or_validation_tiles"] += 1
            elif min(distances, default=99) <= patch_size - 1:
                counts["near_test_or_validation"] += 1
            else:
                expected.append((tile, row, col))
                start = -(window // 2)
                seeing += any(
                    t == tile and start <= r - row < start + window and start <= c - col < start + window
                    for t, r, c in SIDES["test"]
                )
    assert found.positions.tolist() == [list(where) for where in expected]
    assert found.positions.dtype == np.int32
    assert found.left_out == counts
    assert found.seeing_test == pytest.approx(seeing / len(expected))
    told = found.to_dict()
    assert told["pixels"] + sum(told["left_out"].values()) == tiles.valid.numel()


def test_patches_share_no_pixel_with_those_of_test_pixels(tiles):
    found = unlabelled_pixels(tiles, split_of(5, **SIDES), 5)
    mine = found.positions[found.positions[:, 0] == 0]
    assert found.seeing_test == 0
    assert np.abs(mine[:, 1:] - [7, 8]).max(1).min() == 5


def test_nothing_left_is_told(tiles):
    with pytest.raises(WorkbenchError, match=r"No pixel is left .*blocks"):
        unlabelled_pixels(tiles, split_of(41, **SIDES | {"test": [(0, 1, 1), (1, 1, 1), (2, 1, 1), (3, 1, 1)]}), 5)
