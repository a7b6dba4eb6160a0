"""Spectra: what each class looks like over the bands, and picked pixels against it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes import Collection, ModalityInfo, Scene
from workbench.scenes.classes import ClassTable
from workbench.scenes.schema import CHUNK
from workbench.views.backend import hv
from workbench.views.classes import BLOCK, LegendEntry, class_legend
from workbench.views.layers import band_name, quantity_name
from workbench.views.picture import Picture
from workbench.views.style import MUTED, PICKED, dress

Floats = NDArray[np.float32]

PER_CLASS = 300
"""Labelled pixels that stand for a class."""
WINDOWS = 400
"""Chunks of a scene that are read for them at most."""
VAPOUR = ((1350.0, 1430.0), (1800.0, 1950.0))  # nm: the atmosphere is opaque there
RANGES = (("visible", 380.0, 700.0), ("near infrared", 700.0, 1000.0), ("short-wave infrared", 1000.0, 2600.0))


@dataclass(frozen=True, eq=False)
class ClassSpectra:
    """Mean and spread of each class's labelled pixels.

    Attributes:
        info: The modality.
        classes: The classes that have valid labelled pixels.
        counts: Pixels that were read of each class.
        mean: float32 (classes, bands).
        low: 10th percentile, float32 (classes, bands).
        high: 90th percentile.
    """

    info: ModalityInfo
    classes: ClassTable
    counts: tuple[int, ...]
    mean: Floats
    low: Floats
    high: Floats


def class_spectra(scene: Scene | Collection, modality: str, per_class: int = PER_CLASS, seed: int = 0) -> ClassSpectra:
    """Read labelled pixels of each class and summarise them; the last few scenes are kept in memory.

    Args:
        scene: A scene or collection with labels.
        modality: Which modality.
        per_class: At most so many pixels of each class, drawn at random over the scene.
        seed: Seed of the drawing.

    Raises:
        WorkbenchError: There are no labels, or no labelled pixel has data.
    """
    scene.info(modality)
    return _class_spectra(scene, modality, per_class, seed)


@lru_cache(maxsize=16)
def _class_spectra(scene: Scene | Collection, modality: str, per_class: int, seed: int) -> ClassSpectra:
    doing = f"While reading spectra per class of scene {scene.name!r}"
    if not scene.has_labels:
        raise WorkbenchError(f"{doing}: it has no labels. Spectra of single pixels work without.")
    rng = np.random.default_rng(seed)
    found: dict[int, list[Floats]] = {}
    for tile, chosen in zip(scene.scenes, _choose(scene, per_class, rng), strict=True):
        for value, spectra in _read(tile, modality, chosen):
            found.setdefault(value, []).append(spectra)
    kept, stacked = [], []
    for entry in scene.classes:
        spectra = np.concatenate(found[entry.value]) if entry.value in found else np.zeros((0, 0), np.float32)
        spectra = spectra[np.isfinite(spectra).any(axis=1)] if spectra.size else spectra
        if len(spectra):
            kept.append(entry)
            stacked.append(spectra)
    if not kept:
        raise WorkbenchError(f"{doing}: no labelled pixel has data in {modality!r}.")
    with np.errstate(all="ignore"):
        percentiles = [_nan_percentiles(spectra) for spectra in stacked]
    return ClassSpectra(
        scene.info(modality),
        ClassTable(kept),
        tuple(len(spectra) for spectra in stacked),
        np.stack([_nan_mean(spectra) for spectra in stacked]),
        np.stack([pair[0] for pair in percentiles]),
        np.stack([pair[1] for pair in percentiles]),
    )


def spectra_picture(
    scene: Scene | Collection,
    modality: str,
    picked: Sequence[tuple[Floats, str]] = (),
    classes: Sequence[int] | None = None,
    size: tuple[int, int] | None = (760, 330),
    bands: bool = True,
) -> Picture:
    """Class means with their 10 to 90 % band, and picked spectra over them.

    Args:
        scene: The scene or collection; without labels only picked spectra are drawn.
        modality: Which modality.
        picked: Spectra (band,) with what to call them, coloured in the fixed order of picked pixels.
        classes: Class values to draw; None draws all.
        size: Width and height of the frame in pixels; None fills the place.
        bands: Whether to draw the 10 to 90 % bands.
    """
    import pandas as pd

    info = scene.info(modality)
    if info.bands == 1:
        return _single_band(scene, info, picked, classes, size)
    x = np.asarray(info.wavelengths if info.wavelengths is not None else range(info.bands), float)
    axis = hv.Dimension("wavelength" if info.wavelengths is not None else "band")
    value = hv.Dimension("value")
    parts: list[Any] = [*_backdrop(x, info)]
    columns: dict[str, Any] = {}
    legend: list[LegendEntry] = []
    if scene.has_labels:
        known = class_spectra(scene, modality)
        for index, entry in enumerate(known.classes):
            if classes is not None and entry.value not in classes:
                continue
            mean, low, high = known.mean[index], known.low[index], known.high[index]
            if bands:
                area = hv.Area(_breaks(x, low, high), axis, [value, "high"])
                parts.append(area.opts(color=entry.color, alpha=0.16, line_alpha=0, hooks=[dress]))
            parts.append(_line(x, mean, entry.color, 2.0, axis, value))
            columns[f"{entry.name} mean"] = mean
            columns[f"{entry.name} 10 %"] = low
            columns[f"{entry.name} 90 %"] = high
        legend += class_legend(ClassTable(e for e in known.classes if classes is None or e.value in classes))
    for number, (spectrum, words) in enumerate(picked):
        color = PICKED[number % len(PICKED)]
        parts += [_line(x, spectrum, "#ffffff", 5.0, axis, value, 0.85), _line(x, spectrum, color, 2.6, axis, value)]
        columns[words] = spectrum
        legend.append(LegendEntry(color, "○", words))
    unit = quantity_name(info)
    ticks: dict[str, Any] = {}
    if info.wavelengths is None and info.bands <= 12:
        ticks = {"xticks": [(band, band_name(info, band)) for band in range(info.bands)]}
    name = "wavelength (nm)" if info.wavelengths is not None else "band"
    overlay = hv.Overlay(parts).opts(
        hv.opts.Overlay(show_legend=False, xlabel=name, ylabel=unit, hooks=[dress], **_frame(size), **ticks)
    )
    index = pd.Index([band_name(info, band) for band in range(info.bands)], name="band")
    many = " and the picked pixels" if picked and scene.has_labels else ""
    what = f"the mean of each class with its 10 to 90 % band{many}" if scene.has_labels else "the picked pixels"
    return Picture(
        overlay,
        f"Spectra, {modality}",
        f"{unit[:1].upper()}{unit[1:]} over {name}: {what}. Water-vapour gaps are greyed."
        if info.wavelengths is not None and x.max() > 1350
        else f"{unit[:1].upper()}{unit[1:]} over {name}: {what}.",
        pd.DataFrame(columns, index=index),
        tuple(legend),
    )


def _single_band(
    scene: Scene | Collection,
    info: ModalityInfo,
    picked: Sequence[tuple[Floats, str]],
    classes: Sequence[int] | None,
    size: tuple[int, int] | None,
) -> Picture:
    """One band has no spectrum: classes stand side by side with mean and spread, picked pixels as lines across."""
    import pandas as pd

    parts: list[Any] = []
    rows: list[dict[str, Any]] = []
    shown: list[Any] = []
    if scene.has_labels:
        known = class_spectra(scene, info.name)
        chosen = [(i, e) for i, e in enumerate(known.classes) if classes is None or e.value in classes]
        for place, (index, entry) in enumerate(chosen):
            mean, low, high = (float(part[index, 0]) for part in (known.mean, known.low, known.high))
            look = {"color": entry.color, "hooks": [dress]}
            parts.append(hv.Segments([(place, low, place, high)]).opts(line_width=9, alpha=0.35, **look))
            parts.append(hv.Scatter([(place, mean)], "class", "value").opts(size=9, **look))
            rows.append({"what": entry.name, "mean": mean, "10 %": low, "90 %": high})
            shown.append(entry)
    legend = [*class_legend(ClassTable(shown))]
    for number, (spectrum, words) in enumerate(picked):
        color = PICKED[number % len(PICKED)]
        if np.isfinite(spectrum[0]):
            parts.append(hv.HLine(float(spectrum[0])).opts(color=color, line_width=2.5))
        rows.append({"what": words, "mean": float(spectrum[0])})
        legend.append(LegendEntry(color, "○", words))
    parts = parts or [hv.Scatter([], "class", "value").opts(hooks=[dress])]
    unit = quantity_name(info)
    overlay = hv.Overlay(parts).opts(
        hv.opts.Overlay(
            show_legend=False,
            xlabel="class",
            ylabel=unit,
            xticks=[(place, str(entry.value)) for place, entry in enumerate(shown)],
            hooks=[dress],
            **_frame(size),
        )
    )
    return Picture(
        overlay,
        f"Values, {info.name}",
        f"{unit[:1].upper()}{unit[1:]}: mean of each class as a dot, its 10 to 90 % range as a bar"
        f"{', picked pixels as lines' if picked else ''}.",
        pd.DataFrame(rows),
        tuple(legend),
    )


def _frame(size: tuple[int, int] | None) -> dict[str, Any]:
    if size is None:
        return {"responsive": True, "min_height": 220}
    return {"frame_width": size[0], "frame_height": size[1]}


def _line(x: NDArray[Any], y: Floats, color: str, width: float, axis: Any, value: Any, alpha: float = 1.0) -> Any:
    curve = hv.Curve(_breaks(x, y), axis, value)
    return curve.opts(color=color, line_width=width, alpha=alpha, hooks=[dress])


def _breaks(x: NDArray[Any], *columns: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Insert a NaN where bands are missing, so that no line bridges a gap nobody measured."""
    order = np.argsort(x, kind="stable")
    x, columns = x[order], tuple(np.asarray(column, float)[order] for column in columns)
    if len(x) < 3:
        return (x, *columns)
    steps = np.diff(x)
    gaps = np.flatnonzero(steps > 4 * np.median(steps)) + 1
    middle = [(x[gap - 1] + x[gap]) / 2 for gap in gaps]
    return (np.insert(x, gaps, middle), *(np.insert(column, gaps, np.nan) for column in columns))


