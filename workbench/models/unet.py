"""U-Net with early fusion.

Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015; padded
convolutions with batch norm, as AMM-FuseNet's authors use it for comparison.
"""

from collections.abc import Mapping
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from workbench.models.blocks import cat
from workbench.models.registry import register_model
from workbench.models.segmentation import ConvNormRelu, SegmentationModel, early_fusion, pad_to

WIDTHS = (64, 128, 256, 512, 1024)


@register_model("unet")
class UNet(SegmentationModel):
    """U-Net; both roles are stacked before it. Tiles are padded with zeros to a multiple of 16 pixels."""

    summary = "U-Net (MICCAI 2015): encoder and decoder with skips at every scale; early fusion; tiles"

    def __init__(self, inputs: Mapping[str, int], classes: int, width: float = 1.0, window: int = 64) -> None:
        super().__init__(inputs, classes, width, window)
        widths = [self.hidden(channels) for channels in WIDTHS]
        bands = sum(self.inputs.values())
        self.down = nn.ModuleList(_double(a, b) for a, b in zip([bands, *widths], widths, strict=False))
        self.grow = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in pairwise(widths))
        self.up = nn.ModuleList(_double(2 * channels, channels) for channels in widths[:-1])
        self.classifier = nn.Conv2d(widths[0], classes, 1)

    def segment(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Logits at full resolution."""
        x = early_fusion(inputs)
        height, width = x.shape[-2:]
        x = self.down[0](pad_to(x, 2 ** (len(WIDTHS) - 1)))
        skips = []
        for stage in self.down[1:]:
            skips.append(x)
            x = stage(functional.max_pool2d(x, 2))
        for level in reversed(range(len(skips))):
            x = self.up[level](cat(skips[level], self.grow[level](x)))
        answer: Tensor = self.classifier(x)
        return answer[..., :height, :width]


def _double(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(ConvNormRelu(inside, outside, 3), ConvNormRelu(outside, outside, 3))
