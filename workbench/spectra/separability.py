"""How well classes can be told apart, and how alike bands are."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.scenes import ClassTable, Collection, Scene
from workbench.spectra.sampling import Pixels, labelled_pixels, read_pixels, sample_pixels

if TYPE_CHECKING:
    import pandas as pd

COMPONENTS = 10
"""Dimensions in which classes are compared: covariances of hundreds of bands cannot be told from few pixels."""
METHOD = (
    "Jeffries-Matusita distance 2 (1 - exp(-B)), B the Bhattacharyya distance of normal distributions (Richards and Jia, "
    "Remote Sensing Digital Image Analysis): 0 alike, 2 fully separable. Covariances after Ledoit and Wolf (2004)."
)


@dataclass(frozen=True, eq=False)
class Separability:
    """Jeffries-Matusita distance of each pair of classes.

    Attributes:
        classes: The class table.
        jm: float64 (class, class), 0 to 2, NaN where it cannot be told.
        counts: Pixels read per class.
        reasons: By class value, why it is compared with none.
        method: How it was computed, with source.
        notes: What a reader must know.
    """

    classes: ClassTable
    jm: NDArray[np.float64]
    counts: tuple[int, ...]
    reasons: dict[int, str]
    method: str
    notes: tuple[str, ...]

    def to_frame(self) -> "pd.DataFrame":
        """Classes by classes as text with two decimals; a dash where there is no answer."""
        import pandas as pd

        text = [["-" if np.isnan(value) else f"{value:.2f}" for value in row] for row in self.jm]
        return pd.DataFrame(text, index=list(self.classes.names), columns=list(self.classes.names))


@dataclass(frozen=True, eq=False)
class BandCorrelation:
    """Correlation of every band with every other.

    Attributes:
        values: float64 (band, band), -1 to 1, NaN for bands that are constant or have too few values.
        names: One per band: modality and wavelength, band name or number.
        bounds: First band of each modality, and the one after its last.
        notes: What a reader must know.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]
    bounds: dict[str, tuple[int, int]]
    notes: tuple[str, ...]


