"""Multimodal fusion transformer: the second modality is the class token that asks a few tokens of the cube.

Roy, Deria, Hong, Rasti, Plaza, Chanussot, "Multimodal Fusion Transformer for Remote Sensing Image Classification", IEEE
TGRS 61, 2023 (arXiv 2203.16952). Written from the paper's description, not from its code. Ours, where the description
leaves it open: four groups in the group-wise convolution, no biases where a batch norm or a softmax removes them,
learnt position embeddings, norms before attention and MLP and before the head, the attention's answer added to the class
token alone, dropout after the embeddings and in the MLP, initial values, and the rule for cubes of few bands.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.models.contract import FusionModel, FusionOutput, View
from workbench.models.registry import register_model
from workbench.models.tokens import Tokenizer, window_weights
from workbench.runs.config import Recipe

RADIUS = 5
DEPTH = 9  # bands of the 3-D kernels
GROUPS = 4
HEADS = 8
TOKENS = 4  # of the cube
BLOCKS = 2
DROPOUT = 0.1


@register_model("mft")
class MFT(FusionModel):
    """MFT with its patch view and a dense view over one set of weights.

    Dense view (ours): the convolutions run once over the tile, so that neighbours replace the patch's zero padding; the
    softmax over the patch's positions becomes one over the window around each pixel, of which positions outside the
    tile are left out; the transformer works pixel by pixel.

    On request it shows how much the class token's last look at the cube's tokens falls on each position of the window:
    each token's weights over positions, weighed by the attention that the token gets, the mean over heads. The mask
    sums to what the class token does not keep for itself. What features hold of their neighbours is not in it.

    Args:
        inputs: Bands of `hsi` (the cube) and `aux` (LiDAR, SAR or others). With fewer than nine bands the 3-D kernels
            are as deep as the cube (ours).
        classes: Number of classes.
        width: Factor on hidden channels; at 1.0, 144 + 1 bands and 15 classes there are 403,367 parameters. The eight
            heads keep at least four channels each.
    """

    summary = "MFT (TGRS 2023): auxiliary data as the class token of a transformer over tokens of the cube"
    roles = ("hsi", "aux")
    views = ("patch", "dense")
    patch_size = 2 * RADIUS + 1
    window_masks = ("tokens",)
    recipes = {  # noqa: RUF012 (read only; ClassVar is declared in the contract)
        # Paper: Adam at 5e-4 with weight decay 5e-3, times 0.9 every 50 epochs, 500 epochs, batch 64. Scaling from
        # training pixels is ours; so are no augmentation and the settings of the dense view.
        "published": Recipe(
            epochs=500,
            batch_size=64,
            optimizer="adam",
            learning_rate=5e-4,
            weight_decay=5e-3,
            schedule="step",
            scaling="standard",
            scaling_from="training",
            augment="none",
            norm_momentum=0.1,
            tile=24,
        )
    }

    def __init__(self, inputs: Mapping[str, int], classes: int, width: float = 1.0) -> None:
        super().__init__(inputs, classes, width)
        hsi, aux = self.inputs["hsi"], self.inputs["aux"]
        kernels, size = GROUPS * max(1, round(2 * width)), HEADS * self.hidden(8)
        depth = min(DEPTH, hsi)
        stacked = kernels * (hsi - depth + 1)
        self.spectral = nn.Conv3d(1, kernels, (depth, 3, 3), padding=(0, 1, 1), bias=False)
        self.spectral_norm = nn.BatchNorm3d(kernels)
        self.groupwise = nn.Conv2d(stacked, size, 3, padding=1, groups=GROUPS, bias=False)
        self.pointwise = nn.Conv2d(stacked, size, 1, bias=False)
        self.hsi_norm = nn.BatchNorm2d(size)
        self.aux_conv = nn.Conv2d(aux, size, 3, padding=1, bias=False)
        self.aux_norm = nn.BatchNorm2d(size)
        self.hsi_tokens, self.aux_token = Tokenizer(size, TOKENS), Tokenizer(size, 1)
        self.position = nn.Parameter(torch.randn(1 + TOKENS, size) * 0.02)
        self.blocks = nn.ModuleList(_Block(size) for _ in range(BLOCKS))
        self.norm = nn.LayerNorm(size)
        self.head = nn.Linear(size, classes)

    def receptive_field(self, view: View) -> tuple[int, int]:
        """Patch: the patch. Dense: the cube's two convolutions of 3 x 3, then the window."""
        reach = RADIUS if view == "patch" else 2 + RADIUS
        return reach, reach

    def patch(self, inputs: Mapping[str, Tensor], attention: bool) -> FusionOutput:
        """Logits of patches `(B, C, 11, 11)`; of its attention, `tokens` is `(B, 1, 11, 11)`."""
        hsi, aux = self._features(inputs)
        tokens, places = self.hsi_tokens.patch(hsi)
        logits, shares = self._classify(torch.cat([self.aux_token.patch(aux)[0], tokens], 1))
        if not attention:
            return FusionOutput(logits)
        return FusionOutput(logits, {"tokens": torch.einsum("bt,bthw->bhw", shares, places)[:, None]})

    def dense(self, inputs: Mapping[str, Tensor], attention: bool) -> FusionOutput:
        """Logits of every pixel of a tile `(B, C, H, W)`; of its attention, `tokens` is `(B, 121, H, W)`."""
        hsi, aux = self._features(inputs)
        tokens, scores = self.hsi_tokens.dense(hsi, RADIUS)
        tokens = torch.cat([self.aux_token.dense(aux, RADIUS)[0], tokens], 1)  # (B, 5, size, H, W)
        batch, _, _, height, width = tokens.shape
        answers = self._classify(tokens.permute(0, 3, 4, 1, 2).flatten(0, 2))
        logits, shares = (answer.view(batch, height, width, -1).permute(0, 3, 1, 2) for answer in answers)
        if not attention:
            return FusionOutput(logits)
        places = window_weights(scores, RADIUS)
        return FusionOutput(logits, {"tokens": torch.einsum("bthw,btphw->bphw", shares, places)})

    def _features(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Features of both roles, each `(B, size, H, W)`."""
        x = functional.relu(self.spectral_norm(self.spectral(inputs["hsi"][:, None])))
        # kernels and bands become channels, laid out once for both convolutions
        x = x.flatten(1, 2).contiguous(memory_format=torch.channels_last)
        hsi = functional.relu(self.hsi_norm(self.groupwise(x) + self.pointwise(x)))
        return hsi, functional.gelu(self.aux_norm(self.aux_conv(inputs["aux"])))

    def _classify(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens `(n, 5, size)`, the class token first, to logits `(n, K)` and attention to the others `(n, 4)`."""
        tokens = functional.dropout(tokens + self.position, DROPOUT, self.training)
        shares = tokens
        for block in self.blocks:
            tokens, shares = block(tokens, block is self.blocks[-1])
        return self.head(self.norm(tokens[:, 0])), shares


class _Block(nn.Module):
    """Cross patch attention, in which the class token alone asks all tokens; then an MLP."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.query, self.key, self.value = (nn.Linear(size, size, bias=False) for _ in range(3))
        self.out = nn.Linear(size, size)
        self.mlp = nn.Sequential(
            nn.Linear(size, 8 * size), nn.GELU(), nn.Dropout(DROPOUT), nn.Linear(8 * size, size), nn.Dropout(DROPOUT)
        )

    def forward(self, tokens: Tensor, last: bool) -> tuple[Tensor, Tensor]:
        """Tokens `(n, 5, size)` to the same, or `(n, 1, size)` in the last block; attention `(n, 4)`, mean over heads.

        Nothing reads what the last block would make of the cube's tokens.
        """
        seen = self.norm1(tokens)
        query = self.query(seen[:, :1]).unflatten(2, (HEADS, -1))  # (n, 1, heads, channels)
        keys, values = self.key(seen).unflatten(2, (HEADS, -1)), self.value(seen).unflatten(2, (HEADS, -1))
        # one query and five keys: sums of products are quicker than many tiny matrix products
        weights = ((query * keys).sum(3) * query.shape[3] ** -0.5).softmax(1)  # (n, 5, heads)
        asked = tokens[:, :1] + self.out((weights[..., None] * values).sum(1, keepdim=True).flatten(2))
        tokens = asked if last else torch.cat([asked, tokens[:, 1:]], 1)
        return tokens + self.mlp(self.norm2(tokens)), weights[:, 1:].mean(2)
