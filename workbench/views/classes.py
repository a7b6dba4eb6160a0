"""Class maps as pixels: labels, a run's class map, right and wrong test pixels; their legend."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.base.files import read_json
from workbench.runs import RunFolder
from workbench.scenes import Scene
from workbench.scenes.classes import ClassTable
from workbench.scenes.schema import overview_stride
from workbench.views.style import RIGHT, WRONG, rgb

BLOCK = 4096
"""Rows read at a time when labels of a large scene are thinned."""


@dataclass(frozen=True)
class LegendEntry:
    """One line of a legend: colour, the mark shown in the map, and words."""

    color: str
    mark: str
    words: str


def class_legend(classes: ClassTable, present: NDArray[Any] | None = None) -> tuple[LegendEntry, ...]:
    """Colour, number and name of each class, of those in `present` where given."""
    there = None if present is None else set(np.unique(present).tolist())
    return tuple(
        LegendEntry(entry.color, str(entry.value), entry.name)
        for entry in classes
        if there is None or entry.value in there
    )


def thin(values: NDArray[Any], stride: int) -> NDArray[Any]:
    """Every square of `stride` pixels as one: its first value that is not 0, so that sparse labels stay visible."""
    if stride == 1:
        return values
    rows, cols = values.shape
    padded = np.pad(values, ((0, -rows % stride), (0, -cols % stride)))
    squares = padded.reshape(padded.shape[0] // stride, stride, -1, stride).swapaxes(1, 2)
    flat = squares.reshape(*squares.shape[:2], -1)
    first = (flat != 0).argmax(axis=2)
    return np.take_along_axis(flat, first[..., None], axis=2)[..., 0]


def label_values(scene: Scene) -> tuple[NDArray[np.uint16], int]:
    """Labels at the size of the overviews, uint16 (rows, cols), and the stride.

    Raises:
        WorkbenchError: The scene has no labels.
    """
    if not scene.has_labels:
        raise WorkbenchError(f"Scene {scene.name!r} has no labels to draw. Pictures of its modalities work without.")
    stride = overview_stride(scene.shape)
    step = max(BLOCK // stride, 1) * stride
    parts = []
    for start in range(0, scene.shape[0], step):
        block = scene.read_labels(slice(start, min(start + step, scene.shape[0])))
        assert block is not None  # has_labels
        parts.append(thin(block, stride))
    return np.concatenate(parts), stride


def map_values(
    run: RunFolder, scene: Scene, window: tuple[slice, slice] | None = None
) -> tuple[NDArray[np.uint16], int] | None:
    """A run's class map of a tile and its stride, at the size of the overviews or of a window; None where not mapped."""
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.windows import Window

    name = scene.name
    for folder in (run.path / "maps" / scene.collection, run.path / "maps"):
        path, note = folder / f"{name}.tif", folder / f"{name}.json"
        if not path.is_file():
            continue
        if note.is_file() and read_json(note).get("scene_hash") != scene.content_hash:
            continue  # the map is of an earlier import of the scene
        stride = overview_stride(scene.shape)
        shape = tuple(-(-size // stride) for size in scene.shape)
        with rasterio.open(path) as raster:
            if window is not None:
                return raster.read(1, window=Window.from_slices(*window)).astype(np.uint16), 1
            values = raster.read(1, out_shape=shape, resampling=Resampling.nearest)
        return values.astype(np.uint16), stride
    return None


def run_classes(run: RunFolder) -> ClassTable:
    """The classes of a run's maps: those of the scene it was trained on, whatever scene was mapped."""
    return ClassTable.from_json(run.metrics["classes"])


def colorize(values: NDArray[Any], classes: ClassTable) -> NDArray[np.uint8]:
    """Class values (rows, cols) in class colours, uint8 (rows, cols, 4); 0 and values of no class are transparent."""
    out = np.zeros((*values.shape, 4), np.uint8)
    for entry in classes:
        out[values == entry.value] = (*rgb(entry.color), 255)
    return out


def hits(run: RunFolder, scene: Scene, tile: int = 0) -> tuple[NDArray[np.uint8], int]:
    """Right (1) and wrong (2) test pixels of a run in one tile, 0 elsewhere, at the size of the overviews.

    A wrong pixel wins over right ones in the same square: errors are what is looked for.

    Args:
        run: A finished run.
        scene: The tile.
        tile: Its number in the scene that the run was trained on.

    Returns:
        uint8 (rows, cols) and the stride.
    """
    frame = run.predictions
    frame = frame[(frame["set"] == "test") & (frame["tile"] == tile)]
    shape = scene.shape
    stride = overview_stride(shape)
    values = np.zeros(tuple(-(-size // stride) for size in shape), np.uint8)
    wrong = (frame["reference"] != frame["predicted"]).to_numpy()
    rows, cols = frame["row"].to_numpy() // stride, frame["col"].to_numpy() // stride
    np.maximum.at(values, (rows, cols), np.where(wrong, 2, 1).astype(np.uint8))
    return values, stride


HIT_LEGEND = (LegendEntry(RIGHT, "", "test pixel mapped right"), LegendEntry(WRONG, "", "test pixel mapped wrong"))
