"""Where scenes, runs and reports lie: folders of the working directory unless the environment says otherwise."""

import os
from pathlib import Path


def data_root() -> Path:
    """Folder of imported scenes: ``$WORKBENCH_DATA`` or ``./data``."""
    return Path(os.environ.get("WORKBENCH_DATA", "data")).expanduser().absolute()


def runs_root() -> Path:
    """Folder of runs: ``$WORKBENCH_RUNS`` or ``./runs``."""
    return Path(os.environ.get("WORKBENCH_RUNS", "runs")).expanduser().absolute()


def reports_root() -> Path:
    """Folder of reports: ``$WORKBENCH_REPORTS`` or ``./reports``."""
    return Path(os.environ.get("WORKBENCH_REPORTS", "reports")).expanduser().absolute()
