"""Unsaved labels as a file: whole after each change, and tolerant of outlines that cannot be saved yet."""

from pathlib import Path

import numpy as np

from workbench.base.errors import WorkbenchError
from workbench.base.files import read_json, write_json
from workbench.scenes.classes import ClassTable
from workbench.scenes.label_files import LabelPolygon, PolygonLabels


def write_draft(path: Path, labels: PolygonLabels) -> None:
    """Write labels as JSON, atomically; a few milliseconds."""
    polygons = [
        {
            "value": polygon.value,
            "rings": [np.asarray(ring.coords).tolist() for ring in (polygon.shape.exterior, *polygon.shape.interiors)],
        }
        for polygon in labels.polygons
    ]
    draft = {
        "polygons": polygons,
        "classes": labels.classes.to_json(),
        "removed": ClassTable(labels.removed).to_json(),
    }
    write_json(path, draft, "keeping unsaved labels")


def read_draft(path: Path, crs: str | None) -> PolygonLabels:
    """Read what `write_draft` wrote; raises `WorkbenchError` where it cannot be understood."""
    from shapely import Polygon

    kept = read_json(path, "reading unsaved labels")
    try:
        polygons = tuple(
            LabelPolygon(Polygon(row["rings"][0], row["rings"][1:]), int(row["value"])) for row in kept["polygons"]
        )
        removed = tuple(ClassTable.from_json(kept["removed"]))
        return PolygonLabels(polygons, ClassTable.from_json(kept["classes"]), removed, crs)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise WorkbenchError(
            f"The unsaved labels in {path} cannot be understood ({error!r}). Move the file away to go on."
        ) from error
