"""Signal and noise of each band, the bad ones marked, and what drops them."""

from functools import partial

import numpy as np

from workbench.scenes import Collection, Scene
from workbench.views.backend import hv
from workbench.views.layers import band_name, quantity_name
from workbench.views.picture import Picture, Row, row_of, sentences
from workbench.views.style import MUTED, PICKED, dress

GOOD, BAD = PICKED[5], PICKED[0]


def noise_picture(scene: Scene | Collection, modality: str, lowest_snr: float = 5.0) -> Picture:
    """Signal-to-noise ratio per band, bad bands crossed; the words say how to drop them.

    Args:
        scene: A scene or collection.
        modality: Which modality.
        lowest_snr: Bands below are offered for removal.
    """
    from workbench.spectra.noise import band_quality

    found = band_quality(scene, modality, lowest_snr)
    info, bad = found.info, set(found.bad)
    x = np.asarray(info.wavelengths if info.wavelengths is not None else range(1, info.bands + 1), float)
    told = np.array([np.nan if one.snr is None else one.snr for one in found.bands])
    measured = bool(np.isfinite(told).any())
    if not measured:  # a ratio of dB or heights has no meaning
        told = np.array([np.nan if one.signal is None else one.signal for one in found.bands])
    good = np.array([band not in bad and np.isfinite(told[band]) for band in range(info.bands)], bool)
    wrong = np.array(sorted(bad), int)
    name = "wavelength (nm)" if info.wavelengths is not None else "band"
    label = "signal-to-noise ratio" if measured else f"median {quantity_name(info)}"
    names = [band_name(info, band) for band in range(info.bands)]
    rows = [(x[band], told[band], names[band]) for band in np.flatnonzero(good)]
    dots = hv.Scatter(rows or [(np.nan, np.nan, "")], name, [label, "band name"]).opts(
        color=GOOD, size=6, marker="circle", tools=["hover"], hooks=[dress]
    )
    bad_rows = [(x[band], 0.0 if np.isnan(told[band]) else told[band], names[band]) for band in wrong]
    crosses = hv.Scatter(bad_rows or [(np.nan, np.nan, "")], name, [label, "band name"]).opts(
        color=BAD, size=11, marker="x", line_width=2.5, tools=["hover"], hooks=[dress]
    )
    overlay = dots * crosses
    ticks = {"xticks": [int(at) for at in x]} if info.wavelengths is None and info.bands <= 12 else {}
    if measured:
        overlay *= hv.HLine(lowest_snr).opts(color=MUTED, line_dash="dashed", line_width=1.5)
    low_y, high_y = (
        min(0.0, float(np.nanmin([*told, 0.0]))),
        float(np.nanmax([*told, 0.0, lowest_snr if measured else 0.0])),
    )
    margin = 0.06 * ((high_y - low_y) or 1.0)
    words = drop_words(scene, modality, sorted(bad))
    return Picture(
        overlay.opts(
            ylim=(low_y - margin, high_y + margin), xlabel=name, ylabel=label, frame_width=400, frame_height=220,
            show_legend=False, hooks=[dress], **ticks,
        ),
        f"Signal and noise of {modality}",
        f"{words} Dashed: the limit of {lowest_snr:g}." if measured else words,
        found.to_frame().set_index("band"),
        figures={"bad_bands": sorted(bad)},
        method=sentences(found.method, *found.notes),
    )  # fmt: skip


def noise_row(scene: Scene | Collection) -> Row:
    """Signal and noise of every modality of more than one band."""
    names = [name for name in scene.modalities if scene.info(name).bands > 1]
    return row_of(*(partial(noise_picture, scene, name) for name in names))


def drop_words(scene: Scene | Collection, modality: str, bad: list[int]) -> str:
    """Which bands to drop and the line of Python that does it, or that there are none."""
    if not bad:
        return "No band is empty, constant or below the limit."
    told = ", ".join(str(band + 1) for band in bad)
    name = scene.collection.partition("@")[0]
    line = f'derive_scene(scene, "{name}-good", [DropBands("{modality}", {bad})])'
    return (
        f"{len(bad)} bad bands (crosses), counted from 1: {told}. To leave them out: {line}, where they count from 0."
    )
