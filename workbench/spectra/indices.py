"""Spectral indices by name through spyndex, with a sensor's bands found by their wavelengths.

Source of names, formulas and bands: Montero et al., "A standardized catalogue of spectral indices to advance the use of
remote sensing in Earth system research", Scientific Data 10, 197 (2023).
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import ModalityInfo, Scene
from workbench.spectra.sampling import Floats, Picture, Window, cut_picture

TOLERANCE = 10.0
"""nm by which a band's centre may lie outside the range that the catalogue gives for it."""
POLARISATIONS = ("VV", "VH", "HV", "HH")
KERNELS = ("kNN", "kNR", "kNB", "kNL", "kGG", "kGR", "kGB")
UNSCALED = 10.0
"""No reflectance is so large: whole numbers per ten thousand are meant, or percent."""
PERCENT = ("%", "percent")


class QuantityWarning(UserWarning):
    """A reflectance index was computed from something that is no reflectance."""


@dataclass(frozen=True)
class SpectralIndex:
    """An index of the catalogue as one modality can compute it.

    Attributes:
        name: Short name, such as ``NDVI``.
        long_name: Its name in words.
        domain: vegetation, water, burn, snow, soil, urban, radar, kernel, ...
        formula: In the catalogue's parameters.
        reference: Address of the publication.
        bands: Band of the modality, counted from 0, by parameter.
        constants: Values of the parameters that are no bands.
        missing: What the modality lacks; empty where the index can be computed.
    """

    name: str
    long_name: str
    domain: str
    formula: str
    reference: str
    bands: dict[str, int] = field(default_factory=dict)
    constants: dict[str, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def computable(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


@dataclass(frozen=True, eq=False)
class IndexPicture(Picture):
    """The map of an index.

    Attributes:
        index: The index and the bands that were used.
    """

    index: SpectralIndex = field(default_factory=lambda: SpectralIndex("", "", "", "", ""))


def list_indices(info: ModalityInfo, every: bool = False) -> list[SpectralIndex]:
    """Indices that a modality can compute, by name.

    Args:
        info: The modality.
        every: List the whole catalogue, and say what is missing.
    """
    import spyndex  # type: ignore[import-untyped]

    found = [_resolve(info, entry, {}) for entry in spyndex.indices.values()]
    return [index for index in found if every or index.computable]


def find_band(info: ModalityInfo, parameter: str) -> int:
    """The band of a modality that plays a standard band.

    A spectral band is found by its documented centre: of those inside the range the catalogue gives for the parameter
    (or up to `TOLERANCE` outside), the one nearest to the middle of the range. A polarisation is found by band name.

    Args:
        info: The modality.
        parameter: Such as ``N``, ``R``, ``S1`` or ``VV``.

    Returns:
        Band, counted from 0.

    Raises:
        UnknownNameError: The catalogue has no such band.
        WorkbenchError: The modality has none; the message says what range was needed and what there is.
    """
    import spyndex

    if parameter in POLARISATIONS:
        names = [name.upper() for name in info.band_names or ()]
        hits = [
            band for band, name in enumerate(names) if parameter in name.replace("_", " ").split() or name == parameter
        ]
        if len(hits) == 1:
            return hits[0]
        there = ", ".join(info.band_names or ()) or "no band names"
        raise WorkbenchError(f"{info.name!r} has no band called {parameter}: it has {there}.")
    if parameter not in spyndex.bands:
        raise UnknownNameError("standard band", parameter, [*spyndex.bands, *POLARISATIONS])
    standard = spyndex.bands[parameter]
    low, high = float(standard.min_wavelength), float(standard.max_wavelength)
    wanted = f"band {parameter} ({standard.long_name}, {low:g} to {high:g} nm)"
    if info.wavelengths is None:
        raise WorkbenchError(
            f"{info.name!r} has no documented wavelengths, so its {wanted} cannot be found. "
            "Import it with its band centres."
        )
    centres = np.array(info.wavelengths)
    inside = np.flatnonzero((centres >= low - TOLERANCE) & (centres <= high + TOLERANCE))
    if not inside.size:
        nearest = centres[np.abs(centres - (low + high) / 2).argmin()]
        raise WorkbenchError(
            f"{info.name!r} has no {wanted}: its {info.bands} bands lie from {centres.min():g} to {centres.max():g} nm, "
            f"the nearest at {nearest:g} nm."
        )
    return int(inside[np.abs(centres[inside] - (low + high) / 2).argmin()])


def spectral_index(
    scene: Scene,
    modality: str,
    name: str,
    window: Window | None = None,
    constants: Mapping[str, float] | None = None,
) -> IndexPicture:
    """Compute an index.

    Indices of reflectance warn (`QuantityWarning`, and a note) on anything else. Radar indices take linear power;
    backscatter in dB is converted.

    Args:
        scene: A scene.
        modality: The modality whose bands it takes.
        name: Name in the catalogue, such as ``NDVI``.
        window: Rows and columns; None: the overview.
        constants: Parameters that are no bands, such as ``L`` of SAVI; the catalogue's defaults otherwise.

    Returns:
        The map; NaN where a band is missing or the formula has no value.

    Raises:
        UnknownNameError: There is no such index.
        WorkbenchError: The modality lacks a band, or a constant has no default.
    """
    import spyndex

    info = scene.info(modality)
    if name not in spyndex.indices:
        raise UnknownNameError("spectral index", name, spyndex.indices)
    entry = spyndex.indices[name]
    index = _resolve(info, entry, constants or {})
    if index.missing:
        raise WorkbenchError(
            f"While computing {name} ({index.long_name}) from scene {scene.name!r}: {' '.join(index.missing)} "
            f"Its formula is {index.formula}."
        )
    radar = index.domain == "radar"
    notes, factor = _judge(info, index, radar)
    parameters, largest = list(index.bands), [0.0]

    def compute(cube: Floats) -> Floats:
        values = cube * np.float32(factor)
        largest[0] = max(largest[0], float(np.nanmax(values, initial=0.0, where=np.isfinite(values))))
        if radar and info.quantity == "backscatter dB":
            values = 10.0 ** (values / 10.0)
        given: dict[str, Any] = {key: values[at] for at, key in enumerate(parameters)} | index.constants
        given |= _kernels(entry.bands, given)
        with np.errstate(all="ignore"):
            result = spyndex.computeIndex(name, {key: given[key] for key in entry.bands})
        plane = np.broadcast_to(np.asarray(result, np.float32), cube.shape[1:]).copy()
        plane[~np.isfinite(plane) | ~np.isfinite(values).all(axis=0)] = np.nan
        return plane[None]

    bands = [index.bands[key] for key in parameters]
    picture = cut_picture(scene, modality, window, compute, (name,), bands, notes)
    told = list(picture.notes)
    if info.quantity == "reflectance" and largest[0] > UNSCALED:
        _warn(
            told,
            f"Reflectance of {info.name!r} reaches {largest[0]:g}, so it is not between 0 and 1: indices with constants "
            "are wrong. Import it with its scale.",
            3,
        )
    if not np.isfinite(picture.values).any():
        told.append("No pixel has a value in all the bands that it takes.")
    return IndexPicture(**{**picture.__dict__, "notes": tuple(told), "index": index})


def _resolve(info: ModalityInfo, entry: Any, given: Mapping[str, float]) -> SpectralIndex:
    """The bands and constants of an index for a modality, and what is missing."""
    import spyndex

    bands: dict[str, int] = {}
    constants: dict[str, float] = {}
    missing: list[str] = []

    def band(parameter: str) -> None:
        try:
            bands[parameter] = find_band(info, parameter)
        except WorkbenchError as error:
            missing.append(str(error))

    for parameter in entry.bands:
        if parameter in given:
            constants[parameter] = float(given[parameter])
        elif parameter in spyndex.bands or parameter in POLARISATIONS:
            band(parameter)
        elif parameter.startswith("lambda") and parameter[6:] in spyndex.bands:
            band(parameter[6:])
            if parameter[6:] in bands and info.wavelengths is not None:
                constants[parameter] = float(info.wavelengths[bands[parameter[6:]]])
        elif parameter in KERNELS:
            for one in sorted(set(parameter[1:]) & set(spyndex.bands)):
                band(one)
            if parameter == "kNL":
                constants["L"] = float(given.get("L", spyndex.constants["L"].default))
        elif spyndex.constants[parameter].default is not None:
            constants[parameter] = float(spyndex.constants[parameter].default)
        else:
            missing.append(f"The parameter {parameter} has no default; give it as a constant.")
    unknown = [key for key in given if key not in entry.bands and key not in constants]
    if unknown:
        raise UnknownNameError(f"constant of {entry.short_name}", unknown[0], entry.bands)
    return SpectralIndex(
        name=str(entry.short_name),
        long_name=str(entry.long_name),
        domain=str(entry.application_domain),
        formula=str(entry.formula),
        reference=str(entry.reference),
        bands=bands,
        constants=constants,
        missing=tuple(dict.fromkeys(missing)),
    )


def _kernels(parameters: list[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Kernels of two bands: the radial basis function, its width the mean of the two (the catalogue's advice)."""
    import spyndex

    out = {}
    for key in parameters:
        if key in KERNELS:
            a, b = given[key[1]], given[key[2]]
            sigma = np.maximum((a + b) / 2, np.finfo(np.float32).tiny)
            out[key] = spyndex.computeKernel("RBF", {"a": a, "b": b, "sigma": sigma})
    return out


def _judge(info: ModalityInfo, index: SpectralIndex, radar: bool) -> tuple[list[str], float]:
    """Notes on the quantity and the bands, and the factor to what the formula takes."""
    notes, factor = [], 1.0
    if radar:
        if info.quantity == "backscatter dB":
            notes.append("Computed from linear power, into which the backscatter in dB was converted.")
        elif info.quantity != "backscatter linear":
            _warn(notes, f"{index.name} is an index of backscatter, and {info.name!r} holds {info.quantity}.")
    elif info.quantity != "reflectance":
        _warn(
            notes,
            f"{index.name} is an index of reflectance, and {info.name!r} holds {info.quantity}: "
            "its values cannot be compared with published ones.",
        )
    elif info.unit in PERCENT:
        notes.append("Reflectance in percent was divided by 100.")
        factor = 0.01
    if info.wavelengths is not None and not radar:
        used = [f"{key} {info.wavelengths[band]:g} nm (band {band + 1})" for key, band in index.bands.items()]
        notes.append(f"Bands: {', '.join(used)}.")
    if index.constants:
        notes.append(f"Constants: {', '.join(f'{key} = {value:g}' for key, value in index.constants.items())}.")
    return notes, factor


def _warn(notes: list[str], text: str, level: int = 4) -> None:
    notes.append(text)
    warnings.warn(text, QuantityWarning, stacklevel=level)
