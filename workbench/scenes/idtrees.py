"""The IDTReeS 2020 training data: tiles of two NEON forests with crown boxes, made into a collection."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import replace as replace_field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.base.hashing import hash_arrays
from workbench.scenes.align import AlignmentReport, AlignmentRow, Measured, alignment_row
from workbench.scenes.classes import ClassEntry, ClassTable, default_color
from workbench.scenes.draft import TileDraft
from workbench.scenes.grid import Grid
from workbench.scenes.importing import ModalitySource, describe_source
from workbench.scenes.modality import ModalityInfo
from workbench.scenes.readers import Raster, open_raster
from workbench.scenes.readers.vector import burn, read_polygons
from workbench.scenes.resample import Warped, warped_info
from workbench.scenes.scene import Collection
from workbench.scenes.shift import Kept, ShiftMeter
from workbench.scenes.store import Progress, scene_path, write_scene

if TYPE_CHECKING:
    from shapely import Polygon

NAME = "idtrees2020"
SOURCES = {
    "hsi": ModalitySource(path="HSI"),
    "lidar": ModalitySource(path="CHM", quantity="height", unit="m"),
    "rgb": ModalitySource(path="RGB", quantity="digital number"),
}
DESCRIPTION = "Tree species of two forests in the USA: tiles of hyperspectral, canopy height and RGB."
NOTE = (
    "The files document neither what the hyperspectral values are nor their wavelengths, so both stay unknown. "
    "A box around a crown holds pixels of other crowns and of ground: labels are noisy."
)


@dataclass(frozen=True)
class Crown:
    """One tree: all its boxes, and its class value, None where the field data does not name its taxon."""

    name: str
    boxes: tuple["Polygon", ...]
    value: int | None

    @property
    def area(self) -> float:
        """Area of its largest box, in square map units."""
        return max(float(box.area) for box in self.boxes)


def import_idtrees(
    folder: Path, citation: Mapping[str, str], replace: bool = False, progress: Progress | None = None
) -> Collection:
    """Import the data as the collection ``idtrees2020``.

    Tiles with equal content are kept once. Boxes of one individual are one crown; a pixel belongs to a crown if its
    centre lies in one of its boxes, on every tile that the box touches. Pixels that crowns of two taxa claim are
    unlabelled; of overlapping crowns of one taxon, the smaller keeps the pixel. Tiles that share area, an edge, a
    corner or an individual are one group. RGB (0.1 m) is averaged onto the 1 m grid.

    Args:
        folder: Holds HSI, CHM, RGB, ITC and Field, side by side or as Zenodo's archive of the training data unpacks.
        citation: More attributes to keep: licence and citation.
        replace: Whether an imported collection may be replaced.
        progress: Called with what is being done and the share done.

    Returns:
        The collection. Each tile's reference map ``crown`` holds, where labelled, the place (from 1) of the crown in
        ``attrs["crowns"]``; ``attrs["tiles"]`` holds each tile's site; ``attrs["counts"]`` what happened to the data.

    Raises:
        WorkbenchError: A file is missing or damaged, or the grids of a tile's files do not fit.
    """
    from shapely import unary_union

    folder = Path(folder).expanduser()
    rasters, tables = _unpacked(folder, str(SOURCES["hsi"].path)), _unpacked(folder, "Field")
    tiles, twins = _distinct_tiles(rasters)
    names = list(tiles)
    grids = {name: rasters["hsi"].grid for name, rasters in tiles.items()}
    classes, taxa = _taxa(tables / "Field")
    crowns, counts = _crowns(tables / "ITC", taxa)
    groups = _groups(grids, crowns)
    known = [crown for crown in crowns if crown.value is not None]
    extents = np.array([unary_union(crown.boxes).bounds for crown in known])
    rows: dict[str, list[AlignmentRow]] = defaultdict(list)
    counts |= {"tiles": len(names), "identical_tiles_dropped": len(twins), "groups": len(set(groups.values()))}
    stored, averaged = ShiftMeter(), ShiftMeter("after resampling")
    counts |= {"pixels_labelled": 0, "pixels_claimed_by_two_taxa": 0}

    def drafts() -> Iterator[TileDraft]:
        for place, name in enumerate(names):
            if progress is not None:
                progress("importing tiles", place / len(names))
            labels, crown, contested = _labels(known, extents, grids[name])
            counts["pixels_labelled"] += int((labels > 0).sum())
            counts["pixels_claimed_by_two_taxa"] += contested
            draft, looked = _draft(tiles[name], name, groups[name], labels, crown, rows)
            yield draft
            planes = {key: kept.plane for key, kept in looked.items()}
            stored.add({key: plane for key, plane in planes.items() if key != "rgb"})
            averaged.add({key: planes[key] for key in ("hsi", "rgb")})

    def attributes() -> dict[str, Any]:
        report = AlignmentReport(
            grid=f"{len(names)} tiles, such as {names[0]}: {grids[names[0]]}",
            rows=tuple(_summary(told) for told in rows.values()),
            notes=tuple(f"{what.replace('_', ' ')}: {count}" for what, count in counts.items()),
            shifts=(*stored.shifts(), *averaged.shifts()),
        )
        return {
            "description": DESCRIPTION,
            "note": NOTE,
            **citation,
            "alignment": report.model_dump(mode="json"),
            "counts": counts,
            "identical_tiles": twins,
            "tiles": {name: {"site": name.split("_")[0]} for name in names},
            "object_layer": "crown",
            "crowns": {"ids": [crown.name for crown in known], "values": [crown.value for crown in known]},
        }

    made = write_scene(scene_path(NAME), drafts(), classes, attributes, replace)
    if progress is not None:
        progress("importing tiles", 1.0)
    if not isinstance(made, Collection):
        raise WorkbenchError(f"{folder} holds one tile only; all of the training data is needed.")
    return made


def _unpacked(folder: Path, name: str) -> Path:
    """Where the folder `name` lies: in `folder`, or deeper, of training before test data."""
    if (folder / name).is_dir():
        return folder
    deeper = [path.parent for path in sorted(folder.rglob(name)) if path.is_dir()]
    return next((path for path in deeper if "train" in path.parts), next(iter(deeper), folder))


def _distinct_tiles(folder: Path) -> tuple[dict[str, dict[str, Raster]], dict[str, str]]:
    """Tiles in natural order with their rasters in memory, and names left out because another has equal content."""
    found = {path.stem for path in (folder / SOURCES["hsi"].path).glob("*.tif")}
    if not found:
        raise WorkbenchError(
            f"While importing {NAME}: {folder / SOURCES['hsi'].path} holds no tiles. Name the folder that holds "
            f"{', '.join([*(str(source.path) for source in SOURCES.values()), 'ITC', 'Field'])}."
        )
    tiles: dict[str, dict[str, Raster]] = {}
    twins: dict[str, str] = {}
    seen: dict[str, str] = {}
    for name in sorted(found, key=_natural):
        rasters = {}
        for key, source in SOURCES.items():
            with open_raster(folder / source.path / f"{name}.tif") as raster:
                rows, cols = raster.grid.shape
                whole = np.asarray(raster.pixels[:, slice(0, rows), slice(0, cols)])
                rasters[key] = replace_field(raster, pixels=whole)
        contents = {f"{key} {raster.grid}": np.asarray(raster.pixels) for key, raster in rasters.items()}
        first = seen.setdefault(hash_arrays(contents), name)
        if first == name:
            tiles[name] = rasters
        else:
            twins[name] = first
    return tiles, twins


def _taxa(folder: Path) -> tuple[ClassTable, dict[str, int]]:
    """The class table, numbered as the data's own list of taxa; and the class value of each individual."""
    import pandas as pd

    try:
        codes = pd.read_csv(folder / "taxonID_ScientificName.csv")
        field = pd.read_csv(folder / "train_data.csv")
        taxa = field[["indvdID", "taxonID"]].dropna().drop_duplicates()
        values = dict(zip(codes["taxonID"], codes["taxonCode"].astype(int), strict=True))
        entries = [
            ClassEntry(values[taxon], f"{taxon} {' '.join(name.split()[:2])}", default_color(values[taxon]))
            for taxon, name in zip(codes["taxonID"], codes["scientificName"], strict=True)
        ]
        sure = taxa[~taxa["indvdID"].duplicated(keep=False)]
        return ClassTable(entries), {row.indvdID: values[row.taxonID] for row in sure.itertuples()}
    except (OSError, KeyError, ValueError) as error:
        raise WorkbenchError(
            f"While importing {NAME}: the tables in {folder} are missing, damaged or of another kind "
            f"({type(error).__name__}: {error})."
        ) from error


