"""Band-wise scaling of modalities, fitted once and kept with the run."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class BandScaling:
    """`(value - shift) / span` per band.

    Attributes:
        shift: float32 `(bands,)`, in the modality's physical unit.
        span: float32 `(bands,)`, never zero: a constant band has span 1.
        low: Smallest value seen per band when fitted.
        high: Largest value seen per band when fitted.
    """

    shift: Floats
    span: Floats
    low: Floats
    high: Floats

    @classmethod
    def fit(cls, pixels: Floats, method: Literal["minmax", "standard"]) -> Self:
        """Fit on pixels `(n, bands)`; rows with a non-finite value are left out.

        Raises:
            WorkbenchError: No valid pixel is left, or the values are too far apart.
        """
        pixels = pixels[np.isfinite(pixels).all(axis=1)]
        if not len(pixels):
            raise WorkbenchError(
                "No pixel with data in every band to fit the scaling on. Look at the no-data shares of the "
                "alignment report, or drop the empty bands."
            )
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        if method == "minmax":
            shift, span = low.astype(np.float64), high.astype(np.float64) - low
        else:
            shift = pixels.mean(axis=0, dtype=np.float64)
            span = pixels.std(axis=0, dtype=np.float64)
        span = np.where(span > 1e-12 * np.maximum(1.0, np.abs(shift)), span, 1.0)
        if np.max(span) > np.finfo(np.float32).max:
            raise WorkbenchError(
                f"Its values reach from {low.min():g} to {high.max():g}, too far apart to be scaled. Is one of them a "
                "no-data value that was not declared at import?"
            )
        return cls(shift.astype(np.float32), span.astype(np.float32), low, high)

    def to_json(self) -> dict[str, list[float]]:
        """Lists of numbers, one per band."""
        return {name: getattr(self, name).tolist() for name in ("shift", "span", "low", "high")}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Inverse of `to_json`."""
        return cls(*(np.asarray(values[name], dtype=np.float32) for name in ("shift", "span", "low", "high")))


Scaling = dict[str, BandScaling]
"""The scaling of each modality, by name."""
