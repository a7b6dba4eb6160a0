"""What a run is doing, also where its process is gone."""

import json
import os
import subprocess
import sys
from datetime import datetime

import pytest

from workbench.base.errors import WorkbenchError
from workbench.runs.status import read_status, write_status


def change(folder, **values):
    path = folder / "status.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_round_trip(tmp_path):
    write_status(tmp_path, "running", 3, 10, "training")
    status = read_status(tmp_path)
    assert {key: status[key] for key in ("state", "epoch", "epochs", "message")} == {
        "state": "running", "epoch": 3, "epochs": 10, "message": "training",
    }  # fmt: skip
    assert datetime.fromisoformat(status["updated"]).tzinfo is not None
    assert status["pid"] == os.getpid()


def test_the_epoch_can_be_kept(tmp_path):
    write_status(tmp_path, "running", None, 10)
    assert read_status(tmp_path)["epoch"] == 0
    write_status(tmp_path, "running", 7, 10)
    write_status(tmp_path, "failed", None, 10, "the disk is full")
    assert read_status(tmp_path)["epoch"] == 7


def test_a_run_whose_process_is_gone_is_interrupted(tmp_path):
    code = f"from pathlib import Path; from workbench.runs.status import *; write_status(Path({str(tmp_path)!r}), %r, 3, 10)"
    subprocess.run([sys.executable, "-c", code % "running"], check=True)
    status = read_status(tmp_path)
    assert (status["state"], status["epoch"]) == ("interrupted", 3)
    assert "the same command continues it" in status["message"]
    subprocess.run([sys.executable, "-c", code % "finished"], check=True)
    assert read_status(tmp_path)["state"] == "finished"


def test_another_process_of_the_same_number_is_not_the_runs(tmp_path):
    write_status(tmp_path, "running", 3, 10)
    change(tmp_path, process_started=json.loads((tmp_path / "status.json").read_text())["process_started"] - 3600)
    assert read_status(tmp_path)["state"] == "interrupted"


@pytest.mark.parametrize("pid", [0, -1, 2**40])
def test_impossible_processes_are_gone(tmp_path, pid):
    write_status(tmp_path, "running", 3, 10)
    change(tmp_path, pid=pid)
    assert read_status(tmp_path)["state"] == "interrupted"


@pytest.mark.parametrize(
    "values",
    [{"state": "asleep"}, {"state": None}, {"updated": 5}, {"epoch": "3"}, {"pid": "x"}, {"process_started": "x"}],
)
def test_a_damaged_status_is_told(tmp_path, values):
    write_status(tmp_path, "running", 3, 10)
    change(tmp_path, **values)
    with pytest.raises(WorkbenchError, match="holds no state"):
        read_status(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"state": "finished"}', "{"])
def test_what_is_no_status_is_told(tmp_path, text):
    (tmp_path / "status.json").write_text(text)
    with pytest.raises(WorkbenchError, match=r"status\.json"):
        read_status(tmp_path)
