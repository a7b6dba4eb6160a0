"""Child processes of this machine: cancelled whole, limited in time, and queued so that only a few run at once."""

import atexit
import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import psutil

from workbench.base.errors import WorkbenchError
from workbench.base.files import explained


@dataclass(frozen=True)
class JobResult:
    """How a job ended.

    Attributes:
        state: ``"finished"`` (exit code 0), ``"failed"``, ``"cancelled"`` or ``"timed out"``.
        code: Exit code; negative for a signal; None where the process was never started.
        seconds: Wall time from start to end.
        log: File with everything the process printed.
    """

    state: Literal["finished", "failed", "cancelled", "timed out"]
    code: int | None
    seconds: float
    log: Path

    def tail(self, lines: int = 20) -> str:
        """The last lines that the process printed."""
        with contextlib.suppress(FileNotFoundError), self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 400 * lines))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
        return ""


class LocalJob:
    """One child process in a session of its own; cancelling ends all that it has started.

    Args:
        command: Program and arguments, never a shell line.
        log: File that receives standard output and standard error; standard input is empty.
        cwd: Working folder; by default this process's.
        env: Environment variables set on top of this process's.
        time_limit: Seconds after which the job is ended.
        grace: Seconds between asking the processes to end and killing them.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        time_limit: float | None = None,
        grace: float = 5.0,
    ) -> None:
        self.command, self.log, self.cwd, self.env = tuple(command), log, cwd, dict(env or {})
        self.time_limit, self.grace = time_limit, grace
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._cancelled = False
        self._result: JobResult | None = None
        self._over = threading.Event()
        self._then: Callable[[], None] = lambda: None

    @property
    def pid(self) -> int | None:
        """Number of the child process, or None before the start."""
        return self._process.pid if self._process else None

    @property
    def result(self) -> JobResult | None:
        """How the job ended, or None before that."""
        return self._result

    def start(self) -> None:
        """Start the process; a job that was cancelled before stays so.

        Raises:
            WorkbenchError: The program or the working folder does not exist, the log cannot be written, or the job
                was started before.
        """
        with self._lock:
            if self._cancelled:
                return
            if self._process is not None:
                raise WorkbenchError(f"The job {self.command[0]} was started already; make a new one.")
            with explained("opening the log of a job", self.log):
                self.log.parent.mkdir(parents=True, exist_ok=True)
                output = self.log.open("wb")
            with output:
                try:
                    self._process = subprocess.Popen(
                        self.command,
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        cwd=self.cwd,
                        env=os.environ | self.env,
                        start_new_session=True,
                    )
                except OSError as error:
                    raise WorkbenchError(
                        f"{error.filename or self.command[0]}: {error.strerror} while starting a job."
                    ) from error
            self._started = time.monotonic()
            _alive.add(self)
        threading.Thread(target=self._watch, args=(self._process,), name=f"job {self.pid}", daemon=True).start()

    def wait(self, timeout: float | None = None) -> JobResult | None:
        """Wait for the end, `timeout` seconds at most; None if the job goes on."""
        self._over.wait(timeout)
        return self._result

    def run(self) -> JobResult:
        """Start and wait. An interrupt of this process cancels the job first.

        Raises:
            WorkbenchError: As `start`.
        """
        self.start()
        try:
            self._over.wait()
        except BaseException:
            self.cancel()
            raise
        assert self._result is not None
        return self._result

    def cancel(self) -> JobResult:
        """End the job with all its descendants and wait for that. A job that is over stays as it ended."""
        with self._lock:
            first = not self._cancelled and self._result is None
            self._cancelled = True
            process = self._process
        if process is None:
            if first:
                self._end(JobResult("cancelled", None, 0.0, self.log))
                self._then()
        elif not self._over.is_set():
            _end_family(process, self.grace)
        self._over.wait()
        assert self._result is not None
        return self._result

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        timed_out = False
        try:
            code = process.wait(self.time_limit)
        except subprocess.TimeoutExpired:
            timed_out = True
            _end_family(process, self.grace)
            code = process.wait()
        # What the process left behind in its group would hold the log and the accelerator.
        _signal_group(process.pid, signal.SIGKILL)
        seconds = time.monotonic() - self._started
        with self._lock:
            cancelled = self._cancelled
        if timed_out:
            self._end(JobResult("timed out", code, seconds, self.log))
        elif cancelled:
            self._end(JobResult("cancelled", code, seconds, self.log))
        else:
            self._end(JobResult("failed" if code else "finished", code, seconds, self.log))
        self._then()

    def _end(self, result: JobResult) -> None:
        self._result = result
        _alive.discard(self)
        self._over.set()


class LocalPool:
    """Runs many jobs, at most `workers` at once, in the order they came.

    As a context manager it waits for all at the end, and cancels all if the block was left by an error.

    Args:
        workers: Jobs that run at the same time, at least 1.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise WorkbenchError(f"A pool of {workers} workers runs nothing; give 1 or more.")
        self.workers = workers
        self._lock = threading.Lock()
        self._queue: deque[LocalJob] = deque()
        self._running: set[LocalJob] = set()
        self._jobs: list[LocalJob] = []

    @property
    def jobs(self) -> tuple[LocalJob, ...]:
        """Every job submitted, in order."""
        return tuple(self._jobs)

    def submit(self, job: LocalJob) -> LocalJob:
        """Put `job` in the queue; it starts as soon as a place is free.

        A job that cannot start ends as ``"failed"`` without an exit code, the reason in its log.
        """
        job._then = partial(self._release, job)
        with self._lock:
            self._queue.append(job)
            self._jobs.append(job)
        self._fill()
        return job

    def wait(self) -> list[JobResult]:
        """Wait for all jobs; results in the order of submission."""
        for job in self.jobs:
            job.wait()
        return [job.result for job in self.jobs if job.result is not None]

    def cancel(self) -> None:
        """Cancel all jobs, those that wait first, so that none takes a freed place."""
        with self._lock:
            self._queue.clear()
        for job in self.jobs:
            if job.pid is None:
                job.cancel()
        for job in self.jobs:
            job.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.wait()
        finally:
            self.cancel()

    def _fill(self) -> None:
        while True:
            with self._lock:
                if not self._queue or len(self._running) >= self.workers:
                    return
                job = self._queue.popleft()
                if job.result is not None:  # cancelled while it waited
                    continue
                self._running.add(job)
            try:
                job.start()
            except (WorkbenchError, OSError) as error:
                with contextlib.suppress(OSError):
                    job.log.write_text(f"{error}\n", encoding="utf-8")
                job._end(JobResult("failed", None, 0.0, job.log))
                with self._lock:
                    self._running.discard(job)

    def _release(self, job: LocalJob) -> None:
        with self._lock:
            self._running.discard(job)
        self._fill()


_alive: set[LocalJob] = set()


@atexit.register
def _end_all() -> None:
    """No job outlives the process that asked for it."""
    for job in list(_alive):
        job.cancel()


def _end_family(process: subprocess.Popen[bytes], grace: float) -> None:
    """Ask a process, its group and its descendants to end; kill what is left after `grace` seconds.

    Descendants are looked up one by one because some leave the group: Jupyter starts kernels in sessions of their own.
    """
    end = time.monotonic() + grace
    family = _descendants(process.pid)
    _signal_group(process.pid, signal.SIGTERM)
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace)
    family += [member for member in _descendants(process.pid) if member not in family]
    _, left = psutil.wait_procs(family, timeout=max(0.0, end - time.monotonic()))
    _signal_group(process.pid, signal.SIGKILL)
    for member in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
