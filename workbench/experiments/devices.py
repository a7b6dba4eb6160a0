"""The device that a request means."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from workbench.base.errors import UnknownNameError, WorkbenchError

Device = Literal["cpu", "cuda", "mps"]


def resolve_device(name: str) -> Device:
    """`auto` is the first of CUDA, MPS and CPU that is there.

    Raises:
        UnknownNameError: No such kind of device.
        WorkbenchError: This machine has none of that kind.
    """
    there: dict[Device, bool] = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return next(kind for kind, found in there.items() if found)
    for kind, found in there.items():
        if name == kind:
            if not found:
                raise WorkbenchError(
                    f"This machine has no {name} device that torch can use. Use device 'cpu' or 'auto'."
                )
            return kind
    raise UnknownNameError("device", name, ["auto", *there])


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """Let torch use `count` threads of the CPU for the time of the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
