"""What every model promises: a dict of tensors by role in, one `FusionOutput` out; and what a fusion network is."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.base.hashing import hash_json
from workbench.models.blocks import count_parameters
from workbench.models.weights import load_weights, save_weights, weights_can_be_read
from workbench.runs.config import Recipe

View = Literal["patch", "dense", "pixel"]

LossFunction = Callable[[Tensor, Tensor], Tensor]
"""Of logits and class indices."""


@dataclass
class FusionOutput:
    """What a network answers.

    Attributes:
        logits: `(B, K)` in the patch and pixel views, `(B, K, H, W)` in the dense view, before the softmax.
        attention: Named attention tensors; filled only on request.
        losses: Named auxiliary losses (scalars), to be added to the classification loss; in training mode only.
        figures: Named figures of the step (scalars) that a training's history keeps.
        adversary: Loss of the network's `adversaries`, which are trained against the rest.
    """

    logits: Tensor
    attention: dict[str, Tensor] = field(default_factory=dict)
    losses: dict[str, Tensor] = field(default_factory=dict)
    figures: dict[str, Tensor] = field(default_factory=dict)
    adversary: Tensor | None = None


class Model(ABC):
    """What every model is asked by the rooms above, a network or not.

    Args:
        inputs: Number of bands of each role.
        classes: Number of classes K.
        width: Factor on every hidden channel count; 1.0 is the published size.

    Raises:
        WorkbenchError: A role is missing or unknown, a count is not positive.
    """

    summary: ClassVar[str]
    roles: tuple[str, ...]  # of the class; a network made of others has those of its parts
    spare_roles: ClassVar[tuple[str, ...]] = ()  # those that a training may do without
    views: tuple[View, ...]
    patch_size: int
    recipes: ClassVar[dict[str, Recipe]]
    quick: ClassVar[dict[str, Any]] = {}  # fields in which the recipe `quick` differs for this model
    needs: ClassVar[dict[str, Any]] = {}  # fields that `quick` and `common` must set so, or it cannot learn
    recipe_fields: ClassVar[tuple[str, ...]] = tuple(Recipe.model_fields)  # those that mean something to it
    fixed: ClassVar[Mapping[str, Any]] = {}  # settings of a training that can have one value only
    seeded: ClassVar[bool] = True  # whether another seed gives another result
    devices: ClassVar[tuple[str, ...]] = ("cuda", "mps", "cpu")  # where it can run
    kept_as: ClassVar[str]  # name of its file in a run folder
    channel_masks: tuple[str, ...] = ()  # names of attention tensors that weigh channels
    spatial_masks: tuple[str, ...] = ()  # names of attention tensors that weigh positions
    # names of those that weigh the positions of each pixel's own window: (B, 1, k, k), dense (B, k * k, H, W)
    window_masks: tuple[str, ...] = ()
    window: int | None = None  # side of the windows that prediction blends, where all of a tile counts

    def __init__(self, inputs: Mapping[str, int], classes: int, width: float = 1.0) -> None:
        name = type(self).__name__
        for role in inputs:
            if role not in self.roles:
                raise UnknownNameError(f"role of {name}", role, self.roles)
        for role in self.roles:
            if inputs.get(role, 0) < 1 and (role in inputs or role not in self.spare_roles):
                raise WorkbenchError(
                    f"{name} needs at least one band in each of its roles {', '.join(self.roles)}, got {dict(inputs)}. "
                    f"Say which modality plays {role!r}."
                )
        if classes < 2:
            raise WorkbenchError(f"{name} needs at least 2 classes, got {classes}.")
        if not 0 < width <= 4:
            raise WorkbenchError(f"{name}: width must be above 0 and at most 4, got {width}.")
        self.inputs = dict(inputs)
        self.classes = classes
        self.width = width

    @abstractmethod
    def __call__(self, inputs: Mapping[str, Tensor], view: View, attention: bool = False) -> FusionOutput:
        """Answer; see `FusionModel.forward` and `PixelModel`."""

    @abstractmethod
    def receptive_field(self, view: View) -> tuple[int, int]:
        """Pixels before and after the centre that can change its answer, in rows and columns alike."""

    @property
    def optional_roles(self) -> tuple[str, ...]:
        """Roles of which one may be absent when an answer is asked for."""
        return ()

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where it answers."""

    @abstractmethod
    def place(self, device: torch.device | str) -> Self:
        """Move it to one of its `devices`."""

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write what was learnt, atomically.

        Raises:
            WorkbenchError: The disk is full or the place is not writable.
        """

    @abstractmethod
    def load(self, path: Path) -> None:
        """Take up what `save` wrote, and be ready to answer.

        Raises:
            WorkbenchError: The file is damaged or of another model.
        """

    @staticmethod
    @abstractmethod
    def can_be_read(path: Path) -> bool:
        """Whether `path` is a whole file of the kind that `save` writes; its content is not read."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Tells what one training learnt from what another did."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What the figures of a training say of it: at least `parameters`, None where there are none."""

    @classmethod
    def is_self_supervised(cls) -> bool:
        """Whether it has losses that need no targets."""
        return False

    @classmethod
    def check_settings(cls, **settings: Any) -> None:
        """Refuse settings of a training that mean nothing to this kind of model.

        Raises:
            WorkbenchError: One differs from the only value it can have.
        """
        for name, value in settings.items():
            if name in cls.fixed and value != cls.fixed[name]:
                raise WorkbenchError(
                    f"{cls.__name__} is no network: {name} can only be {cls.fixed[name]!r}, got {value!r}. Leave it out."
                )

    def _no_view(self, view: str) -> UnknownNameError:
        return UnknownNameError(f"view of {type(self).__name__}", view, self.views)

    def _check(self, inputs: Mapping[str, Tensor], view: View) -> None:
        name = type(self).__name__
        if view not in self.views:
            raise self._no_view(view)
        grids = set()
        for role, bands in self.inputs.items():
            if role not in inputs:
                if role in self.optional_roles and inputs:
                    continue
                raise WorkbenchError(
                    f"{name} was asked for an answer without its role {role!r}; it got {sorted(inputs)}. It was not "
                    "trained for missing roles: give every role."
                )
            shape = tuple(inputs[role].shape)
            if len(shape) != 4 or shape[1] != bands:
                raise WorkbenchError(
                    f"{name} takes {bands} bands in role {role!r} as (batch, band, row, col), got shape {shape}."
                )
            grids.add((shape[0], *shape[2:]))
        if len(grids) > 1:
            shapes = {role: tuple(tensor.shape) for role, tensor in inputs.items()}
            raise WorkbenchError(f"{name}: the roles differ in batch or grid: {shapes}.")
        side = {"patch": self.patch_size, "pixel": 1}.get(view)
        if side is not None and grids != {(batch, side, side) for batch, *_ in grids}:
            raise WorkbenchError(
                f"{name} takes patches of {side} x {side} pixels in its {view} view, got "
                f"{[grid[1:] for grid in grids]}. For other sizes use the dense view of a network."
            )


class FusionModel(nn.Module, Model):
    """A network over one or more roles, in one or two views that share weights but not a function.

    The patch view is the published computation on `(B, C, k, k)`. The dense view runs the same weights once over a
    tile `(B, C, H, W)`; its answers hold for pixels at least `receptive_field("dense")` inside the tile, nearer to
    the edge the tile's zero padding shows.

    Args:
        inputs: Number of bands of each role.
        classes: Number of classes K.
        width: Factor on every hidden channel count; 1.0 is the published network.

    Raises:
        WorkbenchError: A role is missing or unknown, a count is not positive.
    """

    kept_as = "model.safetensors"

    def __init__(self, inputs: Mapping[str, int], classes: int, width: float = 1.0) -> None:
        nn.Module.__init__(self)  # which does not go on to the next class
        Model.__init__(self, inputs, classes, width)

    def forward(self, inputs: Mapping[str, Tensor], view: View = "patch", attention: bool = False) -> FusionOutput:
        """Run the network.

        Args:
            inputs: One float tensor per role, `(B, bands, rows, cols)`, all on one grid.
            view: `"patch"` or `"dense"`.
            attention: Whether to return attention tensors.

        Raises:
            WorkbenchError: A role is absent, or band counts, sizes or the view do not fit.
        """
        self._check(inputs, view)
        return self.patch(inputs, attention) if view == "patch" else self.dense(inputs, attention)

    def learn(
        self, inputs: Mapping[str, Tensor], targets: Tensor, view: View, loss: LossFunction = functional.cross_entropy
    ) -> FusionOutput:
        """Run the network for a training step; networks whose losses need the targets say more than `forward`.

        Args:
            inputs: As of `forward`.
            targets: Class indices, int64 `(B,)` or `(B, H, W)`; -1 does not count.
            view: `"patch"` or `"dense"`.
            loss: The recipe's, of logits and targets, for networks that answer more than once.
        """
        output: FusionOutput = self(inputs, view=view)
        return output

    def self_supervise(self, inputs: Mapping[str, Tensor], view: View) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Losses that need no targets, of networks that have some; see `Recipe.unlabelled`.

        Args:
            inputs: As of `forward`, in training mode.
            view: `"patch"` or `"dense"`.

        Returns:
            Named losses and named figures, scalars.

        Raises:
            WorkbenchError: The network has none.
        """
        raise WorkbenchError(f"{type(self).__name__} has no self-supervised loss: train it with unlabelled=none.")

    @classmethod
    def is_self_supervised(cls) -> bool:
        """Whether the network has losses that need no targets."""
        return cls.self_supervise is not FusionModel.self_supervise

    def adversaries(self) -> list[nn.Parameter]:
        """Parameters that are trained against the rest, by an optimiser of their own; none but in a GAN."""
        return []

    def patch(self, inputs: Mapping[str, Tensor], attention: bool) -> FusionOutput:
        """The published computation on patches, of networks that have this view."""
        raise self._no_view("patch")

    def dense(self, inputs: Mapping[str, Tensor], attention: bool) -> FusionOutput:
        """The same weights over a tile, of networks that have this view."""
        raise self._no_view("dense")

    def hidden(self, channels: int) -> int:
        """A published channel count scaled by `width`, at least 4."""
        return max(4, round(channels * self.width))

    def place(self, device: torch.device | str) -> Self:
        """Move the network to a device, its 2-D convolutions channels-last, which is faster everywhere."""
        for module in self.modules():  # those of 3-D convolutions cannot be laid out so
            if not module._modules and all(parameter.dim() != 5 for parameter in module.parameters()):
                module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return self.to(device=device)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.parameters()).device

    def save(self, path: Path) -> None:
        """Write the weights as safetensors, atomically."""
        save_weights(self, path)

    def load(self, path: Path) -> None:
        """Take up weights, and leave training mode."""
        load_weights(self, path)
        self.eval()

    @staticmethod
    def can_be_read(path: Path) -> bool:
        """Whether `path` is a whole safetensors file."""
        return weights_can_be_read(path)

    def fingerprint(self) -> str:
        """Hash of the sums of the weights."""
        return hash_json({name: float(value.double().sum()) for name, value in self.state_dict().items()})

    def facts(self) -> dict[str, Any]:
        """Number of trainable parameters."""
        return {"parameters": count_parameters(self)}
