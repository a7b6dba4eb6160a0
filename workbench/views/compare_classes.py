"""How each class fares in each run: a dot per run, with its interval."""

from typing import TYPE_CHECKING, Any

from workbench.runs.words import score_words
from workbench.views.backend import hv
from workbench.views.classes import LegendEntry
from workbench.views.picture import Picture
from workbench.views.style import PICKED, dress

if TYPE_CHECKING:
    import pandas as pd

    from workbench.experiments import Comparison

MARKS = (
    *(("circle", "●"), ("square", "■"), ("triangle", "▲"), ("diamond", "◆")),
    *(("inverted_triangle", "▼"), ("cross", "+"), ("x", "×"), ("star", "★")),
)
"""Bokeh's name and the sign in the legend; as many as there are colours."""


def per_class_dots(comparison: "Comparison") -> Picture:
    """Producer's and user's accuracy of each class, a mark per run; the first eight runs are drawn."""
    from workbench.experiments.comparison_tables import classes_frame

    words = score_words(comparison.about)
    frame = classes_frame(comparison)
    entries, drawn = comparison.about["classes"], comparison.runs[: len(MARKS)]
    count = len(entries)
    apart = min(0.8 / max(len(drawn), 1), 0.22)
    plots = []
    for column, title in (("producers", words.producers), ("users", words.users)):
        parts: list[Any] = []
        for number, run in enumerate(drawn):
            shift = (0.5 * (len(drawn) - 1) - number) * apart
            color, (marker, _) = PICKED[number % len(PICKED)], MARKS[number]
            places, bars = [], []
            for row in frame[frame["run"] == run.label].to_dict("records"):
                if row[column] is None:
                    continue
                y = count - _place(entries, row["value"]) - 0.5 + shift
                places.append((100 * row[column], y, run.label))
                bars.append((100 * row[f"{column}_low"], y, 100 * row[f"{column}_high"], y))
            parts.append(hv.Segments(bars, ["x", "y", "x1", "y1"]).opts(color=color, line_width=1.5, hooks=[dress]))
            parts.append(
                hv.Points(places, ["x", "y"], ["run"]).opts(
                    color=color, marker=marker, size=8, tools=["hover"], hooks=[dress]
                )
            )
        plots.append(
            hv.Overlay(parts).opts(
                hv.opts.Overlay(
                    show_legend=False,
                    frame_width=330,
                    frame_height=max(34, 11 * len(drawn) + 14) * count,
                    xlim=(-2, 102),
                    ylim=(0, count),
                    xlabel=f"{title} (%)",
                    ylabel="",
                    yticks=[(count - k - 0.5, f"{entry['value']} {entry['name']}") for k, entry in enumerate(entries)],
                    show_grid=True,
                    hooks=[dress],
                )
            )
        )
    more = len(comparison.runs) - len(drawn)
    rest = f" {more} run(s) of lower accuracy are in the table only." if more else ""
    return Picture(
        hv.Layout(plots).cols(2).opts(shared_axes=False),
        "Each class in each run",
        f"Bars are 95 % intervals by Wilson for independent pixels, too narrow where neighbours are alike.{rest}",
        per_class_table(frame),
        [LegendEntry(PICKED[k % len(PICKED)], MARKS[k][1], run.label) for k, run in enumerate(drawn)],
    )


def per_class_table(frame: "pd.DataFrame") -> "pd.DataFrame":
    """The figures in percent, one row per class and run; a dash where a class has no pixels."""
    import pandas as pd

    def cell(row: Any, name: str) -> str:
        if row[name] is None:
            return "–"
        bounds = f" ({100 * row[f'{name}_low']:.0f} to {100 * row[f'{name}_high']:.0f})" if f"{name}_low" in row else ""
        return f"{100 * row[name]:.1f}{bounds}"

    rows = [
        {
            "class": f"{row['value']} {row['class']}",
            "run": row["run"],
            "producer's %": cell(row, "producers"),
            "user's %": cell(row, "users"),
            "F1 %": cell(row, "f1"),
            "reference pixels": row["reference pixels"],
            "mapped pixels": row["mapped pixels"],
        }
        for row in sorted(frame.to_dict("records"), key=lambda row: row["value"])
    ]
    return pd.DataFrame(rows)


def _place(entries: Any, value: int) -> int:
    return [entry["value"] for entry in entries].index(value)
