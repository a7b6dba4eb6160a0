"""Endmembers, and how much of each is in every pixel.

Source of the fully constrained solution: Heinz and Chang, IEEE TGRS 39(3), 2001 (non-negative least squares with the sum
to one as a heavily weighted equation).
"""

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import Collection, ModalityInfo, Scene
from workbench.spectra.sampling import Floats, Picture, Window, cut_picture, flat, sample_pixels
from workbench.spectra.targets import as_spectra

Unmixing = Literal["full", "non-negative", "unconstrained"]
HEAVY = 1e4
"""Weight of the sum to one, relative to the endmembers' size: fractions then sum to 1 within about 1e-8."""
FEW = 6
"""Endmembers up to which all subsets are tried."""


@dataclass(frozen=True, eq=False)
class Endmembers:
    """Spectra of which all others are taken to be mixed.

    Attributes:
        info: The modality.
        values: Physical values, float32 (n, band); NaN in bands that were left out.
        names: One per endmember.
        places: Tile index, row and column of the pixel each was taken from.
        method: How they were found, with source.
        notes: What a reader must know.
    """

    info: ModalityInfo
    values: Floats
    names: tuple[str, ...]
    places: tuple[tuple[int, int, int], ...]
    method: str
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Unmixed(Picture):
    """Fractions of endmembers, a channel each.

    Attributes:
        residual: Root mean square over bands of what the mixture leaves, in the modality's unit, float32 (rows, cols).
    """

    residual: Floats = field(default_factory=lambda: np.zeros((0, 0), np.float32))


def find_endmembers(scene: Scene | Collection, modality: str, count: int = 5, seed: int = 0) -> Endmembers:
    """Extreme spectra among pixels spread over the scene, by `spectral.smacc`.

    Source: Gruninger, Ratkowski and Hoke, Proc. SPIE 5425, 2004. The first is the brightest pixel; each further one is
    the least explained by those before. Extremes are found in a sample, so a rare material may be missed.

    Args:
        scene: The scene; of a collection, all tiles.
        modality: Name of the modality.
        count: How many.
        seed: Of the sample.

    Raises:
        WorkbenchError: There are not so many different spectra.
    """
    from spectral import smacc

    pixels = sample_pixels(scene, modality, seed=seed)
    doing = f"While looking for {count} endmembers in {modality!r} of scene {scene.name!r}"
    if not 1 <= count <= min(len(pixels), len(pixels.bands)):
        raise WorkbenchError(f"{doing}: between 1 and {min(len(pixels), len(pixels.bands))} can be found.")
    spectra = pixels.values.astype(np.float64)
    size = float(np.abs(spectra).max())
    with redirect_stdout(io.StringIO()), np.errstate(all="ignore"):  # it prints its progress
        found, _, _ = smacc(spectra / (size or 1.0), min_endmembers=count)
    chosen = [int(np.abs(spectra / (size or 1.0) - member).sum(axis=1).argmin()) for member in found[:count]]
    if len(set(chosen)) < count:
        raise WorkbenchError(f"{doing}: only {len(set(chosen))} different ones are there. Ask for fewer.")
    values = np.full((count, scene.info(modality).bands), np.nan, np.float32)
    values[:, list(pixels.bands)] = pixels.values[chosen]
    return Endmembers(
        scene.info(modality),
        values,
        tuple(f"endmember {number + 1}" for number in range(count)),
        tuple((int(pixels.tile[at]), int(pixels.row[at]), int(pixels.col[at])) for at in chosen),
        "SMACC (Gruninger, Ratkowski and Hoke 2004): brightest pixel first, then the least explained",
        (f"Found among {len(pixels)} pixels spread over the scene (seed {seed}).", *pixels.notes),
    )


