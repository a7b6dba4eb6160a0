"""Steps that make a modality from others: heights, decibels, bands left out, another scale."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.base.config import StrictModel
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes.draft import ArrayLike
from workbench.scenes.modality import ModalityInfo, Quantity

Floats = NDArray[np.float32]
Layers = dict[str, tuple[ArrayLike, ModalityInfo]]
"""Pixels of one tile by modality, read in windows when asked."""


class Counts(dict[str, int]):
    """What happened to values, counted while they are read."""

    def add(self, what: str, count: int) -> None:
        """Count `count` more of `what`."""
        self[what] = self.get(what, 0) + count


class Step(StrictModel):
    """One step of a derivation."""

    @abstractmethod
    def apply(self, layers: Layers, counts: Counts) -> Layers:
        """The layers after this step; pixels are computed when they are read.

        Raises:
            UnknownNameError: There is no such modality.
            WorkbenchError: The step does not suit it.
        """


class Height(Step):
    """Height above ground: a surface model minus a terrain model; no value where either has none.

    Attributes:
        surface: Modality of the surface, or modality and band counted from 0.
        terrain: Modality of the terrain, or modality and band.
        name: Name of the new modality.
        keep: Whether modalities that are used up in it stay.
    """

    surface: str | tuple[str, int]
    terrain: str | tuple[str, int]
    name: str = "height"
    keep: bool = True
    kind: Literal["height"] = "height"

    def apply(self, layers: Layers, counts: Counts) -> Layers:
        """Add the height."""
        (top, top_info, top_band), (ground, ground_info, ground_band) = (
            _one_band(layers, wanted) for wanted in (self.surface, self.terrain)
        )
        doing = f"While making the height {self.name!r} from {self.surface!r} and {self.terrain!r}"
        if self.name in layers:
            raise WorkbenchError(f"{doing}: the scene has a modality {self.name!r} already. Choose another name.")
        for info in (top_info, ground_info):
            if info.quantity not in ("elevation", "unknown"):
                raise WorkbenchError(
                    f"{doing}: {info.name!r} holds {info.quantity}; elevations of one datum are needed."
                )
        if top_info.unit and ground_info.unit and top_info.unit != ground_info.unit:
            raise WorkbenchError(f"{doing}: one is in {top_info.unit!r}, the other in {ground_info.unit!r}.")

        def difference(rows: slice, cols: slice) -> Floats:
            upper = top_info.to_physical(np.asarray(top[:, rows, cols])[[top_band]])
            lower = ground_info.to_physical(np.asarray(ground[:, rows, cols])[[ground_band]])
            return upper - lower

        pixels = Computed(1, top.shape[-2:], difference)
        unit = top_info.unit or ground_info.unit
        info = ModalityInfo.of(self.name, pixels, quantity="height", unit=unit, date=top_info.date)
        used = set() if self.keep else {top_info.name, ground_info.name}
        return {key: layer for key, layer in layers.items() if key not in used} | {self.name: (pixels, info)}


class Decibel(Step):
    """Linear backscatter as dB; what is not above 0 has no logarithm, becomes no-data and is counted.

    Attributes:
        modality: Name of the modality.
    """

    modality: str
    kind: Literal["decibel"] = "decibel"

    def apply(self, layers: Layers, counts: Counts) -> Layers:
        """Replace the modality's values."""
        pixels, info = _quantity(layers, self.modality, "backscatter linear", "turning power into dB")
        counts.add(f"{self.modality}: values not above 0, without a value in dB", 0)

        def decibels(rows: slice, cols: slice) -> Floats:
            power = info.to_physical(np.asarray(pixels[:, rows, cols]))
            below = power <= 0  # False for NaN
            counts.add(f"{self.modality}: values not above 0, without a value in dB", int(below.sum()))
            return np.asarray(10.0 * np.log10(np.where(below, np.nan, power)), np.float32)

        return layers | {self.modality: _computed(pixels, info, decibels, "backscatter dB", "dB")}


class Linear(Step):
    """Backscatter in dB as linear power.

    Attributes:
        modality: Name of the modality.
    """

    modality: str
    kind: Literal["linear"] = "linear"

    def apply(self, layers: Layers, counts: Counts) -> Layers:
        """Replace the modality's values."""
        pixels, info = _quantity(layers, self.modality, "backscatter dB", "turning dB into power")

        def power(rows: slice, cols: slice) -> Floats:
            return np.float32(10.0) ** (info.to_physical(np.asarray(pixels[:, rows, cols])) / np.float32(10.0))

        return layers | {self.modality: _computed(pixels, info, power, "backscatter linear", "")}


