"""Small pieces that the widgets are made of."""

from html import escape
from typing import Any

import ipywidgets


def wide(width: str = "230px") -> Any:
    """A layout of its own for each control: one that is hidden must not hide the others."""
    return ipywidgets.Layout(width=width)


def said(words: str, wrong: bool = False) -> str:
    """A sentence under the controls; amber where something must be mended."""
    return f'<p class="wb-note {"amber" if wrong else ""}">{escape(words)}</p>' if words else ""
