"""Heights, backscatter and other values along a line."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes import ModalityInfo, Scene
from workbench.views.backend import hv
from workbench.views.classes import LegendEntry
from workbench.views.grid import grid_of, to_picture
from workbench.views.layers import band_name, find_layer, layers, quantity_name
from workbench.views.maps import raster_element
from workbench.views.picture import Picture, Row, row_of
from workbench.views.raster import raster
from workbench.views.style import MUTED, PICKED, dress

if TYPE_CHECKING:
    import pandas as pd

    from workbench.spectra.profiles import Profile

FEW = 3
"""Bands of a modality that are drawn together along a line at most; of more, one is."""
DASHES = ("solid", "dashed", "dotted")
Vertices = Sequence[Sequence[float]]
"""Map positions x, y of a line; columns and rows where a scene is not georeferenced."""


def middle_line(scene: Scene) -> list[tuple[float, float]]:
    """A line across the middle of a scene, for a first look."""
    rows, cols = scene.shape
    return [scene.position_of(rows // 2, 0), scene.position_of(rows // 2, cols - 1)]


def pixel_line(scene: Scene, pixels: Sequence[tuple[int, int]]) -> list[tuple[float, float]]:
    """The line through picked pixels (row, col), in the order in which they were picked.

    Raises:
        WorkbenchError: There are fewer than two.
    """
    if len(pixels) < 2:
        raise WorkbenchError("A profile goes through picked pixels: keep two or more of them, or draw a line.")
    return [scene.position_of(row, col) for row, col in pixels]


@dataclass(frozen=True, eq=False)
class Along:
    """Bands of one modality along a line: the words, the legend and the table of it, and the lines to draw.

    Attributes:
        info: The modality.
        bands: Which of its bands, from 0.
        found: What was read.
    """

    info: ModalityInfo
    bands: tuple[int, ...]
    found: "Profile"

    @property
    def title(self) -> str:
        """What it is."""
        label = quantity_name(self.info)
        return f"{label[:1].upper()}{label[1:]} along the line, {self.info.name}"

    @property
    def distance(self) -> str:
        """Name of the x axis."""
        return f"distance ({self.found.unit})"

    @property
    def words(self) -> str:
        """What a reader must know."""
        info, values = self.info, self.found.values[self.info.name]
        how = {"nearest": "the nearest pixel of each", "bilinear": "each between the four pixels around it"}
        told = [f"{len(values)} points, {how[self.found.method]}."]
        if len(self.bands) < info.bands:
            names = ", ".join(band_name(info, band) for band in self.bands)
            told.append(f"Drawn is {names} of {info.bands} bands.")
        if not np.isfinite(values[:, list(self.bands)]).any():
            told.append("Nothing was measured along it.")
        return " ".join([*told, *self.found.notes])

    @property
    def lines(self) -> list[tuple[NDArray[np.float32], str, str]]:
        """Values (n,), colour and dash of the line of each band."""
        values = self.found.values[self.info.name]
        return [
            (values[:, band], PICKED[place % len(PICKED)], DASHES[place % len(DASHES)])
            for place, band in enumerate(self.bands)
        ]

    @property
    def legend(self) -> tuple[LegendEntry, ...]:
        """Which line is which band; nothing where there is only one."""
        marks = dict(zip(DASHES, ("—", "- -", "···"), strict=True))
        told = zip(self.lines, self.bands, strict=True)
        entries = [LegendEntry(color, marks[dash], band_name(self.info, band)) for (_, color, dash), band in told]
        return tuple(entries) if self.info.bands > 1 else ()

    @property
    def table(self) -> "pd.DataFrame":
        """The same figures at every so many points, about sixty rows."""
        columns = [self.distance, "x", "y", *(f"{self.info.name} {band + 1}" for band in self.bands)]
        return self.found.to_frame()[columns].iloc[:: -(-len(self.found.distance) // 60)]

    def picture(self, width: int) -> Picture:
        """The picture of it; `width` of its frame in pixels."""
        label = quantity_name(self.info)
        curves = [
            hv.Curve((self.found.distance, values), "distance", label).opts(
                color=color, line_width=2, line_dash=dash, hooks=[dress]
            )
            for values, color, dash in self.lines
        ]
        corners = [hv.VLine(at).opts(color=MUTED, line_width=1, line_dash="dotted") for at in self.found.corners[1:-1]]
        look = {"frame_width": width, "frame_height": 210, "xlabel": self.distance, "ylabel": label}
        drawn = hv.Overlay([*curves, *corners]).opts(show_legend=False, hooks=[dress], **look)
        return Picture(drawn, self.title, self.words, self.table, self.legend)


def read_along(scene: Scene, vertices: Vertices, along: Sequence[str] = (), method: str = "nearest") -> list[Along]:
    """What lies along a line.

    Args:
        scene: The tile.
        vertices: The line.
        along: Modalities, with the band counted from 1 where one is wanted, such as ``["lidar", "hsi 30"]``. Empty
            takes every modality; of one with more than `FEW` bands the one that a composite shows in red.
        method: ``nearest`` or ``bilinear``.

    Raises:
        UnknownNameError: There is no such modality.
        WorkbenchError: The line has fewer than two points or lies outside the scene, or there is no such band.
    """
    from workbench.spectra.profiles import profile

    chosen: dict[str, dict[int, None]] = {}
    for wanted in along or _every(scene):
        name, bands = _parsed(scene, str(wanted))
        chosen.setdefault(name, {}).update(dict.fromkeys(bands))
    found = profile(scene, _line(vertices), list(chosen), method)  # type: ignore[arg-type]  # checked there
    return [Along(scene.info(name), tuple(bands), found) for name, bands in chosen.items()]


def profile_pictures(
    scene: Scene,
    vertices: Vertices | None = None,
    along: Sequence[str] = (),
    method: str = "nearest",
    width: int = 400,
) -> list[Picture]:
    """The line on the map, and the values along it, one frame for each modality.

    Args:
        scene: The tile.
        vertices: The line; None crosses the middle.
        along: As `read_along` takes it.
        method: ``nearest`` or ``bilinear``.
        width: Of the frame of values along the line, pixels.

    Raises:
        UnknownNameError: There is no such modality.
        WorkbenchError: The line has fewer than two points or lies outside the scene, or there is no such band.
    """
    line = middle_line(scene) if vertices is None else vertices
    read = read_along(scene, line, along, method)
    found = read[0].found
    drawn = raster(scene, find_layer(scene))
    grid = grid_of(scene, drawn.stride)
    points = to_picture(scene, grid, np.asarray(line, float))
    path = hv.Path([points]).opts(color="#ffffff", line_width=5, hooks=[dress]) * hv.Path([points]).opts(
        color=PICKED[0], line_width=2.5, hooks=[dress]
    )
    ground = Picture(
        (raster_element(drawn, grid) * path).opts(**grid.options(360), hooks=[dress]),
        f"Line through {scene.name}",
        f"{found.distance[-1]:,.4g} {found.unit} long, on {drawn.layer.title.lower()}.",
        None,
    )
    return [ground, *(one.picture(width) for one in read)]


def profile_row(scene: Scene, vertices: Vertices = (), along: Sequence[str] = ()) -> Row:
    """The line and what lies along it; across the middle where no line is given."""
    return row_of(partial(profile_pictures, scene, vertices or None, along))


def profile_table(scene: Scene, vertices: Vertices) -> "pd.DataFrame":
    """Every band of every modality along a line, a row for each point, as it is saved."""
    from workbench.spectra.profiles import profile

    return profile(scene, _line(vertices)).to_frame()


def one_of_many(scene: Scene) -> dict[str, int]:
    """Modalities of which one band is drawn along a line, and which one at first, from 0."""
    red = {layer.modality: layer.bands[0] for layer in reversed(layers(scene)) if layer.bands}
    return {name: red.get(name, 0) for name in scene.modalities if scene.info(name).bands > FEW}


def _line(vertices: Vertices) -> list[tuple[float, float]]:
    try:
        return [(float(x), float(y)) for x, y in vertices]
    except (TypeError, ValueError) as error:
        raise WorkbenchError(f"A line is a list of map positions [[x, y], ...]; got {vertices!r}.") from error


def _every(scene: Scene) -> list[str]:
    many = one_of_many(scene)
    few = [name for name in scene.modalities if name not in many]
    return [*few, *(f"{name} {band + 1}" for name, band in many.items())]


def _parsed(scene: Scene, wanted: str) -> tuple[str, list[int]]:
    """Name of the modality and its bands from 0."""
    name, _, number = wanted.rpartition(" ")
    if wanted in scene.modalities or not name:
        many = one_of_many(scene)
        return wanted, [many[wanted]] if wanted in many else list(range(scene.info(wanted).bands))
    info = scene.info(name)
    if not (number.isdigit() and 1 <= int(number) <= info.bands):
        raise WorkbenchError(
            f"While reading {wanted!r} along a line: {name!r} has the bands 1 to {info.bands}. Write one after its name."
        )
    return name, [int(number) - 1]
