"""Spectra of a confused pair: right pixels of a class, those taken for another, and right pixels of that other."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.error_summary import FEW, BetweenSpectra
from workbench.scenes import Collection, ModalityInfo, Scene
from workbench.spectra.band_separability import band_separability
from workbench.spectra.sampling import read_pixels
from workbench.spectra.separability import band_labels

MOST = 300
"""Pixels of each of the three groups that are read at most."""
MARKED = 3
"""Bands of a modality that are marked as separating a pair."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PairSpectra:
    """A confused pair in one modality. Groups: right pixels of the class, mistaken ones, right pixels of the other.

    Attributes:
        reference: Class value of the class.
        mapped: Class value of the other.
        info: The modality.
        names: Of its bands.
        counts: Pixels read of each group.
        mean: float64 (3, band), NaN where a band has no value.
        sd: Sample standard deviations, float64 (3, band).
        distance: Jeffries-Matusita distance of the right pixels of both, band by band, (band,), NaN where it cannot be told.
        best: Bands of the largest distances, at most `MARKED`, the largest first; from 0.
    """

    reference: int
    mapped: int
    info: ModalityInfo
    names: tuple[str, ...]
    counts: tuple[int, int, int]
    mean: Floats
    sd: Floats
    distance: Floats
    best: tuple[int, ...]

    def way(self, band: int) -> float | None:
        """Mean of the mistaken pixels on the way from the class (0) to the other (1); None where both are alike."""
        start, here, end = self.mean[:, band]
        return float((here - start) / (end - start)) if np.isfinite([start, here, end]).all() and end != start else None

    def to_dict(self) -> dict[str, Any]:
        """The figures of the best bands, as JSON types."""
        bands = [
            {
                "band": self.names[b],
                "distance": float(self.distance[b]),
                "way": self.way(b),
                "mean": _plain(self.mean[:, b]),
            }
            for b in self.best
        ]
        return {
            "reference": self.reference,
            "mapped": self.mapped,
            "modality": self.info.name,
            "pixels": list(self.counts),
            "bands": bands,
        }


def pair_spectra(
    scene: Scene | Collection, pixels: pd.DataFrame, reference: int, mapped: int, seed: int = 0
) -> tuple[PairSpectra, ...]:
    """Read a confused pair in every modality of the scene, those the run does not use included.

    Args:
        scene: The scene.
        pixels: Test pixels: tile, row, col, reference, predicted.
        reference: Class value.
        mapped: Class value that it is taken for.
        seed: Of the choice of at most `MOST` pixels of a group.
    """
    rng = np.random.default_rng(seed)
    groups = []
    for one, other in ((reference, reference), (reference, mapped), (mapped, mapped)):
        chosen = pixels[(pixels["reference"] == one) & (pixels["predicted"] == other)]
        places = chosen[["tile", "row", "col"]].to_numpy(np.int64)
        groups.append(places[np.sort(rng.permutation(len(places))[:MOST])])
    found = []
    for name in scene.modalities:
        values = [read_pixels(scene, name, places).astype(np.float64) for places in groups]
        distance = band_separability(values[0], values[2])
        order = np.argsort(-np.where(np.isfinite(distance), distance, -1), kind="stable")[:MARKED]
        found.append(
            PairSpectra(
                reference,
                mapped,
                scene.info(name),
                tuple(band_labels(scene, name)),
                (len(groups[0]), len(groups[1]), len(groups[2])),
                np.stack([_moment(group, False) for group in values]),
                np.stack([_moment(group, True) for group in values]),
                distance,
                tuple(int(band) for band in order if np.isfinite(distance[band])),
            )
        )
    return tuple(found)


def between(found: Sequence[PairSpectra], used: Container[str]) -> BetweenSpectra | None:
    """The one band of all modalities that separates the pair best; None where a group has fewer than `FEW` pixels.

    Args:
        found: The pair in every modality.
        used: Modalities that the model sees.
    """
    told = [(float(pair.distance[pair.best[0]]), pair) for pair in found if pair.best and min(pair.counts) >= FEW]
    if not told:
        return None
    distance, pair = max(told, key=lambda one: one[0])
    way = pair.way(pair.best[0])
    if way is None:
        return None
    return BetweenSpectra(pair.mapped, pair.names[pair.best[0]], distance, way, pair.info.name in used)


def _moment(values: Floats, spread: bool) -> Floats:
    """Mean or sample standard deviation over pixels (n, band) of what is there, NaN where there is too little."""
    there = np.isfinite(values)
    count = there.sum(axis=0)
    mean = np.where(there, values, 0).sum(axis=0) / np.maximum(count, 1)
    if not spread:
        return np.where(count > 0, mean, np.nan)
    square: Floats = np.where(there, (values - mean) ** 2, 0).sum(axis=0) / np.maximum(count - 1, 1)
    return np.where(count > 1, np.sqrt(square), np.nan)


def _plain(values: Floats) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
