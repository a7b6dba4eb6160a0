"""DeepLabV3+ with a ResNet-50 encoder and early fusion.

Chen, Zhu, Papandreou, Schroff, Adam, "Encoder-Decoder with Atrous Separable Convolution for Semantic Image
Segmentation", ECCV 2018; plain convolutions, as AMM-FuseNet's authors use it for comparison.
"""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

from workbench.models.blocks import cat
from workbench.models.registry import register_model
from workbench.models.resnet import ResNet50
from workbench.models.segmentation import ConvNormRelu, ImagePooling, SegmentationModel, early_fusion, resize

RATES = (6, 12, 18)


@register_model("deeplabv3plus")
class DeepLabV3Plus(SegmentationModel):
    """DeepLabV3+ at output stride 16; both roles are stacked before the encoder."""

    summary = "DeepLabV3+ (ECCV 2018): ResNet-50, atrous pyramid and a decoder at stride 4; early fusion; tiles"

    def __init__(self, inputs: Mapping[str, int], classes: int, width: float = 1.0, window: int = 64) -> None:
        super().__init__(inputs, classes, width, window)
        wide, skip = self.hidden(256), self.hidden(48)
        self.encoder = ResNet50(sum(self.inputs.values()), self.hidden(64), 16)
        last = self.encoder.channels[-1]
        self.branches = nn.ModuleList(
            [ConvNormRelu(last, wide), *(ConvNormRelu(last, wide, 3, rate) for rate in RATES), ImagePooling(last, wide)]
        )
        self.project = ConvNormRelu(5 * wide, wide)
        self.skip = ConvNormRelu(self.encoder.channels[0], skip)
        self.classifier = nn.Sequential(ConvNormRelu(skip + wide, wide, 3), nn.Conv2d(wide, classes, 1))

    def segment(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Logits at stride 4."""
        first, *_, last = self.encoder(early_fusion(inputs))
        deep = self.project(cat(*(branch(last) for branch in self.branches)))
        deep = functional.dropout(deep, 0.1, self.training)
        answer: Tensor = self.classifier(cat(self.skip(first), resize(deep, first.shape[-2:])))
        return answer
