"""A modality's pixels go by once, block by block: stored, hashed and made into the overview at the same time."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.scenes.draft import ArrayLike
from workbench.scenes.overview import OverviewBuilder
from workbench.scenes.schema import CHUNK
from workbench.scenes.shards import Packed, ShardWriter

if TYPE_CHECKING:
    import zarr

BLOCK_COLS = 32 * CHUNK
"""Blocks are 64 x 2048 pixels of all bands: what is in memory at a time, a file of the store, and hashed in one piece."""

BLOCK_BYTES = 38 * 2**20
"""Blocks of more bytes than this are narrower."""

WORKERS = min(4, os.cpu_count() or 1)


def block_cols(pixel_bytes: int) -> int:
    """Columns of a block, whole chunks, where all bands of a pixel have `pixel_bytes`."""
    return min(BLOCK_COLS, max(BLOCK_BYTES // (pixel_bytes * CHUNK * CHUNK), 1) * CHUNK)


def blocks(shape: tuple[int, int], pixel_bytes: int = 1) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of each block, whole chunks each, left to right and down.

    Args:
        shape: Rows and columns of the raster.
        pixel_bytes: Bytes of all bands of a pixel.
    """
    wide = block_cols(pixel_bytes)
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
        XXH3 (128 bits) of the values in the order of blocks: eight times as fast as SHA-256, and none is out to deceive.
    """
    from xxhash import xxh3_128

    digest = xxh3_128()
    writer = ShardWriter(data)
    bands, rows, cols = data.shape

    def summarise(place: tuple[slice, slice], block: NDArray[Any]) -> None:
        digest.update(block.data)
        if overview.stride > 1:
            overview.add(block, place[0].start, place[1].start)

    def write(place: tuple[slice, slice], chunks: list[Future[Packed]]) -> None:
        writer.write(place[0].start, place[1].start, (chunk.result() for chunk in chunks))

    with ThreadPoolExecutor(WORKERS) as pool:
        running: list[Future[Any]] = []
        for place in blocks((rows, cols), bands * data.dtype.itemsize):
            block = np.ascontiguousarray(pixels[:, place[0], place[1]], dtype=data.dtype)
            for done in running:
                done.result()
            chunks = [pool.submit(writer.pack, block, place[1].start, col) for col in writer.columns(place[1])]
            # the writing waits for chunks that were begun before it, so that it never waits for its own thread
            running = [pool.submit(summarise, place, block), pool.submit(write, place, chunks)]
            advance(block.size / (rows * cols))
        for done in running:
            done.result()
    return digest.hexdigest()
