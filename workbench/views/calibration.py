"""Whether a network is as sure as it is right: the reliability diagram of a run."""

from collections.abc import Mapping
from typing import Any

from workbench.base.errors import WorkbenchError
from workbench.runs import RunFolder
from workbench.views.backend import hv
from workbench.views.classes import LegendEntry
from workbench.views.picture import Picture, Row, row_of, sentences
from workbench.views.style import MUTED, PICKED, dress

BAR, MEAN = PICKED[5], PICKED[0]
SIDE = 300
"""Sides of the diagram, pixels."""

METHOD = (
    "Guo et al. (2017), On calibration of modern neural networks: pixels are put into 15 bins of equal width by the "
    "probability of the class they are given; a bin without pixels has a dash. The expected calibration error is the "
    "distance of accuracy and mean confidence, weighted by pixels. The temperature divides the logits; it is the one "
    "that makes the validation pixels likeliest, and changes no class. Where validation pixels chose the epoch they are "
    "a little too good, and the temperature a little too low. Pixels near each other are alike: the bins hold fewer "
    "independent answers than pixels."
)


def reliability(run: RunFolder) -> Row:
    """The reliability diagram of a run, or in words why there is none."""
    return row_of(lambda: reliability_picture(run.metrics))


def reliability_picture(metrics: Mapping[str, Any]) -> Picture:
    """Accuracy against confidence on the test pixels as trained, and beside it with the temperature of the validation.

    Raises:
        WorkbenchError: The run was scored by a version that did not measure calibration, or no test pixel has data.
    """
    import pandas as pd

    found = metrics.get("calibration")
    if found is None:
        raise WorkbenchError("This run was scored before calibration was measured; `workbench evaluate` measures it.")
    before, after = found["before"], found["after"]
    if before is None:
        raise WorkbenchError(f"There is no reliability diagram: {found['reason']}.")
    sides = {"as trained": before} | ({} if after is None else {f"temperature {found['temperature']:.2f}": after})
    most = max(row["pixels"] for side in sides.values() for row in side["bins"])
    diagrams = [_diagram(title, side["bins"]) for title, side in sides.items()]
    counts = [_counts(side["bins"], most) for side in sides.values()]
    columns: dict[str, Any] = {
        "confidence": [f"{row['low']:.2f} to {row['high']:.2f}" for row in before["bins"]],
    }
    for title, side in sides.items():
        columns[f"pixels, {title}"] = [row["pixels"] for row in side["bins"]]
        columns[f"mean confidence %, {title}"] = [_percent(row["confidence"]) for row in side["bins"]]
        columns[f"accuracy %, {title}"] = [_percent(row["accuracy"]) for row in side["bins"]]
    return Picture(
        hv.Layout([*diagrams, *counts]).cols(len(sides)).opts(shared_axes=False),
        "Reliability",
        sentences(_before(before), _after(found)),
        pd.DataFrame(columns).set_index("confidence"),
        (
            LegendEntry(BAR, "", "accuracy of the pixels of this confidence"),
            LegendEntry(MEAN, "–", "their mean confidence"),
            LegendEntry(MUTED, "/", "as sure as right"),
        ),
        figures=_figures(found),
        method=METHOD,
    )


def _before(before: Mapping[str, Any]) -> str:
    bins = [row for row in before["bins"] if row["pixels"]]
    over = sum(row["pixels"] * (row["confidence"] - row["accuracy"]) for row in bins) / before["pixels"]
    how = "too sure" if over > 0 else "not sure enough"
    return (
        f"On {before['pixels']:,} test pixels confidence and accuracy are {100 * before['ece']:.1f} points apart on average "
        f"(expected calibration error), {100 * before['mce']:.1f} in the worst bin; on the whole the answers are "
        f"{abs(100 * over):.1f} points {how}. Negative log-likelihood {before['nll']:.3f}"
    )


def _after(found: Mapping[str, Any]) -> str:
    if found["after"] is None:
        return f"No temperature was fitted: {found['reason']}"
    after, temperature = found["after"], found["temperature"]
    end = "; it lies at the end of what is tried, so none suits" if found["at_end"] else ""
    return (
        f"A temperature of {temperature:.2f}, fitted on {found['fitted_on']:,} validation pixels{end}, gives "
        f"{100 * after['ece']:.1f} points and a negative log-likelihood of {after['nll']:.3f}. Classes stay the same"
    )


def _figures(found: Mapping[str, Any]) -> dict[str, Any]:
    sides = {name: found[name] for name in ("before", "after")}
    return {
        "temperature": found["temperature"],
        "fitted_on": found["fitted_on"],
        **{
            f"{figure}_{name}": None if side is None else side[figure]
            for name, side in sides.items()
            for figure in ("ece", "mce", "brier", "nll")
        },
    }


def _diagram(title: str, bins: list[dict[str, Any]]) -> Any:
    filled = [row for row in bins if row["pixels"]]
    bars = [(row["low"], 0, row["high"], row["accuracy"]) for row in filled]
    means = [(row["low"], row["confidence"], row["high"], row["confidence"]) for row in filled]
    corners = ["x0", "y0", "x1", "y1"]
    parts = [
        hv.Rectangles(bars, corners).opts(color=BAR, line_color="#ffffff", line_width=1, hooks=[dress]),
        hv.Segments(means, corners).opts(color=MEAN, line_width=3, hooks=[dress]),
        hv.Curve([(0, 0), (1, 1)]).opts(color=MUTED, line_dash="dashed", line_width=1.5, hooks=[dress]),
    ]
    return hv.Overlay(parts).opts(
        hv.opts.Overlay(
            title=title,
            xlabel="confidence",
            ylabel="accuracy",
            xlim=(0, 1),
            ylim=(0, 1),
            frame_width=SIDE,
            frame_height=SIDE,
            show_legend=False,
            hooks=[dress],
        )
    )


def _counts(bins: list[dict[str, Any]], most: int) -> Any:
    bars = [(row["low"], 0, row["high"], row["pixels"]) for row in bins if row["pixels"]]
    return hv.Rectangles(bars, ["x0", "y0", "x1", "y1"]).opts(
        color=MUTED,
        fill_alpha=0.6,
        line_color="#ffffff",
        xlabel="confidence",
        ylabel="test pixels",
        xlim=(0, 1),
        ylim=(0, 1.05 * most),
        yformatter="%d",
        frame_width=SIDE,
        frame_height=90,
        hooks=[dress],
    )


def _percent(share: float | None) -> float:
    return float("nan") if share is None else round(100 * share, 1)
