"""Values of modalities along a line drawn on the map."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import Scene
from workbench.spectra.sampling import Floats, read_pixels

if TYPE_CHECKING:
    import pandas as pd

Method = Literal["nearest", "bilinear"]


@dataclass(frozen=True, eq=False)
class Profile:
    """Values at points of equal distance along a line.

    Attributes:
        distance: From its start, in `unit`, float64 (n,).
        unit: ``m`` where the CRS says how long its units are; ``map units`` where there is no CRS; ``pixels`` where the
            scene is not georeferenced.
        x: Map position of each point, float64 (n,).
        y: The same.
        row: Fractional row, whole numbers at pixel centres, float64 (n,).
        col: Fractional column.
        values: Per modality float32 (n, band), NaN where nothing was measured, and where a line that left the scene is
            on its way back.
        method: ``nearest``: the pixel that holds the point; ``bilinear``: between the four centres around it.
        corners: Distance of each vertex of the line, its ends included.
        notes: What a reader must know.
    """

    distance: NDArray[np.float64]
    unit: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    row: NDArray[np.float64]
    col: NDArray[np.float64]
    values: dict[str, Floats]
    method: Method
    corners: tuple[float, ...]
    notes: tuple[str, ...] = ()

    def to_frame(self) -> "pd.DataFrame":
        """A row per point: distance, x, y, row, col, then ``modality band`` columns (bands counted from 1)."""
        import pandas as pd

        columns: dict[str, NDArray[np.float64] | Floats] = {
            f"distance ({self.unit})": self.distance, "x": self.x, "y": self.y, "row": self.row, "col": self.col
        }  # fmt: skip
        for name, values in self.values.items():
            columns |= {f"{name} {band + 1}": values[:, band] for band in range(values.shape[1])}
        return pd.DataFrame(columns)


def profile(
    scene: Scene,
    vertices: Sequence[tuple[float, float]],
    modalities: Sequence[str] | None = None,
    method: Method = "nearest",
    spacing: float | None = None,
    most: int = 2000,
) -> Profile:
    """Read modalities along a line. What of it lies before and behind the scene is cut, and said in the notes.

    Args:
        scene: A scene.
        vertices: Map positions x, y of the line, two or more; columns and rows where not georeferenced.
        modalities: Names; None: all.
        method: ``nearest`` or ``bilinear``; the latter has no value where one of the pixels it needs has none, and
            takes backscatter in dB as linear power.
        spacing: Map units between points; None: one pixel.
        most: Points at most; the spacing grows where the line is long.

    Raises:
        UnknownNameError: There is no such modality or method.
        WorkbenchError: The line has no length, a vertex is not finite, or less than two of its points lie inside the
            scene.
    """
    if method not in get_args(Method):
        raise UnknownNameError("method of a profile", method, get_args(Method))
    names = tuple(scene.modalities if modalities is None else modalities)
    for name in names:
        scene.info(name)
    line = np.array([tuple(map(float, vertex)) for vertex in vertices], np.float64).reshape(-1, 2)
    legs = np.hypot(*np.diff(line, axis=0).T) if len(line) > 1 else np.zeros(0)
    doing = f"While reading a profile of scene {scene.name!r}"
    if not (np.isfinite(line).all() and legs.sum() > 0):
        raise WorkbenchError(f"{doing}: a line of two or more different points is needed; got {line.tolist()}.")
    if spacing is not None and not spacing > 0:
        raise WorkbenchError(f"{doing}: the spacing is {spacing:g}; it must be above 0, in map units.")
    corners = np.concatenate([[0.0], np.cumsum(legs)])  # in map units, as `along`
    pixel = min(scene.grid.resolution or (1.0, 1.0))
    step = spacing or pixel
    count = int(np.ceil(corners[-1] / step)) + 1
    notes = []
    if count > most:
        count = most
        notes.append(f"The line is long: {most} points, one every {corners[-1] / (most - 1) / pixel:.3g} pixels.")
    along = np.linspace(0, corners[-1], max(count, 2))
    x, y = (np.interp(along, corners, line[:, axis]) for axis in (0, 1))
    row, col = (place - 0.5 for place in scene.grid.places(x, y))
    inside = (row >= -0.5) & (col >= -0.5) & (row < scene.shape[0] - 0.5) & (col < scene.shape[1] - 0.5)
    if inside.sum() < 2:
        raise WorkbenchError(
            f"{doing}: the line from ({line[0, 0]:g}, {line[0, 1]:g}) to ({line[-1, 0]:g}, {line[-1, 1]:g}) lies outside "
            f"it ({scene.grid}). Draw it in the scene's CRS."
        )
    if not inside.all():
        notes.append(
            f"The line leaves the scene and is cut: {int((~inside).sum())} of its {len(inside)} points lie outside."
        )
    first, last = np.flatnonzero(inside)[[0, -1]]
    kept = slice(first, last + 1)
    ground, unit = _on_the_ground(scene, line, legs)
    between = corners[(corners > along[first]) & (corners < along[last])]
    ends = np.concatenate([along[[first]], between, along[[last]]])
    start = np.interp(along[first], corners, ground)
    distance, corners = np.interp(along[kept], corners, ground) - start, np.interp(ends, corners, ground) - start
    inside = inside[kept]
    x, y, row, col = (places[kept] for places in (x, y, row, col))
    if method == "bilinear" and any(scene.info(name).quantity == "backscatter dB" for name in names):
        notes.append("Backscatter in dB was interpolated as linear power.")
    values = {}
    for name in names:
        found = np.full((len(distance), scene.info(name).bands), np.nan, np.float32)
        found[inside] = _values(scene, name, row[inside], col[inside], method)
        values[name] = found
    return Profile(distance, unit, x, y, row, col, values, method, tuple(corners.tolist()), tuple(notes))


def _values(scene: Scene, modality: str, row: NDArray[np.float64], col: NDArray[np.float64], method: Method) -> Floats:
    """Values (n, band) at fractional pixels inside the scene."""
    if method == "nearest":
        whole = [np.floor(place + 0.5).astype(np.int64) for place in (row, col)]
        return read_pixels(scene, modality, np.stack([np.zeros_like(whole[0]), *whole], axis=1))
    last_row, last_col = (size - 1 for size in scene.shape)
    row, col = row.clip(0, last_row), col.clip(0, last_col)  # beyond the outermost centres: the value there
    top, left = np.floor(row).astype(np.int64), np.floor(col).astype(np.int64)
    down, across = row - top, col - left
    corners = [
        (top + a, left + b, (down if a else 1 - down) * (across if b else 1 - across)) for a in (0, 1) for b in (0, 1)
    ]
    places = np.concatenate(
        [np.stack([np.zeros_like(r), r.clip(0, last_row), c.clip(0, last_col)], axis=1) for r, c, _ in corners]
    )
    cubes = read_pixels(scene, modality, places).reshape(4, len(row), -1).astype(np.float64)
    power = scene.info(modality).quantity == "backscatter dB"
    if power:
        cubes = 10.0 ** (cubes / 10.0)
    total = np.zeros(cubes.shape[1:])
    for cube, (_, _, weight) in zip(cubes, corners, strict=True):
        total += np.where(weight[:, None] == 0, 0.0, cube * weight[:, None])  # what has no weight may have no value
    return (10.0 * np.log10(total) if power else total).astype(np.float32)


def _on_the_ground(
    scene: Scene, line: NDArray[np.float64], legs: NDArray[np.float64]
) -> tuple[NDArray[np.float64], str]:
    """Distance of each vertex from the first, and its unit; in degrees along the ellipsoid, else as the map has it."""
    unit = "pixels" if scene.transform is None else "map units"
    if scene.transform is not None and scene.crs is not None:
        from pyproj import CRS

        system = CRS.from_user_input(scene.crs)
        ellipsoid = system.get_geod() if system.is_geographic else None
        if ellipsoid is not None:
            legs, unit = np.asarray(ellipsoid.line_lengths(line[:, 0], line[:, 1])), "m"
        elif system.axis_info and not system.is_geographic:  # a CRS of its own may not say how long its units are
            legs, unit = legs * system.axis_info[0].unit_conversion_factor, "m"
    return np.concatenate([[0.0], np.cumsum(legs)]), unit
