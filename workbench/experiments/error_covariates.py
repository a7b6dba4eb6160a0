"""What is known of each test pixel that an error could have to do with: distances, height, brightness, shadow, mixing.

None of it is taken from the run's class map: a map draws a boundary around each of its own errors, so that errors would
always lie near boundaries. Pixels are read where they lie, a window at a time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from workbench.base.errors import WorkbenchError
from workbench.scenes import Collection, Scene
from workbench.spectra.sampling import read_pixels, sample_pixels
from workbench.spectra.unmixing import fractions
from workbench.splits import Split
from workbench.splits.control import nearest_training_pixel

Floats = NDArray[np.float64]

BLOCK = 1024
"""Side of the windows in which planes are read, pixels."""
REACH = 32
"""Distances to classes are looked for within so many pixels; what lies farther off counts as that far."""
AROUND = 10
"""Pixels on each side in which the lowest elevation is looked for."""
DARK = 0.05
"""Share of a scene's pixels that is called dark where no map of shadow is stored."""
AT_ONCE = 50_000
"""Spectra read at a time."""
UNMIXED = 2_000
"""Test pixels of each class that are unmixed at most."""
MEMBERS = 300
"""Training pixels of each class whose mean is its endmember at most."""
DISTANCES = (0.0, 2.5, 4.5, 8.5, 16.5, float(REACH))
HEIGHTS = ("lidar", "dem", "dsm", "ndsm", "chm")


@dataclass(frozen=True, eq=False)
class Covariate:
    """One thing that is known of every test pixel, or why it is not.

    Attributes:
        what: What it is, in a sentence.
        unit: Unit of its values; empty where there is none.
        how: How it was found.
        values: float64 (n,), NaN where it is not known.
        edges: Edges of its bins; None bins by quantiles.
        names: Names of these bins.
        reason: Why it is known of no pixel; empty otherwise.
    """

    what: str
    unit: str
    how: str
    values: Floats
    edges: tuple[float, ...] | None = None
    names: tuple[str, ...] | None = None
    reason: str = ""


def covariates(scene: Scene | Collection | None, split: Split, pixels: pd.DataFrame) -> dict[str, Covariate]:
    """Everything that is looked at, by name.

    Args:
        scene: The run's scene; None where it is gone, so that only positions are known.
        split: The run's split.
        pixels: Test pixels: tile, row, col, reference.
    """
    places = pixels[["tile", "row", "col"]].to_numpy(np.int64)
    found: dict[str, Covariate] = {}
    gone = "the scene of the run is gone or has changed"

    def add(name: str, what: str, unit: str, how: str, make: Callable[[Scene | Collection], Covariate]) -> None:
        try:
            if scene is None:
                raise WorkbenchError(gone)
            found[name] = make(scene)
        except WorkbenchError as error:
            found[name] = Covariate(what, unit, how, np.full(len(places), np.nan), reason=str(error).rstrip("."))

    bins = ("up to 2", "3 to 4", "5 to 8", "9 to 16", f"17 to {REACH} or more")
    distances: list[NDArray[np.float64]] = []
    for key, what, how in (
        ("class boundary", "the distance to another class", "Euclidean, in the map of truth or else of labels"),
        (
            "label edge",
            "the distance to the edge of its labelled area",
            "Euclidean, to the nearest pixel without its label",
        ),
    ):
        told = f"{how}, within {REACH} pixels; what lies farther off, or not in its tile, counts as {REACH}."

        def distance(scene: Scene | Collection, what: str = what, told: str = told, key: str = key) -> Covariate:
            if not distances:
                distances.extend(_class_distances(scene, places))
            return Covariate(what, "pixels", told, distances[key == "label edge"], DISTANCES, bins)

        add(key, what, "pixels", told, distance)
    found["nearest training pixel"] = _nearest_training(split, pixels)
    add("local height", "the local height", "", "", lambda scene: _local_height(scene, places))
    spectral = None if scene is None else optical_modality(scene)
    planes: dict[str, Covariate] = {}
    for name, what in (("brightness", "the brightness"), ("shadow", "its light"), ("mixing", "the mixed-pixel score")):

        def read(scene: Scene | Collection, name: str = name) -> Covariate:
            if spectral is None:
                raise WorkbenchError("no optical modality of three bands or more is there")
            if not planes:
                planes.update(_of_spectra(scene, spectral, split, pixels))
            return planes[name]

        add(name, what, "", "", read)
    return found


