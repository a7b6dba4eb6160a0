"""Reflectance spectra from physical shapes: red edge, water absorption, soil slope, man-made materials."""

import numpy as np
from numpy.typing import NDArray

Spectrum = NDArray[np.float64]

# Band centres in nm; the two gaps are where water vapour hides the ground.
WAVELENGTHS: Spectrum = np.concatenate(
    [np.arange(420.0, 1321.0, 25.0), np.arange(1475.0, 1776.0, 25.0), np.arange(1975.0, 2431.0, 35.0)]
)
FWHM: Spectrum = np.where(WAVELENGTHS < 1900, 25.0, 35.0)
NOISE: Spectrum = 0.006 + 0.006 * np.exp(-(((WAVELENGTHS - 420) / 60) ** 2)) + 0.006 * (WAVELENGTHS > 1900)
"""Standard deviation of the sensor noise in reflectance, by band."""


def dip(centre: float, width: float) -> Spectrum:
    """A Gaussian feature of height 1; nm."""
    shape: Spectrum = np.exp(-0.5 * ((WAVELENGTHS - centre) / width) ** 2)
    return shape


def step(centre: float, width: float) -> Spectrum:
    """A rise from 0 to 1; nm."""
    shape: Spectrum = 1 / (1 + np.exp(-(WAVELENGTHS - centre) / width))
    return shape


def liquid_water() -> Spectrum:
    """Absorption of liquid water in a leaf, relative: bands at 970, 1200, 1450 and 1940 nm on a rising floor."""
    bands = 0.06 * dip(970, 30) + 0.14 * dip(1200, 45) + 1.1 * dip(1450, 70) + 1.7 * dip(1940, 90)
    return bands + 0.45 * step(1400, 35) + 0.9 * step(1900, 80)


def vegetation(green: float, nir: float, water: float, dry: float) -> Spectrum:
    """A canopy.

    Args:
        green: Chlorophyll, 0 (none) to 1.
        nir: Reflectance of the near-infrared plateau.
        water: Leaf water, 0 to about 1.
        dry: Cellulose and lignin, 0 to 1, seen at 2100 and 2300 nm.
    """
    pigments = green * (0.8 * (1 - step(505, 12)) + 0.62 * dip(670, 45) + 0.35 * step(560, 15) * (1 - step(690, 10)))
    leaf = nir * (0.32 + 0.68 * step(718, 14)) * np.exp(-pigments * 1.6)
    return leaf * np.exp(-water * liquid_water()) * (1 - dry * (0.16 * dip(2100, 50) + 0.2 * dip(2310, 50)))


def soil(bright: float) -> Spectrum:
    """Bare soil: a rising slope that flattens, iron at 880 nm, clay at 2200 nm."""
    slope = 1 - np.exp(-(WAVELENGTHS - 300) / 700)
    return bright * slope * (1 - 0.06 * dip(880, 60)) * (1 - 0.15 * dip(2205, 35))


def asphalt() -> Spectrum:
    """Bitumen with stone: dark, rising slowly, hydrocarbons at 1730 and 2310 nm."""
    return (0.07 + 0.06 * step(900, 300)) * (1 - 0.05 * dip(1730, 30) - 0.1 * dip(2310, 45))


def artificial_turf() -> Spectrum:
    """Green plastic: a green peak, no red edge, hydrocarbons at 1215, 1730 and 2310 nm."""
    plastic = 0.05 + 0.07 * dip(525, 35) + 0.16 * step(790, 45)
    return plastic * (1 - 0.2 * dip(1215, 25) - 0.35 * dip(1730, 30) - 0.4 * dip(2310, 45))


def clay_tile() -> Spectrum:
    """Fired clay: iron oxide's rise at 580 nm and its dip at 870 nm."""
    return (0.07 + 0.3 * step(585, 22)) * (1 - 0.12 * dip(870, 70))


def tilt() -> Spectrum:
    """A straight line from -1 at the first band to 1 at the last."""
    line: Spectrum = np.interp(WAVELENGTHS, [WAVELENGTHS[0], WAVELENGTHS[-1]], [-1, 1])
    return line


def diffuse_share() -> Spectrum:
    """Share of the light that comes from the sky: all that lights a shadow; blue."""
    share: Spectrum = 0.12 + 0.3 * (WAVELENGTHS / 450) ** -2.5
    return share
