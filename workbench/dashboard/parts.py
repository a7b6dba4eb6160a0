"""Small pieces that both pages are made of."""

from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

import panel as pn

from workbench.views.picture import style_sheet


@cache
def style() -> str:
    """CSS inside Panel's shadow roots, where that of the page does not reach."""
    inside = files("workbench.dashboard").joinpath("inner.css").read_text(encoding="utf-8")
    pictures = style_sheet()
    return pictures[pictures.index(".wb-picture") :] + inside


def inner(label: str = "") -> dict[str, Any]:
    """Arguments that every pane takes; of a widget, with the label above it."""
    said = {} if not label else {"label" if "label" in pn.widgets.Select.param else "name": label}  # name: Panel < 1.9
    return {"stylesheets": [style()], "margin": 0, **said}


def html(text: str = "") -> Any:
    """A piece of HTML in the house style."""
    return pn.pane.HTML(text, sizing_mode="stretch_width", **inner())


def empty(title: str, words: str, commands: str = "") -> str:
    """What stands where there is nothing to show: why, and what to do."""
    told = f"<pre>{escape(commands)}</pre>" if commands else ""
    return f'<div class="empty" role="status"><h2>{escape(title)}</h2><p>{escape(words)}</p>{told}</div>'


def note(words: str, kind: str = "") -> str:
    """A sentence or two in small type; `amber` or `red` where something is wrong."""
    return f'<p class="note {kind}" role="{"alert" if kind else "note"}">{escape(words)}</p>' if words else ""
