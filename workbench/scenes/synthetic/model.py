"""The generative model: what a class looks like to each sensor, as distributions with known parameters.

A spectral family is a mean spectrum with directions in which parcels vary (columns of `between`) and pixels vary
(columns of `within`), all coefficients standard normal. Classes of one family share both and differ only in where
they sit in the parcels' directions (`shift`), so that their overlap is the same however many pixels are seen.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.scenes.synthetic import spectra

LOOKS = 4
"""Looks of the SAR image: the shape of its gamma-distributed speckle."""
SAR_SPREAD = 1.0
"""Standard deviation of a parcel's backscatter around its class, in dB, each polarisation on its own."""


@dataclass(frozen=True, eq=False)
class Family:
    """Spectra of one kind of material.

    Attributes:
        mean: Mean reflectance, (B,).
        between: Directions in which parcels vary, (B, 3).
        within: Directions in which the pixels of a parcel vary, (B, 2).
    """

    mean: NDArray[np.float64]
    between: NDArray[np.float64]
    within: NDArray[np.float64]


@dataclass(frozen=True)
class Kind:
    """One class.

    Attributes:
        name: Its name.
        family: Name of its spectral family.
        shift: Its place along the family's three directions between parcels.
        height: Mean height above ground, m.
        height_spread: Standard deviation of a parcel's height around it, m.
        roughness: Standard deviation of a pixel's height around its parcel's, sensor included, m. The same for all
            low classes: a parcel's pixels would tell different ones apart however much their heights overlap.
        backscatter: Mean VV and VH, dB.
        tall: Whether its parcels cast shadow.
    """

    name: str
    family: str
    shift: tuple[float, float, float]
    height: float
    height_spread: float
    roughness: float
    backscatter: tuple[float, float]
    tall: bool = False


def _family(mean: NDArray[np.float64], second: NDArray[np.float64], third: NDArray[np.float64]) -> Family:
    """Parcels vary in brightness and two more directions; pixels in brightness and the second direction."""
    return Family(mean, np.column_stack([0.07 * mean, second, third]), np.column_stack([0.08 * mean, 1.1 * second]))


_MEADOW = spectra.vegetation(green=0.85, nir=0.42, water=0.55, dry=0.2)
_DRY = spectra.vegetation(green=0.2, nir=0.36, water=0.25, dry=0.9)
_LUSH = spectra.vegetation(green=0.85, nir=0.44, water=0.85, dry=0.2)
_CONIFER = spectra.vegetation(green=1.0, nir=0.24, water=0.9, dry=0.3)
_SOIL = spectra.soil(0.34)

FAMILIES = {
    # second direction: drying out; third: leaf water
    "herbs": _family(_MEADOW, 0.22 * (_DRY - _MEADOW), 0.5 * (_LUSH - _MEADOW)),
    "turf": _family(spectra.artificial_turf(), 0.006 * spectra.tilt(), 0.01 * spectra.dip(525, 40)),
    "bitumen": _family(spectra.asphalt(), 0.010 * spectra.tilt(), 0.008 * spectra.step(900, 200)),
    "soil": _family(_SOIL, -0.035 * _SOIL * spectra.liquid_water(), 0.012 * spectra.tilt()),
    "conifers": _family(_CONIFER, 0.05 * (_DRY - _CONIFER), 0.05 * (_LUSH - _CONIFER)),
    "tiles": _family(spectra.clay_tile(), 0.015 * spectra.tilt(), 0.02 * spectra.step(585, 25)),
}

KINDS = (
    Kind("meadow", "herbs", (0.0, 0.0, 0.0), 0.25, 0.12, 0.10, (-12.0, -18.0)),
    Kind("dry grass", "herbs", (0.0, 3.6, 0.0), 0.25, 0.12, 0.10, (-12.0, -18.0)),
    Kind("tall crop", "herbs", (0.0, 0.0, 2.6), 1.10, 0.35, 0.10, (-12.0, -18.0)),
    Kind("artificial turf", "turf", (0.0, 0.0, 0.0), 0.05, 0.05, 0.10, (-17.0, -25.0)),
    Kind("asphalt", "bitumen", (0.0, 0.0, 0.0), 0.05, 0.05, 0.10, (-17.0, -25.0)),
    Kind("low flat roof", "bitumen", (0.0, 0.0, 0.0), 2.00, 0.90, 0.10, (-17.0, -25.0)),
    Kind("smooth soil", "soil", (0.0, 0.0, 0.0), 0.08, 0.05, 0.10, (-14.0, -22.5)),
    Kind("ploughed soil", "soil", (0.0, 0.0, 0.0), 0.08, 0.05, 0.10, (-10.8, -20.7)),
    Kind("conifers", "conifers", (0.0, 0.0, 0.0), 9.50, 1.50, 1.50, (-9.0, -14.0), tall=True),
    Kind("tiled roof", "tiles", (0.0, 0.0, 0.0), 6.50, 0.90, 0.60, (-4.0, -13.0), tall=True),
)

MODALITIES = ("hsi", "lidar", "sar")
COMBINATIONS = {
    "all": MODALITIES,
    "hsi": ("hsi",),
    "lidar": ("lidar",),
    "sar": ("sar",),
    "hsi_lidar": ("hsi", "lidar"),
    "hsi_sar": ("hsi", "sar"),
    "lidar_sar": ("lidar", "sar"),
}


@dataclass(frozen=True, eq=False)
class Parcels:
    """What each parcel drew; index 0 is parcel 1.

    Attributes:
        kind: Index into `KINDS`, (P,).
        spectrum: Reflectance in full sun, (P, B).
        height: Metres above ground, (P,).
        backscatter: VV and VH in dB, (P, 2).
    """

    kind: NDArray[np.int64]
    spectrum: NDArray[np.float64]
    height: NDArray[np.float64]
    backscatter: NDArray[np.float64]


def draw_parcels(count: int, random: np.random.Generator) -> Parcels:
    """Draw class, spectrum, height and backscatter of `count` parcels."""
    kind = random.integers(len(KINDS), size=count)
    place = random.standard_normal((count, 3)) + np.array([KINDS[k].shift for k in kind])
    families = [FAMILIES[KINDS[k].family] for k in kind]
    spectrum = np.array([family.mean + family.between @ z for family, z in zip(families, place, strict=True)])
    heights = np.array([(KINDS[k].height, KINDS[k].height_spread) for k in kind])
    height = heights[:, 0] + heights[:, 1] * random.standard_normal(count)
    levels = np.array([KINDS[k].backscatter for k in kind])
    return Parcels(kind, spectrum, height, levels + SAR_SPREAD * random.standard_normal((count, 2)))
