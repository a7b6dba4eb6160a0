"""Jobs: nothing survives its cancellation, and a pool runs no more at once than it may."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from workbench.base.errors import WorkbenchError
from workbench.jobs import LocalJob, LocalPool


def job(code: str, log: Path, **options: object) -> LocalJob:
    return LocalJob([sys.executable, "-c", code], log, **options)


def read_when_there(path: Path, lines: int = 1) -> list[str]:
    end = time.monotonic() + 30
    while not path.exists() or path.read_text(encoding="utf-8").count("\n") < lines:
        assert time.monotonic() < end, f"{path} never got {lines} lines"
        time.sleep(0.02)
    return path.read_text(encoding="utf-8").split()


def gone(pid: int) -> bool:
    """Whether a process ended within some seconds; unreaped remains count as ended."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(("code", "expected"), [(0, "finished"), (3, "failed")])
def test_result_and_log(tmp_path: Path, code: int, expected: str) -> None:
    log = tmp_path / "new" / "log.txt"
    program = f"""
import os, sys
print("said", os.environ["ANSWER"], os.getcwd(), repr(sys.stdin.read()))
print("complained", file=sys.stderr)
sys.exit({code})"""
    result = job(program, log, env={"ANSWER": "42"}, cwd=tmp_path).run()
    assert (result.state, result.code, result.log) == (expected, code, log)
    assert sorted(log.read_text(encoding="utf-8").splitlines()) == ["complained", f"said 42 {tmp_path} ''"]
    assert result.seconds > 0


def test_tail_gives_the_last_lines(tmp_path: Path) -> None:
    result = job("for i in range(5000): print('line', i)", tmp_path / "log").run()
    assert result.tail(2) == "line 4998\nline 4999"
    result.log.unlink()
    assert result.tail() == ""


# A child in the same group, one that hides in a session of its own as Jupyter's kernels do, both deaf to a polite end.
FAMILY = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleep = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
for session in (False, True):
    child = subprocess.Popen([sys.executable, "-c", sleep], start_new_session=session, stdout=subprocess.PIPE)
    child.stdout.readline()
    print(child.pid, flush=True)
time.sleep(600)
"""


def test_cancel_ends_the_whole_family(tmp_path: Path) -> None:
    work = job(FAMILY, tmp_path / "log", grace=0.2)
    work.start()
    pids = [int(text) for text in read_when_there(tmp_path / "log", 2)]
    assert work.wait(0.05) is None
    result = work.cancel()
    assert (result.state, result.code) == ("cancelled", -9)
    assert work.pid is not None
    assert all(gone(pid) for pid in [work.pid, *pids])
    assert work.cancel() is result


def test_time_limit_ends_the_whole_family(tmp_path: Path) -> None:
    result = job(FAMILY, tmp_path / "log", time_limit=1.5, grace=0.2).run()
    assert result.state == "timed out"
    assert all(gone(int(pid)) for pid in (tmp_path / "log").read_text(encoding="utf-8").split())


def test_polite_end_comes_first(tmp_path: Path) -> None:
    code = """
