"""The buffer between the sides: how wide it is, and which pixels it takes out."""

import numpy as np
from numpy.typing import NDArray

from workbench.splits.sides import LEFT_OUT, TEST, TRAIN, VALIDATION
from workbench.splits.windows import inside_windows


def nominal_buffer(asked: int | None, patch_size: int) -> int:
    """Pixels (Chebyshev) to keep between the sides: what was asked for, else the least that keeps patches apart."""
    return patch_size - 1 if asked is None else asked


def drop_near(positions: NDArray[np.int32], side: NDArray[np.int8], buffer: int) -> None:
    """Leave out, in place, test pixels near training or validation, then validation pixels near training.

    The test side thereby does not depend on how validation is chosen.

    Args:
        positions: Tile, row, column; (n, 3).
        side: Side of each pixel, (n,).
        buffer: A pixel at this distance (Chebyshev) or less is near.
    """
    if not buffer:
        return
    tests, others = np.flatnonzero(side == TEST), positions[(side == TRAIN) | (side == VALIDATION)]
    side[tests[inside_windows(positions[tests], others, buffer, buffer)]] = LEFT_OUT
    validations = np.flatnonzero(side == VALIDATION)
    near = inside_windows(positions[validations], positions[side == TRAIN], buffer, buffer)
    side[validations[near]] = LEFT_OUT


def buffer_notes(buffer: int, patch_size: int) -> tuple[str, ...]:
    """What a reader must know of a buffer that is too narrow for the patches."""
    if buffer >= patch_size - 1:
        return ()
    return (f"the buffer of {buffer} is below patch_size - 1 = {patch_size - 1}: patch windows can overlap",)
