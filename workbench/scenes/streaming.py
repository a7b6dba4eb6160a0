"""A modality's pixels go by once, block by block: stored, hashed and made into the overview at the same time."""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.scenes.chunks import ChunkWriter
from workbench.scenes.draft import ArrayLike
from workbench.scenes.overview import OverviewBuilder
from workbench.scenes.schema import CHUNK

if TYPE_CHECKING:
    import zarr

BLOCK_COLS = 32 * CHUNK
"""Blocks are 64 x 2048 pixels of all bands: what is in memory at a time, and the order in which bytes are hashed."""

BLOCK_BYTES = 38 * 2**20
"""Blocks of more bytes than this are narrower."""

WORKERS = min(4, os.cpu_count() or 1)


def blocks(shape: tuple[int, int], pixel_bytes: int = 1) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of each block, whole chunks each, left to right and down.

    Args:
        shape: Rows and columns of the raster.
        pixel_bytes: Bytes of all bands of a pixel.
    """
    wide = min(BLOCK_COLS, max(BLOCK_BYTES // (pixel_bytes * CHUNK * CHUNK), 1) * CHUNK)
    for row in range(0, shape[0], CHUNK):
        for col in range(0, shape[1], wide):
            yield slice(row, min(row + CHUNK, shape[0])), slice(col, min(col + wide, shape[1]))


def stream(
    pixels: ArrayLike, data: "zarr.Array[Any]", overview: OverviewBuilder, advance: Callable[[float], None]
) -> str:
    """Read every block once and write it.

    Two blocks are in memory at a time: the next one is read while the last one is stored, hashed and summed up.

    Args:
        pixels: Stored values (band, y, x).
        data: The array to fill, of the same shape, empty and in a folder.
        overview: Takes the blocks in order, where it makes anything of them.
        advance: Called with the share of the pixels done since the last call, times the number of bands.

    Returns:
        SHA-256 of the values in the order of blocks.
    """
    digest = hashlib.sha256()
    writer = ChunkWriter(data)
    bands, rows, cols = data.shape

    def summarise(place: tuple[slice, slice], block: NDArray[Any]) -> None:
        digest.update(block.data)
        if overview.stride > 1:
            overview.add(block, place[0].start, place[1].start)

    with ThreadPoolExecutor(WORKERS) as pool:
        running: list[Future[None]] = []
        for place in blocks((rows, cols), bands * data.dtype.itemsize):
            block = np.ascontiguousarray(pixels[:, place[0], place[1]], dtype=data.dtype)
            for done in running:
                done.result()
            running = [pool.submit(summarise, place, block)]
            for col in writer.columns(place[1]):
                running.append(pool.submit(writer.write, block, place[0].start, place[1].start, col))
            advance(block.size / (rows * cols))
        for done in running:
            done.result()
    return digest.hexdigest()
