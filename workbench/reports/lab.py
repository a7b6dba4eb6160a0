"""JupyterLab on the notebooks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from workbench.base.roots import data_root, reports_root, runs_root
from workbench.reports.notebooks import notebook_folder


def lab_command(folder: Path, *more: str) -> list[str]:
    """The command that opens JupyterLab on a folder, on this machine only and without asking for news or updates."""
    return [
        *(sys.executable, "-m", "jupyterlab", str(folder), "--ServerApp.ip=127.0.0.1"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=None",
        *more,
    ]


def lab_environment() -> dict[str, str]:
    """The environment of JupyterLab: roots as absolute paths, for kernels start in the folder of their notebook."""
    return os.environ | {
        "WORKBENCH_DATA": str(data_root()),
        "WORKBENCH_RUNS": str(runs_root()),
        "WORKBENCH_REPORTS": str(reports_root()),
        "JUPYTER_PREFER_ENV_PATH": "1",  # the kernel of this environment, not one that the user has installed
    }


def open_lab() -> int:
    """Open JupyterLab on the notebooks and wait for its end.

    In a checkout these are its own; else copies in ``./notebooks``, so that nobody edits an installed package.

    Returns:
        Its exit code.
    """
    source = notebook_folder()
    folder = source
    if source.parent.name == "reports":  # inside the installed package
        folder = Path("notebooks").absolute()
        folder.mkdir(exist_ok=True)
        for path in source.glob("*.ipynb"):
            if not (folder / path.name).exists():
                shutil.copyfile(path, folder / path.name)
    try:
        return subprocess.call(lab_command(folder), env=lab_environment())
    except KeyboardInterrupt:
        return 130
