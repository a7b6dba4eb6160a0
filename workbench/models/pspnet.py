"""PSPNet with a ResNet-50 encoder and early fusion.

Zhao, Shi, Qi, Wang, Jia, "Pyramid Scene Parsing Network", CVPR 2017; without its auxiliary head, as AMM-FuseNet's
authors use it for comparison.
"""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

from workbench.models.blocks import cat
from workbench.models.registry import register_model
from workbench.models.resnet import ResNet50
from workbench.models.segmentation import ConvNormRelu, SegmentationModel, early_fusion, resize

BINS = (1, 2, 3, 6)


@register_model("pspnet")
class PSPNet(SegmentationModel):
    """PSPNet at output stride 16; both roles are stacked before the encoder."""

    summary = "PSPNet (CVPR 2017): ResNet-50 and a pyramid of means over the tile; early fusion; tiles"

    def __init__(self, inputs: Mapping[str, int], classes: int, width: float = 1.0, window: int = 64) -> None:
        super().__init__(inputs, classes, width, window)
        self.encoder = ResNet50(sum(self.inputs.values()), self.hidden(64), 16)
        last, wide = self.encoder.channels[-1], self.hidden(512)
        self.pyramid = nn.ModuleList(ConvNormRelu(last, wide) for _ in BINS)
        self.project = ConvNormRelu(last + len(BINS) * wide, wide, 3)
        self.classifier = nn.Conv2d(wide, classes, 1)

    def segment(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Logits at stride 16."""
        x = self.encoder(early_fusion(inputs))[-1]
        means = (functional.adaptive_avg_pool2d(x, size) for size in BINS)
        found = [resize(level(mean), x.shape[-2:]) for level, mean in zip(self.pyramid, means, strict=True)]
        answer: Tensor = self.classifier(functional.dropout(self.project(cat(x, *found)), 0.1, self.training))
        return answer
