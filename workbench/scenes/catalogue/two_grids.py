"""A scene whose labels are twice as fine as its hyperspectral image: which of the two grids it gets is said, not assumed.

On ``1m`` labels are reduced by majority (0 votes as well) and finer rasters averaged; on ``labels`` coarser rasters are
repeated (nearest neighbour), which makes four pixels of one measurement.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes.align import AlignmentReport, Measured, alignment_row
from workbench.scenes.bands import refuse_empty_bands
from workbench.scenes.catalogue.assembly import (
    attributes_of,
    describe_part,
    facts_of,
    open_any,
    open_oriented,
    read_truth,
    refuse_existing,
)
from workbench.scenes.catalogue.entry import Progress
from workbench.scenes.catalogue.finding import Found, located
from workbench.scenes.catalogue.recipe import Facts, Part, SceneEntry
from workbench.scenes.draft import ArrayLike, TileDraft
from workbench.scenes.grid import Grid, footprint_overlap
from workbench.scenes.modality import ModalityInfo
from workbench.scenes.readers import Raster
from workbench.scenes.resample import Warped, warp_labels, warped_info
from workbench.scenes.scene import Scene
from workbench.scenes.shift import Kept, import_shifts
from workbench.scenes.store import scene_path, write_scene

FINE = (0.5, 0.0, 1000.0, 0.0, -0.5, 1000.0)
"""Where the label grid lies as long as nobody knows: only its pixel size matters then.