def _crowns(folder: Path, values: Mapping[str, int]) -> tuple[list[Crown], dict[str, int]]:
    """Crowns by name, and counts of boxes."""
    boxes: dict[str, list[Polygon]] = defaultdict(list)
    for path in sorted(folder.glob("*.shp")):
        frame = read_polygons(path)
        for name, shape in zip(frame["indvdID"], frame.geometry, strict=True):
            boxes[str(name)].append(shape)
    if not boxes:
        raise WorkbenchError(f"While importing {NAME}: {folder} holds no crown boxes.")
    crowns = [Crown(name, tuple(shapes), values.get(name)) for name, shapes in sorted(boxes.items())]
    known = [crown for crown in crowns if crown.value is not None]
    return crowns, {
        "boxes": sum(len(crown.boxes) for crown in crowns),
        "boxes_without_taxon": sum(len(crown.boxes) for crown in crowns if crown.value is None),
        "crowns": len(known),
        "crowns_of_several_boxes": sum(len(crown.boxes) > 1 for crown in known),
        "taxa": len({crown.value for crown in known}),
    }


def _groups(grids: Mapping[str, Grid], crowns: list[Crown]) -> dict[str, str]:
    """Group of each tile, named after the first of its tiles; crowns without taxon bind tiles as well."""
    from shapely import STRtree, box

    names = list(grids)
    outlines = [box(*_bounds(grid)) for grid in grids.values()]
    tree = STRtree(outlines)
    parent = {name: name for name in names}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    def bind(places: list[int]) -> None:
        roots = sorted({root(names[place]) for place in places}, key=names.index)
        for other in roots[1:]:
            parent[other] = roots[0]

    for outline in outlines:
        bind(tree.query(outline.buffer(0.01), predicate="intersects").tolist())
    for crown in crowns:
        bind([place for shape in crown.boxes for place in tree.query(shape, predicate="intersects").tolist()])
    return {name: root(name) for name in names}


