"""Progress files: whole at every moment, not written too often, and honest about a dead process."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from workbench.base.errors import WorkbenchError
from workbench.jobs import Progress, ProgressFile, progress, read_progress


def now(path: Path) -> Progress:
    found = read_progress(path)
    assert found is not None
    return found


def until(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "gave up waiting"
        time.sleep(0.02)


def test_life_of_a_progress_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "progress.json"
    assert read_progress(path) is None
    with ProgressFile(path, total=3, message="training", interval=0) as work:
        assert (now(path).state, now(path).done, now(path).total) == ("running", 0, 3)
        work.advance(2, message="epoch 2")
        assert (now(path).done, now(path).message, now(path).pid) == (2, "epoch 2", os.getpid())
        assert not now(path).stale
    assert (now(path).state, now(path).done) == ("finished", 2)
    assert sorted(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("error", "state", "message"),
    [
        (ValueError("no such band"), "failed", "no such band"),
        (ValueError(), "failed", "ValueError"),
        (KeyboardInterrupt(), "cancelled", "mapping"),
    ],
)
def test_an_error_is_kept_and_goes_on_up(tmp_path: Path, error: BaseException, state: str, message: str) -> None:
    path = tmp_path / "progress.json"
    with pytest.raises(type(error)), ProgressFile(path, message="mapping", interval=60):
        raise error
    assert (now(path).state, now(path).message) == (state, message)


def test_many_updates_are_few_writes_and_the_last_one_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = []
    real = progress.write_json
    monkeypatch.setattr(progress, "write_json", lambda *given: (writes.append(given), real(*given)))
    path = tmp_path / "progress.json"
    work = ProgressFile(path, total=1000, interval=60)
    for _ in range(1000):
        work.advance()
    assert len(writes) == 1
    work.interval = 0.05
    work._write()
    for step in range(5):
        work.update(message=f"step {step}")
    until(lambda: now(path).message == "step 4")
    work.interval = 60
    work.update(state="finished")
    assert now(path).state == "finished"


def test_updates_from_many_threads_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    with ProgressFile(path, interval=0.001) as work:
        threads = [threading.Thread(target=lambda: [work.advance() for _ in range(200)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            assert now(path).done <= 800  # readable at every moment
    assert now(path).done == 800


def test_a_killed_process_leaves_a_stale_file(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    code = f"""
import pathlib, time
from workbench.jobs import ProgressFile
ProgressFile(pathlib.Path({str(path)!r}), total=5)
time.sleep(600)"""
    process = subprocess.Popen([sys.executable, "-c", code])
    until(path.exists)
    assert not now(path).stale
    process.send_signal(signal.SIGKILL)
    until(lambda: now(path).stale)  # also while nobody has reaped it
    process.wait()
    assert now(path).stale
    assert now(path).state == "running"


def test_another_process_of_the_same_number_is_not_taken_for_it(tmp_path: Path) -> None:
    work = ProgressFile(tmp_path / "progress.json")
    reused = now(work.path).model_copy(update={"process_started": 1.0})
    assert reused.stale
    assert not reused.model_copy(update={"state": "finished"}).stale


@pytest.mark.parametrize("text", ["{", json.dumps({"state": "running"}), json.dumps({"state": "odd", "pid": "x"})])
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "progress.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WorkbenchError, match="reading"):
        read_progress(path)
