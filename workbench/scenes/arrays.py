"""Reading arrays of a stored scene: checked windows, straight from Zarr, without dask."""

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes.schema import CHUNK, is_url

BUDGET = 2**21
"""Values that are decoded at a time, about: little beside the window asked for, enough to keep all cores busy."""

if TYPE_CHECKING:
    import zarr
    from zarr.abc.store import Store


def open_store(address: str, path: str) -> "Store":
    """A Zarr store, read-only, whose root is `path` of the scene at a folder or fsspec URL."""
    from zarr.storage import FsspecStore, LocalStore

    whole = f"{address.rstrip('/')}/{path}"
    return FsspecStore.from_url(whole, read_only=True) if is_url(address) else LocalStore(whole, read_only=True)


def open_array(address: str, path: str) -> "zarr.Array[Any]":
    """Open one array; of a local store, its files are counted.

    Zarr gives the fill value for a chunk that is not there, so a store that lost files would read as zeros.

    Raises:
        WorkbenchError: The array or one of its files is missing, or its description is damaged.
    """
    import zarr

    try:
        array = zarr.open_array(open_store(address, path), mode="r", zarr_format=3)
    except Exception as error:  # zarr and fsspec backends raise many kinds
        raise _broken(address, path, error) from error
    if not is_url(address):
        there = sum(1 for file in (Path(address) / path).iterdir() if file.name.startswith("c."))
        sizes = zip(array.shape, array.shards or array.chunks, strict=True)
        files = math.prod(-(-whole // part) for whole, part in sizes)
        if there < files:
            raise WorkbenchError(
                f"While reading {path} of {address}: {files - there} of its {files} files are missing. The store is "
                "incomplete; import or copy the scene again."
            )
    return array


def read_window(
    array: "zarr.Array[Any]", rows: slice, cols: slice, bands: Sequence[int] | None, what: str
) -> NDArray[Any]:
    """Read stored values of a window that is known to lie inside.

    Args:
        array: (band, y, x) or (y, x).
        rows: Start and stop.
        cols: Start and stop.
        bands: Bands in any order, or None for all; only for (band, y, x).
        what: Words for the error message.

    Returns:
        Stored values, (band, rows, cols) or (rows, cols).

    Raises:
        WorkbenchError: A chunk is truncated or damaged.
    """
    try:
        if array.ndim == 2:
            return np.asarray(array[rows, cols])
        if bands is None:
            return np.asarray(array[:, rows, cols])
        # A chunk holds all bands, and Zarr's own choice of some takes many times as long in shards: all are read, by parts
        chosen, low, high = np.asarray(bands, dtype=np.int64), min(bands), max(bands) + 1
        found = np.empty((len(bands), rows.stop - rows.start, cols.stop - cols.start), array.dtype)
        for row, col in pieces(rows, cols, array.shape[0]):
            place = (
                slice(row.start - rows.start, row.stop - rows.start),
                slice(col.start - cols.start, col.stop - cols.start),
            )
            found[:, *place] = np.asarray(array[low:high, row, col])[chosen - low]
        return found
    except Exception as error:  # codecs raise RuntimeError, ValueError and more
        raise _broken(str(array.store), what, error) from error


def pieces(rows: slice, cols: slice, depth: int) -> list[tuple[slice, slice]]:
    """Cut a window of `depth` bands where chunks end: pieces of few megabytes, each chunk in one piece only."""
    width = max(BUDGET // (depth * CHUNK * CHUNK), 1) * CHUNK
    return [(row, col) for row in _cut(rows, CHUNK) for col in _cut(cols, width)]


def _cut(span: slice, step: int) -> list[slice]:
    edges = [span.start, *range((span.start // step + 1) * step, span.stop, step), span.stop]
    return [slice(start, stop) for start, stop in pairwise(edges)]


def check_range(given: slice | None, size: int, what: str, where: str) -> slice:
    """A full range for None; else the range itself, if it lies inside.

    Args:
        given: A slice with or without start and stop, of step 1.
        size: Number of rows or columns there are.
        what: ``"rows"`` or ``"columns"``.
        where: Words for the error message.

    Raises:
        WorkbenchError: The range is empty, has a step, counts from the end, or leaves the scene.
    """
    if given is None:
        return slice(0, size)
    start = 0 if given.start is None else int(given.start)
    stop = size if given.stop is None else int(given.stop)
    if given.step not in (None, 1) or not 0 <= start < stop <= size:
        step = "" if given.step in (None, 1) else f" in steps of {given.step}"
        raise WorkbenchError(
            f"While reading {where}: {what} {start} to {stop}{step} were asked for, and there are {what} 0 to {size} "
            "(the last not included). Ask for a window that lies inside."
        )
    return slice(start, stop)


def check_bands(given: Sequence[int] | None, size: int, where: str) -> list[int] | None:
    """Band numbers from 0, if all are there; None stays None for all.

    Raises:
        WorkbenchError: The list is empty or holds a band outside 0 to `size` - 1.
    """
    if given is None:
        return None
    bands = [int(band) for band in given]
    outside = [band for band in bands if not 0 <= band < size]
    if outside or not bands:
        told = f"band {outside[0]} was asked for" if outside else "no band was asked for"
        raise WorkbenchError(f"While reading {where}: {told}, and there are bands 0 to {size - 1}.")
    return bands


def _broken(address: str, path: str, error: Exception) -> WorkbenchError:
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return WorkbenchError(
        f"While reading {path} of {address}: the store is damaged or cannot be reached ({type(error).__name__}: "
        f"{reason}). Import or copy the scene again."
    )
