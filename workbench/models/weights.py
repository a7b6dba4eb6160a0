"""Weights of networks as safetensors files."""

import errno
import re
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from workbench.base.errors import WorkbenchError
from workbench.base.files import atomic_file


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a network's weights as safetensors, atomically; it takes contiguous tensors only."""
    with atomic_file(path, "keeping a network's weights") as temporary:
        try:
            save_file({name: value.contiguous() for name, value in model.state_dict().items()}, temporary)
        except SafetensorError as error:  # it hides the system's error, such as a full disk, in words
            code = re.search(r"os error (\d+)", str(error))
            raise OSError(int(code[1]) if code else errno.EIO, str(error)) from error


def load_weights(model: nn.Module, path: Path) -> None:
    """Read what `save_weights` wrote into a network.

    Raises:
        WorkbenchError: The file is damaged or of another network.
    """
    try:
        model.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError, OSError) as error:
        raise WorkbenchError(f"{path.name} is damaged or of another network: {error}") from error


def weights_can_be_read(path: Path) -> bool:
    """Whether a safetensors file is there and whole: a truncated one does not open."""
    try:
        with safe_open(path, "pt"):
            return True
    except (SafetensorError, OSError):
        return False
