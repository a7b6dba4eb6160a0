"""An executed notebook as one HTML file that asks for nothing beyond itself."""

from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

HEADLINE = "headline"
NOTEBOOK_ONLY = "notebook-only"


def export_html(notebook: Path, title: str, failure: str = "") -> str:
    """Export a notebook.

    Cells tagged `headline` come first; cells tagged `notebook-only`, which tell a reader in JupyterLab what to do, are
    left out. Code is folded away behind a toggle that needs no script.

    Args:
        notebook: The executed notebook.
        title: Title of the page.
        failure: What went wrong, shown on top; empty for a finished notebook.
    """
    import nbformat

    book = nbformat.read(notebook, as_version=4)
    cells = [cell for cell in book.cells if NOTEBOOK_ONLY not in _tags(cell)]
    first = [cell for cell in cells if HEADLINE in _tags(cell)]
    rest = [cell for cell in cells if HEADLINE not in _tags(cell) and not _is_setup(cell)]
    setup = [cell for cell in cells if _is_setup(cell)]
    banner = ""
    if failure:
        banner = f'<p class="wb-note red" role="alert">This report is incomplete. {escape(failure)}</p>'
    # The set-up cell carries BokehJS, which later cells call at once.
    body = banner + "".join(_render(book, part) for part in (setup, first, rest))
    template = files("workbench.reports").joinpath("page.html").read_text(encoding="utf-8")
    pieces = {
        "title": escape(title),
        "style": style(),
        "body": body,
    }
    for name, text in pieces.items():
        template = template.replace(f"<!--{name}-->", text, 1)
    return template


def style() -> str:
    """CSS of the page: pictures, code colours, layout and print."""
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]

    from workbench.views.picture import style_sheet

    page = files("workbench.reports").joinpath("page.css").read_text(encoding="utf-8")
    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    return f"{style_sheet()}\n{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n{page}"


def _render(book: Any, cells: list[Any]) -> str:
    from nbconvert import HTMLExporter

    if not cells:
        return ""
    part = book.copy()
    part.cells = cells
    exporter = HTMLExporter(template_name="basic")
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = exporter.exclude_anchor_links = True
    text, _ = exporter.from_notebook_node(part)
    return str(text)


def _is_setup(cell: Any) -> bool:
    return "setup" in _tags(cell)


def _tags(cell: Any) -> list[str]:
    return list(cell.get("metadata", {}).get("tags", []))
