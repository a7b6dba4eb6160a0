"""A loss that is not finite: at which step it was met first, and why that is likely."""

from collections.abc import Mapping

import torch
from torch import Tensor

from workbench.models.pixels import PixelTable

NEVER = 2**62
PATIENCE = 128  # steps between two looks at an accelerator's answer; each look waits for it
FAR = 1e4  # spans from the training pixels' middle beyond which a value is taken for the cause


class FirstBadStep:
    """The first step of an epoch whose loss is not finite, kept on the device so that no step waits for it.

    Args:
        device: Where the losses are.
    """

    def __init__(self, device: torch.device) -> None:
        self._first = torch.full((), NEVER, dtype=torch.int64, device=device)
        self._every = 1 if device.type == "cpu" else PATIENCE

    def note(self, loss: Tensor, step: int) -> bool:
        """Note a step's loss; True if one was not finite, which an accelerator is asked only now and then."""
        here = torch.where(torch.isfinite(loss.detach()), NEVER, step)
        torch.minimum(self._first, here, out=self._first)
        return (step + 1) % self._every == 0 and self.step is not None

    @property
    def step(self) -> int | None:
        """Number from 0 of the first bad step, or None; waits for the device."""
        first = int(self._first)
        return None if first == NEVER else first


def likely_cause(inputs: Mapping[str, Tensor], table: PixelTable, learning_rate: float, precision: str) -> str:
    """What most likely made a step's loss infinite or not a number, and what to do.

    Args:
        inputs: The step's batch: per role float32 `(B, C, h, w)`.
        table: What it was gathered from.
        learning_rate: Of the recipe.
        precision: Lightning's name of the precision.
    """
    far = []
    for role, values in inputs.items():
        largest = values.abs().amax((0, 2, 3))
        bands = [(name, band) for name in table.roles[role] for band in range(table.bands[name].shape[1])]
        for (name, band), value in zip(bands, largest.tolist(), strict=True):
            if not value <= FAR:  # NaN too
                far.append((value, f"band {band + 1} of {name!r} (role {role!r}) reaches {value:.3g} after scaling"))
    if far:
        return (
            f"In that batch {max(far)[1]}: likely a no-data value that was not declared, or a band that is constant "
            "over the training pixels. Declare it at import, drop the band, or take scaling_from=scene."
        )
    if precision == "16-mixed":
        return (
            "Half precision likely overflowed: train in bf16-mixed or 32-true precision, or lower the learning rate "
            f"(now {learning_rate:g})."
        )
    return f"The learning rate of {learning_rate:g} is likely too high: set learning_rate to a tenth of it."
