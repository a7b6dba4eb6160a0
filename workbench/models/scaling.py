"""Band-wise scaling of modalities, fitted once and kept with the run."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError

Floats = NDArray[np.float32]
FIELDS = ("shift", "span", "low", "high")


@dataclass(frozen=True)
class BandScaling:
    """`(value - shift) / span` per band.

    Attributes:
        shift: float32 `(bands,)`, in the modality's physical unit.
        span: float32 `(bands,)`, never zero: a constant band has span 1.
        low: Smallest value seen per band when fitted.
        high: Largest value seen per band when fitted.
        mean: Mean of the training pixels per band, which stands in for a modality that is not there; None where a run
            of an earlier version did not keep it.
    """

    shift: Floats
    span: Floats
    low: Floats
    high: Floats
    mean: Floats | None = None

    @property
    def blank(self) -> Floats:
        """The training mean as a network sees it, float32 `(bands,)`; zero where `standard` was fitted on training pixels.

        Raises:
            WorkbenchError: The mean was not kept.
        """
        if self.mean is None:
            raise WorkbenchError(
                "The run was made by an earlier version that did not keep the mean of what it scaled by minmax, so "
                "nothing can stand in for a modality. Train it again."
            )
        return (self.mean - self.shift) / self.span

    @classmethod
    def fit(cls, pixels: Floats, method: Literal["minmax", "standard"], training: Floats | None = None) -> Self:
        """Fit on pixels `(n, bands)`; rows with a non-finite value are left out.

        Args:
            pixels: What shift, span and range are taken from.
            method: `minmax` or `standard`.
            training: Pixels `(m, bands)` of the mean, where it shall be that of others than `pixels`.

        Raises:
            WorkbenchError: No valid pixel is left, or the values are too far apart.
        """
        pixels = pixels[np.isfinite(pixels).all(axis=1)]
        training = pixels if training is None else training[np.isfinite(training).all(axis=1)]
        if not len(pixels) or not len(training):
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
        mean = training.mean(axis=0, dtype=np.float64)
        return cls(shift.astype(np.float32), span.astype(np.float32), low, high, mean.astype(np.float32))

    def to_json(self) -> dict[str, list[float]]:
        """Lists of numbers, one per band."""
        kept = {name: getattr(self, name).tolist() for name in FIELDS}
        return kept if self.mean is None else kept | {"mean": self.mean.tolist()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Inverse of `to_json`.

        Runs of earlier versions kept no mean. Where they scaled by `standard` it is the shift, which then lies within
        the range; `minmax` shifts by the lowest value, from which no mean can be told but that of a constant band.
        """
        shift, span, low, high = (np.asarray(values[name], dtype=np.float32) for name in FIELDS)
        mean = np.asarray(values["mean"], dtype=np.float32) if "mean" in values else None
        if mean is None and bool(((shift > low) | (low == high)).all()):
            mean = shift
        return cls(shift, span, low, high, mean)


Scaling = dict[str, BandScaling]
"""The scaling of each modality, by name."""
