"""Floor 1: work in other processes: progress files, turns at a run or an accelerator, child processes and their queue."""

from workbench.jobs.local import JobResult, LocalJob, LocalPool
from workbench.jobs.locks import device_lock, file_lock
from workbench.jobs.progress import Progress, ProgressFile, read_progress

__all__ = [
    "JobResult",
    "LocalJob",
    "LocalPool",
    "Progress",
    "ProgressFile",
    "device_lock",
    "file_lock",
    "read_progress",
]
