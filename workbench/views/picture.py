"""A picture with the words and the table that say the same, and how it becomes HTML."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.base.errors import WorkbenchError
from workbench.views.classes import LegendEntry

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 400


@dataclass(frozen=True, eq=False)
class Picture:
    """A HoloViews element, what it shows in words, and the table beside it.

    In a notebook it displays itself; `setup` must have been displayed before.

    Attributes:
        element: HoloViews element, overlay or layout.
        title: What it is.
        description: One or two sentences for a reader who does not see it.
        table: The same figures readable without colour; None only where there are none.
        legend: Colours and what they mean.
        figures: What a report keeps of it in its metrics, as JSON types.
        method: How it was computed, with sources; folded away until it is asked for.
    """

    element: Any
    title: str
    description: str
    table: "pd.DataFrame | None" = None
    legend: Sequence[LegendEntry] = field(default=())
    figures: Mapping[str, Any] = field(default_factory=dict)
    method: str = ""

    def figure(self) -> Any:
        """The Bokeh model of the element."""
        return bokeh_model(self.element)

    def html(self) -> str:
        """The picture with caption, legend and table; needs BokehJS on the page."""
        from bokeh.embed import components

        script, place = components(self.figure())
        return (
            f'<figure class="wb-picture" role="group" aria-label="{escape(self.title)}">'
            f"<figcaption><b>{escape(self.title)}.</b> {escape(self.description)}</figcaption>"
            f'<div class="wb-plot" role="img" aria-label="{escape(self.description)}">{place}</div>'
            f"{legend_html(self.legend)}{table_details(self.table)}{method_details(self.method)}{script}</figure>"
        )

    def _repr_html_(self) -> str:
        return self.html()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": f"{self.title}. {self.description}"}


@dataclass(frozen=True, eq=False)
class Row:
    """Pictures side by side, as many as the page is wide, and why others are missing."""

    pictures: Sequence[Picture]
    notes: Sequence[str] = ()

    @property
    def figures(self) -> dict[str, Any]:
        """What a report keeps of them, by title."""
        return {picture.title: dict(picture.figures) for picture in self.pictures if picture.figures}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        told = "\n".join([*(f"{picture.title}. {picture.description}" for picture in self.pictures), *self.notes])
        body = "".join(picture.html() for picture in self.pictures)
        notes = "".join(f'<p class="wb-note">{escape(note)}</p>' for note in self.notes)
        return {"text/html": f'<div class="wb-row">{body}</div>{notes}', "text/plain": told}


def row_of(*makers: Callable[[], "Picture | Sequence[Picture]"]) -> Row:
    """The pictures that can be made, and in words why others cannot: a scene need not have everything."""
    pictures: list[Picture] = []
    notes = []
    for make in makers:
        try:
            made = make()
        except WorkbenchError as error:
            notes.append(str(error))
        else:
            pictures += [made] if isinstance(made, Picture) else made
    return Row(pictures, tuple(dict.fromkeys(notes)))


class Setup:
    """What a page needs once before its first picture: BokehJS and the style sheet, inline and offline."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": setup_html(), "text/plain": "Pictures are ready."}


def setup() -> Setup:
    """Prepare a notebook for pictures; let it be the last line of its cell."""
    return Setup()


def setup_html() -> str:
    """Style sheet and BokehJS as one piece of HTML without remote addresses."""
    from bokeh.resources import Resources

    sources = [*Resources(mode="inline", components=["bokeh"]).js_raw, script()]
    scripts = "".join(f"<script>{source}</script>" for source in sources)
    return f'<div class="wb-setup"><style>{style_sheet()}</style>{scripts}</div>'


def style_sheet() -> str:
    """CSS of pictures, tables, legends and score cards."""
    return files("workbench.views").joinpath("style.css").read_text(encoding="utf-8")


def script() -> str:
    """JavaScript that draws figures again when the page turns dark or light."""
    return files("workbench.views").joinpath("theme.js").read_text(encoding="utf-8")


def bokeh_model(element: Any) -> Any:
    """Render a HoloViews object with Bokeh."""
    from bokeh.models import Toolbar

    from workbench.views.backend import hv

    model = hv.renderer("bokeh").get_plot(element).state
    for toolbar in model.select({"type": Toolbar}):
        toolbar.logo = None
    return model


def legend_html(entries: Sequence[LegendEntry]) -> str:
    """A legend as a list; each line has its mark, so that colour is not needed."""
    if not entries:
        return ""
    lines = "".join(
        f'<li><span class="wb-swatch" style="background:{escape(entry.color)};color:{_ink(entry.color)}">'
        f"{escape(entry.mark)}</span>{escape(entry.words)}</li>"
        for entry in entries
    )
    return f'<ul class="wb-legend">{lines}</ul>'


def table_html(frame: "pd.DataFrame", index: bool = True) -> str:
    """A table in the house style: numbers to the right, words to the left, all text escaped.

    Args:
        frame: What to show; at most `MOST_ROWS` rows are.
        index: Whether the index is a column.
    """
    shown = frame.head(MOST_ROWS)
    if index:
        shown = shown.reset_index()
    words = [not _is_number(shown[name]) for name in shown.columns]
    head = "".join(
        f'<th scope="col"{_text(word)}>{escape(str(name))}</th>'
        for name, word in zip(shown.columns, words, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{_text(word)}>{_cell(value)}</td>" for value, word in zip(row, words, strict=True))
        + "</tr>"
        for row in shown.itertuples(index=False, name=None)
    )
    more = f"<p>The first {MOST_ROWS} of {len(frame)} rows.</p>" if len(frame) > MOST_ROWS else ""
    return (
        '<div class="wb-scroll" tabindex="0" role="region" aria-label="table"><table class="wb-table">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}</div>"
    )


def table_details(frame: "pd.DataFrame | None", words: str = "As a table") -> str:
    """A table that is folded away until it is asked for."""
    if frame is None:
        return ""
    named = frame.index.name is not None or frame.index.nlevels > 1
    return f'<details class="wb-details"><summary>{escape(words)}</summary>{table_html(frame, named)}</details>'


def method_details(words: str) -> str:
    """How something was computed, folded away until it is asked for."""
    if not words:
        return ""
    return f'<details class="wb-details"><summary>How it was computed</summary><p>{escape(words)}</p></details>'


def sentences(*parts: str) -> str:
    """Texts one after the other, each once and each with its full stop."""
    kept = dict.fromkeys(part.strip() for part in parts if part.strip())
    return " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in kept)


def _cell(value: Any) -> str:
    """Four significant digits, whole numbers whole, a dash for nothing."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return escape(str(value))
    value = float(value)
    if not math.isfinite(value):
        return "–"
    if value == int(value) and abs(value) < 1e7:
        return f"{int(value):,}"
    return f"{value:.4g}"


def _is_number(column: Any) -> bool:
    return bool(getattr(column.dtype, "kind", "O") in "iuf")


def _text(word: bool) -> str:
    return ' class="text"' if word else ""


def _ink(color: str) -> str:
    from workbench.views.style import ink_on

    return ink_on(color)
