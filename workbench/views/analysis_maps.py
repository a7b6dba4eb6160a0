"""Maps of what is computed from spectra: indices, components, anomalies, angles and abundances."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes import Scene
from workbench.views.backend import hv
from workbench.views.channels import transform
from workbench.views.classes import LegendEntry, label_values
from workbench.views.grid import grid_of
from workbench.views.layers import Layer, angle_layer, anomaly_layer, band_name, index_layer, quantity_name
from workbench.views.maps import raster_element, rings
from workbench.views.picture import Picture, Row, row_of, sentences
from workbench.views.raster import STRETCH, Percentiles, raster
from workbench.views.style import BGY, FRAME, PICKED, dress

if TYPE_CHECKING:
    import pandas as pd

FIRST = ("NDVI", "NDWI", "NDBI", "BSI", "NBR", "NDMI")
SMALL = 300
"""Longest side of the frame of one of several maps, pixels."""


def spectral_modality(scene: Scene, modality: str | None = None) -> str:
    """The modality given, else the one with most bands.

    Raises:
        UnknownNameError: There is no such modality.
    """
    if modality:
        scene.info(modality)
        return modality
    return max(scene.modalities, key=lambda name: scene.info(name).bands)


def index_map(
    scene: Scene,
    index: str,
    modality: str | None = None,
    percentiles: Percentiles = STRETCH,
    size: int | None = FRAME,
) -> Picture:
    """A spectral index by its name in the catalogue, such as ``NDVI``; the table gives its spread in each class.

    Raises:
        UnknownNameError: There is no such index.
        WorkbenchError: The modality lacks one of its bands; the message says which.
    """
    name = spectral_modality(scene, modality)
    return _computed(scene, index_layer(scene, name, index), f"{index} of {scene.name}", percentiles, size)


def index_row(scene: Scene, indices: Sequence[str] = (), modality: str | None = None) -> Row:
    """Small maps of several indices beside each other, of a few well-known ones where none is named.

    One that cannot be computed is left out, and it is said why.
    """
    name = spectral_modality(scene, modality)
    wanted = list(indices) or some_indices(scene, name)
    if not wanted:
        return Row((), (f"No spectral index can be computed from {name!r}: no wavelengths that reach are documented.",))
    return row_of(*(partial(index_map, scene, index, name, size=SMALL) for index in wanted))


def unusual_row(scene: Scene, modality: str | None = None, endmembers: int = 4) -> Row:
    """Anomalies and what each pixel is mixed of, beside each other; in words what cannot be computed."""
    name = spectral_modality(scene, modality)
    return row_of(partial(anomaly_map, scene, name, size=SMALL), partial(abundance_maps, scene, name, count=endmembers))


def anomaly_map(
    scene: Scene, modality: str | None = None, percentiles: Percentiles = STRETCH, size: int | None = FRAME
) -> Picture:
    """How unlike the rest of the scene each spectrum is (RX): bright pixels are worth a look."""
    name = spectral_modality(scene, modality)
    return _computed(scene, anomaly_layer(scene, name), f"Anomalies of {scene.name}, {name}", percentiles, size)


def angle_map(
    scene: Scene,
    pixel: tuple[int, int],
    modality: str | None = None,
    percentiles: Percentiles = STRETCH,
    size: int | None = FRAME,
) -> Picture:
    """The angle of each spectrum to that of a pixel (row, col): bright pixels are alike in shape, whatever the light."""
    name = spectral_modality(scene, modality)
    row, col = pixel
    layer = angle_layer(scene, name, row, col)
    title = f"Spectral angle to row {row}, column {col} of {scene.name}, {name}"
    return _computed(scene, layer, title, percentiles, size, [(row, col)])


def components_map(
    scene: Scene,
    kind: str = "PCA",
    modality: str | None = None,
    percentiles: Percentiles = STRETCH,
    size: int | None = FRAME,
) -> Picture:
    """The first three components as red, green and blue; the table gives the strength of each.

    Args:
        scene: The tile.
        kind: ``PCA`` or ``MNF``.
        modality: Which modality; None is the one with most bands.
        percentiles: Stretch.
        size: Longest side of the frame in pixels.

    Raises:
        WorkbenchError: The kind is neither, or the components cannot be computed.
    """
    import pandas as pd

    if kind.upper() not in ("PCA", "MNF"):
        raise WorkbenchError(f"Components are PCA or MNF, not {kind!r}.")
    name, kind = spectral_modality(scene, modality), kind.upper()
    words = {"PCA": "Principal components", "MNF": "Minimum noise fraction"}[kind]
    layer = Layer(f"{words} ({name})", name, "components" if kind == "PCA" else "mnf")
    drawn = raster(scene, layer, percentiles)
    grid = grid_of(scene, drawn.stride)
    fitted = transform(scene, name, kind)
    measure = "share of the variance (%)" if kind == "PCA" else "signal-to-noise ratio (of variances)"
    strength = np.asarray(fitted.strength) * (100 if kind == "PCA" else 1)
    info = scene.info(name)
    heaviest = [band_name(info, fitted.bands[int(np.abs(row).argmax())]) for row in fitted.matrix]
    table = pd.DataFrame({measure: strength, "heaviest band": heaviest}, index=pd.Index(fitted.names, name="component"))
    return Picture(
        raster_element(drawn, grid).opts(**grid.options(size)),
        f"{words} of {scene.name}, {name}",
        f"Components 1, 2, 3 as red, green, blue.{_whole(drawn.stride)}",
        table,
        method=sentences(*drawn.notes),
    )


def abundance_maps(
    scene: Scene, modality: str | None = None, count: int = 4, seed: int = 0, method: str = "full"
) -> list[Picture]:
    """The spectra found to be purest, and how much of each every pixel holds.

    Args:
        scene: The tile.
        modality: Which modality; None is the one with most bands.
        count: How many endmembers.
        seed: Of the sample that they are searched in.
        method: ``full``, ``non-negative`` or ``unconstrained``.

    Returns:
        The spectra of the endmembers, then one map for each, the same colours from 0 to 1 for all.

    Raises:
        WorkbenchError: The modality has too few bands or pixels.
    """
    from workbench.spectra.unmixing import find_endmembers, unmix
    from workbench.views.spectra import spectra_picture

    name = spectral_modality(scene, modality)
    ends = find_endmembers(scene, name, count, seed=seed)
    shares = unmix(scene, name, ends, method=method)  # type: ignore[arg-type]  # checked there
    picked = [
        (values, f"{words}: row {row}, column {col}")
        for values, words, (_, row, col) in zip(ends.values, ends.names, ends.places, strict=True)
    ]
    spectra = spectra_picture(scene, name, picked, classes=[], size=(400, 220))
    grid = grid_of(scene, shares.stride)
    rest = float(np.nanmedian(shares.residual)) if np.isfinite(shares.residual).any() else float("nan")
    told = f"The purest spectra found. Their mixture misses the median pixel by {rest:.3g} ({quantity_name(scene.info(name))})."
    method = sentences(ends.method, *ends.notes, *shares.notes)
    title = f"Endmembers of {scene.name}, {name}"
    pictures = [Picture(spectra.element, title, told, spectra.table, spectra.legend, method=method)]
    for number, (plane, words) in enumerate(zip(shares.values, ends.names, strict=True)):
        image = hv.Image(grid.place(plane), bounds=grid.bounds, vdims=["share"]).opts(
            cmap=BGY, clim=(0, 1), colorbar=True, clabel="share of the pixel", tools=["hover"], hooks=[dress],
            colorbar_opts={"width": 10, "padding": 4},
        )  # fmt: skip
        mark = rings(scene, grid, [ends.places[number][1:]], [PICKED[number % len(PICKED)]])
        pictures.append(
            Picture(
                (image * mark).opts(**grid.options(SMALL), hooks=[dress]),
                f"Share of {words}",
                f"How much of each pixel is like {words}; the ring is where its spectrum was found.",
                spread(scene, plane, f"share of {words}"),
                (LegendEntry(PICKED[number % len(PICKED)], "○", picked[number][1]),),
            )
        )
    return pictures


def spread(scene: Scene, values: NDArray[Any], name: str) -> "pd.DataFrame":
    """10 %, median and 90 % of drawn values (rows, cols), over the whole and in each labelled class."""
    import pandas as pd

    groups = {"all": values[np.isfinite(values)]}
    if scene.has_labels:
        labels, _ = label_values(scene)
        for entry in scene.classes:
            inside = values[(labels == entry.value) & np.isfinite(values)]
            if inside.size:
                groups[f"{entry.value} {entry.name}"] = inside
    rows = [
        [len(group), *np.percentile(group, (10, 50, 90))] if len(group) else [0] + 3 * [None]
        for group in groups.values()
    ]
    columns = ["drawn pixels", "10 %", "median", "90 %"]
    return pd.DataFrame(rows, columns=columns, index=pd.Index(list(groups), name=name))


def _computed(
    scene: Scene,
    layer: Layer,
    title: str,
    percentiles: Percentiles,
    size: int | None,
    pixels: Sequence[tuple[int, int]] = (),
) -> Picture:
    drawn = raster(scene, layer, percentiles)
    assert drawn.values is not None  # layers of one channel
    grid = grid_of(scene, drawn.stride)
    element = raster_element(drawn, grid)
    if pixels:
        element = element * rings(scene, grid, pixels)
    low, high = percentiles
    table = spread(scene, drawn.values, drawn.unit)
    words = f"{drawn.unit}, drawn between its {low:g} and {high:g} % percentiles.{_whole(drawn.stride)}"
    return Picture(
        element.opts(**grid.options(size), hooks=[dress]),
        title,
        # which bands an index took, and whether it may be compared, belongs beside it
        sentences(words, *(drawn.notes if layer.kind == "index" else ())),
        table,
        figures={"median": float(table.loc["all", "median"])} if table.loc["all", "drawn pixels"] else {},
        method="" if layer.kind == "index" else sentences(*drawn.notes),
    )


def _whole(stride: int) -> str:
    return "" if stride == 1 else f" One drawn pixel stands for {stride} x {stride} of the scene."


def some_indices(scene: Scene, modality: str, most: int = 3) -> list[str]:
    """Well-known indices that a modality can compute, a few of them, for a first look."""
    from workbench.spectra.indices import list_indices

    known = [index.name for index in list_indices(scene.info(modality))]
    wanted: list[str] = [name for name in FIRST if name in known]
    return (wanted or known)[:most]
