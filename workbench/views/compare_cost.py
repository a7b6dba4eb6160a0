"""What a score cost: overall accuracy against the time of the training."""

from typing import TYPE_CHECKING, Any

from workbench.runs.words import score_words
from workbench.views.backend import hv
from workbench.views.classes import LegendEntry
from workbench.views.compare_classes import MARKS
from workbench.views.picture import Picture
from workbench.views.style import PICKED, dress

if TYPE_CHECKING:
    from workbench.experiments import Comparison


def cost_picture(comparison: "Comparison") -> Picture:
    """Accuracy against training time on a logarithmic axis, a mark per run; parameters and memory in the table."""
    from workbench.experiments.comparison_tables import cost_frame

    words = score_words(comparison.about)
    timed = [(k, run) for k, run in enumerate(comparison.runs) if run.seconds]
    parts: list[Any] = []
    for k, run in timed:
        point = [(max(run.seconds or 0.0, 1e-3), 100 * run.scores.oa, run.label)]
        parts.append(
            hv.Points(point, ["x", "y"], ["run"]).opts(
                color=PICKED[k % len(PICKED)], marker=MARKS[k % len(MARKS)][0], size=11, tools=["hover"], hooks=[dress]
            )
        )
    values = [100 * run.scores.oa for _, run in timed] or [0.0, 100.0]
    times = [run.seconds or 0.0 for _, run in timed] or [1.0]
    room = max(0.15 * (max(values) - min(values)), 1.0)
    element = hv.Overlay(parts or [hv.Points([])]).opts(
        hv.opts.Overlay(
            show_legend=False,
            frame_width=430,
            frame_height=250,
            logx=True,
            xlim=(max(min(times), 1e-3) / 2, max(times) * 2),
            ylim=(min(values) - room, max(values) + room),
            xlabel="training time (s)",
            ylabel=f"{words.overall} (%)",
            show_grid=True,
            hooks=[dress],
        )
    )
    missing = [run.label for run in comparison.runs if not run.seconds]
    lack = f" Not recorded: {', '.join(missing)}." if missing else ""
    return Picture(
        element,
        "What it cost",
        f"Time in training steps on the machine of each run; times of different machines are not alike.{lack}",
        cost_frame(comparison),
        [LegendEntry(PICKED[k % len(PICKED)], MARKS[k % len(MARKS)][1], run.label) for k, run in timed],
    )
