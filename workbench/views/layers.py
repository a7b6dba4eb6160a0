"""What of a scene can be drawn as a raster: colour composites of any modality, and single bands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import ModalityInfo, Scene

TRUE_COLOUR = (640.0, 550.0, 480.0)  # nm; of Sentinel-2 bands 4, 3 and 2
COLOUR_INFRARED = (850.0, 650.0, 550.0)
SHORT = {"pca": "Principal components", "mnf": "Minimum noise fraction", "cir": "Colour infrared"}
NEAR_ENOUGH = 40.0  # nm by which the nearest band may miss a wavelength


@dataclass(frozen=True)
class Layer:
    """One way to draw one modality.

    Attributes:
        title: What faces call it.
        modality: Name of the modality.
        kind: `colour` takes three bands as red, green and blue; `components` the first three principal components,
            `mnf` those of the minimum noise fraction; `band` draws one band with a colour map; so are drawn a spectral
            `index`, `anomalies` (RX) and the spectral `angle` to a pixel.
        bands: Bands from 0 that are read; empty for kinds that read all, or that find theirs.
        index: Name of the spectral index.
        pixel: Row and column whose spectrum the angle is measured to.
    """

    title: str
    modality: str
    kind: Literal["colour", "components", "mnf", "band", "index", "anomalies", "angle"]
    bands: tuple[int, ...] = ()
    index: str = ""
    pixel: tuple[int, int] = (0, 0)


def layers(scene: Scene) -> tuple[Layer, ...]:
    """Every preset of a scene, the one to show first in front."""
    found = [layer for name in scene.modalities for layer in _of_modality(scene.info(name))]
    rank = {"True colour": 0, "Principal components": 1}
    return tuple(sorted(found, key=lambda layer: rank.get(layer.title.split(" (")[0], 2)))


def find_layer(scene: Scene, title: str | None = None) -> Layer:
    """A preset by its title, by its first words, or the default; raises `UnknownNameError` for others.

    `PCA` and `MNF` are understood too.
    """
    presets = layers(scene)
    if not title:
        return presets[0]
    title = SHORT.get(title.lower(), title)
    for layer in presets:
        if title.lower() in (layer.title.lower(), layer.title.split(" (")[0].lower()):
            return layer
    raise UnknownNameError(f"layer of scene {scene.name!r}", title, [layer.title for layer in presets])


def chosen_bands(scene: Scene, modality: str, bands: Sequence[int]) -> Layer:
    """A layer of one band, or of three as red, green and blue.

    Raises:
        WorkbenchError: There are neither one nor three bands, or one is not there.
    """
    info = scene.info(modality)
    numbers = tuple(int(band) for band in bands)
    if len(numbers) not in (1, 3):
        raise WorkbenchError(
            f"While drawing {modality!r}: give one band, or three as red, green and blue; got {bands}."
        )
    wrong = [band for band in numbers if not 0 <= band < info.bands]
    if wrong:
        raise WorkbenchError(
            f"While drawing {modality!r}: there is no band {wrong[0]}; bands are 0 to {info.bands - 1}."
        )
    title = f"{modality}: {', '.join(band_name(info, band) for band in numbers)}"
    return Layer(title, modality, "colour" if len(numbers) == 3 else "band", numbers)


def wavelength_layer(scene: Scene, modality: str, wavelengths: Sequence[float]) -> Layer:
    """The bands nearest to one wavelength in nm, or to three as red, green and blue.

    Raises:
        WorkbenchError: The modality has no documented wavelengths, or none as near as half the widest step of its bands.
    """
    info = scene.info(modality)
    if info.wavelengths is None:
        raise WorkbenchError(
            f"While drawing {modality!r} by wavelength: none are documented. Choose its bands by number, 0 to "
            f"{info.bands - 1}."
        )
    centres = np.asarray(info.wavelengths)
    bands = [int(np.abs(centres - wanted).argmin()) for wanted in wavelengths]
    reach = max(NEAR_ENOUGH, float(np.diff(np.sort(centres)).max(initial=0)) / 2)
    for wanted, band in zip(wavelengths, bands, strict=True):
        if not abs(centres[band] - wanted) <= reach:
            raise WorkbenchError(
                f"While drawing {modality!r} at {wanted:g} nm: its {info.bands} bands lie from {centres.min():.0f} to "
                f"{centres.max():.0f} nm, the nearest at {centres[band]:.0f} nm."
            )
    return chosen_bands(scene, modality, bands)


def index_layer(scene: Scene, modality: str, index: str) -> Layer:
    """A spectral index by its name in the catalogue; whether its bands are there is found out when it is drawn."""
    scene.info(modality)
    return Layer(f"{index} ({modality})", modality, "index", index=index)


def anomaly_layer(scene: Scene, modality: str) -> Layer:
    """How unlike the rest of the scene each spectrum is (RX)."""
    scene.info(modality)
    return Layer(f"Anomalies ({modality})", modality, "anomalies")


def angle_layer(scene: Scene, modality: str, row: int, col: int) -> Layer:
    """The angle between each spectrum and that of one pixel."""
    scene.info(modality)
    return Layer(f"Angle to row {row}, column {col} ({modality})", modality, "angle", pixel=(row, col))


def band_name(info: ModalityInfo, band: int) -> str:
    """A band as its source calls it, else by wavelength, else by number."""
    if info.wavelengths is not None:
        return f"{info.wavelengths[band]:.0f} nm"
    if info.band_names is not None:
        name = info.band_names[band]
        return f"{name} {band}" if info.band_names.count(name) > 1 else name
    return f"band {band}"


def band_names(info: ModalityInfo) -> list[tuple[str, int]]:
    """Name and number of each band, for a control; no name twice."""
    names = [band_name(info, band) for band in range(info.bands)]
    if len(set(names)) < len(names):  # closer than a nanometre
        names = [f"{name} (band {band})" for band, name in enumerate(names)]
    return list(zip(names, range(info.bands), strict=True))


def quantity_name(info: ModalityInfo) -> str:
    """The quantity with its unit, for axes and colour bars."""
    words = info.quantity if info.quantity != "unknown" else "value"
    unit = "" if info.unit.lower() in words.lower().split() else info.unit
    return f"{words} ({unit})" if unit and unit not in ("1", "-") else words


def _of_modality(info: ModalityInfo) -> list[Layer]:
    name = info.name
    if info.bands < 3:
        return [Layer(_band_title(info, band), name, "band", (band,)) for band in range(info.bands)]
    found = []
    for words, wanted in (("True colour", TRUE_COLOUR), ("Colour infrared", COLOUR_INFRARED)):
        bands = _nearest(info, wanted)
        if bands is None and words == "True colour":
            bands = _by_name(info)
        if bands is not None:
            found.append(Layer(f"{words} ({name})", name, "colour", bands))
    if info.bands > 3:
        found.append(Layer(f"Principal components ({name})", name, "components"))
        found.append(Layer(f"Minimum noise fraction ({name})", name, "mnf"))
    elif not found:
        found.append(Layer(f"Bands 0, 1, 2 ({name})", name, "colour", (0, 1, 2)))
    return found


def _band_title(info: ModalityInfo, band: int) -> str:
    words = band_name(info, band) if info.bands > 1 or info.band_names else info.quantity
    return f"{words[:1].upper()}{words[1:]} ({info.name})" if words != "unknown" else info.name


def _nearest(info: ModalityInfo, wanted: tuple[float, ...]) -> tuple[int, ...] | None:
    if info.wavelengths is None:
        return None
    centres = np.asarray(info.wavelengths)
    bands = [int(np.abs(centres - wavelength).argmin()) for wavelength in wanted]
    misses = [abs(float(centres[band]) - wavelength) for band, wavelength in zip(bands, wanted, strict=True)]
    return tuple(bands) if max(misses) <= NEAR_ENOUGH and len(set(bands)) == 3 else None


def _by_name(info: ModalityInfo) -> tuple[int, ...] | None:
    """Bands called red, green and blue; of a modality `rgb` with three bands, its order."""
    names = [name.lower() for name in info.band_names or ()]
    if {"red", "green", "blue"} <= set(names):
        return tuple(names.index(color) for color in ("red", "green", "blue"))
    return (0, 1, 2) if info.name.lower() == "rgb" and info.bands == 3 else None
