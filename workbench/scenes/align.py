"""Alignment: whether rasters share a grid, and the report of what was found."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from workbench.base.config import StrictModel
from workbench.base.errors import WorkbenchError
from workbench.scenes.draft import ArrayLike
from workbench.scenes.grid import Grid, footprint_overlap
from workbench.scenes.modality import ModalityInfo
from workbench.scenes.shift import ModalityShift


class AlignmentRow(StrictModel):
    """What was found of one modality or of the labels.

    Attributes:
        name: The modality, or ``labels``.
        crs: Short name of the file's CRS, ``none`` where it has none.
        resolution: Pixel width and height of the file in map units, None where not georeferenced.
        shape: Rows and columns of the file.
        overlap: Share of the scene's area that the file covers, None where not georeferenced.
        nodata_share: Share of stored values that are no-data, 0 to 1.
        nan_share: Share of stored values that are NaN or infinite in the file, 0 to 1.
        note: What was done with it: how it was resampled or matched.
    """

    name: str
    crs: str
    resolution: tuple[float, float] | None
    shape: tuple[int, int]
    overlap: float | None
    nodata_share: float
    nan_share: float
    note: str = ""


class AlignmentReport(StrictModel):
    """How the rasters of a scene lie on each other; ``str`` gives a table.

    Attributes:
        grid: The scene's grid in words.
        rows: One per modality, then the labels.
        notes: What else a reader must know, such as counts of polygons.
        shifts: How far modalities lie from each other, as their edges tell.
    """

    grid: str
    rows: tuple[AlignmentRow, ...]
    notes: tuple[str, ...] = ()
    shifts: tuple[ModalityShift, ...] = ()

    @classmethod
    def of(cls, scene: Any) -> Self | None:
        """The report stored with a scene or collection, None where it was not imported from files."""
        stored = scene.attrs.get("alignment")
        if stored is None:
            return None
        import json

        return cls.model_validate_json(json.dumps(stored))

    def table(self) -> list[dict[str, str]]:
        """The rows as text, one dict of column to text each."""
        return [
            {
                "raster": row.name,
                "CRS": row.crs,
                "resolution": "-" if row.resolution is None else f"{row.resolution[0]:g} x {row.resolution[1]:g}",
                "size": f"{row.shape[0]} x {row.shape[1]}",
                "overlap": "-" if row.overlap is None else _percent(row.overlap),
                "no-data": _percent(row.nodata_share),
                "NaN": _percent(row.nan_share),
                "note": row.note,
            }
            for row in self.rows
        ]

    def __str__(self) -> str:
        lines = [list(self.table()[0])] + [list(line.values()) for line in self.table()]
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        text = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        ]
        return "\n".join([f"Grid: {self.grid}", *text, *map(str, self.shifts), *self.notes])


class Measured:
    """Pixels that count no-data and NaN while they are read once.

    Args:
        pixels: Stored values (band, y, x).
        info: Their description.
    """

    def __init__(self, pixels: ArrayLike, info: ModalityInfo) -> None:
        self._pixels, self._nodata = pixels, info.nodata
        self.shape: tuple[int, ...] = tuple(pixels.shape)
        self.dtype: np.dtype[Any] = np.dtype(pixels.dtype)
        self._read = self._empty = self._nan = 0
        self.valid: NDArray[np.int64] = np.zeros(self.shape[0], np.int64)
        """Values of each band that were read and are neither no-data nor NaN."""

    def __getitem__(self, key: Any) -> NDArray[Any]:
        values = np.asarray(self._pixels[key])
        per_band = values[0].size
        self._read += values.size
        self.valid += per_band
        if self._nodata is not None:
            self._empty += self._count(values == self.dtype.type(self._nodata))
        if self.dtype.kind == "f":
            self._nan += self._count(~np.isfinite(values))
        return values

    def _count(self, missing: NDArray[np.bool_]) -> int:
        counts = np.array([np.count_nonzero(band) for band in missing])  # many times faster than a sum over axes
        self.valid -= counts
        return int(counts.sum())

    @property
    def nodata_share(self) -> float:
        """Share of the values read that are no-data."""
        return self._empty / max(self._read, 1)

    @property
    def nan_share(self) -> float:
        """Share of the values read that are NaN or infinite."""
        return self._nan / max(self._read, 1)


def choose_grid(grids: Mapping[str, Grid], wanted: str | None, resample: str | None) -> tuple[Grid, set[str]]:
    """The scene's grid, and the rasters that have to be resampled to it.

    Args:
        grids: Grid of each raster, in the order given; the first is the scene's where all agree.
        wanted: Raster whose grid is the scene's, or None.
        resample: Method, or None.

    Returns:
        The grid, with the CRS and transform of the first georeferenced raster that agrees with it; and the names of
        those that differ, empty unless both `wanted` and `resample` are given.

    Raises:
        WorkbenchError: Grids differ, and not both `wanted` and `resample` are given; the message shows both grids.
    """
    if (wanted is None) != (resample is None):
        lacks = "no raster whose grid to use was named" if wanted is None else "no resampling method was named"
        raise WorkbenchError(
            f"While aligning {', '.join(grids)}: {lacks}. Name both, such as --grid {next(iter(grids))} "
            "--resample average, or neither."
        )
    first = next((name for name, grid in grids.items() if grid.transform is not None), next(iter(grids)))
    chosen = grids[first if wanted is None else wanted]
    differ = {name: found for name, grid in grids.items() if (found := grid.differences(chosen))}
    if differ and wanted is None:
        name, found = next(iter(differ.items()))
        lines = "\n".join(f"  {each}: {grid}" for each, grid in grids.items())
        advice = (
            "A raster without georeference can only be matched by its size."
            if grids[name].transform is None
            else f"Name the grid to use and how to resample to it, such as --grid {first} --resample average."
        )
        raise WorkbenchError(
            f"The grids of {first!r} and {name!r} differ in {', '.join(found)}, and nothing is resampled unasked:\n"
            f"{lines}\n{advice}"
        )
    return chosen, set(differ)


def alignment_row(name: str, file: Grid, scene: Grid, pixels: Measured | None, note: str = "") -> AlignmentRow:
    """Describe one raster of a scene; `pixels` must have been read."""
    if not note and file.transform is None and scene.transform is not None:
        note = "not georeferenced: matched by its size"
    return AlignmentRow(
        name=name,
        crs=file.crs_name,
        resolution=file.resolution,
        shape=file.shape,
        overlap=footprint_overlap(file, scene),
        nodata_share=0.0 if pixels is None else pixels.nodata_share,
        nan_share=0.0 if pixels is None else pixels.nan_share,
        note=note,
    )


def _percent(share: float) -> str:
    return "0 %" if share == 0 else "< 0.1 %" if share < 0.001 else f"{100 * share:.1f} %"
