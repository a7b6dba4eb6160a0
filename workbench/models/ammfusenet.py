"""AMM-FuseNet: two ResNet-50 encoders, channel attention, dense atrous pyramids at stride 4.

Ma, Karakus, Rosin, "AMM-FuseNet: Attention-Based Multi-Modal Image Fusion Network for Land Cover Mapping", Remote
Sensing 14(18):4458, 2022. Where figure and released code differ, the code is followed: the pyramid stands on the first
stage, its image pooling sees that stage alone. The code's 1 x 1 branch that nothing uses is left out.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.models.blocks import cat
from workbench.models.contract import FusionOutput
from workbench.models.registry import register_model
from workbench.models.resnet import ResNet50
from workbench.models.segmentation import ConvNormRelu, ImagePooling, SegmentationModel, kaiming, resize

RATES = (3, 6, 12, 18)
GATES = {
    f"{role}_{name}": f"head.{role}.{path}"
    for role in ("image", "aux")
    for name, path in [
        *((f"stage{number}", f"ca{number}") for number in range(1, 5)),
        *((f"rate{rate}", f"aspp.branch{number}.ca") for number, rate in enumerate(RATES, 1)),
    ]
}
"""The channel attention by name: after each encoder stage's projection, and in the pyramid at each atrous rate."""


@register_model("ammfusenet")
class AMMFuseNet(SegmentationModel):
    """AMM-FuseNet.

    On request it shows its channel attention, in (0, 1). A gate holds for all of the tile.

    Args:
        inputs: Bands of `image` (multispectral) and `aux` (SAR, elevation).
        classes: Number of classes.
        width: Factor on hidden channels; at 1.0 with 13 + 2 bands and 7 classes there are 62,200,567 parameters.
        window: Side of the windows that prediction blends.
        output_stride: 16 as published, or 8.
    """

    summary = "AMM-FuseNet (Remote Sensing 2022): two ResNet-50, channel attention, DenseASPP at stride 4; tiles"
    channel_masks = tuple(GATES)

    def __init__(
        self, inputs: Mapping[str, int], classes: int, width: float = 1.0, window: int = 64, output_stride: int = 16
    ) -> None:
        super().__init__(inputs, classes, width, window)
        channels = self.hidden(64)
        self.encoder_image = ResNet50(self.inputs["image"], channels, output_stride, norm_momentum=0.01)
        self.encoder_aux = ResNet50(self.inputs["aux"], channels, output_stride, norm_momentum=0.01)
        self.head = _Head(self.encoder_image.channels, self.hidden(48), self.hidden(256), classes)

    def dense(self, inputs: Mapping[str, Tensor], attention: bool) -> FusionOutput:
        """Logits `(B, K, H, W)` of tiles of any size; attention as `(B, C, H, W)`, the same at every pixel of a tile."""
        found: dict[str, Tensor] = {}
        size = inputs["image"].shape[-2:]

        def keep(name: str, answer: Tensor) -> None:
            found[name] = answer.sigmoid()[:, 0, :, None, None].expand(-1, -1, *size)

        hooks = [
            self.get_submodule(path).register_forward_hook(lambda _, __, answer, name=name: keep(name, answer))
            for name, path in (GATES.items() if attention else ())
        ]
        try:
            output = super().dense(inputs, attention)
        finally:
            for hook in hooks:
                hook.remove()
        output.attention.update(found)
        return output

    def segment(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Logits at stride 4."""
        answer: Tensor = self.head(self.encoder_image(inputs["image"]), self.encoder_aux(inputs["aux"]))
        return answer


class _Head(nn.Module):
    def __init__(self, stages: list[int], skip: int, wide: int, classes: int) -> None:
        super().__init__()
        self.image = _ModalityHead(stages, skip, wide)
        self.aux = _ModalityHead(stages, skip, wide)
        self.classifier = _Classifier(2 * (4 * skip + wide), wide, classes)

    def forward(self, image: list[Tensor], aux: list[Tensor]) -> Tensor:
        answer: Tensor = self.classifier(cat(self.image(image), self.aux(aux)))
        return answer


class _Classifier(ConvNormRelu):
    def __init__(self, inside: int, wide: int, classes: int) -> None:
        super().__init__(inside, wide, 3)
        self.out = nn.Conv2d(wide, classes, 1)
        kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.out(super().forward(x))
        return answer


class _ModalityHead(nn.Module):
    """All stages of one encoder at stride 4: projections with channel attention, and the pyramid on the first."""

    def __init__(self, stages: list[int], skip: int, wide: int) -> None:
        super().__init__()
        for number, inside in enumerate(stages, 1):
            self.add_module(f"skip{number}", ConvNormRelu(inside, skip))
            self.add_module(f"ca{number}", attention_kernel())
        self.aspp = CADenseASPP(stages[0], wide)
        kaiming(self.get_submodule("skip1"))  # the projections of the later stages keep PyTorch's initialisation

    def forward(self, stages: list[Tensor]) -> Tensor:
        first, second, third, fourth = (
            channel_attention(self.get_submodule(f"skip{number}")(x), self.get_submodule(f"ca{number}"))
            for number, x in enumerate(stages, 1)
        )
        size = first.shape[-2:]
        return cat(first, resize(second, size), resize(cat(third, resize(fourth, third.shape[-2:])), size),
                   self.aspp(stages[0]))  # fmt: skip


class CADenseASPP(nn.Module):
    """Atrous convolutions, each on the input and all answers before it, with channel attention before the ReLU."""

    def __init__(self, inside: int, wide: int) -> None:
        super().__init__()
        for number, rate in enumerate(RATES, 1):
            self.add_module(f"branch{number}", _Branch(inside + (number - 1) * wide, wide, rate))
        self.pool = ImagePooling(inside, wide)
        self.project = ConvNormRelu(inside + (len(RATES) + 1) * wide, wide)
        kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, h, w)` to `(B, wide, h, w)`."""
        found = [x]
        for number in range(1, len(RATES) + 1):
            found.append(self.get_submodule(f"branch{number}")(cat(*found)))
        return functional.dropout(self.project(cat(*found, self.pool(x))), 0.1, self.training)


class _Branch(nn.Module):
    def __init__(self, inside: int, outside: int, rate: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, 3, padding=rate, dilation=rate, bias=False)
        self.bn = nn.BatchNorm2d(outside)
        self.ca = attention_kernel()

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(channel_attention(self.bn(self.conv(x)), self.ca))


def attention_kernel() -> nn.Conv1d:
    """Three weights over neighbouring channels: all that the channel attention learns."""
    return nn.Conv1d(1, 1, 3, padding=1, bias=False)


def channel_attention(x: Tensor, kernel: nn.Module) -> Tensor:
    """Efficient channel attention: channel means through a 1-D convolution and a sigmoid weigh the channels."""
    means = x.mean((2, 3))[:, None]  # (B, 1, C)
    return x * torch.sigmoid(kernel(means))[:, 0, :, None, None]
