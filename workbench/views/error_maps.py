"""Where one class is wrong: its test pixels by what they are taken for, and those that are wrongly called it."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.scenes import Collection, Scene
from workbench.scenes.schema import overview_stride
from workbench.views.backend import hv
from workbench.views.classes import LegendEntry
from workbench.views.grid import grid_of
from workbench.views.layers import find_layer
from workbench.views.maps import indexed, pale
from workbench.views.picture import Picture, Row
from workbench.views.raster import raster
from workbench.views.style import FRAME, PICKED, RIGHT, dress

if TYPE_CHECKING:
    from workbench.experiments import ErrorAnalysis

TAKEN = tuple(color for color in PICKED if color not in (RIGHT, PICKED[-1], PICKED[-2]))
"""Colours of what a class is taken for, the commonest first."""
REST, ALARM = PICKED[-1], PICKED[-2]
"""Colours of what it is taken for more rarely, and of other classes taken for it."""
TILES = 2
"""Tiles of a collection that are drawn for a class."""


def class_error_maps(analysis: "ErrorAnalysis", scene: Scene | Collection) -> Row:
    """A map of each class shown; of a collection, of the tiles with most of its errors."""
    pictures = []
    for value in analysis.shown:
        mine = _concerned(analysis, value)
        own = mine["reference"] == value
        missed, alarms = (mine[mine["wrong"] & side].groupby("tile").size() for side in (own, ~own))
        counts = (missed if len(missed) else alarms).sort_values(ascending=False, kind="stable")
        for number in list(counts.index[:TILES]) or list(mine["tile"].head(1)):
            size = FRAME if len(analysis.shown) == 1 and len(counts) < 2 else 400
            pictures.append(class_error_map(analysis, scene.scenes[int(number)], value, int(number), size))
    return Row(pictures)


def class_error_map(
    analysis: "ErrorAnalysis", scene: Scene, value: int, tile: int = 0, size: int | None = FRAME
) -> Picture:
    """Test pixels of one class, and those that are taken for it, over a pale composite.

    Args:
        analysis: The analysis of a run.
        scene: The tile.
        value: Class value.
        tile: Number of the tile in the scene that the run was trained on.
        size: Longest side of the frame in pixels.
    """
    mine = _concerned(analysis, value)
    mine = mine[mine["tile"] == tile]
    name = analysis.names[value]
    taken = [pair.mapped for pair in analysis.confusions.of(value)][: len(TAKEN)]
    kinds = [("right", RIGHT)]
    kinds += [(f"taken for {analysis.names[other]}", TAKEN[i]) for i, other in enumerate(taken)]
    kinds += [("taken for another class", REST), (f"of another class, taken for {name}", ALARM)]
    code = np.full(len(mine), len(kinds) - 1)
    own = (mine["reference"] == value).to_numpy()
    predicted = mine["predicted"].to_numpy()
    for number, other in enumerate([value, *taken], start=1):
        code[own & (predicted == other)] = number
    code[~own] = len(kinds)
    stride = overview_stride(scene.shape)
    plane = np.zeros(tuple(-(-side // stride) for side in scene.shape), np.uint8)
    np.maximum.at(plane, (mine["row"].to_numpy() // stride, mine["col"].to_numpy() // stride), code.astype(np.uint8))
    drawn = raster(scene, find_layer(scene))
    grid = grid_of(scene, drawn.stride)
    backdrop = hv.RGB(grid.place(pale(drawn.rgba)), bounds=grid.bounds, vdims=[*"RGBA"]).opts(hooks=[dress])
    marks = indexed(plane, [color for _, color in kinds], grid, "test pixel", [words for words, _ in kinds])
    counts = np.bincount(code, minlength=len(kinds) + 1)[1:]
    total = int(own.sum())
    table = pd.DataFrame(
        {
            "test pixels": counts,
            "% of the class here": [
                f"{100 * count / total:.1f}" if total and number < len(kinds) - 1 else "–"
                for number, count in enumerate(counts)
            ],
        },
        index=pd.Index([words for words, _ in kinds], name=f"{analysis.title(value)}"),
    )
    element: Any = backdrop * marks
    return Picture(
        element.opts(**grid.options(size), hooks=[dress]),
        f"Errors of {name} in {scene.name}",
        f"{int(counts[0]):,} of its {total:,} test pixels here are right; {int(counts[-1]):,} of other classes are taken "
        "for it. Where a drawn pixel stands for several, a wrong one shows.",
        table[table["test pixels"] > 0],
        tuple(LegendEntry(color, "", words) for (words, color), count in zip(kinds, counts, strict=True) if count),
    )


def _concerned(analysis: "ErrorAnalysis", value: int) -> pd.DataFrame:
    """Test pixels of a class, and those that are taken for it."""
    pixels = analysis.pixels
    return pixels[(pixels["reference"] == value) | (pixels["predicted"] == value)]
