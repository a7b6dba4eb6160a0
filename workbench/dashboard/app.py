"""The page of the dashboard: a rail on the left, and beside it Scenes or Reports."""

from importlib.resources import files
from typing import Any

import panel as pn
from bokeh.models import TextInput

from workbench.dashboard.reports_page import ReportsPage
from workbench.dashboard.scenes_page import ScenesPage
from workbench.views.picture import script, style_sheet


def page() -> Any:
    """A fresh page for one session."""
    pn.extension(sizing_mode="stretch_width", loading_spinner="arc", throttled=True, reconnect=True)
    scenes, reports = ScenesPage(), ReportsPage()
    template = pn.Template(_text("app.html"))
    template.add_variable("style", f"{style_sheet()}\n{_text('app.css')}")
    template.add_variable("script", f"{script()}\n{_text('app.js')}")
    template.add_variable("title", "Fusion workbench")
    for part in (scenes, reports):
        for name, panel in part.panels().items():
            template.add_panel(name, panel)
    # Panel's own Location would put every address into the history twice.
    address = TextInput(name="page-address", visible=False)
    address.on_change("value", lambda attribute, old, new: reports.go(new))
    template.add_panel("address", pn.pane.Bokeh(address))
    pn.state.onload(scenes.load)
    pn.state.add_periodic_callback(reports.refresh, period=4000)
    return template


def _text(name: str) -> str:
    return files("workbench.dashboard").joinpath(name).read_text(encoding="utf-8")
