"""The small picture of a modality that is stored beside it, built while its rows stream by."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.scenes.modality import ModalityInfo
from workbench.scenes.schema import CHUNK, overview_stride

GROUP = 8
"""Bands that are summed at a time: few enough to stay in the processor's cache, which is ten times faster."""


class OverviewBuilder:
    """Mean of valid values over squares of pixels; of dB values, the mean of linear power.

    Rows must come in order. Only the sums of the overview rows at hand and finished rows of one chunk are held.

    Args:
        info: Description of the modality.
        shape: Rows and columns of the full resolution.
        target: What takes the finished overview, float32 (band, rows, cols), a row of chunks at a time; an array of
            NumPy or Zarr of the size `overview_shape`. None where there is no overview to make.
    """

    def __init__(self, info: ModalityInfo, shape: tuple[int, int], target: Any = None) -> None:
        self._info, self._target = info, target
        self.stride = overview_stride(shape)
        _, self._rows, cols = overview_shape(info.bands, shape)
        self._ready: list[NDArray[np.float32]] = []  # finished rows that are not given away yet
        self._given = 0
        self._whole = np.dtype(info.dtype).kind in "iu" and info.nodata is None and info.is_raw  # stored values will do
        self._first, self._last = 0, -1  # overview rows whose sums are held
        self._sums = np.zeros((info.bands, 0, cols), np.float32)
        self._counts = np.zeros((info.bands, 0, cols), np.float32)

    def add(self, stored: NDArray[Any], row: int, col: int) -> None:
        """Add a block of stored values (band, rows, cols) whose first pixel is (row, col)."""
        self._hold(row // self.stride, (row + stored.shape[1] - 1) // self.stride)
        for first in range(0, len(stored), GROUP):
            bands = slice(first, first + GROUP)
            values, valid = self._linear(stored[bands])
            self._add(self._sums[bands], values, row, col)
            self._add(self._counts[bands], valid, row, col)

    def _linear(self, stored: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Values that may be averaged, 0 where there are none, and where there are: in every band or the same in all."""
        decibel = self._info.quantity == "backscatter dB"
        everywhere = np.ones((1, *stored.shape[1:]), np.float32)
        if self._whole and not decibel:
            return stored, everywhere
        values = self._info.to_physical(stored)
        if decibel:
            values = 10.0 ** (values / 10.0)
        valid = np.isfinite(values)
        if valid.all():
            return values, everywhere
        values[~valid] = 0.0
        return values, valid.astype(np.float32)

    def _add(self, total: NDArray[np.float32], part: NDArray[Any], row: int, col: int) -> None:
        stride = self.stride
        summed = _sum_runs(_sum_runs(part, row, stride, 1, _sum_type(part, stride)), col, stride, 2, np.float32)
        rows = slice(row // stride - self._first, row // stride - self._first + summed.shape[1])
        total[:, rows, col // stride : col // stride + summed.shape[2]] += summed

    def finish(self) -> None:
        """Give away what is left."""
        self._hold(self._rows, self._rows - 1)
        self._give(1)

    def _give(self, least: int) -> None:
        """Write finished rows, in multiples of `least`."""
        rows = sum(part.shape[1] for part in self._ready) // least * least
        if rows:
            ready = np.concatenate(self._ready, axis=1)
            self._target[:, self._given : self._given + rows] = ready[:, :rows]
            self._ready, self._given = [ready[:, rows:]], self._given + rows

    def _hold(self, first: int, last: int) -> None:
        """Write out the overview rows before `first` and make room for those up to `last`."""
        done = min(first, self._last + 1) - self._first
        if done > 0:
            with np.errstate(invalid="ignore", divide="ignore"):
                mean = self._sums[:, :done] / self._counts[:, :done]
                if self._info.quantity == "backscatter dB":
                    mean = 10.0 * np.log10(mean)
            self._ready.append(mean)
            self._give(CHUNK)
            self._sums, self._counts = self._sums[:, done:], self._counts[:, done:]
            self._first += done
        more = last - max(self._last, self._first - 1)
        if more > 0:
            room = (self._sums.shape[0], more, self._sums.shape[2])
            self._sums = np.concatenate([self._sums, np.zeros(room, np.float32)], axis=1)
            self._counts = np.concatenate([self._counts, np.zeros(room, np.float32)], axis=1)
            self._last = last


def overview_shape(bands: int, shape: tuple[int, int]) -> tuple[int, int, int]:
    """Bands, rows and columns of the overview of a raster of `shape`."""
    stride = overview_stride(shape)
    return bands, -(-shape[0] // stride), -(-shape[1] // stride)


def _sum_type(values: NDArray[Any], count: int) -> "np.dtype[Any] | type[np.float32]":
    """The type itself where `count` of these whole numbers fit it, which is several times as fast; else float32."""
    kind = values.dtype
    if kind.kind not in "iu" or not values.size:
        return np.float32
    limit = np.iinfo(kind).max // count
    fits = values.max() <= limit and (kind.kind == "u" or values.min() >= -limit)
    return kind if fits else np.float32


def _sum_runs(
    values: NDArray[Any], start: int, stride: int, axis: int, kind: "np.dtype[Any] | type[np.float32]"
) -> NDArray[Any]:
    """Sum along an axis over runs that end at multiples of `stride`, where the axis starts at `start`; of type `kind`."""
    along = np.moveaxis(values, axis, 0)
    runs = (start + len(along) - 1) // stride - start // stride + 1
    shape = (*values.shape[:axis], runs, *values.shape[axis + 1 :])
    summed = np.zeros(shape, kind)
    into = np.moveaxis(summed, axis, 0)
    for step in range(stride):  # few additions of long slices; numpy's own reductions over short runs are slow
        first = (step - start) % stride
        part = along[first::stride]
        place = (start + first) // stride - start // stride
        into[place : place + len(part)] += part
    return summed
