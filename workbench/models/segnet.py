"""SegNet with early fusion.

Badrinarayanan, Kendall, Cipolla, "SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image Segmentation",
TPAMI 2017: VGG-16 with batch norm, and its mirror image that unpools at the remembered maxima.
"""

from collections.abc import Mapping
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from workbench.models.registry import register_model
from workbench.models.segmentation import ConvNormRelu, SegmentationModel, early_fusion, kaiming, pad_to

STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


@register_model("segnet")
class SegNet(SegmentationModel):
    """SegNet; both roles are stacked before it. Tiles are padded with zeros to a multiple of 32 pixels."""

    summary = "SegNet (TPAMI 2017): VGG-16 and its mirror image, unpooling at remembered maxima; early fusion; tiles"

    def __init__(self, inputs: Mapping[str, int], classes: int, width: float = 1.0, window: int = 64) -> None:
        super().__init__(inputs, classes, width, window)
        stages = [[self.hidden(channels) for channels in stage] for stage in STAGES]
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        inside = sum(self.inputs.values())
        for number, stage in enumerate(stages):
            ends = [inside, *stage]
            self.encoder.append(_stage(ends))
            back = ends[::-1] if number else [*ends[:0:-1]]
            self.decoder.append(_stage(back))
            inside = stage[-1]
        self.classifier = nn.Conv2d(stages[0][0], classes, 3, padding=1)
        kaiming(self)

    def segment(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Logits at full resolution."""
        x = early_fusion(inputs)
        height, width = x.shape[-2:]
        x = pad_to(x, 2 ** len(STAGES))
        maxima = []
        for stage in self.encoder:
            x, places = functional.max_pool2d(stage(x), 2, return_indices=True)
            maxima.append(places)
        for stage, places in zip(reversed(self.decoder), reversed(maxima), strict=True):
            x = stage(functional.max_unpool2d(x, places, [2, 2]))
        answer: Tensor = self.classifier(x)
        return answer[..., :height, :width]


def _stage(channels: list[int]) -> nn.Sequential:
    return nn.Sequential(*(ConvNormRelu(a, b, 3) for a, b in pairwise(channels)))
