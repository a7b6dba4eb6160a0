"""ResNet-50 as an encoder for any number of bands, with dilation in place of strides.

He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016; stride on the 3 x 3 convolution of a
bottleneck, as torchvision has it, with its parameter names.
"""

from torch import Tensor, nn
from torch.nn import functional

from workbench.base.errors import WorkbenchError

DEPTHS = (3, 4, 6, 3)
EXPANSION = 4


class ResNet50(nn.Module):
    """Four stages of bottlenecks behind a stem of stride 4.

    Where dilation replaces a stride, the first block of that stage keeps the dilation before it, and only the later
    blocks take the new one: so AMM-FuseNet's encoder computes it.

    Args:
        bands: Bands of the input.
        channels: Channels of the stem and of the first stage's 3 x 3 convolutions; 64 is the published network.
        output_stride: 8, 16 or 32: input pixels per pixel of the last stage.
        norm_momentum: Momentum of the batch norms, PyTorch's convention.

    Raises:
        WorkbenchError: Another output stride.
    """

    def __init__(self, bands: int, channels: int = 64, output_stride: int = 16, norm_momentum: float = 0.1) -> None:
        super().__init__()
        if output_stride not in (8, 16, 32):
            raise WorkbenchError(f"A ResNet-50 encoder has the output stride 8, 16 or 32, not {output_stride}.")
        self.conv1 = nn.Conv2d(bands, channels, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        inside, stride, dilation = channels, 4, 1
        self.channels: list[int] = []
        for number, depth in enumerate(DEPTHS, 1):
            width = channels * 2 ** (number - 1)
            step, before = (1 if number == 1 else 2), dilation
            if stride * step > output_stride:
                dilation, step = dilation * step, 1
            stride *= step
            blocks = [Bottleneck(inside, width, step, before)]
            inside = width * EXPANSION
            blocks += [Bottleneck(inside, width, 1, dilation) for _ in range(depth - 1)]
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
            self.channels.append(inside)
        for name, module in self.named_modules():
            if isinstance(module, nn.Conv2d) and name != "conv1":
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.BatchNorm2d):
                module.momentum = norm_momentum

    def forward(self, x: Tensor) -> list[Tensor]:
        """`(B, bands, H, W)` to the outputs of the four stages."""
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        found = []
        for number in range(1, len(DEPTHS) + 1):
            x = self.get_submodule(f"layer{number}")(x)
            found.append(x)
        return found


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions, each with batch norm, added to the input."""

    def __init__(self, inside: int, width: int, stride: int, dilation: int) -> None:
        super().__init__()
        outside = width * EXPANSION
        self.conv1 = nn.Conv2d(inside, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outside, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outside)
        self.downsample: nn.Sequential | None = None
        if stride > 1 or inside != outside:
            self.downsample = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` to `(B, 4 width, H / stride, W / stride)`."""
        out = functional.relu(self.bn1(self.conv1(x)))
        out = functional.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return functional.relu(out + (x if self.downsample is None else self.downsample(x)))
