"""The first screen of a comparison: who is best, whether that holds, and what sees no image beside it."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.runs import RunFolder
from workbench.runs.words import score_words
from workbench.scenes import Scene
from workbench.views.classes import class_legend, colorize, map_values, run_classes
from workbench.views.headline import Html, maps_html
from workbench.views.picture import legend_html, table_html
from workbench.views.scores import CONTROLS, percent, score_card, warnings_html

if TYPE_CHECKING:
    import pandas as pd

    from workbench.experiments import Comparison

SHOWN_MAPS = 4


def comparison_title(comparison: "Comparison") -> str:
    """A comparison in words."""
    count = len(comparison.runs)
    about = comparison.about
    return f"{count} run{'s' if count > 1 else ''} on {about['scene']}, {about['protocol']} split"


def comparison_verdict(comparison: "Comparison") -> str:
    """Who scores highest, whether the blocks tell it from the next, and how many pairs they tell apart."""
    words, best = score_words(comparison.about), comparison.runs[0]
    first = f"{best.label} has the highest {words.overall}, {percent(best.scores.oa)}"
    if not comparison.pairs:
        return f"{first}. There is no other run to compare it with."
    pair = comparison.pairs[0]
    ahead = pair.blocks["oa"]
    first += f", {100 * ahead.difference:.1f} points above {pair.second}"
    if ahead.low is None or ahead.high is None:
        return f"{first}. Whether that holds cannot be said: {pair.blocks.reason}."
    held = "holds" if pair.told_apart else "may be chance"
    first += f" (95 % interval {100 * ahead.low:+.1f} to {100 * ahead.high:+.1f}): that {held}"
    apart = sum(bool(one.told_apart) for one in comparison.pairs)
    return f"{first}. Blocks of ground tell {apart} of {len(comparison.pairs)} pairs apart at 5 %."


def comparison_headline(comparison: "Comparison", runs: Sequence[RunFolder], scene: Scene | None = None) -> Html:
    """Title, verdict, the best run's score with the controls, and class maps of the first runs that have one.

    Args:
        comparison: The comparison.
        runs: Its runs, in any order.
        scene: The tile whose maps are shown; None shows none.
    """
    title, words = comparison_title(comparison), comparison_verdict(comparison)
    best: dict[str, Any] = {
        **comparison.about,
        "controls": comparison.controls,
        "test": comparison.runs[0].scores.to_dict(),
    }
    folders = {run.id: run for run in runs}
    mapped = []
    for one in comparison.runs if scene else ():
        found = map_values(folders[one.run], scene) if scene else None
        mapped += [(one.label, found[0])] if found is not None else []
    mapped, classes, legend = mapped[:SHOWN_MAPS], run_classes(runs[0]), ""
    where = scene.name if scene else ""
    pictures = [(colorize(values, classes), name, f"Class map of {where} by {name}") for name, values in mapped]
    if mapped:
        legend = legend_html(class_legend(classes, np.concatenate([values.ravel() for _, values in mapped])))
    name = escape(comparison.runs[0].label)
    card = f'<p class="wb-controls">The scores of the best run, <b>{name}</b>:</p>{score_card(best)}'
    warnings = warnings_html(comparison.about) + _banners(comparison)
    text = (
        f'<section class="wb-headline"><h1>{escape(title)}</h1><p class="verdict">{escape(words)}</p>'
        f"{warnings}{card}{maps_html(pictures)}{legend}</section>"
    )
    return Html(text, f"{title}. {words}")


def comparison_table(comparison: "Comparison") -> Html:
    """The scores with the controls on top."""
    from workbench.experiments.comparison_tables import scores_frame

    frame = scores_frame(comparison, CONTROLS)
    return Html(table_html(_right(frame)), frame.to_string())


def pairs_table(comparison: "Comparison") -> Html:
    """What there is to know of each pair at a glance; the picture's own table has more."""
    from workbench.experiments.comparison_tables import pairs_frame

    frame = pairs_frame(comparison)
    if not len(frame):
        return Html("", "")
    frame = frame[[*frame.columns[:5], "p (McNemar, Holm)", "by the blocks"]]
    return Html(table_html(frame, index=False), frame.to_string())


def repetitions_table(comparison: "Comparison") -> Html:
    """Configurations with several seeds; a sentence where there are none."""
    from workbench.experiments.comparison_tables import groups_frame

    frame = groups_frame(comparison)
    if len(frame) == len(comparison.runs):
        words = "Every configuration has one run: how far another seed would move a score is not known."
        return Html(f"<p>{words}</p>", words)
    return Html(table_html(frame), frame.to_string())


def _banners(comparison: "Comparison") -> str:
    """What the audits warn of; of all runs unless said otherwise."""
    text = ""
    for banner, level, runs in comparison.banners:
        of = "" if len(runs) == len(comparison.runs) else f"{'; '.join(runs)}: "
        words = f"{of}{banner}." if of else f"{banner[:1].upper()}{banner[1:]}."
        text += f'<p class="wb-note {level}">{escape(words)}</p>'
    return text


def _right(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Numbers as numbers, so that they stand to the right; what is none stays empty there."""
    import pandas as pd

    return frame.apply(lambda column: pd.to_numeric(column, errors="coerce"))
