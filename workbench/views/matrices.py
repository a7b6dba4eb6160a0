"""Matrices as heat maps with their tables: how far classes lie apart, and how alike bands are."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from workbench.scenes import Collection, Scene
from workbench.views.backend import hv
from workbench.views.picture import Picture, Row, row_of, sentences
from workbench.views.style import BGY, DIVERGING, dress, ink_on

TEXT_UP_TO = 12
BAR = {"width": 10, "padding": 4}


def separability_picture(scene: Scene | Collection, modalities: str | Sequence[str] | None = None) -> Picture:
    """Jeffries-Matusita distances between classes: low ones will be confused, by any classifier of single spectra.

    Args:
        scene: A scene or collection with labels.
        modalities: One or several, side by side; None is all.

    Raises:
        WorkbenchError: There are no labels, or no labelled pixel has values.
    """
    from workbench.spectra.separability import separability

    names = [modalities] if isinstance(modalities, str) else list(modalities or scene.modalities)
    found = separability(scene, names)
    count = len(found.classes)
    words = [f"{entry.value} {entry.name}" for entry in found.classes]
    frame = int(np.clip(31 * count, 200, 310))
    element: Any = hv.Image(found.jm, bounds=(0, 0, count, count), vdims=["distance"]).opts(
        cmap=BGY, clim=(0, 2), colorbar=True, clabel="Jeffries-Matusita distance",
        colorbar_opts=BAR, clipping_colors={"NaN": "transparent"}, tools=["hover"], hooks=[dress],
    )  # fmt: skip
    if count <= TEXT_UP_TO:
        cells = [
            (j + 0.5, count - i - 0.5, f"{found.jm[i, j]:.2f}", _ink(float(found.jm[i, j])))
            for i, j in np.argwhere(np.isfinite(found.jm))
            if i != j
        ]
        element *= hv.Labels(cells, ["x", "y"], ["distance", "ink"]).opts(
            text_color="ink", text_font_size="10px", hooks=[dress]
        )
    table = found.to_frame()
    table.index = table.index.rename("class")
    pairs = [(found.jm[i, j], i, j) for i in range(count) for j in range(i) if np.isfinite(found.jm[i, j])]
    worst, figures = "", {}
    if pairs:
        low, i, j = min(pairs)
        figures = {"least_apart": [found.classes.names[i], found.classes.names[j]], "distance": round(float(low), 3)}
        worst = f" Least apart: {words[i]} and {words[j]}, {low:.2f}."
    reasons = [f" {found.classes.name(value)}: {reason}." for value, reason in found.reasons.items()]
    return Picture(
        element.opts(
            frame_width=frame,
            frame_height=frame,
            xlabel="class",
            ylabel="class",
            xticks=[(number + 0.5, str(entry.value)) for number, entry in enumerate(found.classes)],
            yticks=[(count - number - 0.5, name) for number, name in enumerate(words)],
            hooks=[dress],
        ),
        f"Separability of classes, {' + '.join(names)}",
        f"Jeffries-Matusita distance: 0 alike, 2 fully apart.{worst}{''.join(reasons)}",
        table,
        figures=figures,
        method=sentences(found.method, *found.notes),
    )


def correlation_picture(scene: Scene | Collection, modalities: str | Sequence[str] | None = None) -> Picture:
    """Correlation of every band with every other: blocks of red are bands that say the same.

    Args:
        scene: A scene or collection.
        modalities: One or several, side by side; None is all.
    """
    import pandas as pd

    from workbench.spectra.separability import band_correlation

    names = [modalities] if isinstance(modalities, str) else list(modalities or scene.modalities)
    found = band_correlation(scene, names)
    count = len(found.names)
    # bounds count bands; row 0 is drawn on top, so y runs downwards like the matrix
    image = hv.Image(found.values[::-1], bounds=(0, 0, count, count), vdims=["correlation"]).opts(
        cmap=DIVERGING, clim=(-1, 1), colorbar=True, clabel="correlation", colorbar_opts=BAR,
        clipping_colors={"NaN": "transparent"}, tools=["hover"], hooks=[dress],
    )  # fmt: skip
    edges = [hv.HLine(stop) * hv.VLine(stop) for _, stop in list(found.bounds.values())[:-1]]
    lines = [
        edge.opts(hv.opts.HLine(color="#ffffff", line_width=1.5), hv.opts.VLine(color="#ffffff", line_width=1.5))
        for edge in edges
    ]
    ticks = _ticks(found.names, found.bounds)
    table = pd.DataFrame(found.values.round(2), index=pd.Index(found.names, name="band"), columns=list(found.names))
    return Picture(
        hv.Overlay([image, *lines]).opts(
            frame_width=330,
            frame_height=330,
            xticks=ticks,
            yticks=ticks,
            xrotation=50,
            invert_yaxis=True,
            xlabel="band",
            ylabel="band",
            show_legend=False,
            hooks=[dress],
        ),
        f"Correlation of bands, {' + '.join(names)}",
        "Pearson correlation over pixels of the whole scene: 1 alike, 0 unrelated, -1 opposite.",
        table if count <= 40 else _thinned(table),
        method=sentences(*found.notes),
    )


def matrices_row(scene: Scene | Collection, modality: str) -> Row:
    """How far classes lie apart in a modality, and how alike all bands are; in words what cannot be computed."""
    return row_of(partial(separability_picture, scene, modality), partial(correlation_picture, scene))


def _ticks(names: tuple[str, ...], bounds: dict[str, tuple[int, int]]) -> list[tuple[float, str]]:
    """A few names along each modality, not so close that they would overlap."""
    ticks: list[tuple[float, str]] = []
    total = len(names)
    for start, stop in bounds.values():
        places = np.linspace(start, stop - 1, max(int(6 * (stop - start) / total), 1)).round().astype(int)
        for place in dict.fromkeys(places.tolist()):
            if not ticks or place + 0.5 - ticks[-1][0] >= total / 14:
                ticks.append((place + 0.5, names[place]))
    return ticks


def _thinned(table: Any) -> Any:
    """About thirty bands of many: a table that can be read."""
    step = -(-len(table) // 30)
    return table.iloc[::step, ::step]


def _ink(distance: float) -> str:
    place = int(np.clip(distance / 2, 0, 1) * (len(BGY) - 1))
    return ink_on(BGY[place])
