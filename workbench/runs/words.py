"""What the scores of a run are called: accuracy on labels; agreement where the labels are a map themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CHOSEN_ON_TEST = "chosen on test: comparison with publications only"
PAPER_HABITS = "publications' habits: comparison with publications only"
"""Of a model without epochs, that has nothing to choose but whole-scene scaling and no validation."""


@dataclass(frozen=True)
class ScoreWords:
    """Names of scores, in lower case.

    Attributes:
        kind: What a score says.
        overall: Share of the test pixels whose class agrees.
        average: Mean over the classes.
        producers: Share of a class's pixels that are found.
        users: Share of what is called a class that is of it.
        reference: What the scores are held against.
        note: What a reader must know; empty for labels from the ground or the image.
    """

    kind: str = "accuracy"
    overall: str = "overall accuracy"
    average: str = "average accuracy"
    producers: str = "producer's accuracy"
    users: str = "user's accuracy"
    reference: str = "reference labels"
    note: str = ""


def score_words(metrics: Mapping[str, Any]) -> ScoreWords:
    """The words for the scores of a run.

    A map that was made from the same images can be wrong where the run is, and right labels were never seen: such
    scores say how far two maps agree, and are never called otherwise.

    Args:
        metrics: What `metrics.json` holds; ``labels_are`` is absent or None for labels that are no map.
    """
    labels_are = metrics.get("labels_are")
    if not labels_are:
        return ScoreWords()
    return ScoreWords(
        kind="agreement with the map",
        overall="overall agreement with the map",
        average="average agreement with the map",
        producers="producer's agreement",
        users="user's agreement",
        reference="map in place of labels",
        note=f"The labels are {labels_are}: the scores say how far the run agrees with that map, not how right it is.",
    )


def caution(metrics: Mapping[str, Any]) -> str:
    """A few words that stand beside every score of a run that follows the publications' habits; empty for others."""
    if metrics.get("chosen_on") != "test":
        return ""
    return CHOSEN_ON_TEST if metrics.get("paper") else PAPER_HABITS


def kappa_words(scores: Mapping[str, Any]) -> str:
    """Kappa with two digits; a dash where it is undefined, as `kappa_reason` of the scores says."""
    return "–" if scores.get("kappa_reason") else f"{scores['kappa']:.2f}"


def paper_words(metrics: Mapping[str, Any]) -> str:
    """Sentences on what the publications' habits are, and by how much choosing on test flatters; empty for other runs."""
    if metrics.get("chosen_on") != "test":
        return ""
    text = "Publications' habits, for comparison with publications only: scaling over the whole scene, no validation"
    chosen = metrics.get("paper")
    if not chosen:
        return f"{text}."
    return (
        f"{text}, and the epoch that scores best on test: chosen on test (epoch {chosen['epoch']}, of "
        f"{len(chosen['epochs'])} looked at) {100 * chosen['oa']:.1f} %, last epoch ({chosen['last_epoch']}) "
        f"{100 * chosen['last_oa']:.1f} %."
    )
