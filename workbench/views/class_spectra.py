"""What each class looks like over the bands: labelled pixels read chunk by chunk, and summarised."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes import Collection, ModalityInfo, Scene
from workbench.scenes.classes import ClassTable
from workbench.scenes.schema import CHUNK
from workbench.views.classes import BLOCK

Floats = NDArray[np.float32]

PER_CLASS = 300
"""Labelled pixels that stand for a class."""
WINDOWS = 200
"""Chunks of a scene that are read for them at most."""


@dataclass(frozen=True, eq=False)
class ClassSpectra:
    """Mean and spread of each class's labelled pixels.

    Attributes:
        info: The modality.
        classes: The classes that have valid labelled pixels.
        counts: Pixels that were read of each class.
        mean: float32 (classes, bands).
        low: 10th percentile, float32 (classes, bands).
        high: 90th percentile.
    """

    info: ModalityInfo
    classes: ClassTable
    counts: tuple[int, ...]
    mean: Floats
    low: Floats
    high: Floats


def class_spectra(scene: Scene | Collection, modality: str, per_class: int = PER_CLASS, seed: int = 0) -> ClassSpectra:
    """Read labelled pixels of each class and summarise them; the last few scenes are kept in memory.

    Args:
        scene: A scene or collection with labels.
        modality: Which modality.
        per_class: At most so many pixels of each class, drawn at random over the scene.
        seed: Seed of the drawing.

    Raises:
        WorkbenchError: There are no labels, or no labelled pixel has data.
    """
    scene.info(modality)
    return _class_spectra(scene, modality, per_class, seed)


@lru_cache(maxsize=16)
def _class_spectra(scene: Scene | Collection, modality: str, per_class: int, seed: int) -> ClassSpectra:
    doing = f"While reading spectra per class of scene {scene.name!r}"
    if not scene.has_labels:
        raise WorkbenchError(f"{doing}: it has no labels. Spectra of single pixels work without.")
    rng = np.random.default_rng(seed)
    found: dict[int, list[Floats]] = {}
    for tile, chosen in zip(scene.scenes, _choose(scene, per_class, rng), strict=True):
        for value, spectra in _read(tile, modality, chosen):
            found.setdefault(value, []).append(spectra)
    kept, stacked = [], []
    for entry in scene.classes:
        spectra = np.concatenate(found[entry.value]) if entry.value in found else np.zeros((0, 0), np.float32)
        spectra = spectra[np.isfinite(spectra).any(axis=1)] if spectra.size else spectra
        if len(spectra):
            kept.append(entry)
            stacked.append(spectra)
    if not kept:
        raise WorkbenchError(f"{doing}: no labelled pixel has data in {modality!r}.")
    with np.errstate(all="ignore"):
        percentiles = [_nan_percentiles(spectra) for spectra in stacked]
    return ClassSpectra(
        scene.info(modality),
        ClassTable(kept),
        tuple(len(spectra) for spectra in stacked),
        np.stack([_nan_mean(spectra) for spectra in stacked]),
        np.stack([pair[0] for pair in percentiles]),
        np.stack([pair[1] for pair in percentiles]),
    )


def shown_classes(
    scene: Scene | Collection, modality: str, classes: Sequence[int] | None = None
) -> ClassSpectra | None:
    """The class spectra to draw: all or some of them; None for a scene without labels."""
    if not scene.has_labels:
        return None
    known = class_spectra(scene, modality)
    if classes is None:
        return known
    keep = [i for i, entry in enumerate(known.classes) if entry.value in classes]
    entries = [*known.classes]
    return ClassSpectra(
        known.info,
        ClassTable(entries[i] for i in keep),
        tuple(known.counts[i] for i in keep),
        known.mean[keep],
        known.low[keep],
        known.high[keep],
    )


def _choose(scene: Scene | Collection, per_class: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Per tile, rows, columns and labels (n, 3) of at most `per_class` labelled pixels of each class."""
    parts = []
    for number, tile in enumerate(scene.scenes):
        for start in range(0, tile.shape[0], BLOCK):
            labels = tile.read_labels(slice(start, min(start + BLOCK, tile.shape[0])))
            if labels is None:
                break
            rows, cols = np.nonzero(labels)
            kinds = labels[rows, cols].astype(np.int64)
            keep = _sample(kinds, 4 * per_class, rng)
            parts.append(np.stack([np.full(len(keep), number), rows[keep] + start, cols[keep], kinds[keep]], axis=1))
    every = np.concatenate(parts) if parts else np.zeros((0, 4), np.int64)
    every = every[_sample(every[:, 3], per_class, rng)]
    chunk = np.unique(every[:, :3] // (1, CHUNK, CHUNK), axis=0, return_inverse=True)[1].ravel()
    if chunk.size and chunk.max() >= WINDOWS:  # a huge scene: some chunks stand for all
        # every class keeps the chunk in which it has most pixels, then chance fills up
        needed = [int(np.bincount(chunk[every[:, 3] == value]).argmax()) for value in np.unique(every[:, 3])]
        kept = list(dict.fromkeys([*needed, *rng.permutation(chunk.max() + 1).tolist()]))
        every = every[np.isin(chunk, kept[: max(WINDOWS, len(needed))])]
    return [every[every[:, 0] == number, 1:] for number in range(len(scene.scenes))]


def _sample(kinds: NDArray[np.int64], most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices of at most `most` entries of each kind, in order."""
    chosen = [rng.permutation(np.flatnonzero(kinds == kind))[:most] for kind in np.unique(kinds)]
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, np.intp)


def _read(tile: Scene, modality: str, chosen: NDArray[np.int64]) -> list[tuple[int, Floats]]:
    """Spectra (n, band) of chosen pixels by class, read chunk by chunk."""
    out = []
    place = chosen[:, :2] // CHUNK
    for row, col in np.unique(place, axis=0):
        mine = chosen[(place == (row, col)).all(axis=1)]
        r0, c0 = int(mine[:, 0].min()), int(mine[:, 1].min())
        window = tile.read(modality, slice(r0, int(mine[:, 0].max()) + 1), slice(c0, int(mine[:, 1].max()) + 1))
        spectra = window[:, mine[:, 0] - r0, mine[:, 1] - c0].T
        out += [(int(value), spectra[mine[:, 2] == value]) for value in np.unique(mine[:, 2])]
    return out


def _nan_mean(spectra: Floats) -> Floats:
    valid = np.isfinite(spectra)
    total = np.where(valid, spectra, 0).sum(axis=0, dtype=np.float64)
    count = valid.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _nan_percentiles(spectra: Floats) -> tuple[Floats, Floats]:
    empty = ~np.isfinite(spectra).any(axis=0)
    safe = np.where(empty, 0, spectra)
    low, high = np.nanpercentile(safe, (10, 90), axis=0)
    low[empty] = high[empty] = np.nan
    return low.astype(np.float32), high.astype(np.float32)