def _backdrop(x: NDArray[Any], info: ModalityInfo) -> list[Any]:
    """Spectral ranges lightly banded, water-vapour gaps greyed; nothing for bands without wavelengths."""
    if info.wavelengths is None:
        return []
    spans = []
    for number, (_, low, high) in enumerate(RANGES):
        if high > x.min() and low < x.max() and number % 2 == 1:
            spans.append(hv.VSpan(max(low, x.min()), min(high, x.max())).opts(color=MUTED, alpha=0.07))
    for low, high in VAPOUR:
        if low > x.min() and high < x.max():
            spans.append(hv.VSpan(low, high).opts(color=MUTED, alpha=0.28))
    return spans


def _choose(scene: Scene | Collection, per_class: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Per tile, rows, columns and labels (n, 3) of at most `per_class` labelled pixels of each class."""
    parts = []
    for number, tile in enumerate(scene.scenes):
        for start in range(0, tile.shape[0], BLOCK):
            labels = tile.read_labels(slice(start, min(start + BLOCK, tile.shape[0])))
            if labels is None:
                break
            rows, cols = np.nonzero(labels)
            kinds = labels[rows, cols].astype(np.int64)
            keep = _sample(kinds, 4 * per_class, rng)
            parts.append(np.stack([np.full(len(keep), number), rows[keep] + start, cols[keep], kinds[keep]], axis=1))
    every = np.concatenate(parts) if parts else np.zeros((0, 4), np.int64)
    every = every[_sample(every[:, 3], per_class, rng)]
    chunk = np.unique(every[:, :3] // (1, CHUNK, CHUNK), axis=0, return_inverse=True)[1].ravel()
    if chunk.size and chunk.max() >= WINDOWS:  # a huge scene: some chunks stand for all
        every = every[np.isin(chunk, rng.permutation(chunk.max() + 1)[:WINDOWS])]
    return [every[every[:, 0] == number, 1:] for number in range(len(scene.scenes))]


def _sample(kinds: NDArray[np.int64], most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices of at most `most` entries of each kind, in order."""
    chosen = [rng.permutation(np.flatnonzero(kinds == kind))[:most] for kind in np.unique(kinds)]
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, np.intp)


