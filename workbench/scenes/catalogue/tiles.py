"""Tile sets on disk: which files belong to which tile, on which side of the split it stands, and whether all are there."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from workbench.base.errors import WorkbenchError
from workbench.scenes.grid import Grid

SIDES = ("training", "validation", "test")
SIDE_FOLDERS = {
    "train": "training", "training": "training", "val": "validation", "valid": "validation",
    "validation": "validation", "test": "test", "testing": "test",
}  # fmt: skip
RASTERS = (".tif", ".tiff")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar")


@dataclass(frozen=True)
class Found:
    """What a file of a tile set is.

    Args:
        part: Which raster of its tile: ``s2``, ``labels``, ...
        tile: Name of the tile.
        side: Side of the official split, "" where there is none.
    """

    part: str
    tile: str
    side: str = ""


@dataclass(frozen=True)
class TileFiles:
    """The files of one tile.

    Args:
        name: Name of the tile.
        side: Side of the official split, "" where there is none.
        files: Path by part.
    """

    name: str
    side: str
    files: Mapping[str, Path]


Recognise = Callable[[PurePosixPath], Found | None]
"""Says of a path, relative to the folder, what it is; None for what does not belong to the set."""


def find_tiles(
    folder: Path | None, recognise: Recognise, parts: Iterable[str], what: str, optional: Collection[str] = ()
) -> list[TileFiles]:
    """Pair the files of a tile set, wherever in the folder they lie.

    Args:
        folder: The folder; all below it is looked through.
        recognise: Says what each GeoTIFF is.
        parts: Rasters that every tile must have.
        what: What the folder should hold, for error messages.
        optional: Rasters that a tile may have.

    Returns:
        Tiles in natural order, training before validation before test.

    Raises:
        WorkbenchError: Nothing of the set is there, a tile lacks a raster, or two files claim the same place.
    """
    if folder is None or not Path(folder).expanduser().is_dir():
        raise WorkbenchError(f"While looking for {what}: {folder} is no folder. Name the one that holds them.")
    folder = Path(folder).expanduser()
    tiles: dict[tuple[str, str], dict[str, Path]] = defaultdict(dict)
    others: list[str] = []
    for path in sorted(folder.rglob("*")):
        relative = PurePosixPath(path.relative_to(folder).as_posix())
        # archives packed on a Mac bring a shadow "._name" of every file
        if path.suffix.lower() not in RASTERS or path.name.startswith("._"):
            continue
        found = recognise(relative)
        if found is None:
            others.append(str(relative))
            continue
        there = tiles[found.side, found.tile]
        if found.part in there:
            raise WorkbenchError(
                f"While looking for {what}: {there[found.part]} and {path} are both the {found.part} raster of tile "
                f"{found.tile!r}. Name a folder that holds the set once."
            )
        there[found.part] = path
    wanted = tuple(parts)
    if not tiles:
        seen = f"{len(others)} other GeoTIFFs, such as {others[0]}" if others else "no GeoTIFF"
        packed = [path.name for path in sorted(folder.rglob("*")) if path.name.lower().endswith(ARCHIVES)]
        hint = f" Unpack {', '.join(packed[:5])} first." if packed else ""
        raise WorkbenchError(f"While looking for {what}: {folder} holds {seen}.{hint}")
    for (side, name), files in tiles.items():
        missing = [part for part in wanted if part not in files]
        if missing:
            many = sum(any(part not in each for part in wanted) for each in tiles.values())
            raise WorkbenchError(
                f"While looking for {what}: tile {name!r}{f' ({side})' if side else ''} has {', '.join(sorted(files))} "
                f"and lacks {', '.join(missing)} ({many} of {len(tiles)} tiles lack a raster). Is the download or the "
                f"unpacking complete? {next(iter(files.values()))} is there."
            )
    order = ["", *SIDES]
    chosen = {*wanted, *optional}
    return [
        TileFiles(name, side, {part: path for part, path in files.items() if part in chosen})
        for (side, name), files in sorted(
            tiles.items(), key=lambda item: (order.index(item[0][0]), natural(item[0][1]))
        )
    ]


def check_counts(tiles: Iterable[TileFiles], expected: Mapping[str, int], what: str) -> tuple[str, ...]:
    """Hold the number of tiles per side against what the set is published with.

    A side that is not there at all is told in a note, as archives are often handed out one by one.

    Args:
        tiles: The tiles found.
        expected: Tiles per side.
        what: The set, for error messages.

    Returns:
        Sentences for the alignment report.

    Raises:
        WorkbenchError: A side is there in part, or has more tiles than there are.
    """
    counts = Counter(tile.side for tile in tiles)
    wrong = {side: many for side, many in expected.items() if counts[side] not in (0, many)}
    told = ", ".join(f"{side} {many}" for side, many in expected.items())
    if wrong or not counts:
        found = ", ".join(f"{side} {counts[side]}" for side in expected)
        raise WorkbenchError(
            f"While counting the tiles of {what}: {told} were expected, and {found} were found. The download or the "
            "unpacking is incomplete, or files of another set lie beside them."
        )
    absent = [side for side in expected if not counts[side]]
    return tuple(f"no {side} tiles: their files are not in the folder" for side in absent)


def side_of(path: PurePosixPath) -> str:
    """The side that a folder on the way to a file is named after, "" for none."""
    return next((SIDE_FOLDERS[part.lower()] for part in reversed(path.parts[:-1]) if part.lower() in SIDE_FOLDERS), "")


def natural(name: str) -> list[tuple[int, str]]:
    """Sort key in which ``p2`` comes before ``p10``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def overlap_groups(grids: Mapping[str, Grid]) -> dict[str, str]:
    """Split group of each tile, named after its first tile: tiles that share ground never part.

    Args:
        grids: Grid by tile name; tiles without georeference are groups of their own.

    Returns:
        Group by tile name.
    """
    from shapely import STRtree, box

    parent = {name: name for name in grids}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    systems: dict[str | None, list[str]] = defaultdict(list)
    for name, grid in grids.items():
        if grid.transform is not None:
            systems[grid.crs].append(name)
    for names in systems.values():
        outlines = []
        for name in names:
            x, y = grids[name].positions([0, grids[name].shape[0]], [0, grids[name].shape[1]])
            inward = 0.01 * min(grids[name].resolution or (0, 0))  # files round their corners: touching is not sharing
            outlines.append(box(x.min() + inward, y.min() + inward, x.max() - inward, y.max() - inward))
        for one, other in zip(*STRtree(outlines).query(outlines, predicate="intersects"), strict=True):
            first, second = sorted((root(names[one]), root(names[other])), key=natural)
            parent[second] = first
    return {name: root(name) for name in grids}
