"""A layer of a scene as pixels: stretched colours, or values with a colour map. No picture is made here."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes import Scene
from workbench.scenes.schema import CHUNK
from workbench.views.channels import Channels, channels
from workbench.views.grid import Window
from workbench.views.layers import Layer
from workbench.views.style import BGY, FIRE, GRAY, rgb

Percentiles = tuple[float, float]
STRETCH: Percentiles = (2.0, 98.0)
COLORS = {"index": BGY, "anomalies": FIRE, "angle": FIRE[::-1]}
"""Colour maps of what is computed. Of an angle, small is what is looked for, and bright."""
MOST_VALUES = 80_000_000
"""Values, all bands, that a window at full resolution may have to decode: about a third of a second."""
MOST_PIXELS = 4_000_000
"""Pixels that are sent to a page at full resolution at most."""


@dataclass(frozen=True, eq=False)
class Raster:
    """Pixels of a layer.

    Attributes:
        layer: What is drawn.
        stride: Side in scene pixels of one drawn pixel.
        rgba: uint8 (rows, cols, 4); where there is no data, grey hatching.
        values: float32 (rows, cols) of a single band, NaN without data; None for colours.
        limits: Lowest and highest value of each drawn channel after the stretch, n x 2.
        channels: Name of each drawn channel.
        colors: The colour map of a single band; empty for colours.
        unit: Quantity and unit of `values`.
        gamma: Exponent of the stretched values of colours: reflectance is linear, screens are not.
        notes: What a reader must know, a sentence each.
    """

    layer: Layer
    stride: int
    rgba: NDArray[np.uint8]
    values: NDArray[np.float32] | None
    limits: NDArray[np.float64]
    channels: tuple[str, ...]
    colors: tuple[str, ...]
    unit: str
    gamma: float = 1.0
    notes: tuple[str, ...] = ()


_kept: OrderedDict[tuple[object, ...], Raster] = OrderedDict()
_lock = threading.Lock()
KEPT = 24


def raster(scene: Scene, layer: Layer, percentiles: Percentiles = STRETCH) -> Raster:
    """Draw a layer of a scene at the size of its overview; the last few are kept in memory.

    Args:
        scene: The tile.
        layer: What to draw.
        percentiles: Lower and upper percentile of the valid pixels that become black and white, band by band.

    Raises:
        WorkbenchError: The percentiles are no rising pair within 0 to 100, or the store is damaged.
    """
    low, high = percentiles
    if not 0 <= low < high <= 100:
        raise WorkbenchError(f"While drawing {layer.title}: percentiles {percentiles} must rise within 0 to 100.")
    key = (scene.content_hash, scene.name, layer, percentiles)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    made = _draw(scene, layer, percentiles)
    with _lock:
        _kept[key] = made
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return made


def stretch(
    bands: NDArray[np.float32], percentiles: Percentiles = STRETCH
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Bands (band, ...) as 0 to 1 between two percentiles of their valid pixels; NaN stays NaN.

    Returns:
        float32 of the same shape, and the limits (band, 2); a constant band becomes 0.5.
    """
    limits = np.zeros((len(bands), 2))
    for band, values in enumerate(bands):
        valid = values[np.isfinite(values)]
        limits[band] = np.percentile(valid, percentiles) if valid.size else (0.0, 1.0)
    return apply_stretch(bands, limits), limits


def apply_stretch(bands: NDArray[np.float32], limits: NDArray[np.float64]) -> NDArray[np.float32]:
    """Bands (band, ...) as 0 to 1 between given limits (band, 2)."""
    shape = (-1, *(1,) * (bands.ndim - 1))
    low, high = limits[:, 0].reshape(shape), limits[:, 1].reshape(shape)
    span = np.where(high > low, high - low, 1)
    scaled = np.where(high > low, (bands - low) / span, np.where(np.isfinite(bands), 0.5, np.nan))
    return np.clip(scaled, 0, 1).astype(np.float32)