def separability(
    scene: Scene | Collection, modalities: str | Sequence[str], per_class: int = 300, seed: int = 0
) -> Separability:
    """Compare the labelled pixels of each pair of classes, in one modality or in several side by side.

    Bands are standardised and reduced to at most `COMPONENTS` principal components of all labelled pixels read; each
    of several modalities to its share of them, so that one band of height is not lost among a hundred of a spectrum.

    Args:
        scene: A scene or collection with labels.
        modalities: One name, or several.
        per_class: Pixels read of each class at most.
        seed: Of their choice.

    Raises:
        WorkbenchError: There are no labels, or no labelled pixel has values.
    """
    from sklearn.covariance import LedoitWolf
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler
    from spectral import GaussianStats, bdist

    names = [modalities] if isinstance(modalities, str) else list(modalities)
    pixels, labels = labelled_pixels(scene, names, per_class, seed)
    scaled = StandardScaler().fit_transform(pixels.values.astype(np.float64))
    ends = np.cumsum([scene.info(name).bands for name in names])
    owner = np.searchsorted(ends, np.array(pixels.bands), side="right")
    share, most = max(COMPONENTS // len(names), 1), max(len(scaled) - 1, 0)
    parts = [np.empty((len(scaled), 0))]
    for number in range(len(names)):
        varied = scaled[:, (owner == number) & (scaled.std(axis=0) > 0)]
        if part := min(share, varied.shape[1], most):
            parts.append(PCA(part, whiten=True, svd_solver="full").fit_transform(varied))
    points = np.hstack(parts)
    depth = points.shape[1]
    fewest = max(3 * depth, 10)
    reasons, groups = {}, {}
    counts = tuple(int((labels == value).sum()) for value in scene.classes.values)
    for value, count in zip(scene.classes.values, counts, strict=True):
        if not depth:
            reasons[value] = "all labelled pixels are alike"
        elif count < fewest:
            reasons[value] = f"{count} labelled pixels with values; {fewest} are needed"
        else:
            mine = points[labels == value]
            # identical pixels would have no spread at all, and every distance would be infinite
            covariance = LedoitWolf().fit(mine).covariance_ + 1e-9 * np.eye(depth)
            groups[value] = SimpleNamespace(stats=GaussianStats(mine.mean(axis=0), covariance, count))
    size = len(scene.classes)
    jm = np.full((size, size), np.nan)
    order = list(scene.classes.values)
    for i, first in enumerate(order):
        for j, second in enumerate(order[:i]):
            if first in groups and second in groups:
                with warnings.catch_warnings():  # its determinants go through complex numbers without imaginary part
                    warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
                    distance = max(float(bdist(groups[first], groups[second])), 0.0)
                jm[i, j] = jm[j, i] = 2 * (1 - np.exp(-distance))
        if first in groups:
            jm[i, i] = 0.0
    notes = (
        f"{len(labels)} labelled pixels of {', '.join(names)} (seed {seed}).",
        f"Compared in {depth} principal components of {len(pixels.bands)} standardised bands.",
        "Labelled pixels of all sides of a split are used: this is exploration, not a score.",
        *_of_several(pixels, names),
    )
    return Separability(scene.classes, jm, counts, reasons, METHOD, notes)


def band_correlation(
    scene: Scene | Collection, modalities: str | Sequence[str], most: int = 5000, seed: int = 0
) -> BandCorrelation:
    """Pearson correlation of all bands of one or several modalities, from pixels spread over the scene.

    Args:
        scene: A scene or collection.
        modalities: One name, or several.
        most: Pixels at most.
        seed: Of their choice.

    Raises:
        WorkbenchError: No pixel of the first modality has values.
    """
    import pandas as pd

    names = [modalities] if isinstance(modalities, str) else list(modalities)
    pixels = sample_pixels(scene, names[0], most, seed)
    places = np.stack([pixels.tile, pixels.row, pixels.col], axis=1).astype(np.int64)
    parts = [read_pixels(scene, name, places).astype(np.float64) for name in names]
    values = np.concatenate(parts, axis=1)
    kept = np.isfinite(values).mean(axis=0) > 0
    full = np.isfinite(values).all(axis=1)
    if full.mean() > 0.9:
        kept &= values[full].std(axis=0) > 0
        found = np.full((values.shape[1], values.shape[1]), np.nan)
        found[np.ix_(kept, kept)] = np.atleast_2d(np.corrcoef(values[full][:, kept], rowvar=False))
        used = int(full.sum())
    else:  # pair by pair, as the gaps of bands and modalities differ
        found, used = pd.DataFrame(values).corr(min_periods=10).to_numpy(), len(values)
    ends = np.cumsum([part.shape[1] for part in parts]).tolist()
    bounds = {name: (end - part.shape[1], end) for name, part, end in zip(names, parts, ends, strict=True)}
    told = tuple(label for name in names for label in band_labels(scene, name))
    return BandCorrelation(found, told, bounds, (f"From {used} pixels spread over the scene (seed {seed}).",))


def band_labels(scene: Scene | Collection, modality: str) -> list[str]:
    """A name for each band that also names its modality: by wavelength, by band name, else by number from 1."""
    info = scene.info(modality)
    if info.wavelengths is not None:
        return [f"{modality} {centre:g} nm" for centre in info.wavelengths]
    if info.band_names is not None:
        return [f"{modality} {name}" for name in info.band_names]
    return [f"{modality} {band + 1}" for band in range(info.bands)]


def _of_several(pixels: Pixels, names: list[str]) -> tuple[str, ...]:
    """Notes on left-out bands; of several modalities they count on from one to the next."""
    if len(names) == 1 or not pixels.notes:
        return pixels.notes
    return (*pixels.notes, f"Bands are counted through {', '.join(names)}.")
