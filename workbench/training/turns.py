"""Rotations and flips as eight window grids, so that turning a window costs nothing beyond gathering it."""

import torch
from torch import Tensor

from workbench.models.pixels import square


def turned_squares(before: int, size: int) -> Tensor:
    """The offsets of a square window in all eight orientations.

    Args:
        before: Rows and columns before the centre pixel.
        size: Side of the window.

    Returns:
        int64 `(8, size, size, 2)`: turn 0 is the plain window, 1 to 3 its rotations by 90, 180 and 270 degrees, 4 to 7
        the same of its left-right mirror image.
    """
    plain = square(before, size)
    mirrored = plain.flip(1)
    return torch.stack([torch.rot90(grid, turns) for grid in (plain, mirrored) for turns in range(4)])