def paint(unit_range: NDArray[np.float32], colors: tuple[str, ...] | list[str]) -> NDArray[np.uint8]:
    """Values from 0 to 1 (rows, cols) in a colour map, uint8 (rows, cols, 4), hatched where NaN."""
    table = np.array([rgb(color) for color in colors], np.uint8)
    valid = np.asarray(np.isfinite(unit_range))
    index = np.round(np.where(valid, unit_range, 0) * (len(table) - 1)).astype(np.intp)
    return _finish(table[index], valid)


def detail(scene: Scene, layer: Layer, window: Window, percentiles: Percentiles = STRETCH) -> Raster:
    """A window of a layer at full resolution, in the colours of the overview.

    Raises:
        WorkbenchError: As `raster`.
    """
    whole = raster(scene, layer, percentiles)
    found = channels(scene, layer, window)
    return _paint(layer, found, whole.limits, whole.colors, whole.gamma)


def can_detail(scene: Scene, modality: str, window: Window) -> bool:
    """Whether a window is small enough to be read and sent while a reader waits: chunks hold all bands."""
    if (window[0].stop - window[0].start) * (window[1].stop - window[1].start) > MOST_PIXELS:
        return False
    rows, cols = (span.stop // CHUNK - span.start // CHUNK + 1 for span in window)
    return bool(rows * cols * CHUNK * CHUNK * scene.info(modality).bands <= MOST_VALUES)


def _draw(scene: Scene, layer: Layer, percentiles: Percentiles) -> Raster:
    info = scene.info(layer.modality)
    found = channels(scene, layer)
    _, limits = stretch(found.values, percentiles)
    gamma = 1.0
    if layer.kind == "colour" and info.quantity == "reflectance":
        # One stretch for all three keeps hues as they are; other quantities differ in level from band to band.
        limits[:] = limits[:, 0].min(), limits[:, 1].max()
        gamma = 1 / 1.8
    colors: tuple[str, ...] = ()
    if layer.kind == "band":
        kinds = {"elevation": BGY, "height": BGY, "backscatter dB": GRAY, "backscatter linear": GRAY}
        colors = tuple(kinds.get(info.quantity, FIRE))
    elif layer.kind in COLORS:
        colors = tuple(COLORS[layer.kind])
    return _paint(layer, found, limits, colors, gamma)


def _paint(layer: Layer, found: Channels, limits: NDArray[np.float64], colors: tuple[str, ...], gamma: float) -> Raster:
    scaled = apply_stretch(found.values, limits)
    if colors:
        return Raster(
            layer, found.stride, paint(scaled[0], colors), found.values[0], limits, found.names, colors, found.unit,
            notes=found.notes,
        )  # fmt: skip
    return Raster(layer, found.stride, mix(scaled, gamma), None, limits, found.names, (), "", gamma, found.notes)


def mix(unit_range: NDArray[np.float32], gamma: float = 1.0) -> NDArray[np.uint8]:
    """Up to three channels from 0 to 1 (channel, rows, cols) as colours, uint8 (rows, cols, 4), hatched where NaN."""
    valid = np.asarray(np.isfinite(unit_range).all(axis=0))
    colors = np.zeros((*valid.shape, 3), np.uint8)
    channels = np.round(np.where(valid, unit_range, 0) ** gamma * 255).astype(np.uint8)
    colors[..., : len(channels)] = np.moveaxis(channels, 0, 2)
    return _finish(colors, valid)


def _finish(colors: NDArray[np.uint8], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Add alpha, and draw diagonal hatching where nothing was measured."""
    rows, cols = valid.shape
    out = np.full((rows, cols, 4), 255, np.uint8)
    out[..., :3] = colors
    if not valid.all():
        diagonal = (np.arange(rows)[:, None] + np.arange(cols)[None, :]) % 6 < 2
        out[~valid] = (128, 128, 128, 40)
        out[~valid & diagonal] = (128, 128, 128, 170)
    return out
