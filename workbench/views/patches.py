"""The surroundings of a pixel in the colours that its modality has in the whole scene."""

import numpy as np
from numpy.typing import NDArray

from workbench.scenes import Scene
from workbench.views.layers import Layer, layers
from workbench.views.raster import apply_stretch, mix, paint, raster, stretch


def preset_of(scene: Scene, modality: str) -> Layer:
    """The layer in which a modality is shown first."""
    return next(layer for layer in layers(scene) if layer.modality == modality)


def read_patch(scene: Scene, modality: str, row: int, col: int, radius: int) -> NDArray[np.float32]:
    """Pixels around one, float32 (band, 2 radius + 1, 2 radius + 1), NaN outside the tile."""
    side = 2 * radius + 1
    top, left = max(row - radius, 0), max(col - radius, 0)
    inside = scene.read(
        modality,
        slice(top, min(row + radius + 1, scene.shape[0])),
        slice(left, min(col + radius + 1, scene.shape[1])),
    )
    out = np.full((len(inside), side, side), np.nan, np.float32)
    r, c = top - row + radius, left - col + radius
    out[:, r : r + inside.shape[1], c : c + inside.shape[2]] = inside
    return out


def patch_colors(scene: Scene, layer: Layer, patch: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A patch (band, k, k) in the colours that the layer has in the whole scene, uint8 (k, k, 4)."""
    if layer.kind == "components":  # components of the whole scene say little of 121 pixels; three bands do
        bands = patch[np.linspace(len(patch) - 1, 0, 3).astype(int)]
        return mix(stretch(bands)[0])
    drawn = raster(scene, layer)
    scaled = apply_stretch(patch[list(layer.bands)], drawn.limits)
    return paint(scaled[0], drawn.colors) if layer.kind == "band" else mix(scaled, drawn.gamma)
