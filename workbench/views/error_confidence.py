"""How sure the model is where it is right and where it is wrong: a histogram per class."""

from typing import TYPE_CHECKING, Any

from workbench.views.backend import hv
from workbench.views.classes import LegendEntry
from workbench.views.picture import Picture, Row
from workbench.views.style import RIGHT, WRONG, dress

if TYPE_CHECKING:
    from workbench.experiments import ErrorAnalysis

SIZE = (330, 170)


def confidence_row(analysis: "ErrorAnalysis") -> Row:
    """Histograms of all classes and of each class shown."""
    return Row([confidence_picture(analysis, value) for value in (0, *analysis.shown)])


def confidence_picture(analysis: "ErrorAnalysis", value: int = 0) -> Picture:
    """Test pixels by the probability of their answer, right ones and wrong ones side by side.

    Args:
        analysis: The analysis of a run.
        value: Class value; 0 is all classes.
    """
    counts = analysis.confidence[value]
    boxes = []
    for name, shift, color in (("right", 0.005, RIGHT), ("wrong", 0.05, WRONG)):
        boxes += [
            (low + shift, 0, low + shift + 0.045, many, color)
            for low, many in zip(counts["from"], counts[name], strict=True)
            if many
        ]
    element: Any = hv.Rectangles(boxes, vdims=["color"]).opts(color="color", line_alpha=0, hooks=[dress])
    wrong = int(counts["wrong"].sum())
    sure = int(counts["wrong"].iloc[-1])
    words = f"{sure:,} of {wrong:,} wrong pixels got 0.9 or more" if wrong else "No pixel is wrong"
    table = counts.assign(
        probability=[f"{a:.1f} to {b:.1f}" for a, b in zip(counts["from"], counts["to"], strict=True)]
    )
    return Picture(
        element.opts(
            frame_width=SIZE[0],
            frame_height=SIZE[1],
            xlim=(0, 1),
            ylim=(0, 1.08 * max(int(counts[["right", "wrong"]].to_numpy().max()), 1)),
            xlabel="probability of the answer",
            ylabel="test pixels",
            toolbar=None,
            hooks=[dress],
        ),
        f"How sure, {analysis.title(value)}",
        f"{words}.",
        table.set_index("probability")[["right", "wrong"]],
        (LegendEntry(RIGHT, "", "right"), LegendEntry(WRONG, "", "wrong")),
    )
