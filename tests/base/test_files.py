"""Files and folders are there whole or not at all, whatever happens while they are written."""

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time

import pytest

from workbench.base import files
from workbench.base.errors import WorkbenchError
from workbench.base.files import (
    atomic_file,
    atomic_folder,
    explained,
    read_json,
    remove_left_files,
    write_json,
    write_text,
)


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


def fail(maker, error):
    """Write a half through `maker`, a context that gives a temporary path, then fail."""
    with maker as temporary:
        (temporary / "f" if temporary.is_dir() else temporary).write_text("half")
        raise error


def test_a_file_appears_when_it_is_done(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with atomic_file(path) as temporary:
        temporary.write_text("one")
        assert not path.exists()
        assert temporary.parent == path.parent  # the same file system, or the rename would not be atomic
        assert temporary.suffix == ".txt"
    assert path.read_text() == "one"
    assert entries(path.parent) == ["a.txt"]


@pytest.mark.parametrize("failure", [ValueError("x"), KeyboardInterrupt(), SystemExit(3)], ids=repr)
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, failure):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(type(failure)):
        fail(atomic_file(path), failure)
    assert path.read_text() == "old"
    assert entries(tmp_path) == ["a.txt"]


def test_a_failure_leaves_the_old_folder_and_nothing_else(tmp_path):
    path = tmp_path / "a.zarr"
    with atomic_folder(path) as temporary:
        (temporary / "f").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        fail(atomic_folder(path, replace=True), KeyboardInterrupt())
    assert (path / "f").read_text() == "old"
    assert entries(tmp_path) == ["a.zarr"]


def test_a_folder_is_replaced_only_on_request(tmp_path):
    path = tmp_path / "a"
    with atomic_folder(path) as temporary:
        (temporary / "one").touch()
    with pytest.raises(WorkbenchError, match="exists already while storing"), atomic_folder(path, "storing a scene"):
        pytest.fail("the block must not be entered")
    with atomic_folder(path, replace=True) as temporary:
        (temporary / "two").touch()
    assert entries(path) == ["two"]
    assert entries(tmp_path) == ["a"]


def test_of_two_who_make_the_same_folder_the_first_wins(tmp_path):
    path = tmp_path / "a"
    with pytest.raises(WorkbenchError, match="exists already"), atomic_folder(path) as slow:  # noqa: PT012
        (slow / "slow").touch()
        with atomic_folder(path) as quick:
            (quick / "quick").touch()
    assert entries(path) == ["quick"]
    assert entries(tmp_path) == ["a"]


