"""Weights and inputs drawn from the names of their roles, as the golden numbers of the published networks were made."""

import zlib
from collections.abc import Callable

import numpy as np
import torch
from torch import nn


def draw(role: str, shape: tuple[int, ...], scale: float) -> torch.Tensor:
    """Standard normal values from the checksum of a role's name, scaled."""
    rng = np.random.default_rng(zlib.crc32(role.encode()))
    return torch.from_numpy((rng.standard_normal(shape) * scale).astype("float32"))


def draw_inputs(bands: dict[str, int], count: int, side: int) -> dict[str, torch.Tensor]:
    """Uniform values per role, `(count, bands, side, side)`."""
    drawn = {}
    for role, depth in bands.items():
        rng = np.random.default_rng(zlib.crc32(f"input/{role}".encode()))
        drawn[role] = torch.from_numpy(rng.random((count, depth, side, side)).astype("float32"))
    return drawn


def slashed(name: str) -> str:
    return name.replace(".", "/")


def fill(model: nn.Module, role_of: Callable[[str], str] = slashed) -> None:
    """Give every layer the weights that its role draws."""
    for name, module in model.named_modules():
        role = role_of(name)
        with torch.no_grad():
            if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear | nn.ConvTranspose2d):
                shape = tuple(module.weight.shape)
                inside = (shape[0], *shape[2:]) if isinstance(module, nn.ConvTranspose2d) else shape[1:]
                module.weight.copy_(draw(role + "/weight", shape, float(np.sqrt(2.0 / np.prod(inside)))))
                if module.bias is not None:
                    module.bias.copy_(draw(role + "/bias", tuple(module.bias.shape), 0.1))
            elif isinstance(module, nn.BatchNorm2d):
                size = (module.num_features,)
                module.weight.copy_(1 + draw(role + "/gamma", size, 0.1))
                module.bias.copy_(draw(role + "/beta", size, 0.1))
                module.running_mean.copy_(draw(role + "/mean", size, 0.1))
                module.running_var.copy_(1 + draw(role + "/var", size, 0.1).abs())