def unmix(
    scene: Scene,
    modality: str,
    endmembers: Endmembers | ArrayLike,
    window: Window | None = None,
    method: Unmixing = "full",
    names: Sequence[str] = (),
) -> Unmixed:
    """Fractions of endmembers in every pixel, by least squares.

    Args:
        scene: A scene.
        modality: Name of the modality.
        endmembers: Of `find_endmembers`, or physical values (n, band), such as picked spectra.
        window: Rows and columns; None: the overview.
        method: ``full``: fractions are at least 0 and sum to 1; ``non-negative``: at least 0, so that shade may lower
            their sum; ``unconstrained``: neither, as `spectral.unmix`.
        names: One per endmember.

    Raises:
        UnknownNameError: There is no such method.
        WorkbenchError: Endmembers have other bands, are more than bands, or are mixtures of each other.
    """
    if method not in get_args(Unmixing):
        raise UnknownNameError("method of unmixing", method, get_args(Unmixing))
    given = endmembers.values if isinstance(endmembers, Endmembers) else endmembers
    members = as_spectra(scene, modality, given)
    bands = np.flatnonzero(np.isfinite(members).all(axis=0)).tolist()
    members = members[:, bands]
    doing = f"While unmixing {modality!r} of scene {scene.name!r}"
    if len(members) > len(bands) or np.linalg.matrix_rank(members) < len(members):
        raise WorkbenchError(
            f"{doing}: {len(members)} endmembers in {len(bands)} bands are not independent: one is a mixture of the "
            "others. Leave one out."
        )
    told = tuple(names) or (endmembers.names if isinstance(endmembers, Endmembers) else ())
    told = told or tuple(f"endmember {number + 1}" for number in range(len(members)))

    def compute(cube: Floats) -> Floats:
        spectra = flat(cube).astype(np.float64)
        out = np.full((len(members) + 1, len(spectra)), np.nan)
        there = np.isfinite(spectra).all(axis=1)
        shares = fractions(spectra[there], members, method)
        out[:-1, there] = shares.T
        out[-1, there] = np.sqrt(np.mean((spectra[there] - shares @ members) ** 2, axis=1))
        return out.reshape(-1, *cube.shape[1:]).astype(np.float32)

    notes = endmembers.notes if isinstance(endmembers, Endmembers) else ()
    picture = cut_picture(scene, modality, window, compute, (*told, "residual"), bands, notes)
    return Unmixed(
        picture.values[:-1], picture.rows, picture.cols, picture.stride, told, picture.notes, picture.values[-1]
    )


def fractions(
    spectra: NDArray[np.float64], members: NDArray[np.float64], method: Unmixing = "full"
) -> NDArray[np.float64]:
    """Fractions (n, endmember) of spectra (n, band) by least squares; see `unmix`."""
    from scipy.optimize import nnls

    # an orthogonal basis of the endmembers holds all of a spectrum that matters, in far fewer numbers
    basis, mixing = np.linalg.qr(members.T)
    targets = spectra @ basis
    if method == "full":
        heavy = HEAVY * float(np.abs(mixing).max())
        mixing = np.vstack([mixing, np.full(len(members), heavy)])
        targets = np.column_stack([targets, np.full(len(targets), heavy)])
    shares: NDArray[np.float64] = np.linalg.lstsq(mixing, targets.T, rcond=None)[0].T
    if method != "unconstrained":
        bound = np.flatnonzero((shares < 0).any(axis=1))  # where none is negative, nothing was constrained
        if len(members) <= FEW:
            shares[bound] = _best_subset(mixing, targets[bound])
        else:
            for at in bound:
                shares[at] = nnls(mixing, targets[at])[0]
    return shares


def _best_subset(mixing: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Non-negative least squares for many targets at once.

    The best answer is that of plain least squares on the endmembers that it uses, so the best of all subsets whose
    answer is not negative is it. For few endmembers this is ten times as fast as a solver called for every pixel.
    """
    count = mixing.shape[1]
    best, least = np.zeros((len(targets), count)), (targets**2).sum(axis=1)
    for size in range(1, count):
        for chosen in combinations(range(count), size):
            part = mixing[:, chosen]
            shares = np.linalg.lstsq(part, targets.T, rcond=None)[0]
            left = ((targets.T - part @ shares) ** 2).sum(axis=0)
            better = (shares >= 0).all(axis=0) & (left < least)
            best[better] = 0.0
            best[np.ix_(better, chosen)] = shares[:, better].T
            least[better] = left[better]
    return best
