"""The attention of a network at one pixel, beside the patch it saw."""

from dataclasses import dataclass
from operator import index

import numpy as np
import torch
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.models.contract import Model, View
from workbench.models.pixels import Roles, region_table, square
from workbench.models.predict import logits_at
from workbench.models.scaling import Scaling
from workbench.scenes import Scene

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class AttentionResult:
    """What a network saw and answered at one pixel, in the view it was trained in.

    Attributes:
        row: Row of the pixel in its tile.
        col: Column of the pixel in its tile.
        patch: Per modality float32 `(bands, k, k)` in physical units, NaN outside the tile and where there is no data.
        maps: Per spatial mask float32 `(k, k)`: the mean over channels; per window mask, the pixel's own. FusAtNet's
            masks are signed and unbounded (batch norm follows the ReLU), so that zero is neutral, not the minimum.
        vectors: Per channel mask float32 `(channels,)`.
        probabilities: float32 `(K,)`, in the order of the run's classes.
        predicted: Class value of the highest probability.
        reference: Class value of the pixel's label, 0 where it has none.
    """

    row: int
    col: int
    patch: dict[str, Floats]
    maps: dict[str, Floats]
    vectors: dict[str, Floats]
    probabilities: Floats
    predicted: int
    reference: int


def attention_at(
    model: Model,
    scene: Scene,
    roles: Roles,
    scaling: Scaling,
    classes: tuple[int, ...],
    row: int,
    col: int,
    view: View = "patch",
) -> AttentionResult:
    """Run a view at one pixel and keep its attention over the pixel's patch.

    In the dense view the masks of the tile are cut out around the pixel, and channel and window masks are read at it. A
    network for which all of a tile counts answers as it maps, blended from windows that lie at fixed places; its masks
    are those of one more window, with the pixel at its centre.

    Args:
        model: A trained network, in eval mode.
        scene: The tile.
        roles: The modalities of each role.
        scaling: The run's scaling.
        classes: Class value of each output.
        row: Row from 0.
        col: Column from 0.
        view: The view the network was trained in.

    Raises:
        WorkbenchError: The network shows no attention, or the pixel lies outside the tile or has no data.
    """
    if not (model.spatial_masks or model.window_masks or model.channel_masks):
        raise WorkbenchError(f"{type(model).__name__} has no attention to show. Look at its errors instead.")
    height, width = scene.shape
    try:
        row, col = index(row), index(col)
    except TypeError as error:
        raise WorkbenchError(f"Row and column are whole numbers, not {row!r} and {col!r}.") from error
    if not (0 <= row < height and 0 <= col < width):
        raise WorkbenchError(
            f"Pixel (row {row}, column {col}) lies outside {scene.name!r} of {height} rows and {width} columns."
        )
    radius = model.patch_size // 2
    before, after = model.receptive_field(view)
    before, after = before + radius, after + radius  # so that the masks hold over the whole patch
    rows = slice(max(row - before, 0), min(row + after + 1, height))
    cols = slice(max(col - before, 0), min(col + after + 1, width))
    arrays = {name: scene.read(name, rows, cols) for name in scaling}
    device = model.device
    table = region_table(arrays, roles, scaling, device)
    here = torch.tensor([[0, row - rows.start, col - cols.start]], device=device)
    if not bool(table.valid[table.row_of(here)]):
        raise WorkbenchError(f"Pixel (row {row}, column {col}) of {scene.name!r} has no data in every modality.")
    if model.window is not None:
        at, side = model.window // 2, model.window
    elif view == "patch":
        at, side = radius, model.patch_size
    else:
        at, side = before, before + after + 1
    with torch.inference_mode():
        output = model(table.gather(table.window_rows(here, square(at, side).to(device))), view=view, attention=True)
    if model.window is not None:
        blended = logits_at(model, model, table, here.cpu().numpy(), view, origin=(rows.start, cols.start))
        logits = torch.from_numpy(blended[0])
    else:
        logits = output.logits[0] if view == "patch" else output.logits[0, :, at, at]
    probabilities = logits.float().softmax(0).cpu().numpy()
    maps, vectors = {}, {}
    for name, mask in output.attention.items():
        mask = mask[0].float().cpu()
        if name in model.channel_masks:
            vectors[name] = (mask[:, 0, 0] if view == "patch" else mask[:, at, at]).numpy()
        elif name in model.window_masks:
            maps[name] = (mask[0] if view == "patch" else mask[:, at, at].view(model.patch_size, -1)).numpy()
        elif name in model.spatial_masks:
            inner = slice(at - radius, at + radius + 1)
            maps[name] = mask.mean(0)[inner, inner].numpy()
    label = scene.read_labels(slice(row, row + 1), slice(col, col + 1))
    return AttentionResult(
        row=row,
        col=col,
        patch={name: _padded(array, row, col, rows, cols, radius) for name, array in arrays.items()},
        maps=maps,
        vectors=vectors,
        probabilities=probabilities,
        predicted=classes[int(probabilities.argmax())],
        reference=0 if label is None else int(label[0, 0]),
    )


def _padded(array: Floats, row: int, col: int, rows: slice, cols: slice, radius: int) -> Floats:
    """The patch around a pixel out of a read region, NaN where it leaves the region."""
    height, width = array.shape[1:]
    where_row = np.arange(row - radius, row + radius + 1) - rows.start
    where_col = np.arange(col - radius, col + radius + 1) - cols.start
    inside = ((where_row >= 0) & (where_row < height))[:, None] & ((where_col >= 0) & (where_col < width))[None]
    out = array[:, where_row.clip(0, height - 1)][:, :, where_col.clip(0, width - 1)]
    return np.where(inside, out, np.float32(np.nan))
