"""Rotations and flips as eight window grids, so that turning a window costs nothing beyond gathering it."""

import torch
from torch import Tensor

from workbench.models.pixels import square
from workbench.models.turned import TURNS, turn


def turned_squares(before: int, size: int) -> Tensor:
    """The offsets of a square window in all eight orientations.

    Args:
        before: Rows and columns before the centre pixel.
        size: Side of the window.

    Returns:
        int64 `(8, size, size, 2)`, in the order of `turn`: the plain window first.
    """
    plain = square(before, size)
    return torch.stack([turn(plain, number, 0, 1) for number in range(TURNS)])
