"""MMRS-style fusion: convolutional features, generation of the other modality's features, attention and a graph.

Designed from the public description of MMRS (repository Zhaolu-Hub/MMRS, 2024: a read-me and three drawings; no code,
no paper, no figure): its parts are CNN feature extraction, multimodal data generation and enhancement by a GAN, and
fusion by multi-head self-attention and a graph convolution. All widths, losses and the graph are ours; this is no
reproduction.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.models.blocks import same_max_pool
from workbench.models.contract import FusionModel, FusionOutput, LossFunction, View
from workbench.models.registry import register_model
from workbench.runs.config import Recipe

RADIUS = 5
SIDES = ("hsi", "aux")
STAGES = (64, 64, 128, 128, 256)
NOISE = 32
PROTOTYPES = 20  # per class
NEIGHBOURS = 10
KEPT = 0.99  # of a prototype at each update
TAUGHT = 4  # pixels of a class that a step teaches the prototypes: few, so that they move slowly
IGNORE = -1  # target of pixels that do not count


@register_model("mmrs")
class MMRS(FusionModel):
    """MMRS-style network with a patch view and a dense view over one set of weights.

    It answers with one role absent: the generator makes that role's features from the other's. A pixel's answer never
    hangs on its batch: in the graph it is joined to training prototypes only.

    Dense view (ours): poolings become dilations 1, 2, 4 and features are read at the patch's corner; all after the
    extractors works pixel by pixel.

    Args:
        inputs: Bands of `hsi` and `aux`.
        classes: Number of classes.
        width: Factor on hidden channels.
        generation: Whether features are generated and enhanced by the GAN (MDG).
        attention: Whether tokens are fused by self-attention; otherwise by their mean.
        graph: Whether the graph over prototypes is added (both of these: MFF).
    """

    summary = "MMRS-style (designed from the public description): CNN, conditional feature GAN, self-attention, GCN"
    roles = SIDES
    views = ("patch", "dense")
    patch_size = 2 * RADIUS + 1
    prototypes: Tensor
    filled: Tensor
    recipes = {  # noqa: RUF012 (read only; ClassVar is declared in the contract)
        # Ours, for nothing is published: Adam with decay, cosine; the GAN's own optimiser is Adam (0.5, 0.999) at 2e-4
        "designed": Recipe(
            epochs=200,
            batch_size=64,
            optimizer="adamw",
            learning_rate=1e-3,
            weight_decay=1e-4,
            schedule="onecycle",
            scaling="standard",
            scaling_from="training",
            augment="dihedral",
            norm_momentum=0.1,
            tile=24,
        )
    }

    def __init__(
        self,
        inputs: Mapping[str, int],
        classes: int,
        width: float = 1.0,
        generation: bool = True,
        attention: bool = True,
        graph: bool = True,
    ) -> None:
        super().__init__(inputs, classes, width)
        self.generation, self.attention, self.graph = generation, attention, graph
        size = 4 * self.hidden(32)  # a multiple of the four heads
        self.size = size
        stages = [self.hidden(channels) for channels in STAGES]
        self.extract_hsi = _Extractor(self.inputs["hsi"], stages, size, squeeze=True)
        self.extract_aux = _Extractor(self.inputs["aux"], stages, size, squeeze=False)
        if generation:
            self.make_aux, self.make_hsi = _Generator(size, classes), _Generator(size, classes)
            self.judge_aux, self.judge_hsi = _Judge(size, classes), _Judge(size, classes)
            self.share = nn.Parameter(torch.zeros(2))  # of the generated features in the enhanced ones
        tokens = 4 if generation else 2
        if attention:
            self.modality = nn.Parameter(torch.randn(tokens, size) * 0.02)
            layer = nn.TransformerEncoderLayer(
                size, 4, 2 * size, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            self.fuse = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        if graph:
            self.first, self.second = nn.Linear(size, size), nn.Linear(size, size)
            self.register_buffer("prototypes", torch.zeros(classes * PROTOTYPES, size))
            self.register_buffer("filled", torch.zeros(classes * PROTOTYPES, dtype=torch.int64))
        self.head = nn.Linear(size, classes)

    @property
    def optional_roles(self) -> tuple[str, ...]:
        """Roles of which one may be absent."""
        return self.roles if self.generation else ()

    def receptive_field(self, view: View) -> tuple[int, int]:
        """Patch: the patch. Dense: convolutions 1 1 2 2 4, poolings 1 + 2 down, the last mean 4 down, read at the corner."""
        return (RADIUS, RADIUS) if view == "patch" else (10 + RADIUS, 10 + 3 + 4 - RADIUS)

    def patch(self, inputs: Mapping[str, Tensor], attention: bool) -> FusionOutput:
        """Logits of patches `(B, C, 11, 11)`."""
        found = {role: self._extractor(role)(inputs[role], False) for role in SIDES if role in inputs}
        return FusionOutput(self._answer({role: values.flatten(1) for role, values in found.items()})[0])

    def dense(self, inputs: Mapping[str, Tensor], attention: bool) -> FusionOutput:
        """Logits of every pixel of a tile `(B, C, H, W)`."""
        found = {role: self._extractor(role)(inputs[role], True) for role in SIDES if role in inputs}
        batch, _, height, width = next(iter(found.values())).shape
        flat = {role: values.permute(0, 2, 3, 1).flatten(0, 2) for role, values in found.items()}
        logits, _ = self._answer(flat)
        return FusionOutput(logits.view(batch, height, width, -1).permute(0, 3, 1, 2))

    def learn(
        self, inputs: Mapping[str, Tensor], targets: Tensor, view: View, loss: LossFunction = functional.cross_entropy
    ) -> FusionOutput:
        """Answer as ever, with the generator's losses and the judges' loss on pixels that count."""
        self._check(inputs, view)
        found = {role: self._extractor(role)(inputs[role], view == "dense") for role in SIDES}
        batch, _, height, width = found["hsi"].shape
        flat = {role: values.permute(0, 2, 3, 1).flatten(0, 2) for role, values in found.items()}
        logits, fused = self._answer(flat)
        counted = (targets.flatten() != IGNORE).nonzero()[:, 0]  # waits for the device: the rest is sized by it
        wanted = targets.flatten()[counted]
        hsi, aux = flat["hsi"][counted], flat["aux"][counted]
        losses: dict[str, Tensor] = {}
        adversary = None
        if self.generation and len(wanted):
            losses, adversary = self._game(hsi, aux, wanted, loss)
        if self.graph and len(wanted):
            self._remember(fused.detach()[counted], wanted)
        shaped = logits if view == "patch" else logits.view(batch, height, width, -1).permute(0, 3, 1, 2)
        return FusionOutput(shaped, {}, losses, {}, adversary)

    def adversaries(self) -> list[nn.Parameter]:
        """Weights of the judges."""
        if not self.generation:
            return []
        return [*self.judge_aux.parameters(), *self.judge_hsi.parameters()]

    def _extractor(self, role: str) -> "_Extractor":
        return self.extract_hsi if role == "hsi" else self.extract_aux

    def _tokens(self, found: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Features of both roles, and enhanced ones; an absent role's are generated. Each `(n, size)`."""
        if not self.generation:
            return found["hsi"], found["aux"]
        hsi = found["hsi"] if "hsi" in found else self.make_hsi(found["aux"])
        aux = found["aux"] if "aux" in found else self.make_aux(found["hsi"])
        made_hsi, made_aux = self.make_hsi(aux), self.make_aux(hsi)
        return hsi, aux, hsi + self.share[0] * made_hsi, aux + self.share[1] * made_aux

    def _fused(self, *tokens: Tensor) -> Tensor:
        stacked = torch.stack(tokens, 1)
        if self.attention:
            stacked = self.fuse(stacked + self.modality)
        return stacked.mean(1)

    def _answer(self, found: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Logits and fused tokens of `(n, size)` features by role."""
        fused = self._fused(*self._tokens(found))
        whole = fused + self._convolved(fused) if self.graph else fused
        return self.head(whole), fused

    def _convolved(self, queries: Tensor) -> Tensor:
        """Two graph convolutions; a query is joined to its nearest prototypes, prototypes among themselves."""
        # empty prototypes are masked, not left out: then no shape hangs on values, and a GPU need not wait
        filled = self.filled > 0
        own = filled.sum().clamp(max=NEIGHBOURS) + 1.0  # a query's degree: its neighbours and itself
        units, ones = functional.normalize(self.prototypes, dim=1), functional.normalize(queries, dim=1)
        joined = _nearest(units @ units.T, filled) * filled[:, None]
        itself = torch.eye(len(joined), device=joined.device, dtype=joined.dtype)
        joined = torch.maximum(torch.maximum(joined, joined.T), itself)
        degree = joined.sum(1).rsqrt()
        joined = degree[:, None] * joined * degree
        to_known = own.rsqrt() * _nearest(ones @ units.T, filled) * degree
        first_known = functional.relu(self.first(joined @ self.prototypes))
        first = functional.relu(self.first(to_known @ self.prototypes + own.reciprocal() * queries))
        convolved: Tensor = self.second(to_known @ first_known + own.reciprocal() * first)
        return convolved

    @torch.no_grad()
    def _remember(self, fused: Tensor, targets: Tensor) -> None:
        """Move the nearest prototype of each pixel's class towards it; empty ones are taken first. Waits for nothing."""
        prototypes = self.prototypes.view(self.classes, PROTOTYPES, -1)
        filled = self.filled.view(self.classes, PROTOTYPES)
        fused = fused.to(prototypes.dtype)
        kinds = torch.arange(self.classes, device=targets.device)
        member = targets[:, None] == kinds  # (n, classes)
        turn = member.cumsum(0)
        for number in range(1, TAUGHT + 1):  # all classes at once, each its next pixel
            chosen = member & (turn == number)
            there = chosen.any(0)
            feature = fused[chosen.int().argmax(0)]  # (classes, size)
            empty = filled == 0
            room = empty.any(1)
            nearest = (prototypes - feature[:, None]).square().sum(2).argmin(1)
            place = torch.where(room, empty.int().argmax(1), nearest)
            old = prototypes[kinds, place]
            new = torch.where(room[:, None], feature, old.lerp(feature, 1 - KEPT))
            prototypes[kinds, place] = torch.where(there[:, None], new, old)
            filled[kinds, place] += there

    def _game(self, hsi: Tensor, aux: Tensor, targets: Tensor, loss: LossFunction) -> tuple[dict[str, Tensor], Tensor]:
        """Losses of the generators, and the hinge loss of the judges on what was made."""
        made_aux, made_hsi = self.make_aux(hsi, targets), self.make_hsi(aux, targets)
        adversary = hinge(self.judge_aux(aux.detach(), targets), self.judge_aux(made_aux.detach(), targets))
        adversary = adversary + hinge(self.judge_hsi(hsi.detach(), targets), self.judge_hsi(made_hsi.detach(), targets))
        fooled = -(self.judge_aux(made_aux, targets).mean() + self.judge_hsi(made_hsi, targets).mean())
        rebuilt = functional.l1_loss(made_aux, aux.detach()) + functional.l1_loss(made_hsi, hsi.detach())
        alone = loss(self._answer({"hsi": hsi})[0], targets) + loss(self._answer({"aux": aux})[0], targets)
        return {"adversarial": 0.1 * fooled, "reconstruction": rebuilt, "one_role": 0.5 * alone}, adversary


def _nearest(likeness: Tensor, filled: Tensor) -> Tensor:
    """1 at the filled prototypes that a row is likest to, at most `NEIGHBOURS`; else 0. `(n, P)` to the same."""
    likeness = likeness.masked_fill(~filled, float("-inf"))
    places = likeness.topk(min(NEIGHBOURS, len(filled)), 1).indices
    return torch.zeros_like(likeness).scatter(1, places, 1.0) * filled


class _Extractor(nn.Module):
    """Five convolutions to one vector: pooled after the second and the fourth, then averaged."""

    def __init__(self, bands: int, stages: list[int], size: int, squeeze: bool) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(bands, stages[0], 1) if squeeze else nn.Identity()
        inside = stages[0] if squeeze else bands
        for number, outside in enumerate(stages, 1):
            self.add_module(f"conv{number}", nn.Conv2d(inside, outside, 3, bias=False))
            self.add_module(f"bn{number}", nn.BatchNorm2d(outside))
            inside = outside
        self.out = nn.Conv2d(inside, size, 1)

    def forward(self, x: Tensor, dense: bool) -> Tensor:
        """`(B, bands, 11, 11)` to `(B, size, 1, 1)`; dense, `(B, bands, H, W)` to `(B, size, H, W)`."""
        height, width = x.shape[-2:]
        if dense:  # features lie at the patch's corner, which for the first pixels is outside the tile
            x = functional.pad(x, (RADIUS, 0, RADIUS, 0))
        x = self.squeeze(x)
        dilation = 1
        for number in range(1, len(STAGES) + 1):
            conv = self.get_submodule(f"conv{number}")
            x = functional.conv2d(x, conv.weight, padding=dilation, dilation=dilation)  # type: ignore[arg-type]
            x = functional.leaky_relu(self.get_submodule(f"bn{number}")(x), 0.2)
            if number in (2, 4):  # 11 -> 5 -> 2
                x = same_max_pool(x, dilation) if dense else functional.max_pool2d(x, 2)
                dilation = 2 * dilation if dense else 1
        if not dense:
            return self.out(x.mean((2, 3), keepdim=True))  # type: ignore[no-any-return]
        x = functional.pad(x, (0, dilation, 0, dilation))
        corners = (x[..., :-dilation, :-dilation], x[..., dilation:, :-dilation], x[..., :-dilation, dilation:],
                   x[..., dilation:, dilation:])  # fmt: skip
        return self.out(sum(corners[1:], corners[0])[..., :height, :width] / 4)  # type: ignore[no-any-return]


class _Generator(nn.Module):
    """The other modality's features from one's own: a residual of three layers on features, noise and class."""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(classes + 1, NOISE)  # the last: class unknown
        self.layers = nn.Sequential(
            nn.Linear(size + 2 * NOISE, 2 * size), nn.LeakyReLU(0.2),
            nn.Linear(2 * size, 2 * size), nn.LeakyReLU(0.2),
            nn.Linear(2 * size, size),
        )  # fmt: skip

    def forward(self, features: Tensor, targets: Tensor | None = None) -> Tensor:
        """`(n, size)` to `(n, size)`; noise and known classes, half of them, while learning only."""
        unknown = self.embed.num_embeddings - 1
        count = features.shape[0]  # `len` would fix it in an exported network
        kinds = torch.full((count,), unknown, device=features.device)
        noise = torch.zeros(count, NOISE, device=features.device, dtype=features.dtype)
        if targets is not None:
            kinds = torch.where(torch.rand(len(targets), device=targets.device) < 0.5, targets, kinds)
            noise = torch.randn_like(noise)
        return features + self.layers(torch.cat([features, noise, self.embed(kinds)], 1))  # type: ignore[no-any-return]


class _Judge(nn.Module):
    """How real features of a class look: spectrally normalised layers with a projection onto the class."""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        norm = nn.utils.parametrizations.spectral_norm
        self.layer, self.out = norm(nn.Linear(size, size)), norm(nn.Linear(size, 1))
        self.embed = nn.Embedding(classes, size)

    def forward(self, features: Tensor, targets: Tensor) -> Tensor:
        """`(n, size)` and class indices to `(n,)`."""
        hidden = functional.leaky_relu(self.layer(features), 0.2)
        return self.out(hidden)[:, 0] + (self.embed(targets) * hidden).sum(1)  # type: ignore[no-any-return]


def hinge(real: Tensor, made: Tensor) -> Tensor:
    """The judges' loss: real answers above 1, made ones below -1."""
    return functional.relu(1 - real).mean() + functional.relu(1 + made).mean()
