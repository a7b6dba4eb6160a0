"""Spectra read for computing: seeded samples for statistics, and pictures made piece by piece, in bounded memory."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes import Collection, Scene, arrays
from workbench.scenes.schema import CHUNK, overview_stride

Floats = NDArray[np.float32]
Window = tuple[slice, slice]
"""Rows and columns of full-resolution pixels."""

BLOCKS = 64
"""Chunks of a scene that stand for all of it."""


@dataclass(frozen=True, eq=False)
class Picture:
    """Something computed for every pixel of a window or of the overview.

    Attributes:
        values: float32 (channel, rows, cols), NaN where there is no answer.
        rows: Rows of the scene that it covers.
        cols: Columns of the scene that it covers.
        stride: Side in scene pixels of one of its pixels; 1 at full resolution.
        names: One per channel.
        notes: What a reader must know, a sentence each.
    """

    values: Floats
    rows: slice
    cols: slice
    stride: int
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def plane(self) -> Floats:
        """The first channel, (rows, cols)."""
        plane: Floats = self.values[0]
        return plane


@dataclass(frozen=True, eq=False)
class Pixels:
    """Spectra of chosen pixels without a gap.

    Attributes:
        values: float32 (n, band), all finite.
        bands: The modality's band of each column, counted from 0: bands without values for most pixels are left out.
        tile: Index into ``scene.scenes``, int32 (n,).
        row: int32 (n,).
        col: int32 (n,).
        notes: What was left out.
    """

    values: Floats
    bands: tuple[int, ...]
    tile: NDArray[np.int32]
    row: NDArray[np.int32]
    col: NDArray[np.int32]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)


def sample_pixels(scene: Scene | Collection, modality: str, most: int = 20_000, seed: int = 0) -> Pixels:
    """Pixels spread over a scene: the same ones for the same seed.

    Args:
        scene: The scene; of a collection, all tiles.
        modality: Name of the modality.
        most: Pixels at most. They come from at most `BLOCKS` chunks, so that a large scene costs little.
        seed: Of the random choice.

    Raises:
        WorkbenchError: No pixel has values in the bands that most have.
    """
    rng = np.random.default_rng(seed)
    blocks = list(_chosen_blocks(scene, rng))
    area = sum((rows.stop - rows.start) * (cols.stop - cols.start) for _, rows, cols in blocks)
    parts, places = [], []
    for number, rows, cols in blocks:
        cube = scene.scenes[number].read(modality, rows, cols)
        chosen = np.flatnonzero(np.isfinite(cube).any(axis=0))
        share = -(-most * cube[0].size // area)  # so that a chunk at the edge counts for its size
        chosen = np.sort(rng.permutation(chosen)[:share])
        parts.append(cube.reshape(len(cube), -1)[:, chosen].T)
        row, col = np.divmod(chosen, cube.shape[2])
        places.append(np.stack([np.full(len(chosen), number), row + rows.start, col + cols.start], axis=1))
    values = np.concatenate(parts)
    keep = np.sort(rng.permutation(len(values))[:most])
    return complete(values[keep], np.concatenate(places)[keep], f"{modality!r} of scene {scene.name!r}")[0]


def sample_blocks(scene: Scene | Collection, modality: str, seed: int = 0) -> Iterator[Floats]:
    """Whole chunks (band, rows, cols) at full resolution, at most `BLOCKS`, the same ones for the same seed."""
    for number, rows, cols in _chosen_blocks(scene, np.random.default_rng(seed)):
        yield scene.scenes[number].read(modality, rows, cols)


def labelled_pixels(
    scene: Scene | Collection, modalities: Sequence[str], per_class: int = 300, seed: int = 0
) -> tuple[Pixels, NDArray[np.uint16]]:
    """Labelled pixels, at most `per_class` of each class, with the bands of all modalities side by side.

    Returns:
        The pixels, whose ``bands`` count through the modalities in the order given, and their class values (n,).

    Raises:
        WorkbenchError: The scene has no labels, or no labelled pixel has values.
    """
    if not scene.has_labels:
        raise WorkbenchError(
            f"While reading labelled pixels: scene {scene.name!r} has no labels. Draw some, or import it with labels."
        )
    rng = np.random.default_rng(seed)
    every = np.zeros((0, 4), np.int64)
    wanted = set(scene.classes.values)
    for visited, number in enumerate(rng.permutation(len(scene.scenes)).tolist()):
        tile = scene.scenes[number]
        found = [every]
        for start in range(0, tile.shape[0], 8 * CHUNK):
            labels = tile.read_labels(slice(start, min(start + 8 * CHUNK, tile.shape[0])))
            if labels is None:
                break
            row, col = np.nonzero(labels)
            here = np.stack([np.full(len(row), number), row + start, col, labels[row, col]], axis=1)
            found.append(_of_each(here, 4 * per_class, rng))  # more than asked: some will lie in chunks not read
        every = _of_each(np.concatenate(found), 8 * per_class, rng)
        if visited >= BLOCKS:  # a large collection: enough tiles, unless a class is still rare
            kinds, counts = np.unique(every[:, 3], return_counts=True)
            if wanted <= set(kinds.tolist()) and counts.min() >= per_class:
                break
    chunk = np.unique(every[:, :3] // (1, CHUNK, CHUNK), axis=0, return_inverse=True)[1].ravel()
    order = rng.permutation(int(chunk.max(initial=-1)) + 1)
    # every class keeps the chunk in which it has most pixels, then chance fills up
    needed = [int(np.bincount(chunk[every[:, 3] == value]).argmax()) for value in np.unique(every[:, 3])]
    kept = list(dict.fromkeys([*needed, *order.tolist()]))[: max(4 * BLOCKS, len(needed))]
    every = _of_each(every[np.isin(chunk, kept)], per_class, rng)
    values = [read_pixels(scene, name, every[:, :3]) for name in modalities]
    what = f"{' and '.join(map(repr, modalities))} of scene {scene.name!r}"
    pixels, keep = complete(np.concatenate(values, axis=1), every, what)
    return pixels, every[keep, 3].astype(np.uint16)


def read_pixels(scene: Scene | Collection, modality: str, places: NDArray[np.int64]) -> Floats:
    """Spectra of single pixels, each chunk read once.

    Args:
        scene: The scene or collection.
        modality: Name of the modality.
        places: Tile index, row and column, (n, 3).

    Returns:
        float32 (n, band), NaN where nothing was measured.
    """
    out = np.full((len(places), scene.info(modality).bands), np.nan, np.float32)
    _, chunk = np.unique(places // (1, CHUNK, CHUNK), axis=0, return_inverse=True)
    chunk = chunk.ravel()
    for number in range(int(chunk.max(initial=-1)) + 1):
        mine = np.flatnonzero(chunk == number)
        (first, low), high = (places[mine, 1:].min(axis=0), places[mine, 1:].max(axis=0) + 1)
        tile = scene.scenes[int(places[mine[0], 0])]
        cube = tile.read(modality, slice(int(first), int(high[0])), slice(int(low), int(high[1])))
        out[mine] = cube[:, places[mine, 1] - first, places[mine, 2] - low].T
    return out


def complete(values: Floats, places: NDArray[np.int64], what: str) -> tuple[Pixels, NDArray[np.bool_]]:
    """Pixels without a gap, after bands that have values for less than half of the pixels are left out.

    Args:
        values: float32 (n, band).
        places: Tile, row and column of each, (n, 3) or more columns.
        what: Words for the error message.

    Returns:
        The pixels, and which of the rows they are, (n,).

    Raises:
        WorkbenchError: Nothing is left.
    """
    finite = np.isfinite(values)
    some = finite.any(axis=1)
    share = finite[some].mean(axis=0) if some.any() else np.zeros(values.shape[1])
    bands = np.flatnonzero(share >= 0.5)
    keep = np.asarray(finite[:, bands].all(axis=1) & (bands.size > 0), bool)
    if not keep.any():
        raise WorkbenchError(
            f"While sampling {what}: none of {len(values)} pixels read has values in all bands. "
            "Look at its no-data and NaN in the alignment report, or drop its empty bands."
        )
    left = np.flatnonzero(share < 0.5).tolist()
    notes = (f"Left out, for want of values: {named_bands(left)}.",) if left else ()
    tile, row, col = (places[keep, axis].astype(np.int32) for axis in range(3))
    return Pixels(values[keep][:, bands], tuple(bands.tolist()), tile, row, col, notes), keep


def cut_picture(
    scene: Scene,
    modality: str,
    window: Window | None,
    compute: Callable[[Floats], Floats],
    names: Sequence[str],
    bands: Sequence[int] | None = None,
    notes: Sequence[str] = (),
) -> Picture:
    """Compute a picture of few channels piece by piece, so that the whole cube is never in memory.

    Args:
        scene: A scene.
        modality: Name of the modality.
        window: Rows and columns; None: the stored overview.
        compute: From a float32 cube (band, rows, cols) to (channel, rows, cols), each pixel by itself.
        names: One per channel.
        bands: Bands that `compute` gets, counted from 0; None: all.
        notes: To hand on.
    """
    told = tuple(notes)
    whole = slice(0, scene.shape[0]), slice(0, scene.shape[1])
    if window is None and overview_stride(scene.shape) > 1:
        cube, stride = scene.overview(modality, bands)
        small = np.full((len(names), *cube.shape[1:]), np.nan, np.float32)
        height = max(arrays.BUDGET // cube[:, 0].size, 1)
        for row in range(0, cube.shape[1], height):
            small[:, row : row + height] = compute(cube[:, row : row + height])
        told += (f"From the overview: each pixel is the mean of {stride} x {stride} pixels of the scene.",)
        return Picture(small, *whole, stride, tuple(names), told)
    window = window or whole
    where = f"{modality!r} of scene {scene.name!r}"
    rows = arrays.check_range(window[0], scene.shape[0], "rows", where)
    cols = arrays.check_range(window[1], scene.shape[1], "columns", where)
    values = np.full((len(names), rows.stop - rows.start, cols.stop - cols.start), np.nan, np.float32)
    for strip, span in arrays.pieces(rows, cols, scene.info(modality).bands):
        part = compute(scene.read(modality, strip, span, bands))
        r0, c0 = strip.start - rows.start, span.start - cols.start
        values[:, r0 : r0 + part.shape[1], c0 : c0 + part.shape[2]] = part
    return Picture(values, rows, cols, 1, tuple(names), told)


def read_cube(
    scene: Scene, modality: str, window: Window | None = None, bands: Sequence[int] | None = None
) -> tuple[Floats, int]:
    """The cube (band, rows, cols) of a window, or of the overview where there is none, and its stride."""
    if window is not None:
        return scene.read(modality, *window, bands), 1
    return scene.overview(modality, bands)


def flat(cube: NDArray[Any]) -> NDArray[Any]:
    """A cube (band, rows, cols) as spectra (n, band)."""
    return cube.reshape(len(cube), -1).T


def _chosen_blocks(scene: Scene | Collection, rng: np.random.Generator) -> Iterator[tuple[int, slice, slice]]:
    """Tile, rows and columns of at most `BLOCKS` chunks, in order."""
    every = [
        (number, row, col)
        for number, (rows, cols) in enumerate(scene.shapes)
        for row in range(0, rows, CHUNK)
        for col in range(0, cols, CHUNK)
    ]
    for index in np.sort(rng.permutation(len(every))[:BLOCKS]):
        number, row, col = every[index]
        rows, cols = scene.shapes[number]
        yield number, slice(row, min(row + CHUNK, rows)), slice(col, min(col + CHUNK, cols))


def _of_each(places: NDArray[np.int64], most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """At most `most` rows of each value in the last column, in order."""
    chosen = [rng.permutation(np.flatnonzero(places[:, 3] == value))[:most] for value in np.unique(places[:, 3])]
    return places[np.sort(np.concatenate(chosen))] if chosen else places


def named_bands(bands: Sequence[int]) -> str:
    """Bands counted from 0 as words that count from 1, such as ``bands 3, 5-9``."""
    runs: list[list[int]] = []
    for band in sorted(bands):
        if runs and band == runs[-1][1] + 1:
            runs[-1][1] = band
        else:
            runs.append([band, band])
    told = ", ".join(str(low + 1) if low == high else f"{low + 1}-{high + 1}" for low, high in runs)
    return f"band{'s' if len(bands) > 1 else ''} {told}"
