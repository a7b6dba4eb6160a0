"""One report on disk, and the reports there are."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.base.errors import WorkbenchError
from workbench.base.files import read_json
from workbench.base.roots import reports_root

FOLDER = re.compile(r"[a-z0-9_]+-[0-9a-f]{10}")
"""What a report's folder is called: notebook and the beginning of a hash."""


@dataclass(frozen=True)
class ReportResult:
    """A report as its folder tells it.

    Attributes:
        folder: Its folder; the name is the report id.
        reused: Whether it was there already.
    """

    folder: Path
    reused: bool = True

    @property
    def id(self) -> str:
        """Name of the report."""
        return self.folder.name

    @property
    def html(self) -> Path:
        """The self-contained page."""
        return self.folder / "report.html"

    @property
    def path(self) -> Path:
        """The self-contained page, again: what a user opens."""
        return self.html

    @property
    def notebook(self) -> Path:
        """The executed notebook."""
        return self.folder / "report.ipynb"

    @property
    def status(self) -> dict[str, Any]:
        """`state` (`finished` or `failed`), `notebook`, `title`, `message`, `updated`, `seconds`."""
        return dict(read_json(self.folder / "status.json", "reading the state of a report"))

    @property
    def finished(self) -> bool:
        """Whether the notebook ran to its end."""
        return bool(self.status.get("state") == "finished" and self.html.is_file())

    @property
    def parameters(self) -> dict[str, Any]:
        """What the notebook was given, defaults filled in."""
        return dict(read_json(self.folder / "parameters.json", "reading the parameters of a report"))

    @property
    def metrics(self) -> dict[str, Any]:
        """The figures that the notebook wrote at its end; empty where it failed before."""
        path = self.folder / "metrics.json"
        return dict(read_json(path, "reading the figures of a report")) if path.is_file() else {}


def list_reports() -> list[ReportResult]:
    """All reports, newest first; folders that are no report are passed over."""
    found = []
    root = reports_root()
    for path in root.iterdir() if root.is_dir() else ():
        if not FOLDER.fullmatch(path.name):
            continue
        report = ReportResult(path)
        try:
            found.append((str(report.status["updated"]), report))
        except (WorkbenchError, KeyError):
            continue
    return [report for _, report in sorted(found, key=lambda pair: (pair[0], pair[1].id), reverse=True)]
