"""What the segmentation networks share: one view over tiles, answers blended from windows, small blocks."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.base.errors import WorkbenchError
from workbench.models.contract import FusionModel, FusionOutput, View
from workbench.runs.config import Recipe

COMMON = {
    # AMM-FuseNet's script, for it and its baselines alike: SGD at 0.01 with momentum 0.9 and weight decay 1e-4,
    # polynomial decay of power 0.9 over 50,000 steps of 10 tiles, no augmentation. In epochs of Hunan's 400 tiles of
    # 256 x 256: 1250. Scaling is per tile there; ours is per band over training pixels.
    "published": Recipe(
        epochs=1250,
        tile=256,
        tile_batch=10,
        pixels_per_tile=65536,
        tile_balance=0.0,
        optimizer="sgd",
        learning_rate=0.01,
        weight_decay=1e-4,
        schedule="polynomial",
        scaling="minmax",
        scaling_from="training",
        norm_momentum=None,
    ),
}
"""Recipes of all segmentation networks."""


class SegmentationModel(FusionModel):
    """A network whose answer at a pixel hangs on all of the tile it is given.

    It has the dense view only. Prediction runs it on windows of `window` pixels that overlap by half, at places fixed
    on the scene, and blends their probabilities: so a map does not depend on how it was cut, and a pixel's answer
    hangs on pixels less than `window` away.

    Args:
        inputs: Bands of `image` and `aux`.
        classes: Number of classes.
        width: Factor on hidden channels.
        window: Side of those windows; a training sets it to the side of its tiles.

    Raises:
        WorkbenchError: The window is smaller than 8 pixels or odd.
    """

    roles = ("image", "aux")
    views = ("dense",)
    patch_size = 11  # for splits: the buffer of pixel-wise networks
    recipes: ClassVar[dict[str, Recipe]] = COMMON
    quick: ClassVar[dict[str, Any]] = {
        "epochs": 30, "tile": 64, "tile_batch": 8, "pixels_per_tile": 32, "learning_rate": 1e-3, "weight_decay": 0.05,
        "norm_momentum": None,
    }  # fmt: skip

    def __init__(self, inputs: Mapping[str, int], classes: int, width: float = 1.0, window: int = 64) -> None:
        super().__init__(inputs, classes, width)
        if window < 8 or window % 2:
            raise WorkbenchError(f"{type(self).__name__}: window must be an even number from 8, got {window}.")
        self.window: int = window

    def receptive_field(self, view: View) -> tuple[int, int]:
        """All that any window over the pixel holds."""
        return self.window - 1, self.window - 1

    def dense(self, inputs: Mapping[str, Tensor], attention: bool) -> FusionOutput:
        """Logits `(B, K, H, W)` of tiles of any size."""
        size = inputs["image"].shape[-2:]
        return FusionOutput(resize(self.segment(inputs), size))

    @abstractmethod
    def segment(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Logits `(B, K, h, w)` on the network's own, coarser grid."""


def resize(x: Tensor, size: tuple[int, ...] | torch.Size) -> Tensor:
    """Bilinear, corners not aligned."""
    return x if x.shape[-2:] == size else functional.interpolate(x, tuple(size), mode="bilinear", align_corners=False)


def pad_to(x: Tensor, multiple: int) -> Tensor:
    """Zeros below and to the right, up to the next multiple of pixels."""
    height, width = x.shape[-2:]
    return functional.pad(x, (0, -width % multiple, 0, -height % multiple))


def early_fusion(inputs: Mapping[str, Tensor]) -> Tensor:
    """Both roles stacked on the band axis."""
    return torch.cat([inputs["image"], inputs["aux"]], 1)


class ConvNormRelu(nn.Module):
    """A convolution without bias that keeps the size, batch norm, ReLU."""

    def __init__(self, inside: int, outside: int, kernel: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, kernel, padding=kernel // 2 * dilation, dilation=dilation, bias=False)
        self.bn = nn.BatchNorm2d(outside)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` to `(B, outside, H, W)`."""
        return functional.relu(self.bn(self.conv(x)))


class ImagePooling(ConvNormRelu):
    """The mean of the whole tile through a 1 x 1 convolution, spread over the tile again."""

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` to `(B, outside, H, W)`."""
        spread = super().forward(x.mean((2, 3), keepdim=True)).expand(-1, -1, *x.shape[2:])
        # laid out as the rest of the pyramid, or all that it is stacked with would be copied from one layout to another
        return spread.contiguous(memory_format=torch.channels_last)


def kaiming(module: nn.Module) -> None:
    """Kaiming normal for all 2-D convolutions inside."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight)
