"""Reports: the runs with their scores, the reports there are, and one of them opened in place."""

from datetime import datetime
from html import escape
from typing import Any

import panel as pn

from workbench.base.errors import WorkbenchError
from workbench.dashboard.parts import empty, html
from workbench.reports.folder import FOLDER, ReportResult, list_reports
from workbench.runs import RunFolder, list_runs
from workbench.runs.words import caution, kappa_words, paper_words, score_words
from workbench.views.scores import SYNTHETIC, controls_text, model_title, percent, protocol_tag, second_row

MOST = 40  # runs and reports listed


class ReportsPage:
    """The state and the panels of the page; what it lists is read anew while someone looks."""

    def __init__(self) -> None:
        self._hash, self._told = "", ("", "", "")
        self._reports_list, self._runs_list = html(), html()
        self._open = pn.Column(sizing_mode="stretch_both", margin=0)

    def panels(self) -> dict[str, Any]:
        """The panels by their place in the page."""
        return {"lists": pn.Column(self._reports_list, self._runs_list, margin=0), "open": self._open}

    def go(self, address: str) -> None:
        """Follow the address: ``#reports`` opens the newest report, ``#reports/<id>`` that one."""
        self._hash = address
        self.refresh()

    def refresh(self) -> None:
        """Read runs and reports again, and change only what differs; nothing while another page is looked at."""
        if not self._hash.startswith("#reports"):
            return
        reports, runs = list_reports()[:MOST], list_runs()[:MOST]
        chosen = self._chosen(reports)
        told = (_reports_html(reports, chosen), _runs_html(runs), _frame(chosen, self._wanted))
        if told[0] != self._told[0]:
            self._reports_list.object = told[0]
        if told[1] != self._told[1]:
            self._runs_list.object = told[1]
        if told[2] != self._told[2]:
            self._open[:] = [
                pn.pane.HTML(told[2], stylesheets=html().stylesheets, sizing_mode="stretch_both", margin=0)
            ]
        self._told = told

    @property
    def _wanted(self) -> str:
        return self._hash.partition("/")[2]

    def _chosen(self, reports: list[ReportResult]) -> ReportResult | None:
        if self._wanted:
            return next((report for report in reports if report.id == self._wanted), None)
        return reports[0] if reports else None


def _frame(report: ReportResult | None, wanted: str) -> str:
    if report is None:
        if wanted:
            return empty("This report is not there", "It may have been deleted. The list shows those that are.")
        return empty(
            "No report yet",
            "A report is a notebook run with your parameters. The first one takes a minute:",
            "workbench report explore -p scene=demo",
        )
    assert FOLDER.fullmatch(report.id)  # so it needs no escaping in an address
    if not report.html.is_file():
        return empty("This report failed early", str(report.status.get("message", "")))
    title = escape(str(report.status.get("title", report.id)), quote=True)
    # No allow-same-origin: the page inside is a stranger to this one, and its policy lets it reach no address.
    return f'<iframe sandbox="allow-scripts" src="report/{report.id}" title="{title}"></iframe>'


def _reports_html(reports: list[ReportResult], chosen: ReportResult | None) -> str:
    lines = []
    for report in reports:
        status = report.status
        current = ' aria-current="true"' if chosen is not None and report.id == chosen.id else ""
        failed = "" if status.get("state") == "finished" else '<span class="failed">failed · </span>'
        lines.append(
            f'<a class="report" href="#reports/{escape(report.id)}"{current}>{escape(str(status.get("title", report.id)))}'
            f"<small>{failed}{escape(str(status.get('notebook', '')))} · {escape(_when(str(status['updated'])))}</small></a>"
        )
    return f"<h2>Reports</h2>{''.join(lines) or '<p class=soft>None yet.</p>'}"


def _runs_html(runs: list[RunFolder]) -> str:
    lines = []
    for run in runs:
        try:
            lines.append(_run_html(run))
        except (WorkbenchError, KeyError, TypeError) as error:  # a folder that another version wrote
            lines.append(
                f'<div class="run"><h3>{escape(run.id)}</h3><small>Not readable: {escape(str(error))}</small></div>'
            )
    if not lines:
        commands = "workbench demo\nworkbench train demo --view dense --width 0.125"
        lines = [f"<p class=soft>No run yet. Train one, or let the demo do all of it:</p><pre>{commands}</pre>"]
    return f"<h2 class=runs-head>Runs</h2>{''.join(lines)}"


def _run_html(run: RunFolder) -> str:
    config, status = run.config, run.status
    used = list(dict.fromkeys(name for names in config.inputs.values() for name in names))
    title = f"{model_title(config.model)} on {config.scene}: {' + '.join(used)}{' alone' if len(used) == 1 else ''}"
    metrics = run.metrics if status["state"] == "finished" else {}
    head = f"<h3>{escape(title)}</h3>{protocol_tag(config.split.protocol, caution(metrics))} "
    when = f"{config.view} view, {_when(str(status['updated']))}"
    if status["state"] != "finished":
        return f'<div class="run">{head}<small>{_progress(status)}</small><small>{escape(when)}</small></div>'
    test = metrics["test"]
    if test is None:
        return f'<div class="run">{head}<small>No test pixel had data.</small></div>'
    words = score_words(metrics)
    numbers = (
        (words.overall.capitalize(), percent(test["oa"])),
        (words.average.capitalize(), percent(test["aa"])),
        ("Kappa", kappa_words(test)),
    )
    cells = "".join(f"<div><b>{value}</b><span>{name}</span></div>" for name, value in numbers)
    notes = [SYNTHETIC] if metrics.get("synthetic") else []
    notes += [words.note, paper_words(metrics), (metrics.get("audit") or {}).get("banner", "")]
    remarks = "".join(f"<small>{escape(note)}</small>" for note in notes if note)
    return (
        f'<div class="run">{head}<div class="numbers">{cells}</div><small>{controls_text(metrics)}</small>{second_row(metrics)}{remarks}'
        f"<small>{escape(when)} · <span class=id>{escape(run.id)}</span></small></div>"
    )


def _progress(status: dict[str, Any]) -> str:
    epoch, epochs = int(status.get("epoch", 0)), max(int(status.get("epochs", 1)), 1)
    words = escape(f"{status['state']}, epoch {epoch} of {epochs}. {status.get('message', '')}")
    bar = f'<progress max="{epochs}" value="{epoch}"></progress>' if status["state"] == "running" else ""
    return f"{bar}{words}"


def _when(updated: str) -> str:
    """A moment as a reader here writes it."""
    try:
        return datetime.fromisoformat(updated).astimezone().strftime("%d %b %Y, %H:%M")
    except ValueError:
        return updated
