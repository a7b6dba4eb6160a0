"""Which pixels lie in windows around others: exact counts by summed-area tables, without any pair of pixels."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from workbench.splits.split import Split


def inside_windows(
    targets: NDArray[np.int32], centres: NDArray[np.int32], before: int, after: int
) -> NDArray[np.bool_]:
    """Whether each target lies in the window of some centre of its tile.

    Args:
        targets: Tile index, row, column; (n, 3).
        centres: The same; (m, 3).
        before: The window of a centre at row r starts at r - before; the same for columns.
        after: It ends at r + after, inclusive.

    Returns:
        bool (n,).
    """
    inside = np.zeros(len(targets), bool)
    for mine, (row, col), (crow, ccol) in _by_tile(targets, centres):
        # A target at s is inside the window of a centre at t when t lies in [s - after, s + before]; counting
        # centres in that box is four look-ups in a summed-area table over the box that holds all centres.
        top, left = crow.min(), ccol.min()
        height, width = int(crow.max() - top) + 1, int(ccol.max() - left) + 1
        table = np.zeros((height + 1, width + 1), np.int64)
        table[1:, 1:][crow - top, ccol - left] = 1
        table = table.cumsum(0).cumsum(1)
        r0, r1 = np.clip(row - top - after, 0, height), np.clip(row - top + before + 1, 0, height)
        c0, c1 = np.clip(col - left - after, 0, width), np.clip(col - left + before + 1, 0, width)
        inside[mine] = table[r1, c1] - table[r0, c1] - table[r1, c0] + table[r0, c0] > 0
    return inside


def windows_overlap(
    targets: NDArray[np.int32], centres: NDArray[np.int32], before: int, after: int
) -> NDArray[np.bool_]:
    """Whether the window of each target shares at least one pixel with the window of some centre; bool (n,)."""
    return inside_windows(targets, centres, before + after, before + after)


def clear_of_training(split: "Split", positions: NDArray[np.int32], before: int, after: int) -> NDArray[np.bool_]:
    """Whether the window of each pixel shares no pixel with the window of any training pixel.

    For the second row of scores of an `official` split: its test pixels without those that overlap.

    Args:
        split: The split.
        positions: Tile index, row, column; (n, 3).
        before: Pixels of the window before its centre.
        after: Pixels after it.

    Returns:
        bool (n,).
    """
    return ~windows_overlap(positions, split.train.positions, before, after)


def nominal_window(patch_size: int) -> tuple[int, int]:
    """Pixels before and after the centre of a patch; the anchor is at (patch_size - 1) // 2."""
    return (patch_size - 1) // 2, patch_size // 2


def is_receptive_field(value: Any) -> bool:
    """Whether it is two whole numbers from 0: pixels before and after a centre."""
    return (
        isinstance(value, tuple | list)
        and len(value) == 2
        and all(isinstance(part, int) and not isinstance(part, bool) and part >= 0 for part in value)
    )


_Points = tuple[NDArray[np.int64], NDArray[np.int64]]


def _by_tile(
    targets: NDArray[np.int32], centres: NDArray[np.int32]
) -> Iterator[tuple[NDArray[np.int64], _Points, _Points]]:
    for (mine, target_points), (_, centre_points) in zip(*_same_tiles(targets, centres), strict=True):
        yield mine, target_points, centre_points


def _same_tiles(*sets: NDArray[np.int32]) -> Sequence[list[tuple[NDArray[np.int64], _Points]]]:
    """Each set of positions tile by tile, only the tiles that all of them have, in one order."""
    ordered = [np.argsort(points[:, 0], kind="stable") for points in sets]
    tiles = set.intersection(*(set(np.unique(points[:, 0]).tolist()) for points in sets))
    result = []
    for points, order in zip(sets, ordered, strict=True):
        sorted_tiles = points[order, 0]
        parts = []
        for tile in sorted(tiles):
            mine = order[slice(*np.searchsorted(sorted_tiles, [tile, tile + 1]))]
            parts.append((mine, (points[mine, 1].astype(np.int64), points[mine, 2].astype(np.int64))))
        result.append(parts)
    return result
