"""PCA and MNF through `spectral`: fitted on seeded samples, applied to windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes import Collection, ModalityInfo, Scene
from workbench.spectra.sampling import (
    Floats,
    Picture,
    Pixels,
    Window,
    cut_picture,
    flat,
    sample_blocks,
    sample_pixels,
)


@dataclass(frozen=True, eq=False)
class SpectralTransform:
    """A linear transform of spectra to few components.

    Attributes:
        kind: ``PCA`` or ``MNF``.
        info: The modality it was fitted on.
        bands: Bands that it takes, counted from 0.
        mean: Subtracted first, float64 (len(bands),).
        matrix: float64 (component, len(bands)).
        strength: Per component; of PCA the share of the variance, of MNF the signal-to-noise ratio (of variances).
        notes: What it was fitted on, and what a reader must know.
    """

    kind: Literal["PCA", "MNF"]
    info: ModalityInfo
    bands: tuple[int, ...]
    mean: NDArray[np.float64]
    matrix: NDArray[np.float64]
    strength: tuple[float, ...]
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """``PC 1``, ``PC 2``, ... or ``MNF 1``, ..."""
        return tuple(f"{'PC' if self.kind == 'PCA' else 'MNF'} {number + 1}" for number in range(len(self.matrix)))

    def apply(self, cube: Floats) -> Floats:
        """A cube of all bands (band, rows, cols) as components (component, rows, cols); NaN where a band has none.

        Raises:
            WorkbenchError: The cube has another number of bands.
        """
        if len(cube) != self.info.bands:
            raise WorkbenchError(
                f"While computing the {self.kind} of {self.info.name!r}: it was fitted on {self.info.bands} bands, "
                f"and the pixels have {len(cube)}."
            )
        return self._project(cube[list(self.bands)], range(len(self.matrix)))

    def picture(self, scene: Scene, window: Window | None = None, components: Sequence[int] = (0, 1, 2)) -> Picture:
        """Components of a window or of the overview.

        Args:
            scene: A scene with the modality, such as the one it was fitted on.
            window: Rows and columns; None: the overview.
            components: Counted from 0; those beyond the last are left out.

        Raises:
            WorkbenchError: The scene's modality has another number of bands, or no component is left.
        """
        chosen = [number for number in components if 0 <= number < len(self.matrix)]
        found = scene.info(self.info.name).bands
        if not chosen or found != self.info.bands:
            told = f"scene {scene.name!r} has {found} bands" if chosen else f"components {list(components)} are wanted"
            raise WorkbenchError(
                f"While computing the {self.kind} of {self.info.name!r}: {told}; it was fitted on {self.info.bands} "
                f"bands and has {len(self.matrix)} components."
            )
        names = [self.names[number] for number in chosen]
        return cut_picture(
            scene, self.info.name, window, lambda cube: self._project(cube, chosen), names, self.bands, self.notes
        )

    def _project(self, cube: Floats, components: Sequence[int]) -> Floats:
        matrix = self.matrix[list(components)]
        shift = matrix @ self.mean
        return np.asarray(np.tensordot(matrix, cube, 1) - shift[:, None, None], np.float32)


def fit_pca(scene: Scene | Collection, modality: str, components: int = 10, seed: int = 0) -> SpectralTransform:
    """Principal components of a modality's spectra, strongest first.

    Each component's largest weight is positive, so that the same data give the same picture on every machine.

    Args:
        scene: The scene; of a collection, all tiles.
        modality: Name of the modality.
        components: How many at most.
        seed: Of the sample.

    Raises:
        WorkbenchError: Too few pixels have values, or all are alike.
    """
    pixels, stats = signal_statistics(scene, modality, seed)
    parts = stats.principal_components
    total = float(np.trace(stats.cov))
    if not total > 0:
        raise WorkbenchError(f"While fitting the PCA of {modality!r} of scene {scene.name!r}: all pixels are alike.")
    weights = _signed(parts.eigenvectors.T[:components])
    notes = (f"PCA fitted on {len(pixels)} pixels spread over the scene (covariance, seed {seed}).", *pixels.notes)
    shares = tuple(float(value) / total for value in parts.eigenvalues[:components])
    return SpectralTransform("PCA", scene.info(modality), pixels.bands, stats.mean, weights, shares, notes)


def fit_mnf(scene: Scene | Collection, modality: str, components: int = 10, seed: int = 0) -> SpectralTransform:
    """Minimum noise fraction: components in the order of their signal-to-noise ratio, each with noise of variance 1.

    The noise is estimated from differences of diagonal neighbours at full resolution, so texture counts as noise.
    Sources: Green et al., IEEE TGRS 26(1), 1988; Lee, Woodyatt and Berman, IEEE TGRS 28(3), 1990.

    Args:
        scene: The scene; of a collection, all tiles.
        modality: Name of the modality.
        components: How many at most.
        seed: Of the sample.

    Raises:
        WorkbenchError: Too few pixels have values, or there is no noise to tell from signal.
    """
    from spectral import GaussianStats

    pixels, signal = signal_statistics(scene, modality, seed)
    covariance, count = noise_covariance(scene, modality, pixels.bands, seed)
    floor = np.linalg.eigvalsh(covariance)[-1] if count else 0.0
    if not floor > 0:
        raise WorkbenchError(
            f"While fitting the MNF of {modality!r} of scene {scene.name!r}: neighbouring pixels do not differ, so "
            "there is no noise to tell from signal. Use the PCA."
        )
    # bands without noise of their own would make their ratio infinite
    noise = GaussianStats(np.zeros(len(covariance)), covariance + 1e-9 * floor * np.eye(len(covariance)), count)
    whiten = noise.sqrt_inv_cov
    whitened = whiten @ signal.cov @ whiten
    # spectral.mnf takes the eigenvalues of an unsymmetric product, which can come out complex
    parts = GaussianStats(np.zeros(len(whitened)), (whitened + whitened.T) / 2).principal_components
    weights = _signed(parts.eigenvectors.T[:components] @ whiten)
    notes = (
        f"MNF fitted on {len(pixels)} pixels spread over the scene (seed {seed}).",
        f"Noise from {count} differences of diagonal neighbours, in which texture counts as noise.",
        *pixels.notes,
    )
    ratios = tuple(max(float(value) - 1.0, 0.0) for value in parts.eigenvalues[:components])
    return SpectralTransform("MNF", scene.info(modality), pixels.bands, signal.mean, weights, ratios, notes)


def signal_statistics(scene: Scene | Collection, modality: str, seed: int = 0) -> tuple[Pixels, Any]:
    """Sampled pixels and their `spectral.GaussianStats` in float64.

    Raises:
        WorkbenchError: Fewer than two pixels have values.
    """
    from spectral import GaussianStats

    pixels = sample_pixels(scene, modality, seed=seed)
    if len(pixels) < 2:
        raise WorkbenchError(f"Only one pixel of {modality!r} of scene {scene.name!r} has values; two are needed.")
    values = pixels.values.astype(np.float64)
    covariance = np.atleast_2d(np.cov(values, rowvar=False))
    return pixels, GaussianStats(values.mean(axis=0), covariance, len(values))


def noise_covariance(
    scene: Scene | Collection, modality: str, bands: Sequence[int], seed: int = 0
) -> tuple[NDArray[np.float64], int]:
    """Covariance of the noise from differences of diagonal neighbours, and how many differences it rests on.

    As `spectral.noise_from_diffs`, over many chunks and around gaps.
    """
    total, count = np.zeros((len(bands), len(bands))), 0
    for block in sample_blocks(scene, modality, seed):
        cube = block[list(bands)].astype(np.float64)
        steps = flat(cube[:, :-1, :-1] - cube[:, 1:, 1:])
        steps = steps[np.isfinite(steps).all(axis=1)]
        if len(steps) > 1:
            steps -= steps.mean(axis=0)
            total += steps.T @ steps
            count += len(steps) - 1
    return total / (2 * max(count, 1)), count


def _signed(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows whose largest weight is positive."""
    largest = np.take_along_axis(weights, np.abs(weights).argmax(axis=1)[:, None], axis=1)
    return np.asarray(weights * np.where(largest < 0, -1.0, 1.0))
