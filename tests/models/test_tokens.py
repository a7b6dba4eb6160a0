"""Tokens of a patch and of the window around each pixel: analytic cases, and a softmax that no range breaks."""

import pytest
import torch

from workbench.models.tokens import Tokenizer, window_softmax_mean, window_weights


def by_hand(scores, values, radius):
    """Softmax over each pixel's window, pixel by pixel, in float64."""
    scores, values = scores.double(), values.double()
    rows, cols = scores.shape[2:]
    out = torch.empty(*scores.shape[:2], values.shape[1], rows, cols, dtype=torch.float64)
    for row in range(rows):
        for col in range(cols):
            here = (slice(max(row - radius, 0), row + radius + 1), slice(max(col - radius, 0), col + radius + 1))
            weights = scores[:, :, *here].flatten(2).softmax(2)
            out[..., row, col] = torch.einsum("btn,bcn->btc", weights, values[:, :, *here].flatten(2))
    return out


def test_constant_scores_are_the_mean():
    tokenizer = Tokenizer(6, 3)
    with torch.no_grad():
        tokenizer.score.weight.zero_()
        x = torch.randn(2, 6, 5, 5, generator=torch.Generator().manual_seed(0))
        tokens, weights = tokenizer.patch(x)
        mean = tokenizer.value.weight[:, :, 0, 0] @ x.mean((2, 3))[..., None]
        torch.testing.assert_close(tokens, mean.mT.expand(2, 3, 6))
        torch.testing.assert_close(weights, torch.full((2, 3, 5, 5), 1 / 25))
        dense, _ = tokenizer.dense(x, 2)
        torch.testing.assert_close(dense[..., 2, 2], tokens)
        corner = tokenizer.value(x)[..., :3, :3].mean((2, 3))  # positions outside the tile do not count
        torch.testing.assert_close(dense[:, 1, :, 0, 0], corner)


def test_one_position_takes_all_where_its_score_stands_out():
    tokenizer = Tokenizer(4, 1)
    x = torch.zeros(1, 4, 5, 5)
    x[0, :, 1, 3] = torch.tensor([50.0, 1.0, 2.0, 3.0])
    with torch.no_grad():
        tokenizer.score.weight.copy_(torch.tensor([1.0, 0, 0, 0]).view(1, 4, 1, 1))
        tokenizer.value.weight.copy_(torch.eye(4)[:, :, None, None])
        tokens, _ = tokenizer.patch(x)
    torch.testing.assert_close(tokens[0, 0], x[0, :, 1, 3])


@pytest.mark.parametrize("spread", [1.0, 30.0, 1e4], ids=["usual", "beyond exp in float32", "absurd"])
def test_the_window_mean_is_the_softmax_of_each_window(spread):
    """At any range: scores that overflow, and windows far below the tile's maximum, which must not become 0 / 0."""
    generator = torch.Generator().manual_seed(1)
    scores = spread * torch.randn(2, 3, 9, 12, generator=generator)
    scores[:, 0, :, :4] -= 100 * spread  # windows that the rest of the tile dwarfs
    values = torch.randn(2, 5, 9, 12, generator=generator)
    found = window_softmax_mean(scores, values, 2)
    torch.testing.assert_close(found.double(), by_hand(scores, values, 2), atol=1e-4, rtol=1e-4)


def test_its_gradient_is_that_of_the_softmax():
    generator = torch.Generator().manual_seed(2)
    scores = torch.randn(1, 2, 6, 7, generator=generator, dtype=torch.float64, requires_grad=True)
    values = torch.randn(1, 3, 6, 7, generator=generator, dtype=torch.float64, requires_grad=True)
    ways = [torch.randn(1, 2, 3, 6, 7, generator=generator, dtype=torch.float64)]
    wanted = torch.autograd.grad([by_hand(scores, values, 2)], [scores, values], ways)
    found = torch.autograd.grad([window_softmax_mean(scores, values, 2)], [scores, values], ways)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other)


def test_window_weights_make_the_window_mean():
    generator = torch.Generator().manual_seed(3)
    scores, values = torch.randn(1, 2, 8, 9, generator=generator), torch.randn(1, 4, 8, 9, generator=generator)
    weights = window_weights(scores, 1)
    assert weights.shape == (1, 2, 9, 8, 9)
    near = torch.nn.functional.unfold(values, 3, padding=1).view(1, 4, 9, 8, 9)
    mean = torch.einsum("btnhw,bcnhw->btchw", weights, near)
    torch.testing.assert_close(mean, window_softmax_mean(scores, values, 1))
