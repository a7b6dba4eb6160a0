"""The most memory that a piece of work took."""

import contextlib
from pathlib import Path

import torch

from workbench.experiments.devices import Device

CLEAR, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


class PeakMemory:
    """Watches from its making on.

    On CUDA what torch allocated on the device; on a CPU the process's resident memory, packages and scene included,
    which Linux alone tells.
    """

    def __init__(self, device: Device) -> None:
        self.device = device
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        elif device == "cpu":
            with contextlib.suppress(OSError):
                CLEAR.write_text("5")  # the peak starts again at what is resident now (Linux, proc(5))

    def bytes(self) -> int | None:
        """The peak so far; None where the system does not tell."""
        if self.device == "cuda":
            return int(torch.cuda.max_memory_allocated())
        if self.device != "cpu":
            return None
        try:
            peak = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        except (OSError, StopIteration):
            return None
        return int(peak.split()[1]) * 1024
