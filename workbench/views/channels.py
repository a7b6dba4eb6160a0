"""The numbers behind a layer: bands, components, an index, an angle; of the overview or of a window."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.scenes import Scene
from workbench.views.grid import Window
from workbench.views.layers import Layer, band_name, quantity_name

Floats = NDArray[np.float32]

HELD = 400_000_000
"""Bytes of overviews that are held: the next layer of the same scene then costs no reading."""


@dataclass(frozen=True, eq=False)
class Channels:
    """What is drawn, before it is stretched.

    Attributes:
        values: float32 (channel, rows, cols), NaN where there is no answer.
        stride: Side in scene pixels of one of its pixels.
        names: One per channel.
        unit: What a single channel measures, with its unit; "" for colours.
        notes: What a reader must know, a sentence each.
    """

    values: Floats
    stride: int
    names: tuple[str, ...]
    unit: str = ""
    notes: tuple[str, ...] = ()


def channels(scene: Scene, layer: Layer, window: Window | None = None) -> Channels:
    """Compute what a layer draws.

    Args:
        scene: The tile.
        layer: The layer.
        window: Rows and columns at full resolution; None is the overview.

    Raises:
        WorkbenchError: The modality lacks what the layer takes, or the store is damaged.
    """
    info = scene.info(layer.modality)
    if layer.kind in ("colour", "band"):
        if window is None:
            everything, stride = overview(scene, layer.modality)
            values = everything[list(layer.bands)]
        else:
            values, stride = scene.read(layer.modality, *window, layer.bands), 1
        names = tuple(band_name(info, band) for band in layer.bands)
        return Channels(values, stride, names, quantity_name(info) if layer.kind == "band" else "")
    found = _computed(scene, layer, window)
    names = tuple(str(name) for name in found.names)
    unit = ""
    if layer.kind == "index":
        unit = layer.index
    elif layer.kind == "anomalies":
        # the score has a long tail that would leave everything else black
        found = Channels(np.sqrt(np.maximum(found.values, 0)), found.stride, names, "", tuple(found.notes))
        unit = "Mahalanobis distance (sd)"
    elif layer.kind == "angle":
        unit = "spectral angle (°)"
    return Channels(found.values, found.stride, names, unit, tuple(found.notes))


def overview(scene: Scene, modality: str) -> tuple[Floats, int]:
    """The overview of a modality and its stride; the last few are held."""
    key = (scene.content_hash, scene.name, modality)
    with _lock:
        if key in _held:
            _held.move_to_end(key)
            return _held[key]
    found = scene.overview(modality)
    with _lock:
        _held[key] = found
        while len(_held) > 1 and sum(cube.nbytes for cube, _ in _held.values()) > HELD:
            _held.popitem(last=False)
    return found


_held: OrderedDict[tuple[str, str, str], tuple[Floats, int]] = OrderedDict()
_lock = threading.Lock()


def _computed(scene: Scene, layer: Layer, window: Window | None) -> Any:
    if layer.kind in ("components", "mnf"):
        return transform(scene, layer.modality, "PCA" if layer.kind == "components" else "MNF").picture(scene, window)
    if layer.kind == "index":
        import warnings

        from workbench.spectra.indices import QuantityWarning, spectral_index

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", QuantityWarning)  # its words are among the notes, which faces show
            return spectral_index(scene, layer.modality, layer.index, window)
    from workbench.spectra.targets import anomalies, spectral_angles

    if layer.kind == "anomalies":
        return anomalies(scene, layer.modality, window)
    spectrum = scene.spectrum(layer.modality, *layer.pixel)
    return spectral_angles(scene, layer.modality, spectrum[None], window)


@lru_cache(maxsize=16)
def transform(scene: Scene, modality: str, kind: str, components: int = 10) -> Any:
    """A fitted PCA or MNF of a modality; the last few are kept."""
    from workbench.spectra.transforms import fit_mnf, fit_pca

    return (fit_pca if kind == "PCA" else fit_mnf)(scene, modality, components)
