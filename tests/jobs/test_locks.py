"""Locks: the second waits, the dead hold nothing."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from workbench.base.errors import WorkbenchError
from workbench.jobs import device_lock, file_lock
from workbench.jobs.locks import _own_folder, _physical_name

# The holder starts a process that outlives it and is offered every open file: it must not keep the lock.
HOLD = """
import pathlib, subprocess, sys, time
from workbench.jobs import device_lock
with device_lock("cuda:0", folder=pathlib.Path(sys.argv[1])):
    print(subprocess.Popen(["sleep", "600"], close_fds=False, stdout=subprocess.DEVNULL).pid, flush=True)
    time.sleep(600)
"""


def test_kill_9_of_the_holder_frees_the_lock(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    said: list[str] = []
    with (
        pytest.raises(WorkbenchError, match=f"cuda:0 is still in use by process {process.pid}"),
        device_lock("cuda", said.append, tmp_path, timeout=0.05, poll=0.01),
    ):
        pytest.fail("two hold the same accelerator")
    assert said == [f"cuda:0 is in use by process {process.pid}; waiting for it to end."]

    entered = threading.Event()

    def wait_for_turn() -> None:
        with device_lock("cuda:0", said.append, tmp_path, poll=0.01):
            entered.set()

    waiting = threading.Thread(target=wait_for_turn)
    waiting.start()
    assert not entered.wait(0.3)
    process.send_signal(signal.SIGKILL)
    assert entered.wait(30)
    waiting.join()
    process.wait()
    os.kill(child, signal.SIGKILL)


def test_a_fork_does_not_keep_the_lock(tmp_path: Path) -> None:
    with file_lock(tmp_path / "lock", "run 1"):
        fork = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
        fork.start()
    with file_lock(tmp_path / "lock", "run 1", timeout=0):
        assert fork.is_alive()
    fork.kill()
    fork.join()


def test_lock_is_free_after_an_error_and_names_its_holder(tmp_path: Path) -> None:
    lock = tmp_path / "new" / "lock"

    def fail() -> None:
        assert lock.read_text(encoding="utf-8") == f"process {os.getpid()}"
        raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"), file_lock(lock, "run 1"):
        fail()
    with file_lock(lock, "run 1", timeout=0):
        pass
    assert lock.read_text(encoding="utf-8") == ""


def test_other_devices_and_the_cpu_do_not_wait(tmp_path: Path) -> None:
    with (
        device_lock("cuda:0", folder=tmp_path),
        device_lock("cuda:1", folder=tmp_path, timeout=0),
        device_lock("mps", folder=tmp_path, timeout=0),
    ):
        pass
    before = sorted(tmp_path.iterdir())
    with device_lock("cpu", folder=tmp_path), device_lock("cpu", folder=tmp_path, timeout=0):
        pass
    assert sorted(tmp_path.iterdir()) == before


def test_the_same_accelerator_has_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert [_physical_name(name) for name in ("cuda", "cuda:0", "cuda:2", "mps")] == [
        *("cuda:0", "cuda:0", "cuda:2", "mps:0")
    ]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-5a1b")
    assert [_physical_name(name) for name in ("cuda", "cuda:1", "mps")] == ["cuda:3", "cuda:GPU-5a1b", "mps:0"]


def test_own_folder_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = _own_folder()
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o077 == 0
    assert _own_folder() == folder
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(WorkbenchError, match="someone else"):
        _own_folder()
