"""What a network used at chosen pixels: its spatial attention beside the patch in each modality and its answer."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes import Scene
from workbench.scenes.classes import ClassTable
from workbench.views.backend import hv
from workbench.views.classes import LegendEntry
from workbench.views.layers import quantity_name
from workbench.views.patches import patch_colors, preset_of
from workbench.views.picture import Picture
from workbench.views.style import BGY, DIVERGING, PICKED, RIGHT, WRONG, dress

if TYPE_CHECKING:
    from workbench.explain import AttentionResult

SIDE = 132  # screen pixels of one small picture
SHOWN = 5  # classes whose probability is drawn


def attention_panel(
    scene: Scene, results: "Sequence[AttentionResult]", classes: Sequence[int], modalities: Sequence[str] | None = None
) -> Picture:
    """One row per pixel: its patch in each modality, each spatial attention map, and the likeliest classes.

    Args:
        scene: The tile of the pixels; its whole extent sets the stretch of the patches.
        results: What the network saw and answered, up to eight pixels.
        classes: Class value of each probability.
        modalities: Which modalities to draw; None draws those the network saw.
    """
    import pandas as pd

    names = list(modalities) if modalities is not None else list(results[0].patch)
    presets = {name: preset_of(scene, name) for name in names}
    rows: list[Any] = []
    facts = []
    signed = _has_signs(results)
    for number, result in enumerate(results):
        color = PICKED[number % len(PICKED)]
        for name in names:
            patch = patch_colors(scene, presets[name], result.patch[name])
            words = f"{number + 1}: {name}" if name == names[0] else name
            rows.append(_small(_rgb(patch), words, color, len(patch)))
        # One scale for the masks of a pixel, so that they compare; pixels differ too much to share it.
        limit = max([float(np.abs(values).max()) for values in result.maps.values()] + [1e-6])
        for mask, values in result.maps.items():
            image = _mask(values, limit, signed, mask == [*result.maps][-1])
            rows.append(_small(image, f"{mask} attention", color, len(values)))
        rows.append(_probabilities(scene.classes, classes, result))
        facts.append(_facts(scene.classes, classes, result))
    columns = len(names) + len(results[0].maps) + 1
    told = ", ".join(f"{name} ({quantity_name(scene.info(name))}: {presets[name].title})" for name in names)
    return Picture(
        hv.Layout(rows).cols(columns).opts(shared_axes=False, toolbar=None),
        "Attention beside what the network saw",
        f"One row per pixel; the ring marks it. Patches: {told}. {reading(results)} Bars: the likeliest classes.",
        pd.DataFrame(facts, index=pd.Index(range(1, len(facts) + 1), name="pixel")),
        tuple(
            LegendEntry(
                PICKED[i % len(PICKED)],
                str(i + 1),
                f"row {r.row}, column {r.col}: {_name(scene.classes, r.reference)} → {_name(scene.classes, r.predicted)}",
            )
            for i, r in enumerate(results)
        ),
    )


def reading(results: "Sequence[AttentionResult]") -> str:
    """How the masks of these answers are read: signed ones, weights from zero up, or of channels alone."""
    if not any(result.maps for result in results):
        return "This network weighs channels, not positions: there is no mask to draw."
    if _has_signs(results):
        return (
            "Attention is the mean over channels, signed: red raises a place, blue lowers it, and zero, which is neutral, is "
            "white; the scale is that of the row."
        )
    return "Attention is a weight from zero up: the brighter a place, the more it counts; the scale is that of the row."


def _has_signs(results: "Sequence[AttentionResult]") -> bool:
    return any(bool((values < 0).any()) for result in results for values in result.maps.values())


def choose_pixels(predictions: Any, most: int = 2) -> list[tuple[int, int, int]]:
    """A right and a wrong test pixel of the classes that are confused most.

    Args:
        predictions: Table of a run: set, tile, row, col, reference, predicted, confidence.
        most: How many pixels: right and wrong ones in turn.

    Returns:
        Tile, row and column of each pixel; the most confident of their kind. Empty without test pixels.
    """
    test = predictions[predictions["set"] == "test"]
    wrong = test[test["reference"] != test["predicted"]]
    pairs = wrong.groupby(["reference", "predicted"]).size().sort_values(ascending=False, kind="stable")
    chosen: list[Any] = []
    order = ["confidence", "tile", "row", "col"]
    for reference, predicted in pairs.index:
        right = test[(test["reference"] == reference) & (test["predicted"] == reference)]
        mistaken = wrong[(wrong["reference"] == reference) & (wrong["predicted"] == predicted)]
        for group in (right, mistaken):
            if len(group):
                chosen.append(group.sort_values(order, ascending=[False, True, True, True]).iloc[0])
        if len(chosen) >= most:
            break
    if not chosen and len(test):
        chosen = [test.sort_values(order, ascending=[False, True, True, True]).iloc[0]]
    return [(int(pixel["tile"]), int(pixel["row"]), int(pixel["col"])) for pixel in chosen[:most]]


def as_pixels(pixels: Sequence[Sequence[int]]) -> list[tuple[int, int, int]]:
    """Pixels as tile, row and column; those of two numbers lie in tile 0.

    Raises:
        WorkbenchError: A pixel has neither two nor three whole numbers.
    """
    found = []
    for pixel in pixels:
        numbers = list(pixel) if isinstance(pixel, list | tuple) else []
        if len(numbers) not in (2, 3) or not all(isinstance(n, int) and not isinstance(n, bool) for n in numbers):
            raise WorkbenchError(f"A pixel is [row, column] or [tile, row, column] in whole numbers, not {pixel!r}.")
        tile, row, col = numbers if len(numbers) == 3 else (0, *numbers)
        found.append((tile, row, col))
    return found


def figures(
    table: ClassTable, results: "Mapping[tuple[int, int, int], AttentionResult]", classes: Sequence[int]
) -> list[dict[str, Any]]:
    """What the network answered at each pixel, as JSON types."""
    return [{"tile": tile, **_facts(table, classes, result)} for (tile, _, _), result in results.items()]


def _bounds(side: int) -> tuple[float, float, float, float]:
    half = side / 2
    return (-half, -half, half, half)


def _rgb(pixels: NDArray[np.uint8]) -> Any:
    return hv.RGB(np.ascontiguousarray(pixels), bounds=_bounds(len(pixels)), vdims=[*"RGBA"])


def _mask(values: NDArray[np.float32], limit: float, signed: bool, bar: bool) -> Any:
    image = hv.Image(np.ascontiguousarray(values), bounds=_bounds(len(values)), vdims=["attention"])
    return image.opts(
        cmap=DIVERGING if signed else BGY,
        clim=(-limit if signed else 0, limit),
        colorbar=bar,
        tools=["hover"],
        colorbar_opts={"width": 8, "padding": 3},
        hooks=[dress],
    )


def _small(element: Any, title: str, color: str, side: int) -> Any:
    """A small picture in a frame of the pixel's colour, with a ring at its centre."""

    def frame(plot: Any, _: Any) -> None:
        dress(plot, _)
        plot.state.outline_line_color = color
        plot.state.outline_line_width = 2
        if plot.state.title is not None:
            plot.state.title.text_color = "#7a828e"

    point = [(0.0, 0.0)]
    look = {"fill_alpha": 0.0, "size": SIDE / side, "marker": "circle"}
    ring = hv.Points(point).opts(line_color="#ffffff", line_width=5, **look) * hv.Points(point).opts(
        line_color=color, line_width=2.5, **look
    )
    options: dict[str, Any] = {
        "frame_width": SIDE,
        "frame_height": SIDE,
        "xaxis": None,
        "yaxis": None,
        "title": title,
        "fontsize": {"title": "11px"},
        "hooks": [frame],
        "toolbar": None,
        "default_tools": [],
    }
    return (element * ring).opts(**options)


