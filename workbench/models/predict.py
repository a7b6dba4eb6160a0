"""A trained model's class scores at chosen pixels, in any view."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.models.contract import FusionOutput, Model, View
from workbench.models.pixels import PixelTable, square

BLOCK = 128  # side of the blocks that the dense view answers at once; its halo costs as much again
PIXELS = 1 << 15  # pixels per call in the pixel view: few calls, whose features take little memory

Network = Callable[..., FusionOutput]
"""A `Model`, or a network that was compiled."""


def logits_at(
    network: Network,
    model: Model,
    table: PixelTable,
    positions: NDArray[np.int32],
    view: View,
    batch: int | None = None,
    origin: tuple[int, int] = (0, 0),
) -> NDArray[np.float32]:
    """Class logits at positions; the network is used in the mode (train or eval) it is in.

    The dense view runs on blocks of at most 128 x 128 pixels plus the halo of the receptive field, so that its
    answers equal those of the whole scene in one piece. A network for which all of a tile counts runs on windows that
    overlap by half, at places fixed on the scene; their probabilities are blended by distance from the window's edge.

    Args:
        network: What is called.
        model: The model behind `network`, asked for its receptive field.
        table: The scene.
        positions: int32 `(n, 3)`: tile, row, column.
        view: `patch`, `dense` or `pixel`.
        batch: Patches per call in the patch view; None is what suits the device.
        origin: Row and column of the scene at which the table starts, where it holds a region only.

    Returns:
        float32 `(n, K)`; of blended windows the logarithm of the probabilities.
    """
    if batch is None:  # on a CPU the activations of few patches stay in the cache; a GPU wants many
        batch = 64 if table.device.type == "cpu" else 1024
    if model.window is not None:
        return _blended(network, model, table, positions, model.window, origin)
    out = np.empty((len(positions), model.classes), dtype=np.float32)
    if view == "dense":
        chunks = _blocks(model, table, positions)
    else:
        side, many = (model.patch_size, batch) if view == "patch" else (1, PIXELS)
        chunks = _patches(table, positions, side, many)
    with torch.inference_mode():
        for chosen, inputs, pick in chunks:
            out[chosen] = pick(network(inputs, view=view).logits).float().cpu().numpy()
    return out


def _blended(
    network: Network,
    model: Model,
    table: PixelTable,
    positions: NDArray[np.int32],
    side: int,
    origin: tuple[int, int],
) -> NDArray[np.float32]:
    """Two windows along each axis cover a pixel; their weights fall to zero at the edge and sum to one."""
    step = side // 2
    places = positions[:, 1:].astype(np.int64) + np.array(origin)  # on the scene
    first = places // step  # window number i covers (i - 1) step to (i + 1) step
    numbers = np.concatenate([first + np.array(more) for more in ((0, 0), (0, 1), (1, 0), (1, 1))])
    inside = np.tile(places, (4, 1)) - (numbers - 1) * step
    weight = np.prod(np.minimum(inside + 0.5, side - inside - 0.5) / step, axis=1, dtype=np.float32)
    tile = np.tile(positions[:, 0], 4)
    windows, owner = np.unique(np.column_stack([tile, numbers]), axis=0, return_inverse=True)
    order = np.argsort(owner.reshape(-1), kind="stable")
    ends = np.searchsorted(owner.reshape(-1)[order], np.arange(len(windows) + 1))
    corners = windows.copy()
    corners[:, 1:] = (windows[:, 1:] - 1) * step - np.array(origin)
    grid = square(0, side).to(table.device)
    at_once = max(1, BLOCK * BLOCK // (side * side))
    total = np.zeros((len(positions), model.classes), np.float32)
    with torch.inference_mode():
        for start in range(0, len(windows), at_once):
            some = torch.as_tensor(corners[start : start + at_once], device=table.device)
            answers = network(table.gather(table.window_rows(some, grid)), view="dense").logits.float().softmax(1)
            for number, answer in enumerate(answers.cpu().numpy(), start):
                mine = order[ends[number] : ends[number + 1]]
                found = answer[:, inside[mine, 0], inside[mine, 1]].T
                total[mine % len(positions)] += weight[mine, None] * found  # a window holds a pixel once
    return np.asarray(np.log(total.clip(1e-12)))


Chunk = tuple[NDArray[np.int64], dict[str, Tensor], Callable[[Tensor], Tensor]]


def _patches(table: PixelTable, positions: NDArray[np.int32], side: int, batch: int) -> Iterator[Chunk]:
    grid = square(side // 2, side).to(table.device)
    for start in range(0, len(positions), batch):
        chosen = np.arange(start, min(start + batch, len(positions)))
        corners = torch.as_tensor(positions[chosen], dtype=torch.int64, device=table.device)
        yield chosen, table.gather(table.window_rows(corners, grid)), lambda logits: logits


def _blocks(model: Model, table: PixelTable, positions: NDArray[np.int32]) -> Iterator[Chunk]:
    before, after = model.receptive_field("dense")
    keys = positions.astype(np.int64)
    keys[:, 1:] //= BLOCK
    blocks, owner = np.unique(keys, axis=0, return_inverse=True)
    order = np.argsort(owner.reshape(-1), kind="stable")
    ends = np.searchsorted(owner.reshape(-1)[order], np.arange(len(blocks) + 1))
    for number, tile in enumerate(blocks[:, 0]):
        chosen = order[ends[number] : ends[number + 1]]
        local = positions[chosen, 1:].astype(np.int64)
        low, high = local.min(axis=0), local.max(axis=0)  # only as much of the block as is asked for
        rows = torch.arange(low[0] - before, high[0] + after + 1, device=table.device)
        cols = torch.arange(low[1] - before, high[1] + after + 1, device=table.device)
        grid = torch.stack(torch.meshgrid(rows, cols, indexing="ij"), -1)
        corner = torch.tensor([[tile, 0, 0]], device=table.device)
        place = torch.as_tensor(local - low + before, device=table.device)
        yield (
            chosen,
            table.gather(table.window_rows(corner, grid)),
            lambda logits, place=place: logits[0][:, place[:, 0], place[:, 1]].T,  # type: ignore[misc]
        )


def precision_context(precision: str, device: torch.device | str) -> AbstractContextManager[object]:
    """The autocast that goes with Lightning's name of a precision."""
    if precision == "32-true":
        return nullcontext()
    kind = torch.bfloat16 if precision == "bf16-mixed" else torch.float16
    return torch.autocast(torch.device(device).type, dtype=kind)
