"""Tables of the error analysis: summary, what classes are taken for, modalities that help, doubted labels."""

from html import escape
from typing import TYPE_CHECKING

from workbench.views.headline import Html
from workbench.views.picture import table_html

if TYPE_CHECKING:
    from workbench.experiments import ErrorAnalysis

ALL = 0


def summary(analysis: "ErrorAnalysis") -> Html:
    """What fails, where and how sure: all classes, those shown, and the others folded away."""
    first = _class_list(analysis, ALL) + "".join(_class_list(analysis, value) for value in analysis.shown)
    rest = "".join(_class_list(analysis, value) for value in analysis.names if value not in analysis.shown)
    if rest:
        rest = f'<details class="wb-details"><summary>The other classes</summary>{rest}</details>'
    notes = "".join(f'<p class="wb-note">{escape(note)}</p>' for note in analysis.notes)
    plain = "\n".join(sentence for said in analysis.summary.values() for sentence in said)
    return Html(f'<section class="wb-summary">{first}{rest}{notes}</section>', plain)


def taken_for(analysis: "ErrorAnalysis") -> Html:
    """Every confused pair of the classes shown, then the commonest of all, with counts and shares."""
    frame = analysis.confusions.to_frame(list(analysis.names.values()))
    return Html(table_html(frame, index=False), frame.to_string())


def modality_help(analysis: "ErrorAnalysis") -> Html:
    """Points of producer's accuracy that each class gains or loses when retrained without a modality."""
    frame = analysis.retrained_frame()
    if not len(frame.columns):
        return Html("", "")
    runs = "; ".join(
        f"without {name}: run {run}, {analysis.retrained.pixels[name]:,} common test pixels"
        for name, run in analysis.retrained.runs.items()
    )
    words = (
        "Points (hundredths) of each class's producer's accuracy, retrained without minus this run: below zero the class "
        f"needs what is missing. One seed each, so differences of a few points may be chance. {runs}."
    )
    return Html(f'<p class="wb-controls">{escape(words)}</p>{table_html(frame)}', f"{words}\n{frame.to_string()}")


def doubted_labels(analysis: "ErrorAnalysis") -> Html:
    """Labels that are likely wrong, the most doubtful first."""
    found = analysis.doubted
    words = (
        f"{len(found):,} of {found.pixels:,} labels of test pixels are doubted (confident learning, Northcutt et al. 2021, by "
        "cleanlab). A class that the model confuses looks the same: look at the place before a label is changed."
    )
    frame = analysis.doubted_frame()
    table = table_html(frame) if len(frame) else ""
    return Html(f'<p class="wb-controls">{escape(words)}</p>{table}', f"{words}\n{frame.to_string()}")


def _class_list(analysis: "ErrorAnalysis", value: int) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in analysis.summary[value])
    title = analysis.title(value)
    return f"<h4>{escape(title[:1].upper() + title[1:])}</h4><ul>{items}</ul>"
