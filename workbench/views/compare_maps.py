"""Where two runs differ: on test pixels, and between their class maps."""

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.base.errors import WorkbenchError
from workbench.runs import RunFolder
from workbench.scenes import Collection, Scene
from workbench.scenes.schema import overview_stride
from workbench.views.backend import hv
from workbench.views.classes import LegendEntry, map_values, run_classes
from workbench.views.facts import shown_tile
from workbench.views.grid import grid_of
from workbench.views.layers import find_layer
from workbench.views.maps import indexed, pale
from workbench.views.picture import Picture, Row, row_of
from workbench.views.raster import raster
from workbench.views.style import PICKED, RIGHT, WRONG, dress

if TYPE_CHECKING:
    from workbench.experiments import Comparison

ONLY_FIRST, ONLY_SECOND = PICKED[2], PICKED[6]
DIFFERENT = PICKED[0]


def where_they_differ(
    comparison: "Comparison", runs: list[RunFolder], scene: Scene | Collection | None, size: int = 400
) -> Row:
    """Test pixels of the two best runs, and class maps of the two best that have one; in words what cannot be drawn.

    Args:
        comparison: The comparison.
        runs: Its runs, in any order.
        scene: The scene; None where it is gone.
        size: Longest side of a frame in pixels.
    """
    if scene is None:
        return Row([], ["The scene is gone or has changed: nothing can be drawn on it."])
    if len(comparison.runs) < 2:
        return Row([], ["One run: there is no other to differ from."])
    folders = {run.id: run for run in runs}
    number = shown_tile(scene, folders[comparison.runs[0].run])
    tile = scene.scenes[number]
    named = [(folders[one.run], one.label) for one in comparison.runs]
    mapped = [pair for pair in named if map_values(pair[0], tile) is not None]
    (first, one), (second, other) = named[:2]
    # where fewer than two are mapped, the refusal names what to map
    (left, left_name), (right, right_name) = (mapped if len(mapped) > 1 else named)[:2]
    return row_of(
        lambda: pixel_differences(first, second, tile, number, (one, other), size),
        lambda: map_differences(left, right, tile, (left_name, right_name), size),
    )


def pixel_differences(
    first: RunFolder, second: RunFolder, scene: Scene, tile: int, names: tuple[str, str], size: int = 400
) -> Picture:
    """Test pixels that both, one or none of two runs has right, over a pale composite.

    Args:
        first: A finished run.
        second: Another on the same split.
        scene: The tile that is drawn.
        tile: Its number in the scene of the training.
        names: What the runs are called.
        size: Longest side of the frame in pixels.

    Raises:
        WorkbenchError: No test pixel of the tile was answered by both.
    """
    import pandas as pd

    place = ["tile", "row", "col"]
    tables = []
    for run in (first, second):
        frame = run.predictions
        frame = frame[(frame["set"] == "test") & (frame["tile"] == tile)]
        tables.append(frame.assign(right=frame["reference"] == frame["predicted"])[[*place, "right", "predicted"]])
    both = tables[0].merge(tables[1], on=place, suffixes=("", "_second"))
    if not len(both):
        raise WorkbenchError(f"No test pixel of {scene.name!r} was answered by both {names[0]} and {names[1]}.")
    right, other = both["right"].to_numpy(), both["right_second"].to_numpy()
    # where a drawn pixel stands for several, the largest wins: differences are what is looked for
    kinds = np.select([right & other, ~right & ~other, right & ~other], [1, 2, 3], 4).astype(np.uint8)
    words = ["both right", "both wrong", f"only {names[0]} right", f"only {names[1]} right"]
    colors = [RIGHT, WRONG, ONLY_FIRST, ONLY_SECOND]
    stride = overview_stride(scene.shape)
    values = np.zeros(tuple(-(-length // stride) for length in scene.shape), np.uint8)
    np.maximum.at(values, (both["row"].to_numpy() // stride, both["col"].to_numpy() // stride), kinds)
    drawn = raster(scene, find_layer(scene))
    grid = grid_of(scene, drawn.stride)
    backdrop = hv.RGB(grid.place(pale(drawn.rgba)), bounds=grid.bounds, vdims=[*"RGBA"]).opts(hooks=[dress])
    marks = indexed(values, colors, grid, "test pixel", words)
    counts = [int((kinds == kind).sum()) for kind in range(1, 5)]
    same = int((~right & ~other & (both["predicted"] == both["predicted_second"]).to_numpy()).sum())
    table = pd.DataFrame(
        {"test pixels": counts, "%": np.round(100 * np.array(counts) / len(both), 1)},
        index=pd.Index(words, name="outcome"),
    )
    return Picture(
        (backdrop * marks).opts(**grid.options(size), hooks=[dress]),
        "Right and wrong together",
        f"{len(both):,} test pixels of {scene.name}. Of the {counts[1]:,} that both have wrong, {same:,} are given the same "
        "wrong class.",
        table,
        [LegendEntry(color, "", word) for color, word in zip(colors, words, strict=True)],
        figures=dict(zip(("both_right", "both_wrong", "only_first", "only_second"), counts, strict=True)),
    )


def map_differences(
    first: RunFolder, second: RunFolder, scene: Scene, names: tuple[str, str], size: int = 400
) -> Picture:
    """Where the class maps of two runs differ, over the whole tile, and which classes they change between.

    Raises:
        WorkbenchError: One of them has not mapped the tile.
    """
    import pandas as pd

    maps: list[Any] = []
    for run, name in zip((first, second), names, strict=True):
        found = map_values(run, scene)
        if found is None:
            raise WorkbenchError(
                f"{name} has no class map of {scene.name!r} as it is now: workbench map {run.id}. Differences between maps "
                "are drawn once both have one."
            )
        maps.append(found)
    (one, stride), (other, _) = maps
    seen = (one > 0) & (other > 0)
    unlike = seen & (one != other)
    grid = grid_of(scene, stride)
    classes = {entry.value: f"{entry.value} {entry.name}" for entry in run_classes(first)}
    pairs, counts = np.unique(np.stack([one[unlike], other[unlike]], axis=1), axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:20]
    table = pd.DataFrame(
        [
            {names[0]: classes[int(pairs[k][0])], names[1]: classes[int(pairs[k][1])], "drawn pixels": int(counts[k])}
            for k in order
        ],
        columns=[names[0], names[1], "drawn pixels"],
    )
    share = float(unlike.sum() / max(int(seen.sum()), 1))
    drawn = raster(scene, find_layer(scene))
    backdrop = hv.RGB(grid.place(pale(drawn.rgba)), bounds=grid.bounds, vdims=[*"RGBA"]).opts(hooks=[dress])
    marks = indexed(unlike.astype(np.uint8), [DIFFERENT], grid, "class maps", ["differ"])
    return Picture(
        (backdrop * marks).opts(**grid.options(size), hooks=[dress]),
        "Where the class maps differ",
        f"{names[0]} and {names[1]} differ on {100 * share:.1f} % of the drawn pixels of {scene.name} (pixel count, training ground included). "
        "That says nothing about which is right.",
        table,
        [LegendEntry(DIFFERENT, "", f"{names[0]} and {names[1]} give different classes")],
        figures={"share_of_map": share},
    )
