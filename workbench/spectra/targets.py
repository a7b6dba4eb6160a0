"""Where a spectrum occurs, and what differs from all else: spectral angle, matched filter, RX, through `spectral`."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes import Collection, Scene
from workbench.spectra.sampling import Floats, Picture, Pixels, Window, cut_picture, flat, named_bands
from workbench.spectra.transforms import signal_statistics

RARE = 0.001
"""Share of background pixels that the limit of an RX score leaves above it, were the background normal."""
FEW = 5
"""Background pixels per band below which its covariance says little."""


def spectral_angles(
    scene: Scene,
    modality: str,
    spectra: ArrayLike,
    window: Window | None = None,
    names: Sequence[str] = (),
) -> Picture:
    """Angle between each pixel's spectrum and given ones, which brightness does not change.

    Source: Kruse et al., Remote Sensing of Environment 44(2-3), 1993; computed by `spectral.spectral_angles`.

    Args:
        scene: A scene.
        modality: Name of the modality.
        spectra: Physical values (n, band); bands where one has no value are left out.
        window: Rows and columns; None: the overview.
        names: One per spectrum.

    Returns:
        Degrees, a channel per spectrum; small means alike.

    Raises:
        WorkbenchError: The spectra have another number of bands, or no values.
    """
    import spectral

    members = as_spectra(scene, modality, spectra)
    bands, notes = _common_bands(members, modality)
    members = members[:, bands]
    if not (np.abs(members).sum(axis=1) > 0).all():
        raise WorkbenchError(f"While computing spectral angles of {modality!r}: a spectrum is zero in all bands.")
    told = tuple(names) if names else tuple(f"spectrum {number + 1}" for number in range(len(members)))

    def compute(cube: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):  # zero spectra have no angle
            angles = spectral.spectral_angles(cube.transpose(1, 2, 0).astype(np.float64), members)
        return np.asarray(np.degrees(angles).transpose(2, 0, 1), np.float32)

    return cut_picture(scene, modality, window, compute, told, bands, notes)


def angle_classes(angles: Picture, limit: float | None = None) -> NDArray[np.uint16]:
    """The most alike spectrum of each pixel.

    Args:
        angles: Of `spectral_angles`.
        limit: Degrees above which nothing is alike; None: no limit.

    Returns:
        uint16 (rows, cols): 1 for the first spectrum, and so on; 0 where none is alike or there is no value.
    """
    filled = np.where(np.isnan(angles.values), np.inf, angles.values)
    nearest, least = filled.argmin(axis=0) + 1, filled.min(axis=0)
    return np.where(least <= (np.finfo(np.float32).max if limit is None else limit), nearest, 0).astype(np.uint16)


def anomalies(
    scene: Scene,
    modality: str,
    window: Window | None = None,
    seed: int = 0,
    background: Scene | Collection | None = None,
) -> Picture:
    """RX scores: squared Mahalanobis distance from the spectra of the background.

    Source: Reed and Yu, IEEE Trans. ASSP 38(10), 1990; computed by `spectral.rx`.

    Args:
        scene: A scene.
        modality: Name of the modality.
        window: Rows and columns; None: the overview.
        seed: Of the background sample.
        background: What a seeded sample of normal spectra is taken from, such as the collection of a small tile; None:
            the whole scene.

    Raises:
        WorkbenchError: Too few pixels have values.
    """
    import spectral
    from scipy.stats import chi2

    pixels, normal = signal_statistics(background or scene, modality, seed)
    rank = int(np.linalg.matrix_rank(normal.cov, hermitian=True))
    limit = float(chi2.isf(RARE, max(rank, 1)))
    notes = (
        *_background_notes(pixels, background or scene, seed),
        f"Of a normal background 0.1 % would score above {limit:.4g}; real scenes have heavier tails.",
    )

    def compute(cube: Floats) -> Floats:
        scores = spectral.rx(cube.transpose(1, 2, 0).astype(np.float64), background=normal)
        return np.asarray(scores, np.float32)[None]

    return cut_picture(scene, modality, window, compute, ("RX score",), pixels.bands, notes)


def matched_filter(
    scene: Scene,
    modality: str,
    target: ArrayLike,
    window: Window | None = None,
    seed: int = 0,
    background: Scene | Collection | None = None,
) -> Picture:
    """Response of a matched filter: 1 on the target's spectrum, 0 on the mean of the background.

    Computed by `spectral.MatchedFilter`.

    Args:
        scene: A scene.
        modality: Name of the modality.
        target: Physical values (band,).
        window: Rows and columns; None: the overview.
        seed: Of the background sample.
        background: As of `anomalies`.

    Raises:
        WorkbenchError: The target has another number of bands or lacks values, or equals the background's mean.
    """
    from spectral import MatchedFilter

    spectrum = as_spectra(scene, modality, target)[0]
    pixels, normal = signal_statistics(background or scene, modality, seed)
    wanted = spectrum[list(pixels.bands)].astype(np.float64)
    doing = f"While filtering {modality!r} of scene {scene.name!r}"
    if not np.isfinite(wanted).all():
        missing = [band for band in pixels.bands if not np.isfinite(spectrum[band])]
        raise WorkbenchError(f"{doing}: the target has no value in {named_bands(missing)}. Pick another pixel.")
    if np.allclose(wanted, normal.mean):
        raise WorkbenchError(f"{doing}: the target equals the mean of the background. Pick another pixel.")
    respond = MatchedFilter(normal, wanted)

    def compute(cube: Floats) -> Floats:
        answers = np.asarray(respond(flat(cube).astype(np.float64)), np.float32)
        return answers.reshape(1, *cube.shape[1:])

    notes = _background_notes(pixels, background or scene, seed)
    return cut_picture(scene, modality, window, compute, ("matched filter",), pixels.bands, notes)


def _background_notes(pixels: Pixels, background: Scene | Collection, seed: int) -> tuple[str, ...]:
    notes = (f"Background: {len(pixels)} pixels spread over {background.name} (seed {seed}).", *pixels.notes)
    if len(pixels) < FEW * len(pixels.bands):
        notes += (
            f"These are few for {len(pixels.bands)} bands, so the answer says little: take more tiles or fewer bands.",
        )
    return notes


def as_spectra(scene: Scene, modality: str, spectra: ArrayLike) -> NDArray[np.float64]:
    """Spectra as float64 (n, band).

    Raises:
        WorkbenchError: They do not have the modality's bands, or there is none.
    """
    members = np.atleast_2d(np.asarray(spectra, np.float64))
    bands = scene.info(modality).bands
    if members.ndim != 2 or not len(members) or members.shape[1] != bands:
        raise WorkbenchError(
            f"Spectra of {modality!r} of scene {scene.name!r} have {bands} bands; the array given is "
            f"{' x '.join(map(str, members.shape))}. Give one row per spectrum."
        )
    return members


def _common_bands(members: NDArray[np.float64], modality: str) -> tuple[list[int], tuple[str, ...]]:
    """Bands in which every spectrum has a value, and a note on the others."""
    there = np.isfinite(members).all(axis=0)
    if not there.any():
        raise WorkbenchError(f"The spectra of {modality!r} have no band in which all have values. Pick other pixels.")
    left = np.flatnonzero(~there).tolist()
    notes = (f"Left out, as a spectrum has no value there: {named_bands(left)}.",) if left else ()
    return np.flatnonzero(there).tolist(), notes
