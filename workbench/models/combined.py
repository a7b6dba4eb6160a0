"""Several answers of trained networks as one: the mean of their class probabilities."""

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from workbench.base.errors import WorkbenchError
from workbench.models.contract import FusionModel, FusionOutput, View


class Combined(FusionModel):
    """A network made of trained ones. It is called like any network, answers only, and is never trained itself.

    Its logits are the logarithm of the mean of class probabilities, float32, so that their softmax is that mean. Its
    attention tensors are the means of those that weigh channels or positions.

    Args:
        like: The network whose inputs, classes, views and masks it shares.
    """

    def __init__(self, like: FusionModel) -> None:
        self.roles, self.views, self.patch_size = like.roles, like.views, like.patch_size
        super().__init__(like.inputs, like.classes, like.width)
        self.channel_masks, self.spatial_masks, self.window = like.channel_masks, like.spatial_masks, like.window
        self.window_masks = like.window_masks
        self._optional_roles = like.optional_roles

    @abstractmethod
    def answers(self, inputs: Mapping[str, Tensor], view: View, attention: bool) -> Iterator[FusionOutput]:
        """The answers to be averaged, on the grid of the inputs; at least one."""

    @property
    def optional_roles(self) -> tuple[str, ...]:
        """Roles of which one may be absent, as in the networks behind."""
        return self._optional_roles

    def learn(self, inputs: Mapping[str, Tensor], targets: Tensor, view: View, loss: Any = None) -> FusionOutput:
        """Refused.

        Raises:
            WorkbenchError: Always.
        """
        raise WorkbenchError(f"{type(self).__name__} answers only. Train the networks that it is made of, one by one.")

    def patch(self, inputs: Mapping[str, Tensor], attention: bool) -> FusionOutput:
        """Log-probabilities `(B, K)` of patches."""
        return self._mean(self.answers(inputs, "patch", attention))

    def dense(self, inputs: Mapping[str, Tensor], attention: bool) -> FusionOutput:
        """Log-probabilities `(B, K, H, W)` of tiles."""
        return self._mean(self.answers(inputs, "dense", attention))

    def _mean(self, answers: Iterator[FusionOutput]) -> FusionOutput:
        total, count, masks = None, 0, dict[str, Tensor]()
        for answer in answers:
            count += 1
            each = answer.logits.float().log_softmax(1)
            total = (
                each if total is None else torch.logaddexp(total, each)
            )  # probabilities may be too small to be added
            for name in (*self.channel_masks, *self.spatial_masks, *self.window_masks):
                if name in answer.attention:
                    masks[name] = masks[name] + answer.attention[name] if name in masks else answer.attention[name]
        assert total is not None
        return FusionOutput(total - math.log(count), {name: mask / count for name, mask in masks.items()})
