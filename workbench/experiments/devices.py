"""The device that a request means."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Literal, get_args

import torch

from workbench.base.errors import UnknownNameError, WorkbenchError

Device = Literal["cpu", "cuda", "mps"]


def resolve_device(name: str, able: Collection[str] = get_args(Device)) -> Device:
    """`auto` is the first of CUDA, MPS and CPU that is there.

    Args:
        name: `auto`, `cpu`, `cuda` or `mps`.
        able: Kinds of device that the model can run on.

    Raises:
        UnknownNameError: No such kind of device.
        WorkbenchError: The model cannot run on that kind, or this machine has none of it.
    """
    there: dict[Device, bool] = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return next(kind for kind, found in there.items() if found and kind in able)
    for kind, found in there.items():
        if name == kind:
            if kind not in able:
                raise WorkbenchError(f"The model runs on {', '.join(able)} only, not on {name}. Use device 'auto'.")
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
