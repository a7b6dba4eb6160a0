"""A patch as a few tokens: means over its positions, weighed by a softmax; and the same around every pixel of a tile."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Tokenizer(nn.Module):
    """Tokens of a patch, `softmax(X W_a)^T X W_b` with the softmax over the positions of X, one per column of W_a.

    Two ways of one set of weights: `patch` over all positions of a patch, `dense` over the window around each pixel.

    Args:
        size: Channels of the features and of a token.
        count: Number of tokens.
    """

    def __init__(self, size: int, count: int) -> None:
        super().__init__()
        self.score = nn.Conv2d(size, count, 1, bias=False)  # W_a
        self.value = nn.Conv2d(size, size, 1, bias=False)  # W_b
        nn.init.xavier_normal_(self.score.weight)
        nn.init.xavier_normal_(self.value.weight)

    def patch(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features `(B, size, k, k)` to tokens `(B, count, size)` and their weights `(B, count, k, k)`."""
        weights = self.score(x).flatten(2).softmax(2)
        return weights @ self.value(x).flatten(2).mT, weights.unflatten(2, x.shape[2:])

    def dense(self, x: Tensor, radius: int) -> tuple[Tensor, Tensor]:
        """Features `(B, size, H, W)` to tokens `(B, count, size, H, W)` and scores `(B, count, H, W)`, float32."""
        scores = self.score(x).float()
        return window_softmax_mean(scores, self.value(x).float(), radius), scores


def window_softmax_mean(scores: Tensor, values: Tensor, radius: int) -> Tensor:
    """Mean of values over the window around each pixel, weighed by the softmax of scores over that window.

    First along rows, then along columns, each time relative to the largest score that the window has met so far. So a
    window's largest weight is always 1, whatever the scores are elsewhere in the tile: nothing overflows, the divisor
    is at least 1, and no pixel outside the window takes part. Positions outside the tile do not count.

    Args:
        scores: Float `(B, T, H, W)`, finite.
        values: Float `(B, C, H, W)`.
        radius: Pixels of the window before and after its centre.

    Returns:
        Float `(B, T, C, H, W)`.
    """
    mass, total, level = torch.ones_like(scores), values[:, None], scores
    for axis in (-1, -2):
        mass, total, level = _gather(mass, total, level, radius, axis)
    return total / mass[:, :, None]


def _gather(mass: Tensor, total: Tensor, level: Tensor, radius: int, axis: int) -> tuple[Tensor, Tensor, Tensor]:
    """Sums along an axis of masses `(B, T, H, W)` and totals `(B, T, C, H, W)` that are given in units of exp(level)."""
    kernel, pad = ((1, 2 * radius + 1), (0, radius)) if axis == -1 else ((2 * radius + 1, 1), (radius, 0))
    # no gradient flows through the new level: it cancels in the quotient
    peak = functional.max_pool2d(level.detach(), kernel, 1, pad)
    border = (radius, radius) if axis == -1 else (0, 0, radius, radius)
    masses, totals = functional.pad(mass, border), functional.pad(total, border)
    levels = functional.pad(level, border, value=float("-inf"))
    length = level.shape[axis]
    weight = (levels.narrow(axis, 0, length) - peak).exp()
    mass, total = weight * masses.narrow(axis, 0, length), weight[:, :, None] * totals.narrow(axis, 0, length)
    for start in range(1, 2 * radius + 1):
        weight = (levels.narrow(axis, start, length) - peak).exp()
        mass = torch.addcmul(mass, weight, masses.narrow(axis, start, length))
        total = torch.addcmul(total, weight[:, :, None], totals.narrow(axis, start, length))
    return mass, total, peak


def window_weights(scores: Tensor, radius: int) -> Tensor:
    """The softmax of scores `(B, T, H, W)` over each pixel's window, `(B, T, k * k, H, W)`, row by row of the window."""
    batch, count, height, width = scores.shape
    padded = functional.pad(scores, (radius,) * 4, value=float("-inf"))
    windows = functional.unfold(padded, 2 * radius + 1)
    return windows.view(batch, count, -1, height, width).softmax(2)
