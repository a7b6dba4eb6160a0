"""What is known of one modality besides its pixels: quantity, unit, bands, scale, no-data, date."""

import math
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray
from pydantic import Field, model_validator

from workbench.base.config import StrictModel

Quantity = Literal[
    "radiance",
    "reflectance",
    "digital number",
    "elevation",
    "height",
    "backscatter dB",
    "backscatter linear",
    "unknown",
]
QUANTITIES: tuple[str, ...] = get_args(Quantity)


class ModalityInfo(StrictModel):
    """The description of one sensor's raster; physical value = stored value * `scale` + `offset`.

    Attributes:
        name: What the scene calls it: ``hsi``, ``lidar``, ``sar``, ``rgb``, ...
        quantity: What the numbers are.
        unit: Unit of the physical value; empty where there is none or it is unknown.
        wavelengths: Band centres in nm where the source documents them, else None.
        fwhm: Band widths in nm where documented, else None.
        band_names: One name per band where documented, else None.
        scale: Factor from stored to physical value.
        offset: Added after scaling.
        nodata: Stored value that means "nothing measured here", exactly representable in `dtype`; NaN always means it.
        date: When it was measured, as the source writes it.
        dropped_bands: Bands of the source (counted from 0) that are not stored.
        dtype: NumPy name of the stored type.
        bands: Number of stored bands.
    """

    name: str
    quantity: Quantity = "unknown"
    unit: str = ""
    wavelengths: tuple[float, ...] | None = None
    fwhm: tuple[float, ...] | None = None
    band_names: tuple[str, ...] | None = None
    scale: float = Field(default=1.0, allow_inf_nan=False)
    offset: float = Field(default=0.0, allow_inf_nan=False)
    nodata: float | None = None
    date: str | None = None
    dropped_bands: tuple[int, ...] = ()
    dtype: str
    bands: int = Field(ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for what in ("wavelengths", "fwhm", "band_names"):
            given = getattr(self, what)
            if given is not None and len(given) != self.bands:
                raise ValueError(f"{what} has {len(given)} entries for {self.bands} bands of {self.name!r}")
        for what in ("wavelengths", "fwhm"):
            given = getattr(self, what)
            if given is not None and not all(math.isfinite(value) and value > 0 for value in given):
                raise ValueError(f"{what} of {self.name!r} must be positive numbers in nm")
        if self.scale == 0:
            raise ValueError(f"scale of {self.name!r} is 0, which would erase its values")
        if np.dtype(self.dtype).kind not in "iuf":
            raise ValueError(f"{self.name!r} has the type {self.dtype}; only real numbers can be stored")
        if self.nodata != storable_nodata(self.nodata, self.dtype):
            raise ValueError(f"no-data {self.nodata} of {self.name!r} cannot occur in its type {self.dtype}")
        return self

    @classmethod
    def of(cls, name: str, array: Any, **fields: Any) -> Self:
        """Describe `array` (band, y, x), taking type and band count from it and no-data as that type can hold it.

        Raises:
            WorkbenchError: A field is unknown, ill-typed or does not fit the array.
        """
        dtype = np.dtype(array.dtype)
        fields["nodata"] = storable_nodata(fields.get("nodata"), dtype)
        values = {"name": name, "dtype": dtype.newbyteorder("=").name, "bands": int(array.shape[0]), **fields}
        return cls.build(values, f"describing the modality {name!r}")

    @property
    def is_raw(self) -> bool:
        """Whether stored values are physical values already."""
        return self.scale == 1.0 and self.offset == 0.0

    def to_physical(self, stored: NDArray[Any]) -> NDArray[np.float32]:
        """Stored values to physical ones.

        Args:
            stored: Any shape, of the type `dtype`.

        Returns:
            float32, same shape; no-data and non-finite values are NaN.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # what float32 cannot hold becomes NaN below
            scaled = stored if self.is_raw else stored * np.float64(self.scale) + self.offset
            physical = np.asarray(scaled).astype(np.float32)
        if self.nodata is not None:
            physical[stored == np.dtype(self.dtype).type(self.nodata)] = np.nan
        if stored.dtype.kind == "f" or not self.is_raw:
            physical[~np.isfinite(physical)] = np.nan
        return physical


def storable_nodata(nodata: float | None, dtype: DTypeLike) -> float | None:
    """The no-data value as an array of `dtype` can hold it.

    Returns:
        None where the array can never hold it (-9999 in uint8, 0.5 in an integer) and for NaN and infinities,
        which mean no-data anyway.
    """
    if nodata is None or not math.isfinite(nodata):
        return None
    kind = np.dtype(dtype)
    if kind.kind == "f":
        with np.errstate(over="ignore"):
            held = float(np.asarray(nodata).astype(kind))
        return held if math.isfinite(held) else None
    limits = np.iinfo(kind)
    return float(nodata) if nodata == int(nodata) and limits.min <= nodata <= limits.max else None