def _probabilities(table: ClassTable, classes: Sequence[int], result: "AttentionResult") -> Any:
    order = np.argsort(result.probabilities)[::-1][:SHOWN]
    bars = [(_name(table, classes[i]), 100 * float(result.probabilities[i]), table.color(classes[i])) for i in order]
    right = result.reference == result.predicted
    color = RIGHT if right else WRONG
    verdict = "unlabelled" if not result.reference else "right" if right else "wrong"

    def finish(plot: Any, element: Any) -> None:
        dress(plot, element)
        if plot.state.title is not None:
            plot.state.title.text_color = color if result.reference else "#7a828e"

    return hv.Bars(bars[::-1], "class", ["probability (%)", "color"]).opts(
        color="color",
        invert_axes=True,
        frame_width=130,
        frame_height=SIDE,
        ylim=(0, 100),
        xlabel="",
        ylabel="%",
        title=f"answer: {verdict}",
        fontsize={"title": "11px"},
        hooks=[finish],
        toolbar=None,
        default_tools=[],
        line_alpha=0,
    )


def _facts(table: ClassTable, classes: Sequence[int], result: "AttentionResult") -> dict[str, Any]:
    order = np.argsort(result.probabilities)[::-1][:3]
    likely = ", ".join(f"{_name(table, classes[i])} {100 * float(result.probabilities[i]):.1f} %" for i in order)
    centre = {
        f"{mask} attention at the pixel": float(values[len(values) // 2, len(values) // 2])
        for mask, values in result.maps.items()
    }
    return {
        "row": result.row,
        "column": result.col,
        "reference": _name(table, result.reference),
        "answer": _name(table, result.predicted),
        "likeliest": likely,
        **centre,
    }


def _name(table: ClassTable, value: int) -> str:
    return table.name(value) if value in table else "unlabelled"