def _labels(
    crowns: list[Crown], extents: NDArray[np.float64], grid: Grid
) -> tuple[NDArray[np.uint16], NDArray[np.uint16], int]:
    """Labels, crown places (from 1), and the number of pixels that two taxa claim, of one tile.

    Args:
        crowns: All crowns of known taxon.
        extents: Their x min, y min, x max, y max, (crowns, 4).
        grid: The tile's grid.
    """
    x_min, y_min, x_max, y_max = _bounds(grid)
    near = (extents[:, 0] < x_max) & (extents[:, 2] > x_min) & (extents[:, 1] < y_max) & (extents[:, 3] > y_min)
    claimed: dict[int, NDArray[np.bool_]] = defaultdict(lambda: np.zeros(grid.shape, bool))
    places = np.zeros(grid.shape, np.uint16)
    for index in sorted(np.flatnonzero(near), key=lambda index: -crowns[index].area):
        value = crowns[index].value
        if value is not None:
            inside = burn(crowns[index].boxes, grid)
            claimed[value] |= inside
            places[inside] = index + 1
    claims = sum((mask.astype(np.uint8) for mask in claimed.values()), np.zeros(grid.shape, np.uint8))
    labels = np.zeros(grid.shape, np.uint16)
    for value, mask in claimed.items():
        labels[mask & (claims == 1)] = value
    places[labels == 0] = 0
    return labels, places, int((claims > 1).sum())


def _draft(
    rasters: Mapping[str, Raster], name: str, group: str, labels: Any, crown: Any, rows: dict[str, list[AlignmentRow]]
) -> tuple[TileDraft, dict[str, Kept]]:
    """The draft of one tile, whose files are described in `rows`, and its pixels, which remember what was read."""
    grid = rasters["hsi"].grid
    modalities: dict[str, tuple[Kept, ModalityInfo]] = {}
    for key, raster in rasters.items():
        values, info = describe_source(key, SOURCES[key], raster)
        if key == "rgb":
            values, info = Warped(values, info, raster.grid, grid, "average"), warped_info(info)
        elif differ := raster.grid.differences(grid):
            raise WorkbenchError(
                f"While importing tile {name} of {NAME}: {key} differs from hsi in {', '.join(differ)}:\n"
                f"  hsi: {grid}\n  {key}: {raster.grid}"
            )
        measured = Measured(values, info)
        modalities[key] = (Kept(measured[:, slice(0, grid.shape[0]), slice(0, grid.shape[1])], info), info)
        note = "averaged onto the 1 m grid" if key == "rgb" else ""
        rows[key].append(alignment_row(key, raster.grid, grid, measured, note))
    draft = TileDraft(name, modalities, labels, grid.transform, grid.crs, group, {"crown": crown})
    return draft, {key: kept for key, (kept, _) in modalities.items()}


def _summary(rows: list[AlignmentRow]) -> AlignmentRow:
    """One row for the same modality of all tiles: the worst overlap, the mean shares."""
    overlaps = [row.overlap for row in rows if row.overlap is not None]
    return rows[0].model_copy(
        update={
            "overlap": min(overlaps, default=None),
            "nodata_share": float(np.mean([row.nodata_share for row in rows])),
            "nan_share": float(np.mean([row.nan_share for row in rows])),
        }
    )


def _bounds(grid: Grid) -> tuple[float, float, float, float]:
    x, y = grid.positions([0, grid.shape[0]], [0, grid.shape[1]])
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key in which OSBS_2 comes before OSBS_10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
