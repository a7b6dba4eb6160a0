"""What a protocol hands back: a side for each labelled pixel."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEFT_OUT, TRAIN, VALIDATION, TEST = -1, 0, 1, 2


@dataclass(frozen=True, eq=False)
class Assigned:
    """Sides of the labelled pixels.

    Attributes:
        side: LEFT_OUT, TRAIN, VALIDATION or TEST for each pixel of the pool; int8 (n,).
        buffer: Pixels kept between the sides.
        dropped: Class value to the reason why it is left out; its pixels may still carry a side.
        notes: What a reader must know.
        resolved: Parameters whose default the protocol worked out.
        untested: Whether classes without test pixels are kept: other folds test them.
    """

    side: NDArray[np.int8]
    buffer: int = 0
    dropped: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    resolved: dict[str, Any] = field(default_factory=dict)
    untested: bool = False
