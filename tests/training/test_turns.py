"""The eight orientations of a window, against torch's rotation and flip of the gathered pixels."""

import pytest
import torch

from workbench.models.pixels import square
from workbench.training.turns import turned_squares


@pytest.mark.parametrize("size", [11, 8])
def test_turned_grids_gather_turned_windows(size):
    before = size // 2
    image = torch.arange(30 * 30).view(30, 30)
    row, col = 14, 13
    plain = image[row - before : row - before + size, col - before : col - before + size]
    gathered = [image[row + grid[..., 0], col + grid[..., 1]] for grid in turned_squares(before, size)]
    expected = [torch.rot90(window, turns) for window in (plain, plain.flip(1)) for turns in range(4)]
    for mine, other in zip(gathered, expected, strict=True):
        assert torch.equal(mine, other)


def test_the_orientations_are_eight():
    grids = turned_squares(2, 5)
    assert grids.shape == (8, 5, 5, 2)
    assert torch.equal(grids[0], square(2, 5))
    assert len({tuple(grid.flatten().tolist()) for grid in grids}) == 8
    # the same pixels in each, and around an odd window's centre the centre stays
    assert len({tuple(sorted(map(tuple, grid.view(-1, 2).tolist()))) for grid in grids}) == 1
    assert (grids[:, 2, 2] == 0).all()
