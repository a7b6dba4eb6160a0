"""Label polygons, through geopandas: a class column is laid onto a pixel grid."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes.classes import ClassTable
from workbench.scenes.grid import PLAIN, Grid

SUFFIXES = (".shp", ".gpkg", ".geojson", ".json", ".fgb")


@dataclass(frozen=True)
class BurntLabels:
    """Polygons on a grid.

    Args:
        labels: uint16 (rows, cols), 0 = unlabelled.
        classes: The class table.
        counts: What happened: polygons, polygons without class, outside the grid or without a pixel centre; pixels
            labelled, pixels that polygons of two classes claim (left unlabelled).
    """

    labels: NDArray[np.uint16]
    classes: ClassTable
    counts: dict[str, int]


def burn_labels(path: Path, class_column: str | None, grid: Grid, class_names: ClassTable | None = None) -> BurntLabels:
    """Read polygons and give every pixel whose centre lies inside one its class.

    Args:
        path: Any vector file of `SUFFIXES`.
        class_column: Column of class names or of whole numbers.
        grid: The scene's grid; polygons of another CRS are transformed to it.
        class_names: The class table; None makes one of what the column holds.

    Raises:
        WorkbenchError: The file is damaged, the column or a CRS is missing, a class is not in the table, geometries
            are no polygons, or all lie outside the grid.
    """
    frame = read_polygons(path)
    column = _column(frame, class_column, path)
    frame = _on_grid(frame, grid, path)
    known = frame[column].notna() & frame.geometry.notna() & ~frame.geometry.is_empty
    counts = {"polygons": len(frame), "polygons_without_class": int((~known).sum())}
    frame = frame[known]
    values, classes = classify(frame[column].tolist(), class_names, f"column {column!r} of {path}")
    masks = ((value, frame.geometry[values == value]) for value in classes.values)
    labels = np.zeros(grid.shape, np.uint16)
    claims = np.zeros(grid.shape, np.uint16)
    for value, shapes in masks:
        inside = burn(shapes, grid)
        labels[inside] = value
        claims += inside
    labels[claims > 1] = 0
    outside, small = _missed(frame.geometry, grid)
    if len(frame) and outside == len(frame):
        raise WorkbenchError(
            f"While laying polygons of {path} onto the scene: all {outside} lie outside it. Polygons span "
            f"{', '.join(f'{side:.8g}' for side in frame.total_bounds)} (x min, y min, x max, y max); the grid is {grid}."
        )
    counts |= {
        "polygons_outside": outside,
        "polygons_without_pixel": small,
        "pixels_labelled": int((labels > 0).sum()),
        "pixels_claimed_by_two_classes": int((claims > 1).sum()),
    }
    return BurntLabels(labels, classes, counts)


def read_polygons(path: Path) -> Any:
    """Read a vector file as a GeoDataFrame of valid polygons.

    Raises:
        WorkbenchError: The file is missing or damaged, or holds points or lines.
    """
    import geopandas

    if not path.is_file():
        raise WorkbenchError(f"While reading polygons from {path}: the file is missing. Check the path.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pyogrio: several layers, of which the first is read
            frame = geopandas.read_file(path)
    except Exception as error:  # pyogrio and GDAL raise many kinds
        raise WorkbenchError(
            f"While reading polygons from {path}: the file is truncated, damaged or of another kind ({error})."
        ) from error
    if not isinstance(frame, geopandas.GeoDataFrame):
        raise WorkbenchError(f"While reading polygons from {path}: it holds a table without geometries.")
    kinds = sorted(set(frame.geometry.dropna().geom_type) - {"Polygon", "MultiPolygon"})
    if kinds:
        raise WorkbenchError(
            f"While reading polygons from {path}: it holds {', '.join(kinds)}. Labels need polygons; buffer points or "
            "lines to the area they stand for first."
        )
    frame.geometry = frame.geometry.make_valid()
    return frame


def burn(shapes: Any, grid: Grid) -> NDArray[np.bool_]:
    """Which pixel centres lie inside any of the geometries, bool (rows, cols)."""
    from affine import Affine
    from rasterio.features import rasterize

    if len(shapes) == 0:
        return np.zeros(grid.shape, bool)
    transform = Affine(*(grid.transform or PLAIN))
    return np.asarray(rasterize(shapes, out_shape=grid.shape, transform=transform, dtype="uint8")).astype(bool)


def classify(given: Sequence[Any], table: ClassTable | None, where: str) -> tuple[NDArray[np.int64], ClassTable]:
    """Class values of names or whole numbers, and their table.

    Args:
        given: One class per polygon: all text, or all whole numbers.
        table: The class table, or None to make one: names in alphabetical order, or ``class 3`` for the number 3.
        where: Words for error messages.

    Raises:
        WorkbenchError: A class is not in the table, is negative or 0, or is neither text nor whole number.
    """
    if all(isinstance(item, str) for item in given):
        table = table or ClassTable.from_names(sorted(set(given)))
        values = {entry.name: entry.value for entry in table}
        for item in given:
            if item not in values:
                raise UnknownNameError(f"class in {where}", item, values)
        return np.array([values[item] for item in given], np.int64), table
    numbers = np.array(given)
    if numbers.dtype.kind not in "iuf" or not np.array_equal(numbers, np.round(numbers)):
        raise WorkbenchError(f"Classes in {where} are neither names nor whole numbers, such as {given[0]!r}.")
    whole = numbers.astype(np.int64)
    table = table or numbered_classes(whole, where)
    missing = sorted(set(whole.tolist()) - set(table.values))
    if missing:
        raise WorkbenchError(
            f"Classes in {where} hold the value {missing[0]} outside the class table (values "
            f"{', '.join(map(str, table.values))}). Name every class, or leave the value out."
        )
    return whole, table


def numbered_classes(values: NDArray[Any], where: str) -> ClassTable:
    """A table of the numbers found above 0, named ``class 1`` and so on.

    Raises:
        WorkbenchError: A number is negative or above 65535.
    """
    found = {int(value): f"class {int(value)}" for value in np.unique(values) if value != 0}
    if found and min(found) < 0:
        raise WorkbenchError(
            f"Labels of {where} hold the negative value {min(found)}; labels are whole numbers from 0 (unlabelled). "
            "Set it to 0, or name it as the file's no-data."
        )
    if len(found) > 1000:
        raise WorkbenchError(f"Labels of {where} hold {len(found)} different values; is it a map of classes?")
    return class_table(found)


def class_table(names: Mapping[int, str] | Sequence[str]) -> ClassTable:
    """A class table with default colours, from names by value or names of 1 to n."""
    from workbench.scenes.classes import ClassEntry, default_color

    pairs = names.items() if isinstance(names, Mapping) else enumerate(names, start=1)
    return ClassTable(
        ClassEntry(value, name, default_color(place)) for place, (value, name) in enumerate(sorted(pairs), start=1)
    )


def _column(frame: Any, wanted: str | None, path: Path) -> str:
    columns = [str(name) for name in frame.columns if name != frame.geometry.name]
    if wanted is None:
        raise WorkbenchError(
            f"While reading polygons from {path}: say which column holds the class (class_column). "
            f"There are: {', '.join(columns) or 'none'}."
        )
    if wanted not in columns:
        raise UnknownNameError(f"column of {path.name}", wanted, columns)
    return wanted


def _on_grid(frame: Any, grid: Grid, path: Path) -> Any:
    if frame.crs is None and grid.crs is None:
        return frame
    if frame.crs is None or grid.crs is None:
        lacks, has = (path.name, "the scene") if frame.crs is None else ("the scene", path.name)
        raise WorkbenchError(
            f"While laying polygons of {path} onto the scene: {lacks} has no CRS and {has} has one. "
            "Give both one, so that positions can be compared."
        )
    return frame.to_crs(grid.crs)


def _missed(shapes: Any, grid: Grid) -> tuple[int, int]:
    """How many geometries lie outside the grid, and how many of the others hold no pixel centre."""
    outside = small = 0
    for shape in shapes:
        window = _window(shape, grid)
        if window is None:
            outside += 1
        elif not burn([shape], grid.window(*window)).any():
            small += 1
    return outside, small


def _window(shape: Any, grid: Grid) -> tuple[slice, slice] | None:
    """Rows and columns that the bounds of a geometry touch, None where it lies outside."""
    x_min, y_min, x_max, y_max = shape.bounds
    corners = grid.places([x_min, x_min, x_max, x_max], [y_min, y_max, y_min, y_max])
    spans = [
        slice(max(int(np.floor(places.min())), 0), min(int(np.floor(places.max())) + 1, size))
        for places, size in zip(corners, grid.shape, strict=True)
    ]
    return None if any(span.start >= span.stop for span in spans) else (spans[0], spans[1])
