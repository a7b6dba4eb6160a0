"""Coupled self-looping CNN: two modalities through the same looped convolutions, each reconstructing the other.

Pande and Banerjee, "Self-supervision assisted multimodal remote sensing image classification with coupled self-looping
convolution networks", Neural Networks 164, 2023, doi 10.1016/j.neunet.2023.04.019. Where figure and released script
differ, the script is followed: the stem's "1D convolution" is k x k, and batch norm follows the ReLU.
"""

import math
from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.base.errors import WorkbenchError
from workbench.models.blocks import cat
from workbench.models.contract import FusionModel, FusionOutput, View
from workbench.models.registry import register_model
from workbench.runs.config import Recipe

RADIUS = 5  # of the published 11 x 11 patch
Layer = TypeVar("Layer", nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d)

LAYERS = 4  # convolutions of a loop
KERNELS = (3, 5)  # one loop block for each


@register_model("selfloop")
class SelfLoopCNN(FusionModel):
    """The self-looping CNN with its patch view and a dense view over one set of weights.

    Dense view (ours): the convolutions run once over the tile, and the global average over the patch becomes the
    average over the window around each pixel. In training it reconstructs the patch at the centre of each tile.

    Args:
        inputs: Bands of `hsi` (the cube) and `aux` (LiDAR, SAR or others).
        classes: Number of classes.
        width: Factor on hidden channels; at 1.0, 144 + 1 bands and 15 classes there are 1,806,552 parameters.
        loops: Passes after the first in which every layer is fed by the three others; the paper has one.
        released: Whether the first pass of `aux` counts its first layer twice, as the released script does by
            re-using a variable; the paper's figure is symmetric.
    """

    summary = "Self-looping CNN (Neural Networks 2023): shared looped convolutions, cross-modal reconstruction"
    roles = ("hsi", "aux")
    views = ("patch", "dense")
    patch_size = 2 * RADIUS + 1
    recipes = {  # noqa: RUF012 (read only; ClassVar is declared in the contract)
        # Released script: Nadam at 6e-5, batch 64, 500 epochs, constant for 20 epochs, then times exp(-0.005) an epoch;
        # min-max scaling over the whole image; four rotations. Its choice of the epoch by test accuracy is not
        # reproduced.
        "published": Recipe(
            epochs=500,
            batch_size=64,
            optimizer="nadam",
            learning_rate=6e-5,
            schedule="exponential",
            scaling="minmax",
            scaling_from="scene",
            augment="rotations",
            norm_momentum=0.01,
            tile=24,
        ),
    }
    needs = {"scaling": "minmax"}  # noqa: RUF012 (read only) reconstruction targets lie in [0, 1]

    def __init__(
        self, inputs: Mapping[str, int], classes: int, width: float = 1.0, loops: int = 1, released: bool = False
    ) -> None:
        super().__init__(inputs, classes, width)
        if loops < 1:
            raise WorkbenchError(f"SelfLoopCNN: loops must be at least 1, got {loops}.")
        self.loops, self.released = loops, released
        hsi, aux = self.inputs["hsi"], self.inputs["aux"]
        channels, features = self.hidden(64), self.hidden(32)
        self.block3 = LoopBlock(hsi, aux, channels, features, KERNELS[0], loops, released)
        self.block5 = LoopBlock(hsi, aux, channels, features, KERNELS[1], loops, released)
        self.classifier = _dense(2 * features, classes)
        pooled = 2 * LAYERS * channels
        self.decode_aux = PatchDecoder(pooled, channels, aux)
        self.decode_hsi = PatchDecoder(pooled, channels, hsi)

    def receptive_field(self, view: View) -> tuple[int, int]:
        """Patch: the patch. Dense: 3-D convolution, stem, every layer of every pass, then the window's average."""
        if view == "patch":
            return RADIUS, RADIUS
        reach = 1 + KERNELS[-1] // 2 * (1 + LAYERS * (1 + self.loops)) + RADIUS
        return reach, reach

    def patch(self, inputs: Mapping[str, Tensor], attention: bool) -> FusionOutput:
        """The published computation on `(B, C, 11, 11)`; its losses are there in training mode."""
        found = [block(inputs["hsi"], inputs["aux"]) for block in self._blocks]
        pooled = [(hsi.mean((2, 3)), aux.mean((2, 3))) for hsi, aux in found]
        read = [block.read(hsi, aux) for block, (hsi, aux) in zip(self._blocks, pooled, strict=True)]
        losses: dict[str, Tensor] = {}
        figures: dict[str, Tensor] = {}
        if self.training:
            losses, figures = self._reconstruct(inputs, *(torch.cat(parts, 1) for parts in zip(*pooled, strict=True)))
        return FusionOutput(self.classifier(torch.cat(read, 1)), {}, losses, figures)

    def dense(self, inputs: Mapping[str, Tensor], attention: bool) -> FusionOutput:
        """The same weights over `(B, C, H, W)`."""
        read, pooled = [], []
        for block in self._blocks:
            hsi, aux = (_window_mean(features) for features in block(inputs["hsi"], inputs["aux"]))
            read.append(block.read_map(hsi, aux))
            if self.training:
                row, col = hsi.shape[2] // 2, hsi.shape[3] // 2
                pooled.append((hsi[:, :, row, col], aux[:, :, row, col]))
        logits = functional.conv2d(cat(*read), self.classifier.weight[:, :, None, None], self.classifier.bias)
        losses: dict[str, Tensor] = {}
        figures: dict[str, Tensor] = {}
        if self.training:
            centre = {role: _centre(values) for role, values in inputs.items()}
            losses, figures = self._reconstruct(centre, *(torch.cat(parts, 1) for parts in zip(*pooled, strict=True)))
        return FusionOutput(logits, {}, losses, figures)

    def self_supervise(self, inputs: Mapping[str, Tensor], view: View) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Losses of the cross-modal reconstruction alone, of patches or of the patches at the centres of tiles.

        The paper reconstructs labelled training patches only; to do so elsewhere is ours.
        """
        self._check(inputs, view)
        found = [block(inputs["hsi"], inputs["aux"]) for block in self._blocks]
        patches = dict(inputs)
        if view == "dense":
            found = [(_centre(hsi), _centre(aux)) for hsi, aux in found]
            patches = {role: _centre(values) for role, values in inputs.items()}
        hsi, aux = (torch.cat([features.mean((2, 3)) for features in parts], 1) for parts in zip(*found, strict=True))
        return self._reconstruct(patches, hsi, aux)

    def reconstruct(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each role's patches `(B, C, 11, 11)` from the other role alone, in [0, 1]."""
        found = [block(inputs["hsi"], inputs["aux"]) for block in self._blocks]
        hsi, aux = (torch.cat([features.mean((2, 3)) for features in parts], 1) for parts in zip(*found, strict=True))
        return {"aux": self.decode_aux(hsi), "hsi": self.decode_hsi(aux)}

    @property
    def _blocks(self) -> tuple["LoopBlock", "LoopBlock"]:
        return self.block3, self.block5

    def _reconstruct(
        self, patches: Mapping[str, Tensor], hsi: Tensor, aux: Tensor
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """One root mean square over all of the batch and direction; targets beyond the scaling's range are clipped."""
        losses, figures = {}, {}
        for role, answer in (("aux", self.decode_aux(hsi)), ("hsi", self.decode_hsi(aux))):
            target = patches[role]
            losses[f"reconstruct_{role}"] = torch.sqrt(
                functional.mse_loss(answer.float(), target.clamp(0, 1).float()) + 1e-12
            )
            figures[f"clipped_{role}"] = ((target < 0) | (target > 1)).float().mean()
        return losses, figures


class LoopBlock(nn.Module):
    """Stems of both modalities and the loop of convolutions that they share, of one kernel size.

    Batch norm is never shared: each application of a layer has its own.
    """

    def __init__(
        self, hsi: int, aux: int, channels: int, features: int, kernel: int, loops: int, released: bool
    ) -> None:
        super().__init__()
        self.groups, self.per_group = band_groups(hsi)
        self.released, self.passes = released, 1 + loops
        depth = self.groups * self.per_group
        self.hsi_conv3d = _glorot_normal(nn.Conv3d(self.per_group, self.per_group, 3, padding=1))
        self.hsi_stem = _glorot_normal(nn.Conv2d(depth, channels, kernel, padding=kernel // 2))
        self.aux_stem = _glorot_normal(nn.Conv2d(aux, channels, kernel, padding=kernel // 2))
        for layer in range(1, LAYERS + 1):
            self.add_module(f"loop{layer}", _glorot_normal(nn.Conv2d(channels, channels, kernel, padding=kernel // 2)))
            for number in range(1, self.passes + 1):
                for role in ("hsi", "aux"):
                    norm = nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)
                    self.add_module(f"{role}_pass{number}_bn{layer}", norm)
        self.dense = _dense(2 * LAYERS * channels, features)

    def forward(self, hsi: Tensor, aux: Tensor) -> tuple[Tensor, Tensor]:
        """`(B, bands, H, W)` of each modality to its four last outputs, `(B, 4 C, H, W)`."""
        start = functional.relu(self.hsi_stem(self._grouped(hsi)))
        return self._loop("hsi", start), self._loop("aux", functional.relu(self.aux_stem(aux)))

    def read(self, hsi: Tensor, aux: Tensor) -> Tensor:
        """Averages `(B, 4 C)` of both modalities to features `(B, F)`."""
        return functional.relu(self.dense(torch.cat([hsi, aux], 1)))

    def read_map(self, hsi: Tensor, aux: Tensor) -> Tensor:
        """The same for maps `(B, 4 C, H, W)`."""
        weight = self.dense.weight[:, :, None, None]
        return functional.relu(functional.conv2d(cat(hsi, aux), weight, self.dense.bias))

    def _grouped(self, x: Tensor) -> Tensor:
        """Bands as a volume: groups are its depth, the bands of a group its channels; then back."""
        missing = self.groups * self.per_group - x.shape[1]
        if missing:
            x = functional.pad(x, (0, 0, 0, 0, 0, missing))
        volume = x.reshape(x.shape[0], self.groups, self.per_group, *x.shape[2:]).transpose(1, 2)
        return functional.relu(self.hsi_conv3d(volume)).transpose(1, 2).flatten(1, 2)

    def _layer(self, role: str, number: int, layer: int, x: Tensor) -> Tensor:
        out = functional.relu_(self.get_submodule(f"loop{layer}")(x))
        normed: Tensor = self.get_submodule(f"{role}_pass{number}_bn{layer}")(out)
        return normed

    def _loop(self, role: str, start: Tensor) -> Tensor:
        first = self._layer(role, 1, 1, start)
        base = start + first if self.released and role == "aux" else start
        outputs = [first]
        total = base if base is not start else start + first
        for layer in range(2, LAYERS + 1):
            outputs.append(self._layer(role, 1, layer, total))
            if layer < LAYERS:
                # as released, the sums of aux start from base = start + first, and add first once more from layer 3 on
                total = base + sum(outputs[1:], outputs[0])
        for number in range(2, self.passes + 1):
            for layer in range(LAYERS):
                others = [outputs[other] for other in range(LAYERS) if other != layer]
                outputs[layer] = self._layer(role, number, layer + 1, others[0] + others[1] + others[2])
        return cat(*outputs)


class PatchDecoder(nn.Module):
    """Features to the patch of the other modality: eight transposed convolutions, 1 x 1 to 11 x 11."""

    def __init__(self, features: int, channels: int, bands: int) -> None:
        super().__init__()
        self.dense = _dense(features, channels)
        for number in range(1, 9):
            growing = number % 2 == 1 or number == 8  # 'valid': three pixels from one, 5 from 3, ...
            inside = channels if number == 1 or number % 2 == 0 else 2 * channels
            outside = bands if number == 8 else channels
            layer = nn.ConvTranspose2d(inside, outside, 3, padding=0 if growing else 1)
            self.add_module(f"deconv{number}", _glorot_normal(layer))

    def forward(self, x: Tensor) -> Tensor:
        """`(B, F)` to `(B, bands, 11, 11)` in [0, 1]."""
        x = functional.relu(self.dense(x))[:, :, None, None]
        for number in (1, 3, 5):
            first = functional.relu(self.get_submodule(f"deconv{number}")(x))
            x = cat(first, functional.relu(self.get_submodule(f"deconv{number + 1}")(first)))
        x = functional.relu(self.get_submodule("deconv7")(x))
        return torch.sigmoid(self.get_submodule("deconv8")(x))


def band_groups(bands: int) -> tuple[int, int]:
    """Groups and bands per group of the 3-D convolution.

    The paper has 144 = 12 x 12 and says nothing of others. Ours: the squarest exact product whose sides differ by at
    most a factor of two, such as 48 = 6 x 8; else floor(sqrt) groups and zero bands at the end, such as
    244 -> 15 x 17.
    """
    root = math.isqrt(bands)
    for groups in range(root, 0, -1):
        if bands % groups == 0 and bands // groups <= 2 * groups:
            return groups, bands // groups
    return root, math.ceil(bands / root)


def _glorot_normal(layer: Layer) -> Layer:
    """Keras' normal initialisation, without its truncation at two standard deviations; biases zero."""
    nn.init.xavier_normal_(layer.weight)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def _dense(inside: int, outside: int) -> nn.Linear:
    layer = nn.Linear(inside, outside)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _window_mean(x: Tensor) -> Tensor:
    return functional.avg_pool2d(x, 2 * RADIUS + 1, stride=1, padding=RADIUS)


def _centre(x: Tensor) -> Tensor:
    """The patch around the middle of a tile, zeros where it leaves the tile."""
    row, col = x.shape[2] // 2, x.shape[3] // 2
    size = 2 * RADIUS + 1
    return functional.pad(x, (RADIUS,) * 4)[:, :, row : row + size, col : col + size]