Not at the origin: GDAL takes pixels of 1 x 1 from there for a raster without georeference.
"""


def make_scene(
    entry: SceneEntry, source: Path, replace: bool = False, progress: Progress | None = None, grid: str | None = None
) -> Scene:
    """Import Houston 2018.

    Args:
        entry: What is known of it.
        source: A folder or archive that holds one of its packagings.
        replace: Whether the scene may be replaced.
        progress: Called with what is being done and the share done.
        grid: ``1m``, ``labels`` (0.5 m), or None for that of the packaging's hyperspectral image.

    Raises:
        WorkbenchError: No packaging is there, its rasters do not cover the labels, or its facts are contradicted.
    """
    refuse_existing(entry, replace)
    facts = facts_of(entry)
    with located(entry, source, progress) as found, ExitStack() as files:
        fine, placed = _label_grid(found, facts)
        chosen = grid or ("1m" if placed else "labels")
        target = fine if chosen == "labels" else _halved(fine)
        labels, splits, notes = read_truth(found, facts)
        planes: Mapping[str, NDArray[np.uint8]] = splits
        stored_labels: NDArray[Any] = labels
        if chosen == "1m":
            stored_labels, planes = warp_labels(labels, fine, target), {}
            lost = ", so the packaging's split, which is of 0.5 m pixels, is left out" if splits else ""
            notes.append(f"Labels were reduced from 0.5 m to 1 m by majority, 0 votes as well{lost}.")
        pixels: dict[str, tuple[Measured, ModalityInfo]] = {}
        kept: dict[str, Kept] = {}
        resampled: dict[str, tuple[ArrayLike, ModalityInfo, Grid]] = {}
        grids: dict[str, Grid] = {}
        told: dict[str, str] = {}
        for name, part in found.recipe.parts.items():
            raster, turned = _open(files, found, part, name, facts, placed)
            values, info, doubt = describe_part(found, part, name, facts.sensors[name], raster)
            grids[name] = raster.grid if placed else fine
            as_found = (values, info, grids[name])
            values, info, how = on_grid(*as_found, target)
            resampled |= {name: as_found} if isinstance(values, Warped) else {}
            kept[name] = Kept(values, info)
            pixels[name], told[name] = (Measured(kept[name], info), info), "; ".join(filter(None, (turned, how)))
            notes += [doubt] if doubt else []
        notes.append(f"Grid: {chosen}. Papers differ in it.")
        place = target if placed else Grid(target.shape)

        def attributes() -> dict[str, Any]:
            for name, (values, info) in pixels.items():
                refuse_empty_bands(name, values, info)
            rows = [alignment_row(name, grids[name], target, got, told[name]) for name, (got, _) in pixels.items()]
            shifts = import_shifts(kept, resampled, target, next(iter(kept)))
            report = AlignmentReport(grid=str(place), rows=tuple(rows), notes=tuple(notes), shifts=shifts)
            return {**attributes_of(entry, found, planes, report), "grid": chosen}

        draft = TileDraft(entry.name, dict(pixels), stored_labels, place.transform, place.crs, splits=planes)
        stored = write_scene(scene_path(entry.name), [draft], facts.classes, attributes, replace, progress)
    assert isinstance(stored, Scene)  # one draft is one scene
    return stored


def on_grid(values: ArrayLike, info: ModalityInfo, grid: Grid, target: Grid) -> tuple[ArrayLike, ModalityInfo, str]:
    """A raster on the scene's grid: as it is, cut out, averaged where it is finer or repeated where it is coarser.

    Returns:
        Pixels, their description, and what was done in words.

    Raises:
        WorkbenchError: It does not cover the grid.
    """
    if not grid.differences(target):
        return values, info, ""
    covered = footprint_overlap(grid, target)
    if covered is None or covered < 0.999:
        raise WorkbenchError(
            f"While bringing {info.name!r} to the scene's grid: it covers {100 * (covered or 0):.1f} % of it.\n"
            f"  {info.name}: {grid}\n  scene: {target}\nIs it the file of this place?"
        )
    cut = _cut(grid, target)
    if cut is not None:
        return _Cut(values, *cut), info, f"cut out from row {cut[0]}, column {cut[1]}"
    coarser = (grid.resolution or (1, 1))[0] > 1.01 * (target.resolution or (1, 1))[0]
    method = "nearest" if coarser else "average"
    return Warped(values, info, grid, target, method), warped_info(info), f"resampled by {method}"


class _Cut:
    """A window of a raster.

    Args:
        pixels: The raster (band, y, x).
        row: First row.
        col: First column.
        shape: Rows and columns.
    """

    def __init__(self, pixels: ArrayLike, row: int, col: int, shape: tuple[int, int]) -> None:
        self._pixels, self._row, self._col = pixels, row, col
        self.shape: tuple[int, ...] = (pixels.shape[0], *shape)
        self.dtype: np.dtype[Any] = np.dtype(pixels.dtype)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        _, rows, cols = key
        moved = (
            slice(rows.start + self._row, rows.stop + self._row),
            slice(cols.start + self._col, cols.stop + self._col),
        )
        return np.asarray(self._pixels[(slice(None), *moved)])


def _cut(grid: Grid, target: Grid) -> tuple[int, int, tuple[int, int]] | None:
    """First row and column, and size, of `target` within `grid` where their pixels coincide, else None."""
    rows, cols = grid.places(*target.positions([0, target.shape[0]], [0, target.shape[1]]))
    row, col = round(float(rows[0])), round(float(cols[0]))
    window = slice(row, row + target.shape[0]), slice(col, col + target.shape[1])
    inside = row >= 0 and window[0].stop <= grid.shape[0] and col >= 0 and window[1].stop <= grid.shape[1]
    return (row, col, target.shape) if inside and not grid.window(*window).differences(target) else None


def _label_grid(found: Found, facts: Facts) -> tuple[Grid, bool]:
    """The grid of the labels, and whether the files say where it lies."""
    source = found.where(found.recipe.truth.labels)
    assert source is not None  # the packaging is complete
    with open_any(source) as raster:
        if raster.grid.transform is not None:
            return raster.grid, True
    return Grid(facts.shape, FINE), False


def _halved(grid: Grid) -> Grid:
    """The grid of pixels twice as wide and high."""
    a, b, c, d, e, f = grid.transform or FINE
    return Grid((grid.shape[0] // 2, grid.shape[1] // 2), (2 * a, 2 * b, c, 2 * d, 2 * e, f), grid.crs)


def _open(files: ExitStack, found: Found, part: Part, name: str, facts: Facts, placed: bool) -> tuple[Raster, str]:
    """A modality's raster: georeferenced ones may be of any size, others must be on the label grid."""
    source = found.where(part.spellings)
    assert source is not None  # the packaging is complete
    bands = facts.sensors[name].bands + part.drop_last
    if not placed:
        return open_oriented(files, source, (bands, *facts.shape), found)
    raster = files.enter_context(open_any(source))
    if raster.pixels.shape[0] != bands:
        raise WorkbenchError(
            f"While reading {source} of the {found.title}: {bands} layers were expected and {raster.pixels.shape[0]} were "
            "found. It is another file, or a packaging that is not known."
        )
    if raster.grid.transform is None:
        raise WorkbenchError(
            f"While reading {source} of the {found.title}: it is not georeferenced, so that it cannot be laid onto the "
            "labels, which are. Get the contest's own file."
        )
    return raster, ""