def optical_modality(scene: Scene | Collection) -> str | None:
    """The optical modality of most bands, at least three; None where there is none."""
    infos = [scene.info(name) for name in scene.modalities]
    other = ("height", "elevation", "backscatter dB", "backscatter linear")
    optical = [
        one for one in infos if one.bands >= 3 and one.quantity not in other and one.name not in ("sar", *HEIGHTS)
    ]
    return max(optical, key=lambda one: one.bands).name if optical else None


def _class_distances(scene: Scene | Collection, places: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Distances in pixels to the nearest pixel of another class, and to the nearest one without the own label.

    A synthetic scene knows the class of every pixel (its reference map ``truth``); elsewhere it is known where labels are.
    """
    out = np.full((2, len(places)), float(REACH))
    for tile, rows, cols, mine in _windows(scene, places, REACH):
        labels = tile.read_labels(rows, cols)
        if labels is None:
            continue
        known = tile.reference["truth"][rows, cols] if "truth" in tile.reference else labels
        row, col = places[mine, 1] - rows.start, places[mine, 2] - cols.start
        own = labels[row, col]
        for value in np.unique(own):
            here = own == value
            for number, target in enumerate(((known != 0) & (known != value), labels != value)):
                if target.any():
                    away = ndimage.distance_transform_edt(~target)
                    out[number, mine[here]] = np.minimum(away[row[here], col[here]], REACH)
    return out[0], out[1]


def _nearest_training(split: Split, pixels: pd.DataFrame) -> Covariate:
    nearest = nearest_training_pixel(split)
    keys = ["tile", "row", "col"]
    table = pd.DataFrame(split.test.positions, columns=keys).assign(away=nearest.distance)
    away = pixels[keys].merge(table, on=keys, how="left")["away"].to_numpy(np.float64)
    reason = "" if np.isfinite(away).any() else "no training pixel lies in a tile or CRS of test pixels"
    what = "the distance to the nearest training pixel"
    return Covariate(what, "pixels", f"Euclidean, by {nearest.how}.", away, reason=reason)


def _local_height(scene: Scene | Collection, places: NDArray[np.int64]) -> Covariate:
    infos = [scene.info(name) for name in scene.modalities]
    rank = {"height": 0, "elevation": 1}
    fit = [one for one in infos if one.quantity in rank or (one.name in HEIGHTS and one.quantity == "unknown")]
    if not fit:
        raise WorkbenchError("no modality of heights or elevations is there")
    info = min(fit, key=lambda one: rank.get(one.quantity, 2))
    above_ground = info.quantity == "height"
    out = np.full(len(places), np.nan)
    for tile, rows, cols, mine in _windows(scene, places, 0 if above_ground else AROUND):
        plane = tile.read(info.name, rows, cols, [0])[0]
        row, col = places[mine, 1] - rows.start, places[mine, 2] - cols.start
        out[mine] = plane[row, col]
        if not above_ground:
            lowest = ndimage.minimum_filter(np.where(np.isfinite(plane), plane, np.inf), 2 * AROUND + 1, mode="nearest")
            out[mine] -= lowest[row, col]
    side = 2 * AROUND + 1
    how = f"{info.name}, first band" + (
        ": height above ground, as it is." if above_ground else f": above the lowest of {side} x {side} pixels around."
    )
    return Covariate("the local height", info.unit, how, out)


def _of_spectra(scene: Scene | Collection, name: str, split: Split, pixels: pd.DataFrame) -> dict[str, Covariate]:
    """Brightness, shadow and mixing, with each spectrum read once."""
    places = pixels[["tile", "row", "col"]].to_numpy(np.int64)
    labels = pixels["reference"].to_numpy()
    members, reason = _class_means(scene, name, split)
    rng = np.random.default_rng(0)
    chosen = np.zeros(len(places), bool)
    for value in np.unique(labels):
        chosen[rng.permutation(np.flatnonzero(labels == value))[:UNMIXED]] = True
    bright, mixed = np.full(len(places), np.nan), np.full(len(places), np.nan)
    for start in range(0, len(places), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        spectra = read_pixels(scene, name, places[part]).astype(np.float64)
        bright[part] = _mean(spectra)
        if not reason:
            bands = np.isfinite(members).all(axis=0)
            whole = chosen[part] & np.isfinite(spectra[:, bands]).all(axis=1)
            if whole.any():
                shares = fractions(spectra[whole][:, bands], members[:, bands])
                mixed[start + np.flatnonzero(whole)] = np.round(1 - shares.max(axis=1), 4).clip(0, 1) + 0.0
    unit = scene.info(name).unit or scene.info(name).quantity.replace("unknown", "")
    how = (
        f"1 minus the largest abundance, by fully constrained unmixing of {name} with the means of the training pixels "
    )
    how += f"of each class as endmembers (at most {MEMBERS}); of at most {UNMIXED:,} test pixels of each class."
    none = np.full(len(places), np.nan)
    return {
        "brightness": Covariate("the brightness", unit, f"Mean over the bands of {name}.", bright),
        "shadow": _shadow(scene, name, places, bright),
        "mixing": Covariate("the mixed-pixel score", "", how, none if reason else mixed, reason=reason),
    }


def _class_means(scene: Scene | Collection, name: str, split: Split) -> tuple[Floats, str]:
    """Mean spectrum of the training pixels of each class (class, band), and why they cannot unmix."""
    bands = scene.info(name).bands
    if not 2 <= len(split.classes) <= bands:
        return np.zeros((0, bands)), f"{len(split.classes)} classes cannot be unmixed from the {bands} bands of {name}"
    rng = np.random.default_rng(0)
    means = []
    for value in split.classes:
        mine = split.train.positions[split.train.labels == value]
        mine = mine[np.sort(rng.permutation(len(mine))[:MEMBERS])].astype(np.int64)
        means.append(_mean(read_pixels(scene, name, mine).astype(np.float64).T))
    members = np.stack(means)
    if np.isfinite(members).all(axis=0).sum() < len(split.classes):
        return members, f"too few bands of {name} have values in training pixels of every class"
    return members, ""


def _shadow(scene: Scene | Collection, name: str, places: NDArray[np.int64], bright: Floats) -> Covariate:
    edges = (-0.5, 0.5, 1.5)
    if all("shadow" in tile.reference for tile in scene.scenes):
        dark = np.full(len(places), np.nan)
        for number in np.unique(places[:, 0]):
            mine = places[:, 0] == number
            plane = scene.scenes[int(number)].reference["shadow"]
            dark[mine] = plane[places[mine, 1], places[mine, 2]] > 0
        return Covariate("its light", "", "The map of shadow that came with the scene.", dark, edges, ("sun", "shadow"))
    limit = float(np.quantile(sample_pixels(scene, name).values.mean(axis=1), DARK))
    dark = np.where(np.isfinite(bright), bright < limit, np.nan)
    how = f"Darker than {limit:.4g}, the {100 * DARK:g} % quantile of the brightness of {name} over the whole scene: shadow, "
    how += "or ground that is dark itself."
    return Covariate("its light", "", how, dark, edges, ("not dark", "dark"))


def _mean(values: Floats) -> Floats:
    """Mean along the last axis of what is there; NaN where nothing is."""
    there = np.isfinite(values)
    count = there.sum(axis=-1)
    total: Floats = np.where(there, values, 0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _windows(
    scene: Scene | Collection, places: NDArray[np.int64], halo: int
) -> Iterator[tuple[Scene, slice, slice, NDArray[np.intp]]]:
    """Tile, rows, columns and indices of the pixels, for windows that hold them with a halo."""
    _, block = np.unique(places // (1, BLOCK, BLOCK), axis=0, return_inverse=True)
    block = block.ravel()
    for number in range(int(block.max(initial=-1)) + 1):
        mine = np.flatnonzero(block == number)
        tile = scene.scenes[int(places[mine[0], 0])]
        low, high = places[mine, 1:].min(axis=0) - halo, places[mine, 1:].max(axis=0) + halo + 1
        rows, cols = (
            slice(max(int(a), 0), min(int(b), size)) for a, b, size in zip(low, high, tile.shape, strict=True)
        )
        yield tile, rows, cols, mine
