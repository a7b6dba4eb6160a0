"""Floor 7: a notebook run with given parameters, kept as `.ipynb` and self-contained HTML."""

from workbench.reports.folder import ReportResult, list_reports
from workbench.reports.lab import open_lab
from workbench.reports.notebooks import list_notebooks, notebook_parameters
from workbench.reports.report import report

__all__ = ["ReportResult", "list_notebooks", "list_reports", "notebook_parameters", "open_lab", "report"]
