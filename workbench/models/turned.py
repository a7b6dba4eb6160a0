"""The eight turns of a square, and a network that answers by all of them: test-time augmentation."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from workbench.models.combined import Combined
from workbench.models.contract import FusionModel, FusionOutput, View

TURNS = 8


def turn(x: Tensor, number: int, rows: int = -2, cols: int = -1) -> Tensor:
    """An image rotated or mirrored.

    Args:
        x: Of any shape.
        number: 0 is the image itself, 1 to 3 its rotations by 90, 180 and 270 degrees, 4 to 7 the same of its left-right
            mirror image.
        rows: Axis of the rows.
        cols: Axis of the columns.
    """
    return torch.rot90(x.flip(cols) if number >= 4 else x, number % 4, (rows, cols))


def turn_back(x: Tensor, number: int, rows: int = -2, cols: int = -1) -> Tensor:
    """Undo `turn`."""
    back = torch.rot90(x, -(number % 4), (rows, cols))
    return back.flip(cols) if number >= 4 else back


class Turned(Combined):
    """A network that answers with the mean of its class probabilities over the eight turns of what it is shown.

    Turning the input turns the answer, whatever the network. This takes eight times the arithmetic. In the dense view a
    pixel's answer hangs on as many pixels after it as before it, in rows and columns alike: turned, the network's
    longer reach points each way once.

    Args:
        network: A trained network, in eval mode.
    """

    def __init__(self, network: FusionModel) -> None:
        super().__init__(network)
        self.network = network

    def receptive_field(self, view: View) -> tuple[int, int]:
        """The longer reach of the network, on both sides."""
        reach = max(self.network.receptive_field(view))
        return reach, reach

    def answers(self, inputs: Mapping[str, Tensor], view: View, attention: bool) -> Iterator[FusionOutput]:
        """What the network says to each turn, turned back."""
        for number in range(TURNS):
            shown = {role: turn(x, number) for role, x in inputs.items()}
            answer = self.network(shown, view=view, attention=attention)
            yield FusionOutput(
                turn_back(answer.logits, number) if view == "dense" else answer.logits,
                {name: self._mask_back(name, mask, number, view) for name, mask in answer.attention.items()},
            )

    def _mask_back(self, name: str, mask: Tensor, number: int, view: View) -> Tensor:
        back = turn_back(mask, number)
        if view == "patch" or name not in self.window_masks:
            return back
        inner = back.reshape(
            len(back), self.patch_size, self.patch_size, *back.shape[2:]
        )  # each pixel's own window was turned too
        return turn_back(inner, number, 1, 2).flatten(1, 2)
