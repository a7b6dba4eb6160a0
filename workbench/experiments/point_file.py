"""A sample of points as a GeoPackage: places to interpret, and beside them how they were drawn.

Layers: `points` holds places and an empty column `reference`, without the class of the map, which an interpreter must
not see; `classes` what may be answered; `design`, `strata` and `about` how the points were drawn.
"""

import contextlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.base.errors import WorkbenchError
from workbench.base.files import atomic_file
from workbench.experiments.qgis_form import form_style
from workbench.scenes import ClassTable

if TYPE_CHECKING:
    import geopandas
    import pandas as pd

LAYERS = {
    "points": ("id", "x", "y", "row", "col", "reference"),
    "design": ("id", "stratum", "stratum_pixels", "stratum_points", "inclusion_probability"),
    "strata": ("value", "pixels", "points"),
    "classes": ("value", "name", "color"),
    "about": ("key", "value"),
}
"""Layers of the file and the columns that are needed."""


@dataclass(frozen=True, eq=False)
class PointSample:
    """Points drawn from a class map.

    Attributes:
        points: One row per point: id, x, y (of the pixel's centre), row, col, reference (the answer; empty at first).
        design: One row per point: id, stratum (class value of the map), stratum_pixels, stratum_points and
            inclusion_probability, the ratio of the two.
        strata: One row per class of the map: value, pixels, points.
        classes: What may be answered.
        about: Map, map_hash, seed, allocation, pixel_area_m2 (empty where the CRS has no metres) and the like, as text.
    """

    points: "geopandas.GeoDataFrame"
    design: "pd.DataFrame"
    strata: "pd.DataFrame"
    classes: ClassTable
    about: Mapping[str, str]


def write_points(sample: PointSample, path: Path) -> None:
    """Write the GeoPackage, atomically.

    Raises:
        WorkbenchError: `path` is there already (it may hold answers), does not end with .gpkg, or cannot be written.
    """
    import pandas as pd
    import pyogrio  # type: ignore[import-untyped]

    if path.suffix.lower() != ".gpkg":
        raise WorkbenchError(f"While writing a sample of points: {path} must end with .gpkg.")
    if path.exists():
        raise WorkbenchError(
            f"While writing a sample of points: {path} exists and may hold answers. Choose another name (--output)."
        )
    tables = {
        "design": sample.design,
        "strata": sample.strata,
        "classes": pd.DataFrame(sample.classes.to_json())[["value", "name", "color"]],
        "about": pd.DataFrame({"key": list(sample.about), "value": list(sample.about.values())}),
        "layer_styles": form_style("points", "reference", sample.classes),
    }
    with atomic_file(path, "writing a sample of points") as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a map without CRS gives points without one
        temporary.unlink()  # an empty file is no GeoPackage to add layers to
        try:
            pyogrio.write_dataframe(sample.points, temporary, layer="points", driver="GPKG", geometry_type="Point")
            for layer, table in tables.items():
                pyogrio.write_dataframe(table, temporary, layer=layer, driver="GPKG")
        except Exception as error:  # pyogrio and GDAL raise many kinds
            raise WorkbenchError(f"The points {path} could not be written: {error}. Choose another place.") from error
        finally:
            for left in temporary.parent.glob(f"{temporary.name}-*"):  # SQLite's journal
                left.unlink(missing_ok=True)


def read_points(path: Path) -> PointSample:
    """Read a GeoPackage of points, answered or not.

    Raises:
        WorkbenchError: The file is missing or no GeoPackage, lacks a layer or a column, or a class has no name or no
            whole number as its value.
    """
    if not path.is_file():
        raise WorkbenchError(f"While reading a sample of points: {path} is missing. Check the path.")
    tables = {layer: _layer(path, layer) for layer in LAYERS}
    about = tables["about"].fillna("").astype(str)
    classes = tables["classes"].fillna({"color": "#999999"})
    if classes[["value", "name"]].isna().any().any():
        raise WorkbenchError(
            f"While reading a sample of points from {path}: a row of its layer 'classes' lacks its value or its name. "
            "Give it both."
        )
    rows = [
        {"value": _whole(row.value, path), "name": str(row.name), "color": str(row.color)}
        for row in classes.itertuples(index=False)
    ]
    return PointSample(
        points=tables["points"],
        design=tables["design"],
        strata=tables["strata"],
        classes=ClassTable.from_json(rows),
        about=dict(zip(about["key"], about["value"], strict=True)),
    )


def _whole(value: Any, path: Path) -> int:
    """A class value, whatever type the column has become."""
    with contextlib.suppress(ValueError):
        if float(value).is_integer():
            return int(float(value))
    raise WorkbenchError(
        f"While reading a sample of points from {path}: its layer 'classes' has the value {value!r}, which is no whole "
        "number. Mend it."
    )


def _layer(path: Path, layer: str) -> Any:
    import pyogrio

    doing = f"While reading a sample of points from {path}"
    try:
        table = pyogrio.read_dataframe(path, layer=layer, read_geometry=layer == "points")
    except pyogrio.errors.DataLayerError as error:
        raise WorkbenchError(
            f"{doing}: it has no layer {layer!r}, so that nobody can tell how the points were drawn. Answer in the file "
            "that `workbench sample draw` wrote, and keep all its layers."
        ) from error
    except Exception as error:  # GDAL raises many kinds
        raise WorkbenchError(f"{doing}: it is damaged, or no GeoPackage ({error}).") from error
    missing = [name for name in LAYERS[layer] if name not in table.columns]
    if missing:
        raise WorkbenchError(f"{doing}: its layer {layer!r} has lost the column {missing[0]!r}. Draw the points again.")
    return table
