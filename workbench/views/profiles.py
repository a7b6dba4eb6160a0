"""Heights, backscatter and other values along a line."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from workbench.base.errors import WorkbenchError
from workbench.scenes import Scene
from workbench.views.backend import hv
from workbench.views.classes import LegendEntry
from workbench.views.grid import grid_of, to_picture
from workbench.views.layers import band_name, find_layer, quantity_name
from workbench.views.maps import raster_element
from workbench.views.picture import Picture, Row, row_of
from workbench.views.raster import raster
from workbench.views.style import MUTED, PICKED, dress

FEW = 3
"""Bands of a modality that are drawn along a line at most."""


def middle_line(scene: Scene) -> list[tuple[float, float]]:
    """A line across the middle of a scene, for a first look."""
    rows, cols = scene.shape
    return [scene.position_of(rows // 2, 0), scene.position_of(rows // 2, cols - 1)]


def profile_pictures(
    scene: Scene,
    vertices: Sequence[tuple[float, float]] | None = None,
    modalities: Sequence[str] | None = None,
    method: str = "nearest",
    width: int = 400,
) -> list[Picture]:
    """The line on the map, and the values along it, one frame for each modality.

    Args:
        scene: The tile.
        vertices: Map positions x, y of the line; columns and rows where not georeferenced. None crosses the middle.
        modalities: Which; None is every one of at most `FEW` bands, else all.
        method: ``nearest`` or ``bilinear``.
        width: Of the frame of values along the line, pixels.

    Raises:
        WorkbenchError: The line has fewer than two points or lies outside the scene.
    """
    from workbench.spectra.profiles import profile

    line = list(vertices) if vertices is not None else middle_line(scene)
    small = [name for name in scene.modalities if scene.info(name).bands <= FEW]
    names = list(modalities) if modalities else small or list(scene.modalities)
    found = profile(scene, line, names, method)  # type: ignore[arg-type]  # checked there
    table = found.to_frame()
    drawn = raster(scene, find_layer(scene))
    grid = grid_of(scene, drawn.stride)
    points = to_picture(scene, grid, np.asarray(line, float))
    path = hv.Path([points]).opts(color="#ffffff", line_width=5, hooks=[dress]) * hv.Path([points]).opts(
        color=PICKED[0], line_width=2.5, hooks=[dress]
    )
    unit = grid.x_label.partition("(")[2].rstrip(")") if grid.georeferenced else "pixels"
    ground = Picture(
        (raster_element(drawn, grid) * path).opts(**grid.options(360), hooks=[dress]),
        f"Line through {scene.name}",
        f"{found.distance[-1]:,.4g} {unit} long, on {drawn.layer.title.lower()}.",
        None,
    )
    return [ground, *(_along(scene, name, found, unit, table, width) for name in names)]


def profile_row(scene: Scene, vertices: Sequence[Sequence[float]] = ()) -> Row:
    """The line and what lies along it; across the middle where no line is given."""
    line = [(float(x), float(y)) for x, y in vertices] or None
    return row_of(partial(profile_pictures, scene, line))


def pixel_line(scene: Scene, pixels: Sequence[tuple[int, int]]) -> list[tuple[float, float]]:
    """The line through picked pixels (row, col), in the order in which they were picked.

    Raises:
        WorkbenchError: There are fewer than two.
    """
    if len(pixels) < 2:
        raise WorkbenchError("A profile goes through picked pixels: keep two or more of them.")
    return [scene.position_of(row, col) for row, col in pixels]


def _along(scene: Scene, name: str, found: Any, unit: str, table: Any, width: int) -> Picture:
    info, values = scene.info(name), found.values[name]
    shown = range(min(info.bands, FEW))
    label = quantity_name(info)
    curves = [
        hv.Curve((found.distance, values[:, band]), "distance", label).opts(
            color=PICKED[band], line_width=2, line_dash=("solid", "dashed", "dotted")[band], hooks=[dress]
        )
        for band in shown
    ]
    corners = [hv.VLine(at).opts(color=MUTED, line_width=1, line_dash="dotted") for at in found.corners[1:-1]]
    legend = [LegendEntry(PICKED[band], ("—", "- -", "···")[band], band_name(info, band)) for band in shown]
    mine = table[[column for column in table.columns if column in ("distance", "x", "y") or column.startswith(name)]]
    step = -(-len(mine) // 60)
    told = "" if info.bands <= FEW else f" The first {FEW} of {info.bands} bands are drawn."
    return Picture(
        hv.Overlay([*curves, *corners]).opts(
            frame_width=width,
            frame_height=210,
            xlabel=f"distance ({unit})",
            ylabel=label,
            show_legend=False,
            hooks=[dress],
        ),
        f"{label[:1].upper()}{label[1:]} along the line, {name}",
        " ".join([f"{len(values)} points, {found.method}.{told}", *found.notes]),
        mine.iloc[::step],
        tuple(legend) if info.bands > 1 else (),
    )
