"""Taking turns: one work per run folder, one training per accelerator. The operating system frees a dead holder's lock."""

import fcntl
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.base.errors import WorkbenchError
from workbench.base.files import explained


def tell(sentence: str) -> None:
    """Print to standard error, so that what a command prints for scripts stays clean."""
    print(sentence, file=sys.stderr, flush=True)


@contextmanager
def file_lock(
    path: Path,
    what: str,
    say: Callable[[str], None] = tell,
    timeout: float | None = None,
    poll: float = 0.5,
) -> Iterator[None]:
    """Hold the lock file `path` for the time of the block; wait for it first where another process holds it.

    The file stays afterwards; only the lock on it counts. Threads of one process wait for each other too, so never ask
    for the same lock inside the block.

    Args:
        path: The lock file; its folder is made.
        what: What is locked, for messages, such as ``"run 3f2a"``.
        say: Called once with a sentence when there is a wait.
        timeout: Seconds to wait at most; None waits for ever.
        poll: Seconds between two looks.

    Raises:
        WorkbenchError: The time is up, or the place is not writable.
    """
    with explained(f"locking {what}", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    with file:
        _wait_for_turn(file.fileno(), path, what, say, timeout, poll)
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
            fcntl.flock(file.fileno(), fcntl.LOCK_UN)  # closing alone would not do while a fork has the file open


@contextmanager
def device_lock(
    device: str,
    say: Callable[[str], None] = tell,
    folder: Path | None = None,
    timeout: float | None = None,
    poll: float = 0.5,
) -> Iterator[None]:
    """Hold the accelerator `device` for the time of the block, as `file_lock`. The CPU is shared and needs no turn.

    Args:
        device: Such as ``"cuda:1"``, ``"cuda"`` (the first), ``"mps"`` or ``"cpu"``.
        say: Called once with a sentence when there is a wait.
        folder: Where the lock files lie; by default one folder of this user on this machine, so that trainings in
            different working folders see each other.
        timeout: Seconds to wait at most; None waits for ever.
        poll: Seconds between two looks.

    Raises:
        WorkbenchError: The time is up, or the folder belongs to someone else.
    """
    if device == "cpu":
        yield
        return
    name = _physical_name(device)
    path = (folder or _own_folder()) / f"{name.replace(':', '-').replace('/', '-')}.lock"
    with file_lock(path, name, say, timeout, poll):
        yield


def _wait_for_turn(
    handle: int, path: Path, what: str, say: Callable[[str], None], timeout: float | None, poll: float
) -> None:
    end = None if timeout is None else time.monotonic() + timeout
    told = False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = path.read_text(encoding="utf-8") or "another process"
        else:
            return
        if end is not None and time.monotonic() >= end:
            raise WorkbenchError(
                f"{what} is still in use by {holder} after waiting {timeout:g} s. Wait for that work to end, or cancel it."
            )
        if not told:
            say(f"{what} is in use by {holder}; waiting for it to end.")
            told = True
        time.sleep(poll)


def _physical_name(device: str) -> str:
    """The same name for the same accelerator, whatever number CUDA_VISIBLE_DEVICES gives it in this process."""
    kind, _, index = device.partition(":")
    index = index or "0"
    visible = [entry.strip() for entry in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if entry.strip()]
    if kind == "cuda" and index.isdigit() and int(index) < len(visible):
        index = visible[int(index)]
    return f"{kind}:{index}"


def _own_folder() -> Path:
    """A folder of this user on this machine (not the home folder, which several machines may share)."""
    folder = Path(tempfile.gettempdir()) / f"workbench-locks-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise WorkbenchError(f"{folder} belongs to someone else while locking an accelerator; remove it or set TMPDIR.")
    return folder
