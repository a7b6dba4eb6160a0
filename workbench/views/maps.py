"""Pictures of maps: composites, labels, class maps side by side, right and wrong test pixels."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.runs import RunFolder
from workbench.scenes import Scene
from workbench.scenes.classes import ClassTable
from workbench.views.backend import hv
from workbench.views.classes import HIT_LEGEND, LegendEntry, class_legend, hits, label_values, map_values, run_classes
from workbench.views.grid import Grid, grid_of, point_of
from workbench.views.layers import Layer, chosen_bands, find_layer, layers, wavelength_layer
from workbench.views.picture import Picture, Row, row_of, sentences
from workbench.views.raster import STRETCH, Percentiles, Raster, raster
from workbench.views.style import FRAME, PICKED, RIGHT, RING, WRONG, dress, ink_on


def composite(
    scene: Scene,
    layer: str | Layer | None = None,
    *,
    modality: str | None = None,
    bands: Sequence[int] | None = None,
    wavelengths: Sequence[float] | None = None,
    percentiles: Percentiles = STRETCH,
    size: int | None = FRAME,
) -> Picture:
    """A scene in colours, or one band of it with a colour bar.

    Args:
        scene: The tile.
        layer: A preset of `layers(scene)` or its title; None is the one to show first.
        modality: With `bands`, draw bands of this modality instead of a preset.
        bands: One band, or three as red, green and blue.
        wavelengths: The same in nm.
        percentiles: Stretch, band by band.
        size: Longest side of the frame in pixels; None fills the place.
    """
    import pandas as pd

    chosen = resolve_layer(scene, layer, modality, bands, wavelengths)
    drawn = raster(scene, chosen, percentiles)
    grid = grid_of(scene, drawn.stride)
    low, high = percentiles
    table = pd.DataFrame(
        {"shown as": _shown_as(drawn), f"{low:g} %": drawn.limits[:, 0], f"{high:g} %": drawn.limits[:, 1]},
        index=pd.Index(drawn.channels, name="channel"),
    )
    whole = "" if drawn.stride == 1 else f" One drawn pixel stands for {drawn.stride} x {drawn.stride} of the scene."
    hatched = " Hatched: no data." if (drawn.rgba[..., 3] < 255).any() else ""
    return Picture(
        raster_element(drawn, grid).opts(**grid.options(size)),
        f"{chosen.title} of {scene.name}",
        f"{_kind(drawn)}, stretched between the {low:g} and {high:g} % percentiles.{whole}{hatched}",
        table,
        method=sentences(*drawn.notes),
    )


def composites(scene: Scene, size: int = 350) -> Row:
    """Every preset but the first beside each other; in words what cannot be drawn."""
    return row_of(*(partial(composite, scene, preset, size=size) for preset in layers(scene)[1:]))


def resolve_layer(
    scene: Scene,
    layer: str | Layer | None,
    modality: str | None = None,
    bands: Sequence[int] | None = None,
    wavelengths: Sequence[float] | None = None,
) -> Layer:
    """The layer that a request means."""
    if wavelengths:
        names = [name for name in scene.modalities if scene.info(name).wavelengths is not None]
        return wavelength_layer(scene, modality or (names or list(scene.modalities))[0], wavelengths)
    if bands is not None:
        return chosen_bands(scene, modality or scene.modalities[0], bands)
    if isinstance(layer, Layer):
        return layer
    if layer is None and modality is not None:
        scene.info(modality)
        return next(preset for preset in layers(scene) if preset.modality == modality)
    return find_layer(scene, layer)


def raster_element(drawn: Raster, grid: Grid) -> Any:
    """A drawn layer as a HoloViews element; a single band has a colour bar and tells its value on hover."""
    if drawn.values is None or not np.isfinite(drawn.values).any():
        return hv.RGB(grid.place(drawn.rgba), bounds=grid.bounds, vdims=[*"RGBA"]).opts(hooks=[dress])
    low, high = drawn.limits[0]
    image = hv.Image(grid.place(drawn.values), bounds=grid.bounds, vdims=["value"]).opts(
        cmap=list(drawn.colors),
        clim=(float(low), float(high) if high > low else float(low) + 1),
        colorbar=True,
        clabel=drawn.unit,
        colorbar_opts={"width": 10, "padding": 4},
        tools=["hover"],
        hooks=[dress],
    )
    missing = ~np.isfinite(drawn.values)
    if not missing.any():
        return image
    hatching = np.where(missing[..., None], drawn.rgba, 0).astype(np.uint8)
    return hv.RGB(grid.place(hatching), bounds=grid.bounds, vdims=[*"RGBA"]).opts(hooks=[dress]) * image


def label_map(scene: Scene, size: int | None = FRAME) -> Picture:
    """The labels of a scene in class colours, with class numbers; unlabelled is transparent."""
    values, stride = label_values(scene)
    grid = grid_of(scene, stride)
    element = class_element(values, scene.classes, grid, "label") * _numbers(values, scene, grid, stride)
    return Picture(
        element.opts(**grid.options(size), hooks=[dress]),
        f"Labels of {scene.name}",
        f"{int((values > 0).sum()):,} of {values.size:,} drawn pixels are labelled; the others are transparent.",
        class_counts(values, scene.classes, stride),
        class_legend(scene.classes, values),
    )


def class_map(run: RunFolder, scene: Scene, size: int | None = FRAME) -> Picture:
    """A run's class map of a tile.

    Raises:
        WorkbenchError: The run has not mapped the tile.
    """
    values, stride = _mapped(run, scene)
    grid, classes = grid_of(scene, stride), run_classes(run)
    return Picture(
        class_element(values, classes, grid, "map").opts(**grid.options(size)),
        f"Class map of {scene.name}",
        f"What run {run.id} says of every pixel; transparent where a modality has no data.",
        class_counts(values, classes, stride),
        class_legend(classes, values),
    )


def label_and_class_map(run: RunFolder, scene: Scene, size: int = 430) -> Picture:
    """Labels and class map side by side, with one zoom for both."""
    mapped, stride = _mapped(run, scene)
    labels, _ = label_values(scene)
    grid = grid_of(scene, stride)
    elements = [
        (class_element(labels, scene.classes, grid, "label") * _numbers(labels, scene, grid, stride)).opts(
            title="Labels"
        ),
        class_element(mapped, run_classes(run), grid, "map").opts(title="Class map"),
    ]
    options = {**grid.options(size), "hooks": [dress]}
    inside = labels > 0
    agree = float((labels[inside] == mapped[inside]).mean()) if inside.any() else float("nan")
    return Picture(
        hv.Layout([element.opts(**options) for element in elements]).cols(2).opts(shared_axes=True),
        f"Labels and class map of {scene.name}",
        f"Left the labels, right the class map. They agree on {agree:.1%} of the labelled pixels drawn, training "
        "pixels included: that is no accuracy.",
        class_counts(mapped, scene.classes, stride).join(
            class_counts(labels, scene.classes, stride)[["drawn pixels"]].rename(columns={"drawn pixels": "labelled"})
        ),
        class_legend(scene.classes, np.concatenate([labels.ravel(), mapped.ravel()])),
    )


def error_map(run: RunFolder, scene: Scene, tile: int = 0, size: int | None = FRAME) -> Picture:
    """Right and wrong test pixels of a run over a pale composite.

    Args:
        run: A finished run.
        scene: The tile that is drawn.
        tile: Its number in the scene that the run was trained on.
        size: Longest side of the frame in pixels.
    """
    import pandas as pd

    frame = run.predictions
    frame = frame[(frame["set"] == "test") & (frame["tile"] == tile)]
    right = int((frame["reference"] == frame["predicted"]).sum())
    values, _ = hits(run, scene, tile)
    drawn = raster(scene, find_layer(scene))
    grid = grid_of(scene, drawn.stride)
    backdrop = hv.RGB(grid.place(pale(drawn.rgba)), bounds=grid.bounds, vdims=[*"RGBA"]).opts(hooks=[dress])
    marks = indexed(values, [RIGHT, WRONG], grid, "test pixel", ["right", "wrong"])
    table = pd.DataFrame(
        {
            "test pixels": [right, len(frame) - right],
            "share": [right / max(len(frame), 1), 1 - right / max(len(frame), 1)],
        },
        index=pd.Index(["mapped right", "mapped wrong"], name="outcome"),
    )
    return Picture(
        (backdrop * marks).opts(**grid.options(size), hooks=[dress]),
        f"Right and wrong test pixels of {scene.name}",
        f"{right:,} of {len(frame):,} test pixels are mapped right. Where a drawn pixel stands for several, a wrong one "
        "shows.",
        table,
        HIT_LEGEND,
    )


def pixels_on_composite(scene: Scene, pixels: Sequence[tuple[int, int]], size: int | None = FRAME) -> Picture:
    """Picked pixels (row, col) as numbered rings on the composite."""
    import pandas as pd

    drawn = raster(scene, find_layer(scene))
    grid = grid_of(scene, drawn.stride)
    element = raster_element(drawn, grid) * rings(scene, grid, pixels)
    places = [point_of(scene, grid, row, col) for row, col in pixels]
    table = pd.DataFrame(
        [
            {"row": row, "column": col, grid.x_label: f"{x:.10g}", grid.y_label: f"{y:.10g}"}
            for (row, col), (x, y) in zip(pixels, places, strict=True)
        ],
        index=pd.Index(range(1, len(pixels) + 1), name="pixel"),
    )
    legend = [
        LegendEntry(PICKED[i % len(PICKED)], str(i + 1), f"row {row}, column {col}")
        for i, (row, col) in enumerate(pixels)
    ]
    return Picture(
        element.opts(**grid.options(size), hooks=[dress]),
        f"Pixels in {scene.name}",
        f"Rings mark the pixels on {drawn.layer.title.lower()}.",
        table,
        legend,
    )


def rings(scene: Scene, grid: Grid, pixels: Sequence[tuple[int, int]], colors: Sequence[str] = PICKED) -> Any:
    """Picked pixels (row, col) as rings with a white halo, coloured in the fixed order."""
    points = [
        (*point_of(scene, grid, row, col), colors[number % len(colors)]) for number, (row, col) in enumerate(pixels)
    ]
    look = {"marker": "circle", "fill_alpha": 0.0, "size": RING, "hooks": [dress]}
    halo = hv.Points(points, vdims=["color"]).opts(line_color="#ffffff", line_width=6, **look)
    return halo * hv.Points(points, vdims=["color"]).opts(line_color="color", line_width=3, **look)


def class_element(values: NDArray[Any], classes: ClassTable, grid: Grid, name: str) -> Any:
    """Class values (rows, cols) as an element in class colours that names the class on hover."""
    index = np.zeros(values.shape, np.uint8 if len(classes) < 255 else np.uint16)
    for number, entry in enumerate(classes, start=1):
        index[values == entry.value] = number
    words = [f"{entry.value} {entry.name}" for entry in classes]
    return indexed(index, list(classes.colors), grid, name, words)


def class_counts(values: NDArray[Any], classes: ClassTable, stride: int = 1) -> Any:
    """Drawn pixels of each class and their share, as a pandas DataFrame."""
    import pandas as pd

    counts = np.array([int((values == entry.value).sum()) for entry in classes])
    share = counts / max(int(counts.sum()), 1)
    index = pd.Index([f"{entry.value} {entry.name}" for entry in classes], name="class")
    return pd.DataFrame({"drawn pixels": counts, "%": (100 * share).round(1)}, index=index)


def indexed(index: NDArray[Any], colors: list[str], grid: Grid, name: str, words: list[str]) -> Any:
    """Indices from 1 (0 is transparent) as an image of one byte per pixel, with words on hover."""

    def hover(plot: Any, element: Any) -> None:
        from bokeh.models import CustomJSHover, HoverTool

        dress(plot, element)
        code = "return names[value - 1] ?? 'none'"
        tool = HoverTool(
            tooltips=[(name, "@image{custom}")],
            formatters={"@image": CustomJSHover(args={"names": words}, code=code)},
            renderers=[plot.handles["glyph_renderer"]],
        )
        plot.state.add_tools(tool)

    # HoloViews casts nothing here: the array travels as it is, a quarter of the size of colours.
    image = hv.Image(grid.place(index), bounds=grid.bounds, vdims=[name])
    return image.opts(
        cmap=colors or [PICKED[0]],
        clim=(0.5, max(len(colors), 1) + 0.5),
        clipping_colors={"min": "transparent", "NaN": "transparent"},
        hooks=[hover],
    )


def _numbers(values: NDArray[Any], scene: Scene, grid: Grid, stride: int) -> Any:
    """The number of each class inside its largest region."""
    from scipy import ndimage

    places, inks = [], []
    for entry in scene.classes:
        regions, count = ndimage.label(values == entry.value)
        if not count:
            continue
        sizes = np.bincount(regions.ravel())[1:]
        inside = np.pad(regions == int(sizes.argmax()) + 1, 1)
        row, col = np.unravel_index(ndimage.distance_transform_edt(inside).argmax(), inside.shape)
        x, y = point_of(scene, grid, (row - 0.5) * stride - 0.5, (col - 0.5) * stride - 0.5)
        ink = ink_on(entry.color)
        places.append((x, y, str(entry.value)))
        inks.append((ink, "#ffffff" if ink == "#000000" else "#000000"))
    rows = [(*place, *ink) for place, ink in zip(places, inks, strict=True)]
    labels = hv.Labels(rows, ["x", "y"], ["number", "ink", "outline"])
    return labels.opts(
        text_color="ink", text_font_size="11px", text_font_style="bold", text_outline_color="outline", hooks=[dress]
    )


def _mapped(run: RunFolder, scene: Scene) -> tuple[NDArray[np.uint16], int]:
    found = map_values(run, scene)
    if found is None:
        raise WorkbenchError(
            f"Run {run.id} has no class map of {scene.name!r} as it is now. Make one: workbench map {run.id}."
        )
    return found


def pale(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colours as greys of little contrast: a backdrop for marks, on light and dark pages."""
    grey = rgba[..., :3].mean(axis=2, keepdims=True)
    out = rgba.copy()
    out[..., :3] = (70 + 0.45 * grey).astype(np.uint8)
    return out


def _shown_as(drawn: Raster) -> list[str]:
    return ["red", "green", "blue"][: len(drawn.channels)] if drawn.values is None else ["colour"]


def _kind(drawn: Raster) -> str:
    if drawn.values is not None:
        return f"{drawn.unit[:1].upper()}{drawn.unit[1:]}"
    names = ", ".join(drawn.channels)
    return f"{names} as {', '.join(_shown_as(drawn))}"
