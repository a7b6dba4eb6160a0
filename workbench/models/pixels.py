"""The pixels of a scene on the device, once, and the windows that are gathered from them there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.base.errors import WorkbenchError
from workbench.models.scaling import BandScaling, Scaling
from workbench.scenes import Collection, Scene

Roles = Mapping[str, tuple[str, ...]]
"""The modalities that play each role, stacked in order."""

STRIP = 64  # rows read at once, side of a chunk


@dataclass(frozen=True)
class PixelTable:
    """All pixels of all tiles as rows of one tensor per modality; the last row is zero and stands for 'outside'.

    A window is a gather of rows, so neither padding nor patches are ever stored: memory is that of the scene. Rows
    hold all bands of a pixel, so that a gathered window is channels-last, which convolutions prefer.

    Attributes:
        bands: Per modality, float32 `(P + 1, C)`, scaled; pixels without data are zero.
        valid: bool `(P,)`: every band of every modality has data there.
        offsets: int64 `(T,)`: first row of each tile.
        heights: int64 `(T,)`: rows of pixels of each tile.
        widths: int64 `(T,)`: columns of pixels of each tile.
        roles: The modalities of each role.
        scaling: What was applied.
    """

    bands: dict[str, Tensor]
    valid: Tensor
    offsets: Tensor
    heights: Tensor
    widths: Tensor
    roles: Roles
    scaling: Scaling

    @property
    def device(self) -> torch.device:
        """Where the pixels are."""
        return self.valid.device

    def row_of(self, positions: Tensor) -> Tensor:
        """Table rows of positions int64 `(n, 3)` (tile, row, column)."""
        tile = positions[:, 0]
        return self.offsets[tile] + positions[:, 1] * self.widths[tile] + positions[:, 2]

    def window_rows(self, corners: Tensor, grid: Tensor) -> Tensor:
        """Table rows of windows.

        Args:
            corners: int64 `(B, 3)`: tile, row and column that `grid` counts from; may lie outside the tile.
            grid: int64 `(h, w, 2)` or `(B, h, w, 2)`: row and column offsets.

        Returns:
            int64 `(B, h, w)`; the last row of the table where the window leaves the tile.
        """
        shape = (-1, 1, 1)
        tile = corners[:, 0]
        rows = corners[:, 1].view(shape) + grid[..., 0]
        cols = corners[:, 2].view(shape) + grid[..., 1]
        heights, widths = self.heights[tile].view(shape), self.widths[tile].view(shape)
        inside = (rows >= 0) & (rows < heights) & (cols >= 0) & (cols < widths)
        found = self.offsets[tile].view(shape) + rows * widths + cols
        return torch.where(inside, found, self.valid.numel())

    @cached_property
    def blanks(self) -> dict[str, Tensor]:
        """What stands in for each modality that is blanked: its training mean as networks see it, float32 `(C,)`."""
        return {name: torch.from_numpy(self.scaling[name].blank).to(self.device) for name in self.bands}

    def blanked(self, names: Sequence[str]) -> "PixelTable":
        """The same pixels with modalities at their training mean; which pixels are valid stays as it is."""
        bands = dict(self.bands)
        for name in names:
            bands[name] = self.bands[name].clone()
            bands[name][:-1] = self.blanks[name]
        return replace(self, bands=bands)

    def gather(self, rows: Tensor, blanked: Tensor | None = None) -> dict[str, Tensor]:
        """Model input of windows: per role float32 `(B, C, h, w)`, channels-last in memory.

        Args:
            rows: int64 `(B, h, w)`, see `window_rows`.
            blanked: int64 `(B,)`: number of the modality in `bands` that is blanked in each window, -1 for none. All of
                the window that lies in the scene gets the modality's training mean, in every role that it plays, also
                where it has no data: nothing of it shows. What lies outside stays zero.
        """
        count, height, width = rows.shape
        flat = rows.reshape(-1)
        per_modality = {
            name: values.index_select(0, flat).view(count, height, width, -1) for name, values in self.bands.items()
        }
        if blanked is not None:
            inside = (rows < self.valid.numel())[..., None]
            for number, (name, values) in enumerate(per_modality.items()):
                gone = (blanked == number).view(-1, 1, 1, 1) & inside
                per_modality[name] = torch.where(gone, self.blanks[name], values)
        return {
            role: (
                per_modality[names[0]] if len(names) == 1 else torch.cat([per_modality[name] for name in names], -1)
            ).permute(0, 3, 1, 2)
            for role, names in self.roles.items()
        }


def region_table(
    arrays: Mapping[str, NDArray[np.float32]], roles: Roles, scaling: Scaling, device: torch.device | str
) -> PixelTable:
    """A table of one region held in memory, for streaming over scenes of any size.

    Args:
        arrays: Per modality float32 `(bands, rows, cols)` in physical units, NaN where there is no data. A modality of
            `roles` that is not there stands at its training mean.
        roles: The modalities of each role.
        scaling: The run's scaling.
        device: Where to compute.
    """
    height, width = next(iter(arrays.values())).shape[1:]
    total = height * width
    bands, valid = {}, torch.ones(total, dtype=torch.bool)
    for name, array in arrays.items():
        values = torch.zeros((total + 1, len(array)))
        values[:total] = torch.from_numpy(array.reshape(len(array), -1)).T
        _scale(values[:total], valid, scaling[name])
        bands[name] = values.to(device)
    for name in modalities_of(roles):
        if name not in bands:
            bands[name] = _mean_everywhere(scaling[name], total).to(device)
    geometry = torch.tensor([[0], [height], [width]], dtype=torch.int64, device=device)
    return PixelTable(bands, valid.to(device), geometry[0], geometry[1], geometry[2], dict(roles), dict(scaling))


def modalities_of(roles: Roles) -> list[str]:
    """Each modality once, by name."""
    return sorted({name for played in roles.values() for name in played})


def _mean_everywhere(scaling: BandScaling, total: int) -> Tensor:
    """Rows `(total + 1, bands)` of a modality that is not there; the last one, which lies outside, stays zero."""
    values = torch.from_numpy(scaling.blank).expand(total + 1, -1).clone()
    values[total] = 0.0
    return values


def _scale(pixels: Tensor, valid: Tensor, scaling: BandScaling) -> None:
    """Scale pixels `(n, bands)` in place, in pieces so that no second copy arises; no data becomes zero."""
    shift, span = torch.from_numpy(scaling.shift), torch.from_numpy(scaling.span)
    for start in range(0, len(pixels), 1 << 13):
        piece, flags = pixels[start : start + (1 << 13)], valid[start : start + (1 << 13)]
        piece.sub_(shift).div_(span)
        flags &= torch.isfinite(piece).all(dim=1)
        piece.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)


def square(before: int, size: int) -> Tensor:
    """Offsets `(size, size, 2)` of a square window that starts `before` pixels up and left."""
    line = torch.arange(size) - before
    return torch.stack(torch.meshgrid(line, line, indexing="ij"), -1)


def load_pixels(
    scene: Scene | Collection,
    roles: Roles,
    device: torch.device | str = "cpu",
    scaling: Scaling | None = None,
    fit: tuple[str, NDArray[np.int32] | None] = ("standard", None),
    training: NDArray[np.int32] | None = None,
    absent: Sequence[str] = (),
) -> PixelTable:
    """Read a scene onto a device, strip by strip, and scale it in place.

    Args:
        scene: A scene or collection.
        roles: The modalities of each role.
        device: Where the pixels shall live.
        scaling: The scaling to apply; None fits one.
        fit: Method (`minmax`, `standard`) and positions int32 `(n, 3)` to fit on; None means every pixel.
        training: Positions int32 `(m, 3)` whose mean is kept; None takes those of `fit`.
        absent: Modalities that are not read, with `scaling` only: their training mean stands everywhere, and which
            pixels are valid does not hang on them.

    Raises:
        WorkbenchError: A modality is missing, or nothing can be fitted on.
    """
    tiles: Sequence[Scene] = scene.scenes
    heights = np.array([tile.shape[0] for tile in tiles])
    widths = np.array([tile.shape[1] for tile in tiles])
    offsets = np.concatenate([[0], np.cumsum(heights * widths)])
    total = int(offsets[-1])
    device = torch.device(device)
    bands, valid, used = {}, torch.ones(total, dtype=torch.bool), {}
    for name in modalities_of(roles):
        if scaling is not None and name in absent:
            used[name] = scaling[name]
            bands[name] = _mean_everywhere(used[name], total).to(device)
            continue
        if name not in scene.modalities:
            raise WorkbenchError(
                f"Scene {scene.name!r} has no modality {name!r}; it has {', '.join(scene.modalities)}. "
                "Say which of these plays each role."
            )
        values = torch.empty((total + 1, scene.info(name).bands))
        values[total] = 0.0
        for tile, offset, width in zip(tiles, offsets, widths, strict=False):
            image = values[offset : offset + tile.shape[0] * width].view(tile.shape[0], width, -1).numpy()
            for top in range(0, tile.shape[0], STRIP):
                for left in range(0, width, STRIP):
                    rows, cols = slice(top, min(top + STRIP, tile.shape[0])), slice(left, min(left + STRIP, width))
                    image[rows, cols] = np.moveaxis(tile.read(name, rows, cols), 0, -1)  # NaN where no data
        pixels = values[:total]
        if scaling is None:
            method, positions = fit
            chosen = pixels.numpy() if positions is None else pixels.numpy()[_rows(positions, offsets, widths)]
            typical = None if training is None else pixels.numpy()[_rows(training, offsets, widths)]
            try:
                used[name] = BandScaling.fit(chosen, method, typical)  # type: ignore[arg-type]
            except WorkbenchError as error:
                raise WorkbenchError(f"While scaling {name!r} of scene {scene.name!r}: {error}") from error
        else:
            used[name] = scaling[name]
        _scale(pixels, valid, used[name])
        bands[name] = values.to(device)
        del values, pixels
    geometry = torch.as_tensor(np.stack([offsets[:-1], heights, widths]), dtype=torch.int64, device=device)
    return PixelTable(bands, valid.to(device), geometry[0], geometry[1], geometry[2], dict(roles), used)


def _rows(positions: NDArray[np.int32], offsets: NDArray[np.int64], widths: NDArray[np.int64]) -> NDArray[np.int64]:
    tile = positions[:, 0]
    return np.asarray(offsets[tile] + positions[:, 1].astype(np.int64) * widths[tile] + positions[:, 2])


def valid_positions(table: PixelTable, positions: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which positions `(n, 3)` have data in every band."""
    rows = table.row_of(torch.from_numpy(positions.astype(np.int64)).to(table.device))
    return np.asarray(table.valid[rows].cpu().numpy())
