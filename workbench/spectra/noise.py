"""Noise of each band, and which bands to offer for removal.

Noise is told from second differences of horizontal neighbours, (left - 2 middle + right) / sqrt(6), in which a slope
cancels; its size is 1.4826 times their median absolute deviation, which rests on the homogeneous areas that most
neighbours lie in, as edges are few. Sources: shift differences, Green et al., IEEE TGRS 26(1), 1988; homogeneous areas,
Gao, Remote Sensing of Environment 43(1), 1993.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.scenes import Collection, ModalityInfo, Scene
from workbench.scenes.schema import CHUNK
from workbench.spectra.sampling import Floats, named_bands, sample_blocks

if TYPE_CHECKING:
    import pandas as pd

METHOD = (
    "Noise: 1.4826 times the median absolute deviation of second differences of horizontal neighbours (after Green et "
    "al. 1988; homogeneous areas dominate the median, as in Gao 1993). Signal: median. Texture counts as noise, so the "
    "ratio is a lower bound."
)
ABSORPTION = ((1340.0, 1460.0), (1790.0, 1960.0), (2450.0, 2600.0))
"""Wavelengths in nm at which water vapour lets little light through to the ground."""
PER_BLOCK = 1000
"""Pixels that stand for a whole chunk."""
EMPTY = 0.5
"""A band that lacks values in this share of the pixels that others have is offered for removal."""


@dataclass(frozen=True)
class BandQuality:
    """What was found of one band.

    Attributes:
        band: Counted from 0.
        wavelength: Centre in nm where documented.
        signal: Median, None without values.
        noise: Standard deviation of the noise in the modality's unit, None where it cannot be told.
        snr: ``signal / noise``, None where it has no meaning.
        faults: Why the band is offered for removal, a few words each; empty for a good one.
        hint: What else speaks against it, such as water absorption; no reason by itself.
    """

    band: int
    wavelength: float | None
    signal: float | None
    noise: float | None
    snr: float | None
    faults: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True)
class BandQualities:
    """What was found of a modality's bands.

    Attributes:
        info: The modality.
        bands: One per band.
        method: How noise and signal were estimated, with source.
        notes: What a reader must know.
    """

    info: ModalityInfo
    bands: tuple[BandQuality, ...]
    method: str
    notes: tuple[str, ...] = ()

    @property
    def bad(self) -> tuple[int, ...]:
        """Bands to offer for removal, counted from 0."""
        return tuple(one.band for one in self.bands if one.faults)

    def to_frame(self) -> "pd.DataFrame":
        """A row per band: band (counted from 1), wavelength, signal, noise, SNR, what is wrong, hint."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "band": one.band + 1,
                    "wavelength [nm]": one.wavelength,
                    "signal": one.signal,
                    "noise": one.noise,
                    "SNR": one.snr,
                    "fault": "; ".join(one.faults),
                    "hint": one.hint,
                }
                for one in self.bands
            ]
        )


def band_quality(scene: Scene | Collection, modality: str, lowest_snr: float = 5.0, seed: int = 0) -> BandQualities:
    """Find bands that are empty, constant or noisy.

    Args:
        scene: The scene; of a collection, all tiles.
        modality: Name of the modality.
        lowest_snr: Bands below are offered for removal.
        seed: Of the sample.
    """
    info = scene.info(modality)
    values, steps = _sample(scene, modality, seed)
    measures = info.quantity in ("radiance", "reflectance", "digital number", "unknown", "backscatter linear")
    there = np.isfinite(values)
    share = there[there.any(axis=1)].mean(axis=0) if there.any() else np.zeros(info.bands)
    found = []
    for band in range(info.bands):
        mine, differences = values[there[:, band], band], steps[np.isfinite(steps[:, band]), band]
        faults = []
        signal = float(np.median(mine)) if mine.size else None
        noise = _noise(differences, info)
        snr = None if signal is None or noise is None or not measures else signal / noise
        if not mine.size:
            faults.append("no values")
        elif share[band] < EMPTY:
            faults.append(f"no value in {100 * (1 - share[band]):.0f} % of the pixels")
        if mine.size > 1 and mine.min() == mine.max():
            faults.append(f"constant ({mine[0]:g})")
        elif snr is not None and snr < lowest_snr:
            faults.append(f"signal-to-noise ratio {snr:.1f}, below {lowest_snr:g}")
        wavelength = None if info.wavelengths is None else info.wavelengths[band]
        found.append(BandQuality(band, wavelength, signal, noise, snr, tuple(faults), _hint(wavelength)))
    return BandQualities(info, tuple(found), METHOD, tuple(_notes(info, found, measures, len(values), seed)))


def _sample(scene: Scene | Collection, modality: str, seed: int) -> tuple[Floats, Floats]:
    """Values (n, band) and second differences (m, band) of seeded pixels of sampled chunks."""
    rng = np.random.default_rng(seed)
    values: list[Floats] = []
    steps: list[Floats] = []
    for block in sample_blocks(scene, modality, seed):
        differences = (block[:, :, :-2] - 2 * block[:, :, 1:-1] + block[:, :, 2:]) / np.sqrt(np.float32(6))
        for cube, kept in ((block, values), (differences, steps)):
            spectra = cube.reshape(len(cube), -1)
            share = -(-PER_BLOCK * spectra.shape[1] // CHUNK**2)  # so that a chunk at the edge counts for its size
            kept.append(spectra[:, rng.permutation(spectra.shape[1])[:share]].T)
    return np.concatenate(values), np.concatenate(steps)


def _noise(differences: Floats, info: ModalityInfo) -> float | None:
    """Standard deviation of the noise, None where neighbours do not differ or are too few."""
    if differences.size < 10:
        return None
    spread = 1.4826 * float(np.median(np.abs(differences - np.median(differences))))
    if spread == 0:
        return None
    if np.dtype(info.dtype).kind in "iu":  # whole numbers are noisy by their step at least
        spread = max(spread, abs(info.scale) / np.sqrt(12))
    return float(spread)


def _hint(wavelength: float | None) -> str:
    if wavelength is None:
        return ""
    inside = [span for span in ABSORPTION if span[0] <= wavelength <= span[1]]
    return f"water absorption ({inside[0][0]:g} to {inside[0][1]:g} nm)" if inside else ""


def _notes(info: ModalityInfo, found: list[BandQuality], measures: bool, pixels: int, seed: int) -> list[str]:
    notes = [f"From {pixels} pixels spread over the scene, at full resolution (seed {seed})."]
    if not measures:
        notes.append(
            f"A signal-to-noise ratio of {info.quantity} has no meaning; only empty and constant bands are found."
        )
    equal = [one.band for one in found if one.noise is None and one.signal is not None and not one.faults]
    if equal:
        notes.append(
            f"In {named_bands(equal)} most neighbours are equal (resampled from coarser pixels?), so noise cannot be told."
        )
    if info.wavelengths is None:
        notes.append("No wavelengths are documented, so water absorption cannot be hinted at.")
    return notes
