"""Shards of a Zarr array written as files of its format, their chunks packed on any thread.

Not through zarr, whose bookkeeping and copies cost as much as compressing and writing a chunk; `tests` hold the files
against those that zarr writes.
"""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import zarr

Packed = bytes | memoryview
ABSENT = np.iinfo(np.uint64).max
"""Place and size in a shard's index of a chunk that the array does not reach."""


class ShardWriter:
    """Writes the shards of a three-dimensional array that was just created in a folder.

    A shard is a file that holds a row of chunks, as they come, and after them its index: place and size of each, and
    their checksum (Zarr v3, codec ``sharding_indexed``). Few large files are written four times as fast as many
    small ones. An array of one chunk is not sharded; its file is the chunk.

    Args:
        data: The array: chunks of all bands, compressed by Blosc or not at all, shards as high as its chunks, keys of
            the default encoding with dots.
    """

    def __init__(self, data: "zarr.Array[Any]") -> None:
        from numcodecs import Blosc  # type: ignore[import-untyped]
        from zarr.codecs import BloscCodec
        from zarr.storage import LocalStore

        assert isinstance(data.store, LocalStore)
        self._folder = Path(data.store.root, data.path)
        self._chunk = data.chunks
        self._sharded = data.shards is not None
        self._width = data.shards[2] if data.shards else data.chunks[2]
        self._dtype = np.dtype(data.dtype).newbyteorder("<")
        self._local = threading.local()
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

    def pack(self, block: NDArray[Any], first: int, col: int) -> Packed:
        """One chunk as the file will hold it.

        Args:
            block: Values (band, rows, cols) of a shard.
            first: First column of the block in the array.
            col: First column of the chunk in the array.
        """
        part = block[:, :, col - first : col - first + self._chunk[2]]
        if self._codec is None:
            chunk = np.empty(self._chunk, self._dtype)
        else:  # memory that this thread has used before: fresh memory costs as much as the copy
            if not hasattr(self._local, "chunk"):
                self._local.chunk = np.empty(self._chunk, self._dtype)
            chunk = self._local.chunk
        if part.shape != self._chunk:  # at the lower and right edge
            chunk[...] = 0
        chunk[:, : part.shape[1], : part.shape[2]] = part
        return chunk.data if self._codec is None else self._codec.encode(chunk)

    def write(self, row: int, first: int, chunks: Iterable[Packed]) -> None:
        """Write one shard.

        Args:
            row: First row of the shard in the array.
            first: First column of the shard in the array.
            chunks: Its chunks, left to right.

        Raises:
            OSError: The disk is full or refuses.
        """
        index = np.full((self._width // self._chunk[2], 2), ABSENT, "<u8")
        place = 0
        key = f"c.0.{row // self._chunk[1]}.{first // self._width}"
        with (self._folder / key).open("wb", buffering=0) as file:
            for number, chunk in enumerate(chunks):
                size = chunk.nbytes if isinstance(chunk, memoryview) else len(chunk)
                _write_all(file, chunk)
                index[number] = place, size
                place += size
            if self._sharded:
                from google_crc32c import value

                _write_all(file, index.tobytes() + value(index.tobytes()).to_bytes(4, "little"))


def _write_all(file: Any, data: Packed) -> None:
    """A bare file may take less than it is given, as when the disk fills up; it then refuses the rest."""
    left = memoryview(data).cast("B")
    while left:
        left = left[file.write(left) :]