import signal, sys, time
def leave(*_):
    print("tidied", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
time.sleep(600)"""
    work = job(code, tmp_path / "log", grace=30)
    work.start()
    read_when_there(tmp_path / "log")
    result = work.cancel()
    assert (result.state, result.code) == ("cancelled", 0)
    assert result.tail().endswith("tidied")


def test_what_a_finished_job_left_in_its_group_is_ended(tmp_path: Path) -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid)"
    result = job(code, tmp_path / "log").run()
    assert result.state == "finished"
    assert gone(int(result.tail()))


def test_jobs_do_not_outlive_their_owner(tmp_path: Path) -> None:
    owner = f"""
import pathlib, sys
from workbench.jobs import LocalJob
job = LocalJob(["sleep", "600"], pathlib.Path({str(tmp_path / "log")!r}))
job.start()
print(job.pid)"""
    ended = subprocess.run([sys.executable, "-c", owner], capture_output=True, text=True, check=True)
    assert gone(int(ended.stdout))


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        (["no-such-program"], {}, "no-such-program"),
        ([sys.executable, "-c", ""], {"cwd": Path("/no/such/folder")}, "/no/such/folder"),
    ],
)
def test_what_cannot_start_says_why(tmp_path: Path, command: list[str], options: dict[str, Path], words: str) -> None:
    with pytest.raises(WorkbenchError, match=f"{words}.*while starting a job"):
        LocalJob(command, tmp_path / "log", **options).run()


def test_a_job_starts_once(tmp_path: Path) -> None:
    work = job("", tmp_path / "log")
    work.run()
    with pytest.raises(WorkbenchError, match="started already"):
        work.start()


def test_pool_runs_no_more_at_once_than_it_may(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    code = f"""
import os, pathlib, time
mark = pathlib.Path({str(marks)!r}, str(os.getpid()))
mark.touch()
time.sleep(0.3)
print(len(list(mark.parent.iterdir())))
mark.unlink()"""
    with LocalPool(2) as pool:
        jobs = [pool.submit(job(code, tmp_path / f"log{i}")) for i in range(6)]
    assert [work.result.state for work in jobs if work.result] == ["finished"] * 6
    assert max(int(work.result.tail()) for work in jobs if work.result) <= 2


def test_pool_runs_as_many_at_once_as_it_may(tmp_path: Path) -> None:
    code = """
import pathlib, sys, time
mine, other = map(pathlib.Path, sys.argv[1:])
mine.touch()
while not other.exists():
    time.sleep(0.02)"""
    pair = [str(tmp_path / "a"), str(tmp_path / "b")]
    with LocalPool(2) as pool:
        for marks in (pair, pair[::-1]):
            log = Path(f"{marks[0]}.log")
            pool.submit(LocalJob([sys.executable, "-c", code, *marks], log, time_limit=60))
    assert [result.state for result in pool.wait()] == ["finished"] * 2


def test_pool_goes_on_after_jobs_that_cannot_start(tmp_path: Path) -> None:
    with LocalPool(1) as pool:
        bad = [pool.submit(LocalJob(["no-such-program"], tmp_path / f"bad{i}")) for i in range(300)]
        good = pool.submit(job("print('ran')", tmp_path / "good"))
    assert {(work.result.state, work.result.code) for work in bad if work.result} == {("failed", None)}
    assert "no-such-program" in bad[0].result.tail()
    assert good.result.tail() == "ran"
    assert [result.state for result in pool.wait()] == ["failed"] * 300 + ["finished"]


def test_a_waiting_job_can_be_cancelled(tmp_path: Path) -> None:
    with LocalPool(1) as pool:
        first = pool.submit(job("import time; print('up', flush=True); time.sleep(600)", tmp_path / "first"))
        second = pool.submit(job("print('never')", tmp_path / "second"))
        third = pool.submit(job("print('ran')", tmp_path / "third"))
        assert (second.cancel().state, second.cancel().code) == ("cancelled", None)
        first.cancel()
    assert not second.log.exists()
    assert third.result.state == "finished"


def test_an_error_in_the_block_cancels_the_pool(tmp_path: Path) -> None:
    jobs = [job("import time; time.sleep(600)", tmp_path / f"{i}", grace=0.2) for i in range(3)]

    def submit_and_fail(pool: LocalPool) -> None:
        for work in jobs:
            pool.submit(work)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), LocalPool(1) as pool:
        submit_and_fail(pool)
    assert [work.result.state for work in jobs] == ["cancelled"] * 3
    assert [work.pid is None for work in jobs] == [False, True, True]


def test_a_pool_needs_a_worker() -> None:
    with pytest.raises(WorkbenchError, match="1 or more"):
        LocalPool(0)
