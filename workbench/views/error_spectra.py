"""Spectra of confused pairs: right pixels of a class, those taken for another, right pixels of that other."""

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.analysis.error_summary import FEW
from workbench.scenes.classes import ClassEntry, ClassTable
from workbench.views.backend import hv
from workbench.views.class_spectra import ClassSpectra
from workbench.views.classes import LegendEntry
from workbench.views.layers import quantity_name
from workbench.views.picture import Picture, Row
from workbench.views.spectra import class_overlay, spectra_options
from workbench.views.style import MUTED, WRONG, dress

if TYPE_CHECKING:
    import pandas as pd

    from workbench.experiments import ErrorAnalysis
    from workbench.experiments.error_spectra import PairSpectra

COLORS = ("#0072b2", WRONG, "#009e73")
SHORT = ("right", "mistaken", "right other")
METHOD = (
    "Jeffries-Matusita distance of single bands, 2 (1 - exp(-B)) with the Bhattacharyya distance B of two normal "
    "distributions (Richards and Jia, Remote Sensing Digital Image Analysis): 0 alike, 2 fully apart. It is between the "
    "right pixels of both classes; what was mistaken is not part of it. Test pixels, at most 300 of each group."
)


def spectra_row(analysis: "ErrorAnalysis") -> Row:
    """The commonest mistake of each class shown in every modality; in words where there are too few pixels."""
    pictures, notes = [], []
    for value in analysis.shown:
        found = analysis.spectra.get(value, ())
        pictures += [pair_picture(analysis, pair) for pair in found]
        if not found:
            most = max((pair.pixels for pair in analysis.confusions.of(value)), default=0)
            notes.append(
                f"{analysis.names[value]}: too few pixels of one mistake for its spectra ({most} of {FEW} needed)."
                if most < FEW
                else f"{analysis.names[value]}: the scene is gone, its spectra cannot be read."
            )
    return Row(pictures, tuple(notes))


def pair_picture(analysis: "ErrorAnalysis", pair: "PairSpectra") -> Picture:
    """Means with one standard deviation, and the bands in which right pixels of the two lie farthest apart."""
    one, other = analysis.names[pair.reference], analysis.names[pair.mapped]
    groups = (f"right {one}", f"{one} taken for {other}", f"right {other}")
    there = [i for i in range(len(groups)) if np.isfinite(pair.mean[i]).any()]  # a group may be empty, or without data
    spread = np.where(np.isfinite(pair.sd), pair.sd, 0)
    known = ClassSpectra(
        pair.info,
        ClassTable(ClassEntry(i + 1, groups[i], COLORS[i]) for i in there),
        tuple(pair.counts[i] for i in there),
        *(part[there].astype(np.float32) for part in (pair.mean, pair.mean - spread, pair.mean + spread)),
    )
    bands = pair.info.bands
    size = (440, 250) if bands > 4 else (240, 250)
    element = class_overlay(pair.info, known)
    if bands > 1:
        x = pair.info.wavelengths or range(bands)
        for band in pair.best:
            element = element * hv.VLine(float(x[band])).opts(
                color=MUTED, line_dash="dotted", line_width=1.5, hooks=[dress]
            )
    options: dict[str, Any] = spectra_options(pair.info, known, size)
    if bands == 1:
        options |= {"xlabel": "group", "xticks": [(place, SHORT[i]) for place, i in enumerate(there)] or [(0, "")]}
    unit = quantity_name(pair.info)
    marks = ", ".join(f"{pair.names[band]} ({pair.distance[band]:.2f})" for band in pair.best)
    told = f"Farthest apart (Jeffries-Matusita, of 2): {marks}." if marks else "Too few pixels to tell the bands apart."
    return Picture(
        element.opts(**options),
        f"{one} taken for {other}, {pair.info.name}",
        f"{unit[:1].upper()}{unit[1:]}: mean and one standard deviation. {told}"
        + (" Dotted: these bands." if marks and bands > 1 else ""),
        _table(pair, groups),
        tuple(
            LegendEntry(color, "", f"{words} (n = {n})")
            for color, words, n in zip(COLORS, groups, pair.counts, strict=True)
        ),
        method=METHOD,
    )


def _table(pair: "PairSpectra", groups: tuple[str, ...]) -> "pd.DataFrame":
    import pandas as pd

    columns: dict[str, list[str]] = {
        f"{words}, mean ± sd": [_spread(pair.mean[i, b], pair.sd[i, b]) for b in range(pair.info.bands)]
        for i, words in enumerate(groups)
    }
    columns["JM distance"] = ["–" if np.isnan(d) else f"{d:.2f}" for d in pair.distance]
    ways = [pair.way(band) for band in range(pair.info.bands)]
    columns["mistaken lie at, % of the way"] = ["–" if way is None else f"{100 * way:.0f}" for way in ways]
    return pd.DataFrame(columns, index=pd.Index(pair.names, name="band"))


def _spread(mean: float, sd: float) -> str:
    if not np.isfinite(mean):
        return "–"
    return f"{mean:.4g} ± {sd:.2g}" if np.isfinite(sd) else f"{mean:.4g}"