def test_the_old_folder_comes_back_when_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    path = tmp_path / "a"
    with atomic_folder(path) as temporary:
        (temporary / "one").touch()
    plain = files.Path.rename

    def failing(self, target):
        if self.suffix == ".part":
            raise OSError(errno.EIO, "Input/output error")
        return plain(self, target)

    monkeypatch.setattr(files.Path, "rename", failing)
    with pytest.raises(OSError, match="Input/output"), atomic_folder(path, replace=True) as temporary:
        (temporary / "two").touch()
    assert entries(path) == ["one"]
    assert entries(tmp_path) == ["a"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told(tmp_path, code):
    error = OSError(code, os.strerror(code))
    with pytest.raises(WorkbenchError, match=r"disk is full while writing a map .*a\.tif.* run the same command again"):
        fail(atomic_file(tmp_path / "a.tif", "writing a map"), error)
    with pytest.raises(WorkbenchError, match="disk is full"):
        fail(atomic_folder(tmp_path / "b"), error)
    assert entries(tmp_path) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_disk_that_is_really_full_is_told():
    full = files.Path("/dev/full")
    with pytest.raises(WorkbenchError, match="disk is full while filling"), explained("filling", full):
        full.write_text("x" * 100_000)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_forbidden_place_is_told(tmp_path, code):
    with pytest.raises(WorkbenchError, match=r"Not allowed while writing a map .*a\.tif"):
        fail(atomic_file(tmp_path / "a.tif", "writing a map"), OSError(code, os.strerror(code)))


def test_a_place_under_a_file_is_told(tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "a", tmp_path / "file" / "deep" / "a"):
        with pytest.raises(WorkbenchError, match="Not allowed while writing"):
            write_text(place, "x")
        with pytest.raises(WorkbenchError, match="Not allowed while writing"), atomic_folder(place):
            pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_told(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(WorkbenchError, match="Not allowed"):
        write_text(tmp_path / "a", "x")


def test_other_faults_of_the_system_are_not_renamed(tmp_path):
    with pytest.raises(OSError, match="Input/output"), atomic_file(tmp_path / "a"):
        raise OSError(errno.EIO, "Input/output error")


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a", "x")
        with atomic_folder(tmp_path / "b"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o750


def test_a_folder_stays_away_though_threads_write_a_moment_longer(tmp_path):
    """As zarr's do when one of them meets a full disk."""
    going = threading.Event()

    def write_on(folder):
        for number in range(20):
            (folder / "chunks").mkdir(parents=True, exist_ok=True)
            (folder / "chunks" / str(number)).touch()
            going.set()
            time.sleep(0.005)

    def start(folder):
        thread = threading.Thread(target=write_on, args=(folder,))
        thread.start()
        going.wait()
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(WorkbenchError, match="disk is full"), atomic_folder(tmp_path / "a") as temporary:
        start(temporary)
    assert entries(tmp_path) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from workbench.base.files import atomic_file, atomic_folder
maker = {"file": atomic_file, "folder": atomic_folder}[sys.argv[1]]
with maker(Path(sys.argv[2])) as temporary:
    (temporary / "f" if sys.argv[1] == "folder" else temporary).write_text("half")
    if sys.argv[3:] == ["wait"]:
        print("there", flush=True)
        sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(kind, path):
    done = subprocess.run([sys.executable, "-c", KILLED, kind, path], check=False)
    assert done.returncode == -signal.SIGKILL


def test_what_a_killed_process_left_is_removed_by_the_next_one(tmp_path):
    path = tmp_path / "a.zarr"
    killed("folder", path)
    killed("folder", tmp_path / "a.zarr.b")  # another one's is not touched
    assert not path.exists()
    assert len(entries(tmp_path)) == 2
    with atomic_folder(path):
        pass
    left, done = entries(tmp_path)
    assert left.startswith(".a.zarr.b.")
    assert done == "a.zarr"


def test_what_a_living_process_writes_is_left_alone(tmp_path):
    path = tmp_path / "a.zarr"
    command = [sys.executable, "-c", KILLED, "folder", path, "wait"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"there\n"
        before = entries(tmp_path)
        with atomic_folder(path):
            pass
        assert set(before) < set(entries(tmp_path))
        other.stdin.close()


def test_left_files_are_removed_and_others_kept(tmp_path):
    killed("file", tmp_path / "resume.ckpt")
    killed("file", tmp_path / "noted")
    for name in (".lock", ".gitignore", "a.12345678.txt", "resume.ckpt"):
        (tmp_path / name).touch()
    (tmp_path / ".tiny.12345678.zarr").mkdir()
    assert len(entries(tmp_path)) == 7
    remove_left_files(tmp_path)
    assert entries(tmp_path) == [".gitignore", ".lock", ".tiny.12345678.zarr", "a.12345678.txt", "resume.ckpt"]


def test_json_round_trip(tmp_path):
    value = {"a": [1, 2.5, None, "ü"], "b": {"c": True}}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == value
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert read_json(tmp_path / "a.json") == value


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"\xff\xfe", b"nonsense"])
def test_damaged_json_is_told(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(WorkbenchError, match=r"a\.json is not valid JSON while reading scores"):
        read_json(path, "reading scores")
    with pytest.raises(WorkbenchError, match="is missing while reading scores"):
        read_json(tmp_path / "b.json", "reading scores")
    with pytest.raises(WorkbenchError, match="is missing while reading scores"):
        read_json(path / "b.json", "reading scores")
    with pytest.raises(WorkbenchError, match="cannot be read while reading scores"):
        read_json(tmp_path, "reading scores")
