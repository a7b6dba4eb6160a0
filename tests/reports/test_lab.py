"""JupyterLab on the notebooks."""

import sys
from pathlib import Path

from workbench.reports import lab


def test_lab_runs_with_this_interpreter_on_this_machine_only(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_DATA", "my/data")
    seen = {}
    monkeypatch.setattr(lab.subprocess, "call", lambda command, env: seen.update(command=command, env=env) or 0)
    assert lab.open_lab() == 0
    assert seen["command"][:3] == [sys.executable, "-m", "jupyterlab"]
    assert "--ServerApp.ip=127.0.0.1" in seen["command"]
    assert seen["env"]["WORKBENCH_DATA"] == str(tmp_path / "my" / "data")
    assert not (tmp_path / "notebooks").exists()  # a checkout opens its own


def test_installed_notebooks_are_copied_and_never_overwritten(monkeypatch, tmp_path):
    packaged = tmp_path / "site" / "reports" / "notebooks"
    packaged.mkdir(parents=True)
    for name in ("a", "b"):
        (packaged / f"{name}.ipynb").write_text("new")
    monkeypatch.setattr(lab, "notebook_folder", lambda: packaged)
    work = tmp_path / "work"
    (work / "notebooks").mkdir(parents=True)
    (work / "notebooks" / "a.ipynb").write_text("mine")
    monkeypatch.chdir(work)
    opened = []
    monkeypatch.setattr(lab.subprocess, "call", lambda command, env: opened.append(command[3]) or 0)
    lab.open_lab()
    assert Path(opened[0]) == work / "notebooks"
    assert (work / "notebooks" / "a.ipynb").read_text() == "mine"
    assert (work / "notebooks" / "b.ipynb").read_text() == "new"
