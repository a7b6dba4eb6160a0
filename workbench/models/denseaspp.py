"""DenseASPP with a ResNet-50 encoder and early fusion.

Yang, Yu, Zhang, Li, Yang, "DenseASPP for Semantic Segmentation in Street Scenes", CVPR 2018. AMM-FuseNet's authors
released no code of this baseline; the encoder at output stride 8 is our choice.
"""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

from workbench.models.blocks import cat
from workbench.models.registry import register_model
from workbench.models.resnet import ResNet50
from workbench.models.segmentation import ConvNormRelu, SegmentationModel, early_fusion

RATES = (3, 6, 12, 18, 24)


@register_model("denseaspp")
class DenseASPP(SegmentationModel):
    """DenseASPP at output stride 8; both roles are stacked before the encoder."""

    summary = "DenseASPP (CVPR 2018): ResNet-50 and densely joined atrous convolutions; early fusion; tiles"

    def __init__(self, inputs: Mapping[str, int], classes: int, width: float = 1.0, window: int = 64) -> None:
        super().__init__(inputs, classes, width, window)
        self.encoder = ResNet50(sum(self.inputs.values()), self.hidden(64), 8)
        squeezed, middle, each = self.hidden(512), self.hidden(512), self.hidden(128)
        self.reduce = ConvNormRelu(self.encoder.channels[-1], squeezed)
        self.branches = nn.ModuleList(
            nn.Sequential(
                ConvNormRelu(squeezed + number * each, middle), ConvNormRelu(middle, each, 3, rate), nn.Dropout2d(0.1)
            )
            for number, rate in enumerate(RATES)
        )
        self.classifier = nn.Conv2d(squeezed + len(RATES) * each, classes, 1)

    def segment(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Logits at stride 8."""
        x = self.reduce(self.encoder(early_fusion(inputs))[-1])
        for branch in self.branches:
            x = cat(x, branch(x))
        answer: Tensor = self.classifier(functional.dropout2d(x, 0.1, self.training))
        return answer
