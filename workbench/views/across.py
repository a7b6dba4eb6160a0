"""Configurations over splits, or models over scenes: headline with the scores under their controls, and a picture."""

from html import escape
from typing import TYPE_CHECKING, Any

from workbench.views.backend import hv
from workbench.views.classes import LegendEntry
from workbench.views.compare_classes import MARKS
from workbench.views.compare_ranks import rank_picture
from workbench.views.headline import Html
from workbench.views.picture import Picture, table_html
from workbench.views.scores import CONTROLS
from workbench.views.style import MUTED, PICKED, dress

if TYPE_CHECKING:
    from workbench.experiments import GroupComparison, SceneComparison

WORDS = {"oa": "OA", "aa": "AA", "kappa": "kappa", "miou": "mean IoU"}


def across_headline(comparison: "GroupComparison | SceneComparison") -> Html:
    """Title, verdict, what must not be overlooked, and the scores with the controls on top."""
    frame = comparison.scores_frame(CONTROLS)
    notes = "".join(f'<p class="wb-note {level}">{escape(text)}</p>' for text, level in comparison.warnings)
    text = (
        f'<section class="wb-headline"><h1>{escape(comparison.title)}</h1>'
        f'<p class="verdict">{escape(comparison.verdict)}</p>{notes}<div class="wb-score">{table_html(frame)}</div></section>'
    )
    return Html(
        text,
        "\n".join(
            [f"{comparison.title}. {comparison.verdict}", *(text for text, _ in comparison.warnings), frame.to_string()]
        ),
    )


def across_picture(comparison: "GroupComparison | SceneComparison") -> Picture:
    """Over splits, every configuration on every split; over scenes, the critical-difference picture."""
    from workbench.experiments import SceneComparison

    if isinstance(comparison, SceneComparison):
        return rank_picture(comparison.test)
    return split_dots(comparison)


def split_dots(comparison: "GroupComparison") -> Picture:
    """A row per split, a mark per configuration, and a tick where position alone comes; the first eight are drawn."""
    score = comparison.score
    scale = 1 if score == "kappa" else 100
    splits = list(dict.fromkeys(split for group in comparison.groups for split in group.runs))
    rows = {split: len(splits) - place - 0.5 for place, split in enumerate(splits)}
    drawn = comparison.groups[: len(MARKS)]
    position = {
        split: scale * found[score]
        for control in comparison.controls
        if control.name == "coordinates_only"
        for split, found in control.scores.items()
        if score in found
    }
    ticks = [(value, rows[split] - 0.32, value, rows[split] + 0.32) for split, value in position.items()]
    parts: list[Any] = [
        hv.Segments(ticks, ["x", "y", "x1", "y1"]).opts(color=MUTED, line_width=3, hooks=[dress]),
    ]
    apart = min(0.7 / len(drawn), 0.18)
    for number, group in enumerate(drawn):
        shift = (0.5 * (len(drawn) - 1) - number) * apart
        places = [(scale * found[score], rows[split] + shift, group.name) for split, found in group.scores.items()]
        parts.append(
            hv.Points(places, ["x", "y"], ["configuration"]).opts(
                color=PICKED[number % len(PICKED)], marker=MARKS[number][0], size=9, tools=["hover"], hooks=[dress]
            )
        )
    unit = "" if score == "kappa" else " (%)"
    more = len(comparison.groups) - len(drawn)
    told = f" {more} configuration(s) are in the table only." if more else ""
    legend = [LegendEntry(PICKED[k % len(PICKED)], MARKS[k][1], group.title) for k, group in enumerate(drawn)]
    if ticks:
        legend.append(LegendEntry(MUTED, "|", f"control: {CONTROLS['coordinates_only']}"))
    return Picture(
        hv.Overlay(parts).opts(
            hv.opts.Overlay(
                show_legend=False,
                frame_width=620,
                frame_height=max(140, max(36, 10 * len(drawn) + 14) * len(splits)),
                ylim=(0, len(splits)),
                xlabel=f"{WORDS[score]}{unit}",
                ylabel="split",
                yticks=[(place, split[:8]) for split, place in rows.items()],
                show_grid=True,
                hooks=[dress],
            )
        ),
        "Each configuration on each split",
        f"Marks in one row are on the same test pixels, seeds averaged. Rows that move together move with the ground that is "
        f"tested, not with the configuration.{told}",
        comparison.runs_frame(),
        legend,
    )