class DropBands(Step):
    """Bands left out; the description remembers them by their number in the original file.

    Attributes:
        modality: Name of the modality.
        bands: Its stored bands, counted from 0, that are not wanted.
    """

    modality: str
    bands: tuple[int, ...]
    kind: Literal["drop bands"] = "drop bands"

    def apply(self, layers: Layers, counts: Counts) -> Layers:
        """Replace the modality by one of fewer bands."""
        pixels, info = _layer(layers, self.modality)
        wrong = [band for band in self.bands if not 0 <= band < info.bands]
        kept = [band for band in range(info.bands) if band not in self.bands]
        if wrong or not kept or not self.bands:
            fault = f"there is no band {wrong[0]}" if wrong else "all would go" if not kept else "none is named"
            raise WorkbenchError(
                f"While dropping bands of {self.modality!r}: of its {info.bands} bands, counted from 0, {fault}."
            )
        every = range(info.bands + len(info.dropped_bands))
        original = [band for band in every if band not in info.dropped_bands]
        told: dict[str, Any] = {
            "bands": len(kept),
            "dropped_bands": tuple(band for band in every if band not in {original[here] for here in kept}),
        }
        for what in ("wavelengths", "fwhm", "band_names"):
            values = getattr(info, what)
            told[what] = None if values is None else tuple(values[band] for band in kept)
        return layers | {self.modality: (Picked(pixels, kept), info.model_copy(update=told))}


class Rescale(Step):
    """Another scale and offset: new value = old value * `scale` + `offset`; stored numbers stay as they are.

    Attributes:
        modality: Name of the modality.
        scale: Factor.
        offset: Added after it, such as -0.1 for Sentinel-2 reflectance whose offset of 1000 was not removed.
        quantity: What the values are then; None: as before.
        unit: Their unit; None: as before.
    """

    modality: str
    scale: float = 1.0
    offset: float = 0.0
    quantity: Quantity | None = None
    unit: str | None = None
    kind: Literal["rescale"] = "rescale"

    def apply(self, layers: Layers, counts: Counts) -> Layers:
        """Replace the modality's description."""
        pixels, info = _layer(layers, self.modality)
        if not (np.isfinite([self.scale, self.offset]).all() and self.scale != 0):
            raise WorkbenchError(
                f"While rescaling {self.modality!r}: the scale is {self.scale} and the offset {self.offset}; both must be "
                "finite, and the scale not 0."
            )
        told = {
            "scale": info.scale * self.scale,
            "offset": info.offset * self.scale + self.offset,
            "quantity": self.quantity or info.quantity,
            "unit": info.unit if self.unit is None else self.unit,
        }
        return layers | {self.modality: (pixels, info.model_copy(update=told))}


class Picked:
    """Some bands of pixels.

    Args:
        pixels: (band, y, x).
        bands: Bands wanted.
    """

    def __init__(self, pixels: ArrayLike, bands: Sequence[int]) -> None:
        self._pixels, self._bands = pixels, list(bands)
        self.shape: tuple[int, ...] = (len(self._bands), *pixels.shape[1:])
        self.dtype: np.dtype[Any] = np.dtype(pixels.dtype)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        return np.asarray(self._pixels[key])[self._bands]


class Computed:
    """Pixels that are computed window by window.

    Args:
        bands: How many.
        shape: Rows and columns.
        compute: float32 (band, rows, cols) of a window.
    """

    def __init__(self, bands: int, shape: tuple[int, ...], compute: Callable[[slice, slice], Floats]) -> None:
        self.shape: tuple[int, ...] = (bands, *shape)
        self.dtype: np.dtype[Any] = np.dtype(np.float32)
        self._compute = compute

    def __getitem__(self, key: Any) -> Floats:
        _, rows, cols = key
        return np.asarray(self._compute(rows, cols), np.float32)


def _layer(layers: Layers, name: str) -> tuple[ArrayLike, ModalityInfo]:
    if name not in layers:
        raise UnknownNameError("modality", name, layers)
    return layers[name]


def _one_band(layers: Layers, wanted: str | tuple[str, int]) -> tuple[ArrayLike, ModalityInfo, int]:
    """Pixels, description and band of a one-band modality, or of a band that is named."""
    name, band = (wanted, None) if isinstance(wanted, str) else wanted
    pixels, info = _layer(layers, name)
    if band is None and info.bands > 1:
        raise WorkbenchError(f"{name!r} has {info.bands} bands; say which one, counted from 0.")
    if not 0 <= (band or 0) < info.bands:
        raise WorkbenchError(f"{name!r} has {info.bands} bands, counted from 0; there is no band {band}.")
    return pixels, info, band or 0


def _quantity(layers: Layers, name: str, needed: Quantity, doing: str) -> tuple[ArrayLike, ModalityInfo]:
    pixels, info = _layer(layers, name)
    if info.quantity != needed:
        raise WorkbenchError(
            f"While {doing}: {name!r} holds {info.quantity}, and {needed} is needed. If its description is wrong, import "
            "it again with the right quantity."
        )
    return pixels, info


def _computed(
    pixels: ArrayLike, info: ModalityInfo, compute: Callable[[slice, slice], Floats], quantity: Quantity, unit: str
) -> tuple[ArrayLike, ModalityInfo]:
    new = Computed(info.bands, pixels.shape[1:], compute)
    told = {"quantity": quantity, "unit": unit, "dtype": "float32", "scale": 1.0, "offset": 0.0, "nodata": None}
    return new, info.model_copy(update=told)
