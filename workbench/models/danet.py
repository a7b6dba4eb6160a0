"""DANet with a ResNet-50 encoder and early fusion.

Fu, Liu, Tian, Li, Bao, Fang, Lu, "Dual Attention Network for Scene Segmentation", CVPR 2019. AMM-FuseNet's authors
released no code of this baseline; its head without auxiliary outputs is our choice.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.models.registry import register_model
from workbench.models.resnet import ResNet50
from workbench.models.segmentation import ConvNormRelu, SegmentationModel, early_fusion


@register_model("danet")
class DANet(SegmentationModel):
    """DANet at output stride 8; both roles are stacked before the encoder."""

    summary = "DANet (CVPR 2019): ResNet-50, attention over positions and over channels; early fusion; tiles"

    def __init__(self, inputs: Mapping[str, int], classes: int, width: float = 1.0, window: int = 64) -> None:
        super().__init__(inputs, classes, width, window)
        self.encoder = ResNet50(sum(self.inputs.values()), self.hidden(64), 8)
        last, wide = self.encoder.channels[-1], self.hidden(512)
        self.to_positions, self.to_channels = ConvNormRelu(last, wide, 3), ConvNormRelu(last, wide, 3)
        self.positions, self.channels = PositionAttention(wide), ChannelAttention()
        self.after_positions, self.after_channels = ConvNormRelu(wide, wide, 3), ConvNormRelu(wide, wide, 3)
        self.classifier = nn.Conv2d(wide, classes, 1)

    def segment(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Logits at stride 8."""
        x = self.encoder(early_fusion(inputs))[-1]
        one = self.after_positions(self.positions(self.to_positions(x)))
        other = self.after_channels(self.channels(self.to_channels(x)))
        answer: Tensor = self.classifier(functional.dropout2d(one + other, 0.1, self.training))
        return answer


class PositionAttention(nn.Module):
    """Every position as a mean over all, weighed by likeness of an eighth of the channels, added by a learnt share."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, max(1, channels // 8), 1)
        self.key = nn.Conv2d(channels, max(1, channels // 8), 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.share = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` to the same."""
        query, key, value = (part(x).flatten(2).transpose(1, 2)[:, None] for part in (self.query, self.key, self.value))
        mixed = functional.scaled_dot_product_attention(query, key, value, scale=1.0)[:, 0]
        return self.share * mixed.transpose(1, 2).reshape(x.shape) + x


class ChannelAttention(nn.Module):
    """Every channel as a mean over all, weighed by how unlike they are, added by a learnt share."""

    def __init__(self) -> None:
        super().__init__()
        self.share = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` to the same."""
        flat = x.flatten(2)
        energy = flat @ flat.transpose(1, 2)
        weights = (energy.amax(-1, keepdim=True) - energy).softmax(-1)
        return self.share * (weights @ flat).reshape(x.shape) + x
