"""The confusion matrix with counts and shares in every cell."""

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.views.backend import hv
from workbench.views.picture import Picture
from workbench.views.style import BGY, dress, ink_on

if TYPE_CHECKING:
    import pandas as pd

    from workbench.experiments import ErrorAnalysis

TEXT_UP_TO = 20
"""Classes up to which the cells hold their figures."""


def confusion_shares(analysis: "ErrorAnalysis") -> Picture:
    """Counts of test pixels, and under each its share of the row, coloured by that share."""
    import pandas as pd

    values = list(analysis.names)
    matrix = np.zeros((len(values), len(values)), int)
    for pair in analysis.confusions.pairs:
        matrix[values.index(pair.reference), values.index(pair.mapped)] = pair.pixels
    support = np.array(analysis.confusions.support)
    np.fill_diagonal(matrix, support - np.array(analysis.confusions.wrong))
    share = np.where(matrix > 0, 100 * matrix / np.maximum(support[:, None], 1), np.nan)
    count, down = len(values), [analysis.title(value) for value in values]
    frame = int(np.clip(54 * count, 240, 680))
    element: Any = hv.Image(
        np.dstack([share, matrix]), bounds=(0, 0, count, count), vdims=["share of the reference (%)", "pixels"]
    ).opts(
        cmap=BGY, clim=(0, 100), colorbar=True, clabel="% of the reference", colorbar_opts={"width": 10, "padding": 4},
        clipping_colors={"NaN": "transparent"}, tools=["hover"], hooks=[dress],
    )  # fmt: skip
    if count <= TEXT_UP_TO:
        for shift, size, figures in ((0.16, "11px", matrix.astype(str)), (-0.2, "9px", _percents(share))):
            cells = [
                (
                    j + 0.5,
                    count - i - 0.5 + shift,
                    figures[i, j],
                    ink_on(BGY[round(share[i, j] / 100 * (len(BGY) - 1))]),
                )
                for i, j in np.argwhere(matrix > 0)
            ]
            element *= hv.Labels(cells, ["x", "y"], ["figure", "ink"]).opts(
                text_color="ink", text_font_size=size, hooks=[dress]
            )
    return Picture(
        element.opts(
            frame_width=frame,
            frame_height=frame,
            xlabel="map",
            ylabel="reference",
            xticks=[(number + 0.5, str(value)) for number, value in enumerate(values)],
            yticks=[(count - number - 0.5, name) for number, name in enumerate(down)],
            hooks=[dress],
        ),
        "Confusion matrix, counts and shares",
        "Test pixels: rows are the reference, columns the map, by class number. In each cell the pixels and, under them, "
        "their share of the row; empty cells have none.",
        _table(matrix, share, down, values, pd),
    )


def _percents(share: Any) -> Any:
    """Whole percent as text; what is not nothing is never called 0."""
    text = np.where(share < 0.5, "<1 %", np.char.add(np.nan_to_num(share).round().astype(int).astype(str), " %"))
    return np.where(np.isnan(share), "", text)


def _table(matrix: Any, share: Any, down: list[str], values: list[int], pd: Any) -> "pd.DataFrame":
    cells = [
        [f"{count:,} ({part:.1f} %)" if count else "0" for count, part in zip(*row, strict=True)]
        for row in zip(matrix, share, strict=True)
    ]
    table = pd.DataFrame(cells, index=pd.Index(down, name="reference"), columns=[f"map {value}" for value in values])
    return table.assign(pixels=matrix.sum(axis=1))
