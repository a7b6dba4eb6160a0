"""Blocks shared by the networks that were published in Keras."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class ConvReluNormStack(nn.Module):
    """3 x 3 convolutions, each followed by ReLU and then batch norm, as `conv1`, `bn1`, `conv2`, ...

    Order and settings follow the Keras originals: activation inside the convolution, batch norm after it, Glorot
    uniform kernels, zero biases, batch norm momentum 0.99 (0.01 in PyTorch's convention) and epsilon 1e-3.

    Args:
        channels: Pairs of input and output channels.
    """

    def __init__(self, channels: list[tuple[int, int]]) -> None:
        super().__init__()
        for number, (inside, outside) in enumerate(channels, 1):
            conv = nn.Conv2d(inside, outside, 3)
            nn.init.xavier_uniform_(conv.weight)
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
            self.add_module(f"conv{number}", conv)
            self.add_module(f"bn{number}", nn.BatchNorm2d(outside, eps=1e-3, momentum=0.01))

    def unit(self, number: int, x: Tensor, dilation: int = 1, padded: bool = True) -> Tensor:
        """Apply unit `number` (from 1) at a dilation, with zero padding that keeps the size, or with none."""
        conv = self.get_submodule(f"conv{number}")
        assert isinstance(conv, nn.Conv2d)
        x = functional.conv2d(x, conv.weight, conv.bias, padding=dilation if padded else 0, dilation=dilation)
        out: Tensor = self.get_submodule(f"bn{number}")(
            functional.relu_(x)
        )  # in place: neither gradient needs what it overwrites
        return out


def glorot_conv1x1(inside: int, outside: int) -> nn.Conv2d:
    """A 1 x 1 convolution with Glorot uniform kernel and zero bias."""
    conv = nn.Conv2d(inside, outside, 1)
    nn.init.xavier_uniform_(conv.weight)
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv


def same_max_pool(x: Tensor, dilation: int) -> Tensor:
    """Maximum of each pixel and its neighbours `dilation` to the right and below; the size is kept."""
    padded = functional.pad(x, (0, dilation, 0, dilation), value=float("-inf"))
    return functional.max_pool2d(padded, 2, stride=1, dilation=dilation)


def shift_down_right(x: Tensor, by: int) -> Tensor:
    """Move an image `by` pixels down and to the right; zeros come in."""
    height, width = x.shape[-2:]
    return functional.pad(x, (by, 0, by, 0))[..., :height, :width]


def count_parameters(network: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def cat(*tensors: Tensor) -> Tensor:
    """Concatenate on the channel axis."""
    return torch.cat(tensors, dim=1)
