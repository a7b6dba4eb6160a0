"""Whether the process that wrote something is still there."""

import psutil


def process_start(pid: int) -> float | None:
    """Start of process `pid` in seconds since the epoch; None where there is none, or only its unreaped remains."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return None


def still_alive(pid: int, started: float | None) -> bool:
    """Whether process `pid` is there and is the one that began at `started`, not a later one of the same number.

    Args:
        pid: Number of the process.
        started: Its start as `process_start` gave it; None where that was not noted.
    """
    now = process_start(pid)
    # Seconds of tolerance: the start is known through the wall clock, which time servers shift.
    return now is not None and (started is None or abs(now - started) < 2)
