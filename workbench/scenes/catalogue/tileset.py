"""A tile set becomes a collection: one tile in memory at a time, one schema for all, each in its own CRS and size."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes.align import AlignmentReport, AlignmentRow, Measured, alignment_row
from workbench.scenes.catalogue.entry import CatalogueEntry, Progress
from workbench.scenes.catalogue.tiles import TileFiles, overlap_groups
from workbench.scenes.classes import ClassTable
from workbench.scenes.draft import SPLIT_CODES, ArrayLike, TileDraft
from workbench.scenes.grid import Grid
from workbench.scenes.layers import describe_label_layer
from workbench.scenes.modality import ModalityInfo, Quantity, storable_nodata
from workbench.scenes.readers import Raster, open_raster
from workbench.scenes.shift import Kept, ShiftMeter
from workbench.scenes.store import scene_path, write_scene

if TYPE_CHECKING:
    from workbench.scenes.scene import Collection, Scene

STRIP = 128
"""Rows of a label raster that are looked up at a time."""
BLOCK_CACHE = 64 * 2**20
"""Bytes of decoded blocks that GDAL keeps."""


@dataclass(frozen=True)
class TileModality:
    """What one raster of every tile is.

    Args:
        part: Which file of a tile holds it.
        bands: Bands that the file must have; None where that differs from tile to tile.
        keep: Bands that are stored, counted from 0; None for all.
        dtype: Type to store, where files differ in it; no-data becomes NaN then. None keeps the file's own.
        quantity: What the physical values are.
        unit: Their unit.
        scale: Factor from stored to physical values; None takes the file's own.
        band_names: One per stored band.
        wavelengths: Band centres in nm, where documented.
        fwhm: Band widths in nm, where documented.
        note: What the alignment report says of it.
    """

    part: str
    bands: int | None = None
    keep: tuple[int, ...] | None = None
    dtype: str | None = None
    quantity: Quantity = "unknown"
    unit: str = ""
    scale: float | None = None
    band_names: tuple[str, ...] | None = None
    wavelengths: tuple[float, ...] | None = None
    fwhm: tuple[float, ...] | None = None
    note: str = ""

    def describe(self, name: str, raster: Raster, tile: TileFiles) -> tuple[ArrayLike, ModalityInfo]:
        """Pixels as they are stored, and their description.

        Raises:
            WorkbenchError: The file has another number of bands.
        """
        found, least = raster.pixels.shape[0], 1 + max(self.keep or (0,))
        if (self.bands is not None and found != self.bands) or found < least:
            raise WorkbenchError(
                f"While importing tile {tile.name!r}: {tile.files[self.part]} has {found} bands, and "
                f"{self.bands or f'at least {least}'} were expected. Is it the {self.part} raster of this set?"
            )
        pixels = _Stored(raster.pixels, self.keep, self.dtype, raster.nodata)
        facts: dict[str, Any] = {
            "quantity": self.quantity,
            "unit": self.unit,
            "scale": raster.scale if self.scale is None else self.scale,
            "offset": raster.offset if self.scale is None else 0.0,
            "nodata": None if self.dtype else storable_nodata(raster.nodata, pixels.dtype),
            "band_names": self.band_names,
            "wavelengths": self.wavelengths,
            "fwhm": self.fwhm,
        }
        return pixels, ModalityInfo.of(name, pixels, **facts)


@dataclass(frozen=True)
class Labels:
    """What a set's label files say of one tile.

    Args:
        plane: Class values (y, x), None without labels.
        layers: Further label layers (y, x) by name.
    """

    plane: NDArray[np.uint8] | None
    layers: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)


ReadLabels = Callable[[TileFiles, Mapping[str, Raster]], Labels]
Adjust = Callable[[TileFiles, dict[str, Raster]], tuple[dict[str, Raster], Sequence[str]]]
"""Mends the rasters of a tile, and says in sentences what it did."""


def import_tiles(
    entry: CatalogueEntry,
    tiles: Sequence[TileFiles],
    modalities: Mapping[str, TileModality],
    labels: ReadLabels,
    classes: ClassTable,
    replace: bool = False,
    progress: Progress | None = None,
    notes: Sequence[str] = (),
    attrs: Mapping[str, Any] | None = None,
    layer_classes: Mapping[str, ClassTable] | None = None,
    layer_attrs: Mapping[str, Mapping[str, Any]] | None = None,
    adjust: Adjust | None = None,
) -> "Scene | Collection":
    """Store a tile set under the data root, tile by tile.

    Tiles that share ground are one split group; the side that a tile stands on is the split ``official`` of its
    labelled pixels.

    Args:
        entry: The catalogue's entry, whose name the collection gets.
        tiles: The files of each tile.
        modalities: What the rasters are; the first one's grid is the tile's.
        labels: Reads the labels of a tile.
        classes: The class table.
        replace: Whether an imported collection may be replaced.
        progress: Called with what is being done and the share done.
        notes: Sentences for the alignment report.
        attrs: More to keep with the collection.
        layer_classes: Class table of each further label layer.
        layer_attrs: What is said of each, in place of the collection's own.
        adjust: Mends the rasters of a tile before they are described.

    Returns:
        The collection; a scene where there is one tile only.

    Raises:
        WorkbenchError: A file is damaged or unfit, the rasters of a tile do not share a grid, or tiles differ in more
            than size and CRS. Nothing is left half-written.
    """
    grids = {}
    for tile in tiles:
        with ExitStack() as files:
            grids[tile.name] = _tile_grid(_open(tile, modalities, files), modalities)
    groups = overlap_groups(grids)
    rows = {name: _RowSummary() for name in modalities}
    meter = ShiftMeter()
    told, kept = list(notes), dict[str, dict[str, Any]]()
    done = 0

    def drafts() -> Iterator[TileDraft]:
        nonlocal done
        for tile in tiles:
            with ExitStack() as files:
                rasters = {part: files.enter_context(open_raster(path)) for part, path in tile.files.items()}
                grid = grids[tile.name]
                for part, raster in rasters.items():
                    _check_grid(tile, part, raster.grid, grid)
                if adjust is not None:
                    rasters, remarks = adjust(tile, rasters)
                    told.extend(remarks)
                pixels = {name: kind.describe(name, rasters[kind.part], tile) for name, kind in modalities.items()}
                measured = {name: (Measured(values, info), info) for name, (values, info) in pixels.items()}
                looked = {name: (Kept(read, info), info) for name, (read, info) in measured.items()}
                found = labels(tile, rasters)
                splits = {}
                if found.plane is not None and tile.side:
                    splits["official"] = np.where(found.plane > 0, np.uint8(SPLIT_CODES[tile.side]), np.uint8(0))
                for layer, plane in found.layers.items() if tile.side else ():
                    splits[f"official@{layer}"] = np.where(
                        np.asarray(plane) > 0, np.uint8(SPLIT_CODES[tile.side]), np.uint8(0)
                    )
                draft = TileDraft(
                    tile.name, looked, found.plane, grid.transform, grid.crs, groups[tile.name],
                    splits=splits, layers=found.layers,
                )  # fmt: skip
                del found, splits
                yield draft
                # the writer holds the draft until the next is there: two tiles' planes would be in memory
                draft.labels, draft.splits, draft.layers = None, {}, {}
                meter.add({name: crop.plane for name, (crop, _) in looked.items()})
                for name, (read, _) in measured.items():
                    kind = modalities[name]
                    rows[name].add(alignment_row(name, rasters[kind.part].grid, grid, read, kind.note))
            if tile.side:
                kept[tile.name] = {"side": tile.side}
            done += 1

    def attributes() -> dict[str, Any]:
        report = AlignmentReport(
            grid=_grids_in_words(grids),
            rows=tuple(row.result() for row in rows.values()),
            notes=tuple(told),
            shifts=meter.shifts(),
        )
        return {
            "description": entry.description,
            "licence": entry.licence,
            "citation": entry.citation,
            "alignment": report.model_dump(mode="json"),
            **({"tiles": kept} if kept else {}),
            **(attrs or {}),
        }

    def shown(what: str, share: float) -> None:
        if progress is not None:
            progress(f"{what} ({done + 1} of {len(tiles)})", min((done + share) / len(tiles), 1.0))

    with _small_block_cache():
        stored = write_scene(scene_path(entry.name), drafts(), classes, attributes, replace, shown, layer_classes)
    for name, words in (layer_attrs or {}).items():
        stored = describe_label_layer(stored, name, words)
    if progress is not None:
        progress("storing tiles", 1.0)
    return stored


def look_up(raster: Raster, table: Mapping[int, int], file: Any, band: int = 0) -> NDArray[np.uint8]:
    """Translate a raster of label numbers to class values, strip by strip.

    Args:
        raster: The label raster.
        table: Class value by number in the file; 0 is unlabelled. The file's no-data is unlabelled as well.
        file: Its path, for error messages.
        band: The band that holds the numbers.

    Returns:
        Class values (y, x).

    Raises:
        WorkbenchError: A number is not in the table.
    """
    numbers = np.array(sorted(table), np.int64)
    values = np.array([table[number] for number in numbers.tolist()], np.uint8)
    rows, cols = raster.grid.shape
    plane = np.zeros((rows, cols), np.uint8)
    for start in range(0, rows, STRIP):
        strip = slice(start, min(start + STRIP, rows))
        found = np.asarray(raster.pixels[:, strip, slice(0, cols)])[band]
        empty = ~np.isfinite(found) if found.dtype.kind == "f" else np.zeros(found.shape, bool)
        if raster.nodata is not None and int(raster.nodata) not in table:
            empty |= found == raster.nodata
        index = np.searchsorted(numbers, np.where(empty, numbers[0], found)).clip(0, len(numbers) - 1)
        wrong = ~empty & (numbers[index] != found)
        if wrong.any():
            row, col = (int(places[0]) for places in np.nonzero(wrong))
            raise WorkbenchError(
                f"While reading the labels {file}: the number {found[row, col]:g} at row {start + row}, column {col} is "
                f"no class of this set (known: {', '.join(str(number) for number in numbers)}; {int(wrong.sum())} such "
                "pixels in these rows). Is it the label file of this set?"
            )
        plane[strip] = np.where(empty, 0, values[index])
    return plane


class _Stored:
    """Some bands of a raster, in another type where wished."""

    def __init__(
        self, pixels: ArrayLike, keep: tuple[int, ...] | None, dtype: str | None, nodata: float | None
    ) -> None:
        self._pixels, self._keep, self._nodata = pixels, keep, nodata if dtype else None
        self.dtype: np.dtype[Any] = np.dtype(dtype or pixels.dtype)
        self.shape: tuple[int, ...] = (len(keep) if keep else pixels.shape[0], *pixels.shape[1:])

    def __getitem__(self, key: Any) -> NDArray[Any]:
        values = np.asarray(self._pixels[key])
        if self._keep:
            values = values[list(self._keep)]
        kept = values.astype(self.dtype, copy=False)
        if self._nodata is not None:
            kept = np.where(values == self._nodata, np.nan, kept).astype(self.dtype)
        return kept


class _RowSummary:
    """One alignment row for the same raster of all tiles: the worst overlap, the mean shares."""

    def __init__(self) -> None:
        self._first: AlignmentRow | None = None
        self._overlap: float | None = None
        self._sums = np.zeros(2)
        self._count = 0
        self._shapes: set[tuple[int, int]] = set()
        self._systems: set[str] = set()

    def add(self, row: AlignmentRow) -> None:
        """Take the row of one tile."""
        self._first = self._first or row
        if row.overlap is not None:
            self._overlap = row.overlap if self._overlap is None else min(self._overlap, row.overlap)
        self._sums += (row.nodata_share, row.nan_share)
        self._count += 1
        self._shapes.add(row.shape)
        self._systems.add(row.crs)

    def result(self) -> AlignmentRow:
        """The row of the set."""
        assert self._first is not None
        nodata, nan = self._sums / self._count
        note = self._first.note if len(self._shapes) == 1 else f"tiles of {len(self._shapes)} sizes; {self._first.note}"
        system = self._first.crs if len(self._systems) == 1 else f"{len(self._systems)} systems"
        return self._first.model_copy(
            update={
                "crs": system, "overlap": self._overlap, "nodata_share": float(nodata), "nan_share": float(nan),
                "note": note.rstrip("; "),
            }
        )  # fmt: skip


@contextmanager
def _small_block_cache() -> Iterator[None]:
    """Keep GDAL from filling a twentieth of the memory with blocks of files that are read once."""
    import rasterio
    from rasterio.env import get_gdal_config, set_gdal_config

    with rasterio.Env():
        before = get_gdal_config("GDAL_CACHEMAX")
        try:
            with rasterio.Env(GDAL_CACHEMAX=BLOCK_CACHE):
                yield
        finally:
            set_gdal_config("GDAL_CACHEMAX", before)


def _open(tile: TileFiles, modalities: Mapping[str, TileModality], files: ExitStack) -> dict[str, Raster]:
    return {name: files.enter_context(open_raster(tile.files[kind.part])) for name, kind in modalities.items()}


def _tile_grid(rasters: Mapping[str, Raster], modalities: Mapping[str, TileModality]) -> Grid:
    """The first raster's grid; its georeference from the first that has one, where the sizes agree."""
    grids = [rasters[name].grid for name in modalities]
    placed = [grid for grid in grids if grid.transform is not None and grid.shape == grids[0].shape]
    return next((grid for grid in placed if grid.crs is not None), next(iter(placed), grids[0]))


def _check_grid(tile: TileFiles, part: str, grid: Grid, expected: Grid) -> None:
    """Refuse a raster on another grid; one without CRS, as world files leave it, is taken to share the tile's."""
    compared = replace(grid, crs=expected.crs) if grid.crs is None else grid
    if differ := compared.differences(expected):
        raise WorkbenchError(
            f"While importing tile {tile.name!r}: {tile.files[part]} differs from the tile's grid in {', '.join(differ)}:"
            f"\n  tile: {expected}\n  {part}: {grid}\nIs it the file of another tile?"
        )


def _grids_in_words(grids: Mapping[str, Grid]) -> str:
    name, first = next(iter(grids.items()))
    sizes = Counter(f"{rows} x {cols}" for rows, cols in (grid.shape for grid in grids.values()))
    systems = Counter(grid.crs_name for grid in grids.values())
    told = [f"{len(grids)} tiles, such as {name}: {first}"]
    if len(sizes) > 1:
        told.append("sizes " + ", ".join(f"{size} ({many})" for size, many in sizes.most_common(10)))
    if len(systems) > 1:
        told.append("CRS " + ", ".join(f"{system} ({many})" for system, many in systems.most_common(10)))
    return "; ".join(told)
