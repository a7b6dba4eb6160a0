"""Label polygons as files: drawn on a map, kept as GeoPackage with the scene's CRS and class table, opened again."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.base.files import atomic_file
from workbench.base.roots import data_root
from workbench.scenes.classes import ClassEntry, ClassTable
from workbench.scenes.grid import Grid
from workbench.scenes.scene import Collection, Scene
from workbench.scenes.schema import check_name
from workbench.scenes.store import split_layer

if TYPE_CHECKING:
    from shapely import Polygon

POLYGONS, CLASSES = "labels", "classes"
"""Layers of a label file."""
COLUMNS = ("class_value", "class")
"""Columns that are understood without being named, the first that is there."""


@dataclass(frozen=True)
class LabelPolygon:
    """One polygon.

    Attributes:
        shape: In map coordinates; where the scene has none, x is the column and y the row of pixel centres.
        value: Its class.
    """

    shape: "Polygon"
    value: int


@dataclass(frozen=True)
class PolygonLabels:
    """Polygons with their classes.

    Attributes:
        polygons: In the order in which they were drawn.
        classes: The class table.
        removed: Classes that were taken out of the table: their values are not given to others.
        crs: WKT, None without.
    """

    polygons: tuple[LabelPolygon, ...]
    classes: ClassTable
    removed: tuple[ClassEntry, ...] = ()
    crs: str | None = None


def label_folder(scene: Scene | Collection) -> Path:
    """Folder of the label files of a scene, whether it exists or not: ``labels/<scene>`` under the data root."""
    return data_root() / "labels" / split_layer(scene.collection)[0]


def label_path(scene: Scene | Collection, name: str, tile: Scene) -> Path:
    """Where labels of a tile are kept; each tile of a collection has a file of its own, in its own CRS.

    Raises:
        WorkbenchError: The name cannot be one.
    """
    check_name(name, "label file")
    many = len(scene.scenes) > 1
    return label_folder(scene) / (f"{name}@{tile.name}.gpkg" if many else f"{name}.gpkg")


def list_label_files(scene: Scene | Collection, tile: Scene) -> dict[str, Path]:
    """Label files of a tile under the data root by name: those drawn here, and other vector files put there.

    Links that lead out of the data root are left out.
    """
    from workbench.scenes.readers.vector import SUFFIXES

    root, found = data_root().resolve(), {}
    for path in sorted(label_folder(scene).glob("[!.]*")):
        if path.suffix.lower() not in SUFFIXES or not path.resolve().is_relative_to(root) or not path.is_file():
            continue
        name, at, of_tile = path.stem.rpartition("@")
        if at and of_tile == tile.name and len(scene.scenes) > 1:
            found[name] = path
        elif not at:
            found.setdefault(path.stem, path)
    return found


def read_label_file(
    path: Path, grid: Grid, classes: ClassTable | None = None, class_column: str | None = None
) -> PolygonLabels:
    """Read polygons of any vector format, in the CRS of the grid.

    A file written here brings its own class table. Of another, classes are looked up in `classes`; without one, a
    table is made of what the column holds. Parts of a multi-polygon become polygons.

    Args:
        path: The file.
        grid: The scene's grid.
        classes: Class table for files that have none.
        class_column: Column of class names or values; None takes ``class_value``, ``class``, or the only one there is.

    Raises:
        WorkbenchError: The file is damaged, holds no polygons, lacks a CRS where the scene has one (or the reverse),
            or several columns could hold the class.
        UnknownNameError: A class is not in the table, or the column is not there.
    """
    from workbench.scenes.readers.vector import classify, read_polygons

    frame = read_polygons(path)
    own, removed = _read_classes(path)
    column = _class_column(frame, class_column, path)
    if (frame.crs is None) != (grid.crs is None):
        lacks, has = (path.name, "the scene") if frame.crs is None else ("the scene", path.name)
        raise WorkbenchError(
            f"While opening labels of {path}: {lacks} has no CRS and {has} has one ({grid.crs_name if frame.crs is None else frame.crs.name}). "
            "Give both one, so that positions can be compared."
        )
    if grid.crs is not None:
        frame = frame.to_crs(grid.crs)
    frame = frame[frame[column].notna() & frame.geometry.notna() & ~frame.geometry.is_empty]
    table = own if own is not None else classes if classes else None
    values, table = (
        classify(frame[column].tolist(), table, f"column {column!r} of {path}") if len(frame) else ((), table)
    )
    polygons = [
        LabelPolygon(part, int(value))
        for value, shape in zip(values, frame.geometry, strict=True)
        for part in getattr(shape, "geoms", [shape])
        if part.geom_type == "Polygon"
    ]
    return PolygonLabels(tuple(polygons), table or ClassTable(), removed, grid.crs)


def write_label_file(path: Path, labels: PolygonLabels, grid: Grid) -> Path:
    """Write polygons as GeoPackage with the columns ``class`` and ``class_value``, and the class table beside them.

    Raises:
        WorkbenchError: A polygon crosses itself, lies outside the grid, or its class is not in the table; or the file
            cannot be written. What was there before stays.
    """
    import geopandas
    import pandas as pd
    import pyogrio  # type: ignore[import-untyped]

    wrong = polygon_problems(labels, grid)
    if wrong:
        number, words = next(iter(wrong.items()))
        more = f" ({len(wrong)} polygons have problems.)" if len(wrong) > 1 else ""
        raise WorkbenchError(f"While saving labels to {path}: polygon {number + 1} {words}{more} Nothing was written.")
    named = [labels.classes.name(polygon.value) for polygon in labels.polygons]
    frame = geopandas.GeoDataFrame(
        {"class": named, "class_value": [polygon.value for polygon in labels.polygons]},
        geometry=[polygon.shape for polygon in labels.polygons],
        crs=labels.crs,
    )
    rows = [(entry.value, entry.name, entry.color, False) for entry in labels.classes]
    rows += [(entry.value, entry.name, entry.color, True) for entry in labels.removed]
    table = pd.DataFrame(rows, columns=["value", "name", "color", "removed"])
    with atomic_file(path, "saving labels") as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a scene without CRS has labels without
        temporary.unlink()  # GDAL takes an empty file for a damaged one
        try:
            pyogrio.write_dataframe(frame, temporary, layer=POLYGONS, driver="GPKG", geometry_type="Polygon")
            pyogrio.write_dataframe(table, temporary, layer=CLASSES, driver="GPKG")
        except Exception as error:  # pyogrio and GDAL raise many kinds
            raise WorkbenchError(f"While saving labels to {path}: {error}.") from error
        finally:
            for left in temporary.parent.glob(f"{temporary.name}-*"):  # SQLite's journal
                left.unlink(missing_ok=True)
    return path


def polygon_problems(labels: PolygonLabels, grid: Grid) -> dict[int, str]:
    """What keeps polygons from being saved, in words that follow ``polygon 3``, by their place from 0."""
    from shapely import is_valid_reason

    edge = outline(grid)
    found = {}
    for number, polygon in enumerate(labels.polygons):
        if polygon.value not in labels.classes:
            there = ", ".join(f"{entry.value} {entry.name}" for entry in labels.classes) or "none"
            found[number] = (
                f"has the class {polygon.value}, which is not in the class table ({there}). Choose one for it."
            )
        elif not polygon.shape.is_valid:
            reason = is_valid_reason(polygon.shape).replace("[", " near ").replace("]", "")
            words = "crosses itself" if "intersection" in reason.lower() else "is no valid outline"
            found[number] = f"{words} ({reason}). Move its corners, or repair it."
        elif not polygon.shape.intersects(edge):
            x, y = polygon.shape.representative_point().coords[0]
            found[number] = f"lies outside the scene, near x={x:.8g}, y={y:.8g}; the scene is {grid}. Delete it."
    return found


def outline(grid: Grid) -> "Polygon":
    """The outer edge of a grid as a polygon in map coordinates."""
    from shapely import Polygon

    rows, cols = grid.shape
    x, y = grid.positions([0, 0, rows, rows], [0, cols, cols, 0])
    return Polygon(zip(x, y, strict=True))


def repaired(polygon: LabelPolygon) -> tuple[LabelPolygon, ...]:
    """A polygon that crosses itself as valid ones: of a bow tie, its two halves."""
    from shapely import make_valid

    made = make_valid(polygon.shape)
    parts = [part for part in getattr(made, "geoms", [made]) if part.geom_type == "Polygon" and part.area > 0]
    return tuple(LabelPolygon(part, polygon.value) for part in parts)


def next_value(classes: ClassTable, removed: Iterable[ClassEntry] = (), others: Sequence[int] = ()) -> int:
    """The value for a new class: above all that are or were in use."""
    return max([*classes.values, *(entry.value for entry in removed), *others], default=0) + 1


def _read_classes(path: Path) -> tuple[ClassTable | None, tuple[ClassEntry, ...]]:
    """The class table of a file written here and the classes taken out of it; None for other files."""
    import pyogrio

    if path.suffix.lower() != ".gpkg" or CLASSES not in pyogrio.list_layers(path)[:, 0]:
        return None, ()
    rows = pyogrio.read_dataframe(path, layer=CLASSES)
    if not {"value", "name", "color", "removed"} <= set(rows.columns):
        return None, ()
    entries = [
        (ClassEntry(int(row.value), str(row.name_), str(row.color)), bool(row.removed))
        for row in rows.rename(columns={"name": "name_"}).itertuples()
    ]
    return ClassTable(entry for entry, gone in entries if not gone), tuple(entry for entry, gone in entries if gone)


def _class_column(frame: Any, wanted: str | None, path: Path) -> str:
    names = [str(name) for name in frame.columns if name != frame.geometry.name]
    if wanted:
        if wanted not in names:
            raise UnknownNameError(f"column of {path.name}", wanted, names)
        return wanted
    for name in COLUMNS:
        if name in names:
            return name
    if len(names) == 1:
        return names[0]
    raise WorkbenchError(
        f"While opening labels of {path}: say which column holds the class. There are: {', '.join(names) or 'none'}."
    )
