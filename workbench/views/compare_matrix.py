"""Which runs differ: every pair of them as a matrix, readable without its colours."""

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.views.backend import hv
from workbench.views.classes import LegendEntry
from workbench.views.picture import Picture
from workbench.views.style import DIVERGING, MUTED, dress, ink_on

if TYPE_CHECKING:
    from workbench.experiments import Comparison

INTERVALS_UP_TO = 7
"""Runs up to which cells hold the interval too."""

BETTER, WORSE, ALIKE, UNKNOWN = "▲", "▼", "≈", "?"


def significance_matrix(comparison: "Comparison") -> Picture:
    """Differences in overall accuracy, row minus column, with intervals from blocks of ground.

    Coloured is only what the blocks tell apart at 5 %, Holm-corrected over all pairs.
    """
    from workbench.experiments.comparison_tables import interval, pairs_frame

    labels = [run.label for run in comparison.runs]
    count = len(labels)
    values = np.full((count, count), np.nan)
    cells: list[tuple[float, float, str, str]] = []
    largest = max((abs(100 * pair.blocks["oa"].difference) for pair in comparison.pairs), default=1.0) or 1.0
    for i in range(count):
        for j in range(count):
            place = (j + 0.5, count - i - 0.5)
            if i == j:
                cells.append((*place, "–", MUTED))
                continue
            pair, sign = comparison.pair(labels[i], labels[j])
            points = 100 * sign * pair.blocks["oa"].difference
            mark = UNKNOWN if pair.told_apart is None else ALIKE
            ink = MUTED
            if pair.told_apart:
                values[i, j] = points
                mark = BETTER if points > 0 else WORSE
                share = 0.5 + 0.5 * points / largest
                ink = ink_on(DIVERGING[round(share * (len(DIVERGING) - 1))])
            text = f"{mark} {points:+.1f}"
            if count <= INTERVALS_UP_TO:
                text += f"\n{interval(pair, sign=sign)}"
            cells.append((*place, text, ink))
    element: Any = hv.Labels(cells, ["x", "y"], ["difference", "ink"]).opts(
        text_color="ink", text_font_size="11px", hooks=[dress]
    )
    if np.isfinite(values).any():
        image = hv.Image(values, bounds=(0, 0, count, count), vdims=["points"])
        element = (
            image.opts(cmap=DIVERGING, clim=(-largest, largest), clipping_colors={"NaN": "transparent"}, hooks=[dress])
            * element
        )
    wide = 118 if count <= INTERVALS_UP_TO else 56
    ticks = [f"{number} {label}" for number, label in enumerate(labels, 1)]
    legend = (
        LegendEntry(DIVERGING[-1], BETTER, "the run of the row is better"),
        LegendEntry(DIVERGING[0], WORSE, "it is worse"),
        LegendEntry("#dddddd", ALIKE, "not told apart"),
        *([LegendEntry("#dddddd", UNKNOWN, "too few blocks to say")] if _unknown(comparison) else []),
    )
    return Picture(
        element.opts(
            frame_width=wide * count,
            frame_height=(46 if count <= INTERVALS_UP_TO else 34) * count,
            xlim=(0, count),
            ylim=(0, count),
            xlabel="run of the column",
            ylabel="",
            xticks=[(number + 0.5, str(number + 1)) for number in range(count)],
            yticks=[(count - number - 0.5, name) for number, name in enumerate(ticks)],
            hooks=[dress, without_grid],
        ),
        "Which runs differ",
        "Overall accuracy of the row minus that of the column in points, with its 95 % interval from resampled blocks of "
        "ground. Coloured where the blocks tell the two apart at 5 % over all pairs.",
        pairs_frame(comparison),
        legend,
        figures={
            "told_apart": [[pair.first, pair.second] for pair in comparison.pairs if pair.told_apart],
            "pairs": len(comparison.pairs),
        },
        method=" ".join(comparison.notes),
    )


def without_grid(plot: Any, element: Any) -> None:
    """HoloViews hook: no lines through the text of empty cells."""
    for grid in (*plot.state.xgrid, *plot.state.ygrid):
        grid.grid_line_color = None


def _unknown(comparison: "Comparison") -> bool:
    return any(pair.told_apart is None for pair in comparison.pairs)
