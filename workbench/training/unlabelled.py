"""Which pixels may train without their labels: those with data, clear of test and validation pixels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.base.errors import WorkbenchError
from workbench.models.pixels import PixelTable
from workbench.splits import Split


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """Pixels that train without their labels, and those that may not.

    Attributes:
        positions: int32 `(n, 3)`: tile, row, column; training pixels are among them.
        reach: Pixels (Chebyshev) from a test or validation pixel up to which a pixel is left out.
        left_out: Pixels by the reason why they are left out, each counted once.
        seeing_test: Share of the positions whose window in the trained view holds a test pixel; zero in the patch
            view. Such a pixel's bands are seen, never its label.
    """

    positions: NDArray[np.int32]
    reach: int
    left_out: dict[str, int]
    seeing_test: float

    def to_dict(self) -> dict[str, Any]:
        """The counts as JSON types."""
        return {
            "pixels": len(self.positions),
            "reach": self.reach,
            "left_out": self.left_out,
            "seeing_test_share": self.seeing_test,
        }


def unlabelled_pixels(table: PixelTable, split: Split, window: int) -> Unlabelled:
    """All pixels of a scene that may train without their labels.

    Left out are pixels without data in some modality; tiles of groups that hold test or validation pixels and no
    training pixel, as a whole; and pixels at most `split.patch_size - 1` from a test or validation pixel of their tile, so
    that no two nominal windows share a pixel. That is the buffer of the splits, and like it does not follow the wider
    view of the dense networks: how often that holds a test pixel is counted.

    Args:
        table: The scene.
        split: The split; its tiles are those of the table.
        window: Side of the windows that train, pixels.

    Raises:
        WorkbenchError: No pixel is left.
    """
    reach = split.patch_size - 1
    held_out = np.concatenate([split.test.positions, split.validation.positions])
    units = np.array([tile.unit for tile in split.tiles])
    apart = np.isin(units, units[held_out[:, 0]]) & ~np.isin(units, units[split.train.positions[:, 0]])
    valid, first = table.valid.cpu().numpy(), table.offsets.cpu().numpy()
    left_out = dict.fromkeys(("without_data", "in_test_or_validation_tiles", "near_test_or_validation"), 0)
    found, seeing = [], 0
    for number, tile in enumerate(split.tiles):
        rows, cols = tile.shape
        free = valid[first[number] : first[number] + rows * cols].reshape(rows, cols).copy()
        left_out["without_data"] += int((~free).sum())
        if apart[number]:
            left_out["in_test_or_validation_tiles"] += int(free.sum())
            continue
        near = _windows_that_hold(held_out, number, tile.shape, 2 * reach + 1)
        left_out["near_test_or_validation"] += int((free & near).sum())
        free &= ~near
        seeing += int((free & _windows_that_hold(split.test.positions, number, tile.shape, window)).sum())
        row, col = np.nonzero(free)
        found.append(np.column_stack([np.full(row.size, number), row, col]).astype(np.int32))
    positions = np.concatenate([np.empty((0, 3), np.int32), *found])
    if not len(positions):
        counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in left_out.items())
        raise WorkbenchError(
            f"No pixel is left to train without its label: {counts} (at most {reach} pixels away). Take a split whose "
            "test pixels lie together, such as by the protocol 'blocks', or set unlabelled=none."
        )
    return Unlabelled(positions, reach, left_out, seeing / len(positions))


def _windows_that_hold(positions: NDArray[np.int32], tile: int, shape: tuple[int, int], size: int) -> NDArray[np.bool_]:
    """Where a window of `size` pixels, centred as training windows are, holds one of the positions; bool `shape`."""
    mask = np.zeros(shape, bool)
    mine = positions[positions[:, 0] == tile]
    mask[mine[:, 1], mine[:, 2]] = True
    return np.asarray(ndimage.maximum_filter(mask, size, mode="constant")) if len(mine) else mask
