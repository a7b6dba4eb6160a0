"""What the map of the dashboard shows: a layer as the overview, and its windows at full resolution."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.runs import RunFolder
from workbench.scenes import Scene
from workbench.scenes.classes import ClassTable
from workbench.views.classes import LegendEntry, class_legend, colorize, map_values
from workbench.views.grid import Window
from workbench.views.raster import MOST_PIXELS


@dataclass(frozen=True)
class Shown:
    """What a layer looks like."""

    rgba: NDArray[np.uint8]
    legend: tuple[LegendEntry, ...] = ()
    bar: str = ""
    close: Callable[[Window], NDArray[np.uint8] | None] | None = None
    """Gives a window of it at full resolution, None where that would take long."""


def class_layer(
    values: NDArray[Any], classes: ClassTable, read: Callable[..., NDArray[Any] | None] | None = None
) -> Shown:
    """Class values (rows, cols) in class colours; `read` gives those of a window."""

    def close(window: Window) -> NDArray[np.uint8] | None:
        found = read(*window) if read is not None else None
        return None if found is None else colorize(found, classes)

    return Shown(colorize(values, classes), class_legend(classes, values), close=close)


def map_window(run: RunFolder, scene: Scene, rows: slice, cols: slice) -> NDArray[Any] | None:
    """A window of a run's class map, None where it is too large to be sent."""
    if (rows.stop - rows.start) * (cols.stop - cols.start) > MOST_PIXELS:
        return None
    found = map_values(run, scene, (rows, cols))
    return None if found is None else found[0]


def labels_over(
    scene: Scene, close: Callable[[Window], NDArray[np.uint8] | None] | None, window: Window
) -> NDArray[np.uint8] | None:
    """A window of a layer with the labels over it, None where the layer has none."""
    rgba = close(window) if close is not None else None
    values = scene.read_labels(*window)
    if rgba is None or values is None:
        return None
    over = colorize(values, scene.classes)
    return np.where(over[..., 3:] > 0, over, rgba)
