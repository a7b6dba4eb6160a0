"""The most confident wrong pixels in every modality: HTML without scripts, which prints."""

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.scenes import Collection, Scene
from workbench.views.classes import LegendEntry
from workbench.views.headline import Html
from workbench.views.patches import patch_colors, preset_of, read_patch
from workbench.views.picture import legend_html, table_details
from workbench.views.png import data_uri
from workbench.views.style import WRONG, rgb

if TYPE_CHECKING:
    from workbench.experiments import ErrorAnalysis

RADIUS = 10
"""Scene pixels around the wrong one."""
ZOOM = 6
"""Screen pixels of a scene pixel."""


def gallery(analysis: "ErrorAnalysis", scene: Scene | Collection, value: int = 0) -> Html:
    """A row per pixel: its surroundings in each modality, its label, the answer and how sure it was.

    Args:
        analysis: The analysis of a run.
        scene: The run's scene.
        value: Class value; 0 is all classes.
    """
    found = analysis.worst[value]
    title = f"The most confident wrong pixels, {analysis.title(value)}"
    if not len(found):
        return Html(f"<p>{escape(title)}: none is wrong.</p>", f"{title}: none is wrong.")
    presets = {name: preset_of(scene.scenes[0], name) for name in scene.modalities}
    figures = []
    for number, pixel in enumerate(found.itertuples(), start=1):
        tile = scene.scenes[int(pixel.tile)]
        label, answer = analysis.names[int(pixel.reference)], analysis.names[int(pixel.predicted)]
        words = f"{number}: {label} → {answer}, {pixel.confidence:.2f}"
        images = ""
        for name, layer in presets.items():
            patch = read_patch(tile, name, int(pixel.row), int(pixel.col), RADIUS)
            alternative = f"{name} around pixel {number}, row {pixel.row}, column {pixel.col}"
            images += _image(_marked(patch_colors(tile, layer, patch)), alternative, name)
        figures.append(
            f'<figure class="wb-worst"><div>{images}</div><figcaption>{escape(words)}<br>{escape(tile.name)}, row '
            f"{pixel.row}, column {pixel.col}</figcaption></figure>"
        )
    shown = ", ".join(f"{name} ({layer.title})" for name, layer in presets.items())
    told = (
        f"{2 * RADIUS + 1} x {2 * RADIUS + 1} pixels around each, from left to right {shown}; the wrong pixel is boxed. "
        "Under each: its label → the answer and its probability. Hatched: no data, or outside the tile."
    )
    table = analysis.worst_frame(value)
    return Html(
        f'<section class="wb-picture"><p class="wb-controls"><b>{escape(title)}.</b> {escape(told)}</p>'
        f'<div class="wb-gallery">{"".join(figures)}</div>'
        f"{legend_html([LegendEntry(WRONG, '', 'the wrong pixel')])}{table_details(table)}</section>",
        f"{title}. {told}\n{table.to_string()}",
    )


def _image(pixels: NDArray[np.uint8], alternative: str, title: str) -> str:
    side = pixels.shape[0]
    return (
        f'<img width="{side}" height="{side}" alt="{escape(alternative)}" title="{escape(title)}" '
        f'src="{data_uri(pixels)}">'
    )


def _marked(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A patch enlarged, with a box around its middle pixel: white outside, so that it shows on any ground."""
    large: Any = pixels.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    middle = (len(large) - ZOOM) // 2
    for grow, color in ((3, (255, 255, 255)), (2, rgb(WRONG)), (1, rgb(WRONG))):
        low, high = middle - grow, middle + ZOOM - 1 + grow
        for edge in ((low, slice(low, high + 1)), (high, slice(low, high + 1))):
            large[edge] = large[edge[::-1]] = (*color, 255)
    return np.ascontiguousarray(large)
