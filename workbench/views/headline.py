"""The first screen of a report: a title in a sentence, the verdict, the score, two small maps. HTML without scripts."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.runs import RunFolder
from workbench.runs.words import score_words
from workbench.scenes import Scene
from workbench.views.classes import class_legend, colorize, label_values, map_values, run_classes
from workbench.views.layers import find_layer
from workbench.views.picture import legend_html, table_html
from workbench.views.png import data_uri
from workbench.views.published import published_html
from workbench.views.raster import raster
from workbench.views.scores import SYNTHETIC, run_title, score_card, verdict, warnings_html

if TYPE_CHECKING:
    import pandas as pd

SMALL = 300  # screen pixels of the longer side of a small map


class Html:
    """HTML that a notebook displays, with a text twin."""

    def __init__(self, text: str, plain: str) -> None:
        self.text, self.plain = text, plain

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.text, "text/plain": self.plain}


def table(frame: "pd.DataFrame", index: bool | None = None) -> Html:
    """A table for a notebook; its index is a column where it has a name, unless told otherwise."""
    named = frame.index.name is not None if index is None else index
    return Html(table_html(frame, named), frame.to_string(na_rep="–"))


def notes(sentences: Sequence[str]) -> Html:
    """Sentences as a list; nothing for none."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return Html(f"<ul>{items}</ul>" if items else "", "\n".join(sentences))


def run_headline(run: RunFolder, scene: Scene, title: str = "") -> Html:
    """Title, verdict, score with controls, and the class map beside the reference."""
    metrics = run.metrics
    words = title or run_title(metrics)
    pictures = []
    mapped = map_values(run, scene)
    present: list[NDArray[Any]] = []
    if mapped is not None:
        pictures.append((colorize(mapped[0], run_classes(run)), "Class map", f"Class map of {scene.name}"))
        present.append(mapped[0])
    if scene.has_labels:
        labels = label_values(scene)[0]
        caption = score_words(metrics).reference.capitalize()
        pictures.append((colorize(labels, scene.classes), caption, f"Labels of {scene.name}"))
        present.append(labels)
    legend = ""
    if present:  # labels of classes that the split dropped are named by the pictures of the labels
        legend = legend_html(class_legend(run_classes(run), np.concatenate([p.ravel() for p in present])))
    text = (
        f'<section class="wb-headline"><h1>{escape(words)}</h1><p class="verdict">{escape(verdict(metrics))}</p>'
        f"{warnings_html(metrics)}{score_card(metrics)}{maps_html(pictures)}{legend}"
        f"{published_html(metrics)}</section>"
    )
    return Html(text, f"{words}. {verdict(metrics)}")


def scene_headline(title: str, sentences: str, scene: Scene, synthetic: bool = False) -> Html:
    """Title, sentences and a small composite beside the labels."""
    drawn = raster(scene, find_layer(scene))
    pictures = [(drawn.rgba, drawn.layer.title, f"{drawn.layer.title} of {scene.name}")]
    legend = ""
    if scene.has_labels:
        labels = label_values(scene)[0]
        pictures.append((colorize(labels, scene.classes), "Labels", f"Labels of {scene.name}"))
        legend = legend_html(class_legend(scene.classes, labels))
    notes = [SYNTHETIC] if synthetic else []
    if scene.has_labels and scene.attrs.get("labels_are"):
        notes.append(f"The labels are {scene.attrs['labels_are']}: a score on them is agreement with that map.")
    remarks = "".join(f'<p class="wb-note">{escape(note)}</p>' for note in notes)
    text = (
        f'<section class="wb-headline"><h1>{escape(title)}</h1><p class="verdict">{escape(sentences)}</p>'
        f"{remarks}{maps_html(pictures)}{legend}</section>"
    )
    return Html(text, f"{title}. {sentences}")


def maps_html(pictures: Sequence[tuple[NDArray[np.uint8], str, str]]) -> str:
    """Small rasters side by side: pixels, caption and text alternative of each."""
    figures = []
    for pixels, caption, alternative in pictures:
        rows, cols = pixels.shape[:2]
        scale = SMALL / max(rows, cols)
        size = f'width="{max(round(cols * scale), 1)}" height="{max(round(rows * scale), 1)}"'
        figures.append(
            f'<figure><img {size} alt="{escape(alternative)}" src="{data_uri(pixels)}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )
    return f'<div class="wb-maps">{"".join(figures)}</div>'
