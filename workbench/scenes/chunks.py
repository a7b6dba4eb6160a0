"""Chunks of a Zarr array written as files of its format, from any thread.

Not through zarr, whose bookkeeping and copies cost as much as compressing and writing the chunk; `tests` hold the files
against those that zarr writes.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import zarr


class ChunkWriter:
    """Writes the chunks of a three-dimensional array that was just created in a folder.

    Args:
        data: The array: chunks of all bands, keys of the default encoding with dots, compressed by Blosc or not at all.
    """

    def __init__(self, data: "zarr.Array[Any]") -> None:
        from numcodecs import Blosc  # type: ignore[import-untyped]
        from zarr.codecs import BloscCodec
        from zarr.storage import LocalStore

        assert isinstance(data.store, LocalStore)
        self._folder = Path(data.store.root, data.path)
        self._chunk = data.chunks
        self._dtype = np.dtype(data.dtype).newbyteorder("<")
        self._codec = None
        if data.compressors:
            codec = data.compressors[0]
            assert isinstance(codec, BloscCodec)
            shuffle = {"noshuffle": Blosc.NOSHUFFLE, "shuffle": Blosc.SHUFFLE, "bitshuffle": Blosc.BITSHUFFLE}
            told = codec.to_dict()["configuration"]
            self._codec = Blosc(told["cname"], told["clevel"], shuffle[told["shuffle"]], told["blocksize"])  # type: ignore[index,call-overload]

    def columns(self, cols: slice) -> range:
        """First columns of the chunks in `cols`, which starts at a chunk."""
        return range(cols.start, cols.stop, self._chunk[2])

    def write(self, block: NDArray[Any], row: int, first: int, col: int) -> None:
        """Write one chunk.

        Args:
            block: Values (band, rows, cols) of a row of chunks.
            row: First row of the block in the array.
            first: First column of the block in the array.
            col: First column of the chunk in the array.

        Raises:
            OSError: The disk is full or refuses.
        """
        part = block[:, :, col - first : col - first + self._chunk[2]]
        if part.shape == self._chunk:
            chunk = np.ascontiguousarray(part, self._dtype)
        else:  # at the lower and right edge
            chunk = np.zeros(self._chunk, self._dtype)
            chunk[:, : part.shape[1], : part.shape[2]] = part
        encoded = chunk.data if self._codec is None else self._codec.encode(chunk)
        key = f"c.0.{row // self._chunk[1]}.{col // self._chunk[2]}"
        (self._folder / key).write_bytes(encoded)
