"""What of a scene can be drawn as a raster: colour composites of any modality, and single bands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import ModalityInfo, Scene

TRUE_COLOUR = (640.0, 550.0, 460.0)  # nm
COLOUR_INFRARED = (850.0, 650.0, 550.0)
NEAR_ENOUGH = 40.0  # nm by which the nearest band may miss a wavelength


@dataclass(frozen=True)
class Layer:
    """One way to draw one modality.

    Attributes:
        title: What faces call it.
        modality: Name of the modality.
        kind: `colour` takes three bands as red, green and blue; `components` the first three principal components;
            `band` draws one band with a colour map.
        bands: Bands from 0 that are read; empty for `components`, which reads all.
    """

    title: str
    modality: str
    kind: Literal["colour", "components", "band"]
    bands: tuple[int, ...] = ()


def layers(scene: Scene) -> tuple[Layer, ...]:
    """Every preset of a scene, the one to show first in front."""
    found = [layer for name in scene.modalities for layer in _of_modality(scene.info(name))]
    rank = {"True colour": 0, "Principal components": 1}
    return tuple(sorted(found, key=lambda layer: rank.get(layer.title.split(" (")[0], 2)))


def find_layer(scene: Scene, title: str | None = None) -> Layer:
    """A preset by its title, by its first words, or the default; raises `UnknownNameError` for others."""
    presets = layers(scene)
    if title is None:
        return presets[0]
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


def band_name(info: ModalityInfo, band: int) -> str:
    """A band as its source calls it, else by wavelength, else by number."""
    if info.wavelengths is not None:
        return f"{info.wavelengths[band]:.0f} nm"
    if info.band_names is not None:
        return info.band_names[band]
    return f"band {band}"


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