def _read(tile: Scene, modality: str, chosen: NDArray[np.int64]) -> list[tuple[int, Floats]]:
    """Spectra (n, band) of chosen pixels by class, read chunk by chunk."""
    out = []
    place = chosen[:, :2] // CHUNK
    for row, col in np.unique(place, axis=0):
        mine = chosen[(place == (row, col)).all(axis=1)]
        r0, c0 = int(mine[:, 0].min()), int(mine[:, 1].min())
        window = tile.read(modality, slice(r0, int(mine[:, 0].max()) + 1), slice(c0, int(mine[:, 1].max()) + 1))
        spectra = window[:, mine[:, 0] - r0, mine[:, 1] - c0].T
        out += [(int(value), spectra[mine[:, 2] == value]) for value in np.unique(mine[:, 2])]
    return out


def _nan_mean(spectra: Floats) -> Floats:
    valid = np.isfinite(spectra)
    total = np.where(valid, spectra, 0).sum(axis=0, dtype=np.float64)
    count = valid.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _nan_percentiles(spectra: Floats) -> tuple[Floats, Floats]:
    empty = ~np.isfinite(spectra).any(axis=0)
    safe = np.where(empty, 0, spectra)
    low, high = np.nanpercentile(safe, (10, 90), axis=0)
    low[empty] = high[empty] = np.nan
    return low.astype(np.float32), high.astype(np.float32)
