"""Windows with halo are read, predicted and written to Zarr, one after the other; a killed map goes on where it was."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import zarr
from numpy.typing import NDArray

from workbench.base.files import explained
from workbench.base.hashing import hash_json
from workbench.models.contract import Model, View
from workbench.models.pixels import Roles, modalities_of, region_table
from workbench.models.predict import logits_at, precision_context
from workbench.models.scaling import Scaling
from workbench.models.turned import Turned
from workbench.scenes import Scene

WINDOW = 256  # side of the windows that are read and written, pixels
OUTSIDE_SHARE = 0.1  # share of a modality's bands beyond the training range from which a pixel is marked

Progress = Callable[[int, int], None]
"""Called with the number of windows done and of all windows."""


@dataclass(frozen=True)
class Predictor:
    """A trained model with all it needs to answer on raw windows.

    Attributes:
        model: The model, ready to answer (a network in eval mode), on its device.
        roles: The modalities of each role.
        scaling: The run's scaling of each modality.
        classes: uint16 `(K,)`: class value of each output.
        view: The run's view.
        precision: Lightning's name of the precision.
        absent: Modalities of `roles` that are not read; their training mean stands in their place.
    """

    model: Model
    roles: Roles
    scaling: Scaling
    classes: NDArray[np.uint16]
    view: View
    precision: str
    absent: tuple[str, ...] = ()

    @property
    def reads(self) -> list[str]:
        """The modalities that are read."""
        return [name for name in modalities_of(self.roles) if name not in self.absent]

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.device

    @property
    def tta(self) -> bool:
        """Whether it answers by the mean over turns."""
        return isinstance(self.model, Turned)


@dataclass(frozen=True)
class MapResult:
    """A mapped tile in a Zarr store.

    Attributes:
        path: The store, with arrays `classes` (uint16, 0 where there is no data), `confidence` (uint8, percent) and
            `outside` (uint8, 1 where the pixel lies outside the range seen in training), all `(rows, cols)`.
        outside_share: Share of pixels with data that are marked.
        no_data_share: Share of pixels without data.
    """

    path: Path
    outside_share: float
    no_data_share: float


def windows(shape: tuple[int, int], size: int = WINDOW) -> Iterator[tuple[slice, slice]]:
    """Cover a grid of `shape` with windows of at most `size` x `size`, row by row."""
    for top in range(0, shape[0], size):
        for left in range(0, shape[1], size):
            yield slice(top, min(top + size, shape[0])), slice(left, min(left + size, shape[1]))


def stream_classes(
    predictor: Predictor, scene: Scene, path: Path, progress: Progress | None = None, size: int = WINDOW
) -> MapResult:
    """Predict every pixel of a tile into a Zarr store; memory does not grow with the tile.

    A store at `path` that a killed call of the same network on the same scene left behind is continued.

    Args:
        predictor: The network.
        scene: The tile.
        path: The store.
        progress: Called after each window.
        size: Side of the windows.

    Raises:
        WorkbenchError: The disk is full.
    """
    todo = list(windows(scene.shape, size))
    answering = [predictor.model.fingerprint(), predictor.reads, list(predictor.roles)]
    key = hash_json([scene.content_hash, predictor.view, size, *answering])
    with explained("writing a class map", path):
        store = _open_store(path, scene.shape, len(todo), size, key)
        done = np.asarray(store["done"][:])
        for number, (rows, cols) in enumerate(todo):
            if not done[number]:
                classes, confidence, outside = predict_window(predictor, scene, rows, cols)
                store["classes"][rows, cols] = classes
                store["confidence"][rows, cols] = confidence
                store["outside"][rows, cols] = outside
                store["done"][number] = 1
            if progress is not None:
                progress(number + 1, len(todo))
    marked = empty = 0
    for rows, cols in todo:
        marked += int(np.count_nonzero(store["outside"][rows, cols]))
        empty += int(np.count_nonzero(np.asarray(store["classes"][rows, cols]) == 0))
    total = scene.shape[0] * scene.shape[1]
    return MapResult(path, marked / max(total - empty, 1), empty / total)


def predict_window(
    predictor: Predictor, scene: Scene, rows: slice, cols: slice
) -> tuple[NDArray[np.uint16], NDArray[np.uint8], NDArray[np.uint8]]:
    """Class values, confidence in percent and out-of-range marks of one window, each `(rows, cols)`."""
    before, after = predictor.model.receptive_field(predictor.view)
    top, left = max(rows.start - before, 0), max(cols.start - before, 0)
    bottom, right = min(rows.stop + after, scene.shape[0]), min(cols.stop + after, scene.shape[1])
    arrays = {name: scene.read(name, slice(top, bottom), slice(left, right)) for name in predictor.reads}
    inner = (slice(rows.start - top, rows.stop - top), slice(cols.start - left, cols.stop - left))
    outside = _outside(arrays, predictor.scaling)[inner]
    table = region_table(arrays, predictor.roles, predictor.scaling, predictor.device)
    shape = (rows.stop - rows.start, cols.stop - cols.start)
    where = np.indices(shape).reshape(2, -1).T + np.array([inner[0].start, inner[1].start])
    positions = np.concatenate([np.zeros((len(where), 1), where.dtype), where], axis=1).astype(np.int32)
    with precision_context(predictor.precision, predictor.device):
        logits = logits_at(predictor.model, predictor.model, table, positions, predictor.view, origin=(top, left))
    probabilities = torch.from_numpy(logits).softmax(1)
    best, index = probabilities.max(1)
    valid = table.valid.cpu().numpy().reshape(bottom - top, right - left)[inner]
    classes = np.where(valid, predictor.classes[index.numpy()].reshape(shape), 0).astype(np.uint16)
    confidence = np.where(valid, np.round(100 * best.numpy()).reshape(shape), 0).astype(np.uint8)
    return classes, confidence, (outside & valid).astype(np.uint8)


def _outside(arrays: dict[str, NDArray[np.float32]], scaling: Scaling) -> NDArray[np.bool_]:
    marked = np.zeros(next(iter(arrays.values())).shape[1:], dtype=bool)
    for name, array in arrays.items():
        low, high = scaling[name].low[:, None, None], scaling[name].high[:, None, None]
        beyond = ((array < low) | (array > high)).mean(axis=0)
        marked |= beyond >= OUTSIDE_SHARE
    return marked


def _open_store(path: Path, shape: tuple[int, int], count: int, size: int, key: str) -> dict[str, Any]:
    if path.exists():
        with contextlib.suppress(Exception):  # zarr's errors on a store cut off while it was made are many: begin anew
            store = zarr.open_group(path, mode="r+")
            if store.attrs.get("key") == key:
                return {name: store[name] for name in ("classes", "confidence", "outside", "done")}
    store = zarr.create_group(path, overwrite=True)
    chunks = (min(size, shape[0]), min(size, shape[1]))
    store.create_array("classes", shape=shape, chunks=chunks, dtype="uint16", fill_value=0)
    store.create_array("confidence", shape=shape, chunks=chunks, dtype="uint8", fill_value=0)
    store.create_array("outside", shape=shape, chunks=chunks, dtype="uint8", fill_value=0)
    store.create_array("done", shape=(count,), chunks=(1,), dtype="uint8", fill_value=0)
    store.attrs["key"] = key
    return dict(store.arrays())
