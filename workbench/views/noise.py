"""Signal and noise of each band, the bad ones marked, and what drops them."""

from functools import partial
from typing import Any

import numpy as np

from workbench.scenes import Collection, Scene
from workbench.views.backend import hv
from workbench.views.layers import band_name
from workbench.views.picture import Picture, Row, row_of
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
    snr = np.array([np.nan if one.snr is None else one.snr for one in found.bands])
    good = np.array([band not in bad and np.isfinite(snr[band]) for band in range(info.bands)], bool)
    wrong = np.array(sorted(bad), int)
    name, label = ("wavelength (nm)" if info.wavelengths is not None else "band"), "signal-to-noise ratio"
    names = [band_name(info, band) for band in range(info.bands)]
    rows = [(x[band], snr[band], names[band]) for band in np.flatnonzero(good)]
    dots = hv.Scatter(rows or [(np.nan, np.nan, "")], name, [label, "band name"]).opts(
        color=GOOD, size=6, marker="circle", tools=["hover"], hooks=[dress]
    )
    low = [(x[band], 0.0 if np.isnan(snr[band]) else snr[band], names[band]) for band in wrong]
    crosses = hv.Scatter(low or [(np.nan, np.nan, "")], name, [label, "band name"]).opts(
        color=BAD, size=11, marker="x", line_width=2.5, tools=["hover"], hooks=[dress]
    )
    limit = hv.HLine(lowest_snr).opts(color=MUTED, line_dash="dashed", line_width=1.5)
    top = float(np.nanmax(snr)) if np.isfinite(snr).any() else 1.0
    options: dict[str, Any] = {"frame_width": 620, "frame_height": 240, "show_legend": False, "hooks": [dress]}
    return Picture(
        (dots * crosses * limit).opts(ylim=(-0.04 * top, 1.08 * top), xlabel=name, ylabel=label, **options),
        f"Signal and noise of {modality}",
        " ".join(
            [
                f"{drop_words(scene, modality, sorted(bad))} Dashed: the limit of {lowest_snr:g}.",
                found.method,
                *found.notes,
            ]
        ),
        found.to_frame().set_index("band"),
        figures={"bad_bands": sorted(bad)},
    )


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
