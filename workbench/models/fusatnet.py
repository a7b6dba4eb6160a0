"""FusAtNet: dual attention over a hyperspectral patch, led by a second modality.

Mohla, Pande, Banerjee, Chaudhuri, "FusAtNet: Dual Attention based SpectroSpatial Multimodal Fusion Network for
Hyperspectral and LiDAR Classification", CVPR Workshops 2020. Where figure and released script differ, the script is
followed: residual links are channel concatenations, attention masks have no sigmoid, batch norm follows the ReLU.
"""

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional

from workbench.models.blocks import ConvReluNormStack, cat, glorot_conv1x1, same_max_pool, shift_down_right
from workbench.models.contract import FusionModel, FusionOutput, View
from workbench.models.registry import register_model
from workbench.runs.config import Recipe

RADIUS = 5  # of the published 11 x 11 patch; three poolings and five unpadded convolutions fix that size


@register_model("fusatnet")
class FusAtNet(FusionModel):
    """FusAtNet with its patch view and a dense view over one set of weights.

    Dense view (ours): the 'same' convolutions run once over the tile; the spectral branch's three strided poolings
    become dilations 1, 2, 4 and its answer is read at the patch's corner, 5 pixels up and left; the classifier's five
    unpadded convolutions are padded. Neighbours thus replace the patch's zero padding, so that the views differ.

    Args:
        inputs: Bands of `hsi` (the cube) and `aux` (LiDAR, SAR or others).
        classes: Number of classes.
        width: Factor on hidden channels; at 1.0, 144 + 1 bands and 15 classes there are 38,083,599 parameters.
    """

    summary = "FusAtNet (CVPRW 2020): spectral, spatial and modality attention over hyperspectral + auxiliary patches"
    roles = ("hsi", "aux")
    views = ("patch", "dense")
    patch_size = 2 * RADIUS + 1
    channel_masks = ("spectral",)
    spatial_masks = ("spatial", "modality")
    recipes = {  # noqa: RUF012 (read only; ClassVar is declared in the contract)
        # Released script: Nadam at 2e-5, batch 64, L2 0.01 on every convolution kernel, four rotations of each patch,
        # min-max scaling over the whole image. Its comment says 1000 epochs, its loop runs 20; we take the comment,
        # as the paper does. Its choice of the epoch by test accuracy is not reproduced.
        "published": Recipe(
            epochs=1000,
            batch_size=64,
            optimizer="nadam",
            learning_rate=2e-5,
            kernel_l2=0.01,
            schedule="constant",
            scaling="minmax",
            scaling_from="scene",
            augment="rotations",
            norm_momentum=0.01,
            tile=24,
        )
    }

    def __init__(self, inputs: Mapping[str, int], classes: int, width: float = 1.0) -> None:
        super().__init__(inputs, classes, width)
        a, b, top = self.hidden(128), self.hidden(256), self.hidden(1024)
        hsi, aux = self.inputs["hsi"], self.inputs["aux"]
        stacked = hsi + aux + 2 * top
        plain = [(b, b)] * 4
        self.hsi_features = ConvReluNormStack([(hsi, b), *plain, (b, top)])
        self.spectral_attention = ConvReluNormStack([(hsi, b), (b, b), (2 * b, b), (b, b), (2 * b, b), (b, top)])
        self.spatial_attention = ConvReluNormStack(_attention_channels(aux, a, b, top))
        self.modality_features = ConvReluNormStack([(stacked, b), *plain, (b, top)])
        self.modality_attention = ConvReluNormStack(_attention_channels(stacked, a, b, top))
        self.classifier = ConvReluNormStack([(top, b), *plain[:3], (b, top)])
        self.classifier.add_module("conv6", glorot_conv1x1(top, classes))

    def receptive_field(self, view: View) -> tuple[int, int]:
        """Patch: the patch. Dense: 14 + 5 up and 14 + 7 - 5 down in the spectral branch, then 11 convolutions."""
        if view == "patch":
            return RADIUS, RADIUS
        # spectral branch: two convolutions at each of dilations 1, 2, 4 (14 pixels); poolings reach 1 + 2 + 4 pixels
        # down; read at the corner; then six convolutions of F_M and A_M and five of the classifier
        return 14 + RADIUS + 6 + 5, 14 + 7 - RADIUS + 6 + 5

    def patch(self, inputs: Mapping[str, Tensor], attention: bool) -> FusionOutput:
        """The published computation on `(B, C, 11, 11)`."""
        spectral = self._spectral_patch(inputs["hsi"])  # (B, 1024, 1, 1)
        fused, maps = self._fuse(inputs["hsi"], inputs["aux"], spectral)
        x = fused
        for number in range(1, 6):
            x = self.classifier.unit(number, x, padded=False)  # 11 -> 1
        logits = self.classifier.get_submodule("conv6")(x).flatten(1)
        return FusionOutput(logits, maps if attention else {})

    def dense(self, inputs: Mapping[str, Tensor], attention: bool) -> FusionOutput:
        """The same weights over `(B, C, H, W)`."""
        spectral = self._spectral_dense(inputs["hsi"])  # (B, 1024, H, W)
        fused, maps = self._fuse(inputs["hsi"], inputs["aux"], spectral)
        x = fused
        for number in range(1, 6):
            x = self.classifier.unit(number, x)
        return FusionOutput(self.classifier.get_submodule("conv6")(x), maps if attention else {})

    def _fuse(self, hsi: Tensor, aux: Tensor, spectral: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        features = hsi
        for number in range(1, 7):
            features = self.hsi_features.unit(number, features)
        spatial = _attention(self.spatial_attention, aux)
        stacked = cat(hsi, aux, features * spectral, features * spatial)
        merged = stacked
        for number in range(1, 7):
            merged = self.modality_features.unit(number, merged)
        modality = _attention(self.modality_attention, stacked)
        fused = merged * modality
        return fused, {"spectral": spectral, "spatial": spatial, "modality": modality, "fused": fused}

    def _spectral_patch(self, x: Tensor) -> Tensor:
        stack = self.spectral_attention
        for stage in range(3):  # 11 -> 5 -> 2 -> 1
            first = stack.unit(2 * stage + 1, x)
            second = stack.unit(2 * stage + 2, first)
            x = cat(first, second) if stage < 2 else second
            x = functional.max_pool2d(x, 2)
        return x

    def _spectral_dense(self, x: Tensor) -> Tensor:
        stack = self.spectral_attention
        for stage, dilation in enumerate((1, 2, 4)):
            first = stack.unit(2 * stage + 1, x, dilation)
            second = stack.unit(2 * stage + 2, first, dilation)
            x = same_max_pool(cat(first, second) if stage < 2 else second, dilation)
        return shift_down_right(x, RADIUS)


def _attention_channels(inside: int, a: int, b: int, top: int) -> list[tuple[int, int]]:
    """Channels of the spatial and the modality attention: 128, 128, concat, 128, 256, concat, 256, 1024."""
    return [(inside, a), (a, a), (2 * a, a), (a, b), (a + b, b), (b, top)]


def _attention(stack: ConvReluNormStack, x: Tensor) -> Tensor:
    first = stack.unit(1, x)
    second = stack.unit(2, first)
    third = stack.unit(3, cat(first, second))
    fourth = stack.unit(4, third)
    return stack.unit(6, stack.unit(5, cat(third, fourth)))
