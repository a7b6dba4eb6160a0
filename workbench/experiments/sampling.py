"""Draw points from a class map to be interpreted: at random within each class, with known inclusion probabilities."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench import __version__
from workbench.analysis.allocation import allocate
from workbench.analysis.area import MAPPED
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments.point_file import PointSample, write_points
from workbench.mapping.class_map import ClassMap, open_class_map
from workbench.runs import RunFolder, open_run_folder
from workbench.scenes import ClassTable

if TYPE_CHECKING:
    import pandas as pd

RASTERS = (".tif", ".tiff", ".vrt", ".img")


def sample_map(
    source: RunFolder | str | Path,
    output: str | Path,
    points: int = 300,
    least: int = 25,
    allocation: str = "proportional",
    expected: Mapping[str | int, float] | None = None,
    seed: int = 0,
    scene: str | None = None,
) -> PointSample:
    """Draw pixel centres of a class map for an interpreter, stratified by the map's classes.

    Within a class (a stratum) pixels are drawn at random without replacement: each of its N pixels has the same
    probability n / N, which the file holds. No data (0) is left out. The points come in random order and without the
    class of the map, so that the interpreter cannot know it.

    Args:
        source: A run, its id, or the path of a class map.
        output: The GeoPackage to write; see `workbench.experiments.point_file`.
        points: Points in all.
        least: Points of each class at least, or all its pixels where it has fewer.
        allocation: `proportional`, `equal` or `neyman`; see `workbench.analysis.allocation.allocate`.
        expected: For `neyman`, the expected user's accuracy by class name or value; of a run's map, that on the test
            pixels where not given.
        seed: Seed of the draw.
        scene: Which map of a run that has several.

    Returns:
        What was written.

    Raises:
        UnknownNameError: There is no such run, map, class or rule.
        WorkbenchError: The run has no map, the map shows no class, `points` are too few, accuracies are expected of
            another rule than `neyman`, or `output` is there already.
    """
    if expected and allocation != "neyman":
        raise WorkbenchError(
            f"While drawing points: expected accuracies mean something to the allocation 'neyman' only, not to "
            f"{allocation!r}. Leave them out (--expect), or take 'neyman'."
        )
    run, path = _find(source, scene)
    raster = open_class_map(path)
    pixels, digest = raster.survey()
    classes = raster.classes(pixels)
    values = list(pixels)
    size = np.array([pixels[value] for value in values], np.int64)
    wanted = _expected(values, classes, expected or {}, run) if allocation == "neyman" else None
    counts = allocate(size, points, least, allocation, wanted)
    drawn = draw(raster, dict(zip(values, counts.tolist(), strict=True)), pixels, seed)
    about = {
        "map": path.name,
        "map_hash": digest,
        "run": "" if run is None else run.id,
        "seed": str(seed),
        "allocation": allocation,
        "least": str(least),
        "pixel_area_m2": "" if raster.pixel_area is None else repr(raster.pixel_area),
        "pixel_width": repr(min(raster.grid.resolution or (1.0, 1.0))),
        "grid": str(raster.grid),
        "drawn_by": f"workbench {__version__}",
        "area": f"pixels of strata are {MAPPED}",
    }
    sample = _tables(raster, drawn, dict(zip(values, counts.tolist(), strict=True)), pixels, classes, about)
    write_points(sample, Path(output))
    return sample


def draw(
    raster: ClassMap, counts: Mapping[int, int], pixels: Mapping[int, int], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Draw pixels of each class at random without replacement, in random order.

    Args:
        raster: The map; it is read once, strip by strip.
        counts: Points by class value.
        pixels: Pixels of each class, by value.
        seed: Seed of the draw.

    Returns:
        Rows, columns and class values of the points, (n,) each.
    """
    rng = np.random.default_rng(seed)
    # places in the order of the map of each class: memory holds the drawn ones only
    places = {
        value: np.sort(rng.choice(pixels[value], count, replace=False, shuffle=False))
        for value, count in counts.items()
    }
    seen = dict.fromkeys(places, 0)
    rows, cols, strata = [], [], []
    width = raster.grid.shape[1]
    for top, values in raster.strips():
        flat = values.ravel()
        for value, wanted in places.items():
            here = np.flatnonzero(flat == value)
            inside = wanted[np.searchsorted(wanted, seen[value]) : np.searchsorted(wanted, seen[value] + len(here))]
            chosen = here[inside - seen[value]]
            seen[value] += len(here)
            rows.append(top + chosen // width)
            cols.append(chosen % width)
            strata.append(np.full(len(chosen), value, np.int64))
    order = rng.permutation(sum(counts.values()))  # a number must not tell the class
    return np.concatenate(rows)[order], np.concatenate(cols)[order], np.concatenate(strata)[order]


def _tables(
    raster: ClassMap,
    drawn: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    counts: Mapping[int, int],
    pixels: Mapping[int, int],
    classes: ClassTable,
    about: Mapping[str, str],
) -> PointSample:
    import geopandas
    import pandas as pd

    rows, cols, strata = drawn
    x, y = raster.grid.positions(rows + 0.5, cols + 0.5)
    ids = np.arange(1, len(rows) + 1)
    answers = pd.Series([None] * len(ids), dtype="object")
    points = geopandas.GeoDataFrame(
        {"id": ids, "x": x, "y": y, "row": rows, "col": cols, "reference": answers},
        geometry=geopandas.points_from_xy(x, y),
        crs=raster.grid.crs,
    )
    size = np.array([pixels[value] for value in strata.tolist()], np.int64)
    number = np.array([counts[value] for value in strata.tolist()], np.int64)
    design = {"id": ids, "stratum": strata, "stratum_pixels": size, "stratum_points": number}
    table = {"value": list(pixels), "pixels": list(pixels.values()), "points": [counts[value] for value in pixels]}
    return PointSample(
        points=points,
        design=pd.DataFrame({**design, "inclusion_probability": number / size}),
        strata=pd.DataFrame(table),
        classes=classes,
        about=about,
    )


def strata_table(sample: PointSample) -> "pd.DataFrame":
    """What was drawn, one row per class of the map."""
    import pandas as pd

    strata = sample.strata
    return pd.DataFrame(
        {
            "class": [f"{value} {sample.classes.name(value)}" for value in strata["value"]],
            MAPPED: strata["pixels"],
            "points": strata["points"],
            "inclusion probability": strata["points"] / strata["pixels"],
        }
    )


def _find(source: RunFolder | str | Path, scene: str | None) -> tuple[RunFolder | None, Path]:
    """The run, if it is one, and the path of its map."""
    if not isinstance(source, RunFolder):
        path = Path(source)
        if path.suffix.lower() in RASTERS or path.is_file():
            if scene is not None:
                raise WorkbenchError(f"{path} is one map: a scene is named for a run that mapped several.")
            return None, path
        source = open_run_folder(str(source))
    maps = source.maps
    if scene is not None and scene not in maps:
        raise UnknownNameError(f"map of run {source.id}", scene, maps, f"`workbench map {source.id}` makes it.")
    if not maps:
        raise WorkbenchError(f"Run {source.id} has no class map yet. Make one: workbench map {source.id}")
    if scene is None and len(maps) > 1:
        raise WorkbenchError(
            f"Run {source.id} has {len(maps)} class maps: {', '.join(list(maps)[:5])}. Say which (--scene): a sample is "
            "of one map."
        )
    return source, maps[scene or next(iter(maps))]


def _expected(
    values: list[int], classes: ClassTable, given: Mapping[str | int, float], run: RunFolder | None
) -> list[float]:
    """Expected user's accuracy of each class of the map: as given, else that of the run on its test pixels."""
    known = {entry.name: entry.value for entry in classes} | {str(entry.value): entry.value for entry in classes}
    found: dict[int, float] = {}
    test = None if run is None else run.metrics["test"]
    if test is not None:
        found = {v: share for v, share in zip(test["classes"], test["users"], strict=True) if share is not None}
    for name, share in given.items():
        if str(name) not in known:
            raise UnknownNameError("class of the map", str(name), known)
        found[known[str(name)]] = float(share)
    missing = [classes.name(value) for value in values if value not in found]
    if missing:
        raise WorkbenchError(
            f"Allocation 'neyman' needs the expected user's accuracy of each class; it is not known for "
            f"{', '.join(missing[:5])}. Give it (--expect '{missing[0]}=0.9'), or take 'proportional'."
        )
    return [found[value] for value in values]
