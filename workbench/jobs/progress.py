"""How far a piece of work is, in a small file that other processes read while it runs."""

import contextlib
import os
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from workbench.base.config import StrictModel
from workbench.base.errors import WorkbenchError
from workbench.base.files import read_json, write_json
from workbench.base.processes import process_start, still_alive

State = Literal["waiting", "running", "finished", "failed", "cancelled"]


class Progress(StrictModel):
    """What a progress file says.

    Attributes:
        state: Where the work stands, as its process last said.
        done: Steps done.
        total: Steps in all, or None where that is not known.
        message: What is being done, for a person.
        updated: Seconds since the epoch of the last write.
        pid: Process that does the work.
        process_started: Start of that process in seconds since the epoch, so that a process that was given the same
            number later is not taken for it.
    """

    state: State
    done: int
    total: int | None
    message: str
    updated: float
    pid: int
    process_started: float

    @property
    def stale(self) -> bool:
        """Whether the work claims to go on, but its process is gone."""
        return self.state in ("waiting", "running") and not still_alive(self.pid, self.process_started)


class ProgressFile:
    """Writes a `Progress` to `path`, atomically, a few times per second at most.

    As a context manager it ends the file: ``finished``, ``failed`` with the error's words, or ``cancelled`` for an
    interrupt. Updates may come from any thread and as often as they like; the last one before a pause is written
    too, a little later.

    Args:
        path: The file; its folder is made.
        total: Steps in all, where known.
        message: What is being done.
        interval: Least seconds between two writes. A change of state does not wait.
    """

    def __init__(self, path: Path, total: int | None = None, message: str = "", interval: float = 0.25) -> None:
        self.path = path
        self.interval = interval
        self._lock = threading.RLock()
        self._late: threading.Timer | None = None
        self._written = 0.0
        pid = os.getpid()
        self._now = Progress(
            state="running",
            done=0,
            total=total,
            message=message,
            updated=time.time(),
            pid=pid,
            process_started=process_start(pid) or 0.0,
        )
        self._write()

    def update(
        self,
        done: int | None = None,
        message: str | None = None,
        total: int | None = None,
        state: State | None = None,
    ) -> None:
        """Say what is new; what is None stays.

        Raises:
            WorkbenchError: The file cannot be written, for example because the disk is full.
        """
        with self._lock:
            before = self._now
            new = {"done": done, "message": message, "total": total, "state": state}
            self._now = before.model_copy(update={key: value for key, value in new.items() if value is not None})
            wait = self._written + self.interval - time.monotonic()
            if wait <= 0 or self._now.state != before.state:
                self._write()
            elif self._late is None:
                self._late = threading.Timer(wait, self._write_late)
                self._late.daemon = True
                self._late.start()

    def advance(self, steps: int = 1, message: str | None = None) -> None:
        """Say that `steps` more are done."""
        with self._lock:
            self.update(done=self._now.done + steps, message=message)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.update(state="finished")
            return
        interrupted = isinstance(error, KeyboardInterrupt | SystemExit)
        # The error on its way up matters more than one in reporting it (a full disk may be both).
        with contextlib.suppress(WorkbenchError, OSError):
            if interrupted:
                self.update(state="cancelled")
            else:
                self.update(state="failed", message=str(error) or type(error).__name__)

    def _write(self) -> None:
        with self._lock:
            if self._late is not None:
                self._late.cancel()
                self._late = None
            self._now = self._now.model_copy(update={"updated": time.time()})
            write_json(self.path, self._now.model_dump(), "writing progress")
            self._written = time.monotonic()

    def _write_late(self) -> None:
        # Nobody waits for this thread; the next direct write meets the same trouble and says so.
        with contextlib.suppress(WorkbenchError, OSError):
            self._write()


def read_progress(path: Path) -> Progress | None:
    """Read a progress file.

    Returns:
        What it says (see `Progress.stale` for work whose process died), or None where there is no file yet.

    Raises:
        WorkbenchError: The file is there but is no progress file.
    """
    if not path.exists():
        return None
    return Progress.build(read_json(path, "reading progress"), f"reading the progress file {path}")
