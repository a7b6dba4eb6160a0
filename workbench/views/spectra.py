"""Spectra: what each class looks like over the bands, and picked pixels against it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.scenes import Collection, ModalityInfo, Scene
from workbench.views.backend import hv
from workbench.views.class_spectra import ClassSpectra, Floats, shown_classes
from workbench.views.classes import LegendEntry, class_legend
from workbench.views.layers import band_name, quantity_name
from workbench.views.picture import Picture
from workbench.views.style import MUTED, PICKED, dress

if TYPE_CHECKING:
    import pandas as pd


VAPOUR = ((1350.0, 1430.0), (1800.0, 1950.0))  # nm: the atmosphere is opaque there
NEAR_INFRARED = (700.0, 1000.0)  # nm: banded, between the visible and the short-wave infrared
FEW_BANDS = 12
"""Bands without wavelengths that are named at the axis."""
FRAME_KEYS = ("frame_width", "frame_height")

REGULAR = 0.8  # share of equal steps from which bands are those of an imaging spectrometer
NO_LINE = {"x": [np.nan], "y": [np.nan], "color": "#000000"}
"""HoloViews draws no empty list of lines."""

Picked = tuple[Floats, str]
"""A spectrum (band,) and what to call it."""


def spectra_picture(
    scene: Scene | Collection,
    modality: str,
    picked: Sequence[Picked] = (),
    classes: Sequence[int] | None = None,
    size: tuple[int, int] | None = (760, 330),
) -> Picture:
    """Class means with their 10 to 90 % band, and picked spectra over them.

    A modality of one band has no spectrum: its classes stand side by side with mean and spread, and picked pixels are
    lines across.

    Args:
        scene: The scene or collection; without labels only picked spectra are drawn.
        modality: Which modality.
        picked: Spectra (band,) with what to call them, coloured in the fixed order of picked pixels.
        classes: Class values to draw; None draws all.
        size: Width and height of the frame in pixels; None fills the place.
    """
    info = scene.info(modality)
    known = shown_classes(scene, modality, classes)
    unit = quantity_name(info)
    unit = f"{unit[:1].upper()}{unit[1:]}"
    legend = [*class_legend(known.classes)] if known else []
    legend += [LegendEntry(PICKED[i % len(PICKED)], "○", words) for i, (_, words) in enumerate(picked)]
    what = "the mean of each class with its 10 to 90 % range" if known else "the picked pixels"
    what += " and the picked pixels" if picked and known else ""
    over = "" if info.bands == 1 else f" over {_axis_name(info)}"
    gaps = " Water-vapour gaps are greyed." if info.wavelengths and max(info.wavelengths) > VAPOUR[0][0] else ""
    return Picture(
        (class_overlay(info, known) * picked_overlay(info, known, picked)).opts(**spectra_options(info, known, size)),
        f"{'Values' if info.bands == 1 else 'Spectra'}, {modality}",
        f"{unit}{over}: {what}.{gaps}",
        spectra_table(info, known, picked),
        tuple(legend),
    )


def class_overlay(info: ModalityInfo, known: ClassSpectra | None) -> Any:
    """What does not change while pixels are picked: backdrop, spread and mean of each class."""
    x = _positions(info, known)
    spread: list[dict[str, Any]] = []
    means: list[dict[str, Any]] = []
    for index, entry in enumerate(known.classes if known else ()):
        assert known is not None
        mean, low, high = known.mean[index], known.low[index], known.high[index]
        if info.bands == 1:
            spread.append(_box(index - 0.1, float(low[0]), index + 0.1, float(high[0]), entry.color))
            means.append({"x": [index - 0.2, index + 0.2], "y": [float(mean[0])] * 2, "color": entry.color})
            continue
        for part in _runs(x, low, high):
            around = np.concatenate([x[part], x[part][::-1]])
            edge = np.concatenate([low[part], high[part][::-1]])
            spread.append({"x": around, "y": edge, "color": entry.color})
        means.append({**_broken(x, mean), "color": entry.color})
    parts = _backdrop(x, info)
    if spread:
        areas = hv.Polygons(spread, ["x", "y"], "color")
        parts.append(areas.opts(color="color", alpha=0.16 if info.bands > 1 else 0.4, line_alpha=0, hooks=[dress]))
    parts += [
        hv.Contours(means or [NO_LINE], ["x", "y"], "color").opts(color="color", line_width=2, hooks=[dress]),
    ]
    return hv.Overlay(parts)


def spectra_options(info: ModalityInfo, known: ClassSpectra | None, size: tuple[int, int] | None) -> dict[str, Any]:
    """HoloViews options of the whole: size, names of axes, ticks."""
    ticks: list[tuple[float, str]] | None = None
    if info.bands == 1:
        values = [str(entry.value) for entry in known.classes] if known else [""]  # HoloViews fails on no ticks
        ticks = list(enumerate(values))
    elif info.wavelengths is None and info.band_names is not None and info.bands <= FEW_BANDS:
        ticks = [(band, band_name(info, band)) for band in range(info.bands)]
    frame = {"responsive": True, "min_height": 200} if size is None else dict(zip(FRAME_KEYS, size, strict=True))
    options = {
        "xlabel": _axis_name(info),
        "ylabel": quantity_name(info),
        "hooks": [dress],
        "show_legend": False,
        **frame,
    }
    if ticks is not None:
        options["xticks"] = ticks
        if info.bands > 4:  # their names would run into each other
            options["xrotation"] = 60
    return options


def picked_overlay(info: ModalityInfo, known: ClassSpectra | None, picked: Sequence[Picked]) -> Any:
    """Picked spectra as lines with a white halo."""
    lines = picked_lines(info, known, picked) or [NO_LINE]
    halo = hv.Contours(lines, ["x", "y"], "color").opts(color="#ffffff", alpha=0.85, line_width=5.5, hooks=[dress])
    return halo * hv.Contours(lines, ["x", "y"], "color").opts(color="color", line_width=2.8, hooks=[dress])


def picked_lines(
    info: ModalityInfo, known: ClassSpectra | None, picked: Sequence[Picked], colors: Sequence[str] = PICKED
) -> list[dict[str, Any]]:
    """`x`, `y` and `color` of the line of each picked spectrum."""
    x = _positions(info, known)
    lines = []
    for number, (spectrum, _) in enumerate(picked):
        if info.bands == 1:
            line: dict[str, Any] = {"x": [float(x[0]) - 0.5, float(x[-1]) + 0.5], "y": [float(spectrum[0])] * 2}
        else:
            line = _broken(x, spectrum)
        lines.append({**line, "color": colors[number % len(colors)]})
    return lines


def spectra_table(info: ModalityInfo, known: ClassSpectra | None, picked: Sequence[Picked]) -> "pd.DataFrame":
    """The same figures, one row per band."""
    import pandas as pd

    columns: dict[str, Any] = {words: spectrum for spectrum, words in picked}
    for index, entry in enumerate(known.classes if known else ()):
        assert known is not None
        columns[f"{entry.name} mean"] = known.mean[index]
        columns[f"{entry.name} 10 %"] = known.low[index]
        columns[f"{entry.name} 90 %"] = known.high[index]
    index = pd.Index([band_name(info, band) for band in range(info.bands)], name="band")
    return pd.DataFrame(columns, index=index)


def _positions(info: ModalityInfo, known: ClassSpectra | None) -> NDArray[np.float64]:
    """Where bands stand on the x axis; of a single band, where classes stand."""
    if info.bands == 1:
        return np.arange(max(len(known.classes) if known else 0, 1), dtype=np.float64)
    return np.asarray(info.wavelengths if info.wavelengths is not None else range(info.bands), np.float64)


def _axis_name(info: ModalityInfo) -> str:
    if info.bands == 1:
        return "class"
    return "wavelength (nm)" if info.wavelengths is not None else "band"


def _box(left: float, bottom: float, right: float, top: float, color: str) -> dict[str, Any]:
    return {"x": [left, right, right, left], "y": [bottom, bottom, top, top], "color": color}


def _runs(x: NDArray[np.float64], *columns: NDArray[Any]) -> list[NDArray[np.intp]]:
    """Indices of bands in rising order, cut where bands are missing or have no value: no line bridges such a gap.

    The bands of a multispectral sensor stand apart by design, and are joined.
    """
    order = np.argsort(x, kind="stable")
    valid = np.all([np.isfinite(column[order]) for column in columns], axis=0)
    order = order[valid]
    if len(order) < 2:
        return []
    every = np.diff(np.sort(x))
    usual = np.median(every)
    if np.mean((every > usual / 1.5) & (every < usual * 1.5)) < REGULAR:
        return [order]
    cuts = np.flatnonzero(np.diff(x[order]) > 4 * usual) + 1
    return [run for run in np.split(order, cuts) if len(run) > 1]


def _broken(x: NDArray[np.float64], y: Floats) -> dict[str, NDArray[Any]]:
    """A line with NaN where it must break."""
    runs = _runs(x, y)
    if not runs:
        return {"x": np.array([np.nan]), "y": np.array([np.nan])}
    nothing = np.array([np.nan])
    return {
        "x": np.concatenate([part for run in runs for part in (x[run], nothing)][:-1]),
        "y": np.concatenate([part for run in runs for part in (y[run].astype(float), nothing)][:-1]),
    }


def _backdrop(x: NDArray[np.float64], info: ModalityInfo) -> list[Any]:
    """Spectral ranges lightly banded, water-vapour gaps greyed; nothing for bands without wavelengths."""
    if info.wavelengths is None or info.bands == 1:
        return []
    low, high = float(x.min()), float(x.max())
    near = (max(NEAR_INFRARED[0], low), min(NEAR_INFRARED[1], high))
    spans = [hv.VSpan(*near).opts(color=MUTED, alpha=0.07)] if near[0] < near[1] else []
    return spans + [hv.VSpan(*gap).opts(color=MUTED, alpha=0.28) for gap in VAPOUR if gap[0] > low and gap[1] < high]
