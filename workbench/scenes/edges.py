"""How far one picture of a place lies from another sensor's, told from their edges to a fraction of a pixel.

Modalities differ radiometrically, so what is correlated is the gradient magnitude of the first principal component of a
few bands, in which a contrast may be reversed. The shift is found in parts of a central crop at full resolution. Source:
Guizar-Sicairos, Thurman and Fienup, Optics Letters 33(2), 2008, as `skimage.registration.phase_cross_correlation`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.scenes.modality import ModalityInfo

Plane = NDArray[np.float32]

CROP = 512
"""Rows and columns of the central crop."""
BANDS = 8
"""Bands, spread over the modality, whose first principal component stands for it."""
SMALLEST = 48
"""Rows or columns below which no shift is given."""
PART = 0.6
"""Side of a part, of the crop's: parts overlap, as a shift needs many edges to be told."""
LOOKS = 6
"""Times that the whole is looked at: each takes away the whole pixels found so far, which a window would hold back."""
UPSAMPLING = 50
"""The shift is found to 1/50 pixel."""
SMOOTHING = 1.5
"""Standard deviation in pixels of the Gaussian under the gradient."""
MOST = 0.25
"""Share of a part by which it may be shifted."""


def central(shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of the central crop."""
    spans = [((size - min(size, CROP)) // 2, min(size, CROP)) for size in shape]
    rows, cols = (slice(start, start + size) for start, size in spans)
    return rows, cols


def few_bands(count: int) -> list[int]:
    """At most `BANDS` bands, spread evenly."""
    return sorted({int(band) for band in np.linspace(0, count - 1, min(count, BANDS)).round()})


def feature(cube: NDArray[Any], info: ModalityInfo) -> Plane:
    """One plane that stands for a cube of few bands.

    Args:
        cube: Physical values (band, rows, cols); NaN where nothing was measured.
        info: Description of the modality; linear backscatter is taken in dB.

    Returns:
        The first principal component of the standardised bands, (rows, cols), NaN where a band has no value.
    """
    values = np.asarray(cube, np.float64).reshape(len(cube), -1)
    if info.quantity == "backscatter linear":
        values = 10 * np.log10(np.where(values > 0, values, np.nan))
    there = np.isfinite(values)
    values = values[there.mean(axis=1) > 0.5 * there.any(axis=0).mean()] if there.any() else values[:0]
    out = np.full(cube.shape[1] * cube.shape[2], np.nan, np.float32)
    keep = np.isfinite(values).all(axis=0) if len(values) else np.zeros(len(out), bool)
    if keep.any():
        spectra = values[:, keep] - values[:, keep].mean(axis=1, keepdims=True)
        spread = spectra.std(axis=1, keepdims=True)
        spectra /= np.where(spread > 0, spread, 1)
        out[keep] = np.linalg.eigh(spectra @ spectra.T)[1][:, -1] @ spectra
    return out.reshape(cube.shape[1:])


def part_shifts(reference: Plane, moving: Plane) -> tuple[list[tuple[float, float] | None], str]:
    """Shift of each part of a plane against another.

    Args:
        reference: (rows, cols), NaN where nothing was measured.
        moving: The same size.

    Returns:
        Per part the rows and columns by which `moving` lies further down and right, None where none was found; and a
        note where there is no part.
    """
    if min(reference.shape) < SMALLEST:
        return [], f"{reference.shape[0]} x {reference.shape[1]} pixels are too few"
    first, second = _edges(reference), _edges(moving)
    if first is None or second is None:
        return [], "one of the pictures is flat or empty"
    one, two, whole = _laid_together(first, second)
    there = [np.isfinite(plane) for plane in _overlap(reference, moving, whole)]
    parts = [part for part in _parts(one.shape) if all(values[part].mean() >= 0.7 for values in there)]
    found = [_difference(one[part], two[part]) for part in parts]
    told = [None if shift is None else (float(whole[0] + shift[0]), float(whole[1] + shift[1])) for shift in found]
    return told, "" if parts else "too few pixels have values in both"


def _edges(plane: Plane) -> NDArray[np.float64] | None:
    """Gradient magnitude, its median where it cannot be told; None for a flat plane."""
    from scipy.ndimage import binary_dilation, gaussian_gradient_magnitude

    there = np.isfinite(plane)
    if not there.any() or np.ptp(plane[there]) == 0:
        return None
    filled = np.where(there, plane, np.median(plane[there])).astype(np.float64)
    edges = np.asarray(gaussian_gradient_magnitude(filled, SMOOTHING, mode="nearest"), np.float64)
    near_gap = binary_dilation(~there, iterations=round(3 * SMOOTHING)) if not there.all() else ~there
    middle = np.median(edges[~near_gap]) if not near_gap.all() else 0.0
    edges[near_gap] = middle
    return edges if edges.std() > 0 else None


def _parts(shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """Nine parts that overlap."""
    spans = []
    for size in shape:
        side = round(PART * size)
        starts = np.linspace(0, size - side, 3).round().astype(int)
        spans.append([slice(int(start), int(start) + side) for start in starts])
    return [(rows, cols) for rows in spans[0] for cols in spans[1]]


def _laid_together(
    reference: NDArray[np.float64], moving: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """What two planes have in common once whole pixels of their shift are taken away, and these pixels."""
    whole = np.zeros(2, np.int64)
    for _ in range(LOOKS):
        step = _difference(*_overlap(reference, moving, whole))
        if step is None or (np.abs(step) <= 0.6).all():
            break
        further = whole + np.round(step).astype(np.int64)
        if (np.abs(further) > MOST * np.array(reference.shape)).any():
            break
        whole = further
    one, two = _overlap(reference, moving, whole)
    return one, two, whole


def _overlap(
    reference: NDArray[Any], moving: NDArray[Any], whole: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The parts of two planes that cover each other where `moving` lies `whole` pixels further down and right."""
    mine = tuple(slice(max(0, -step), size - max(0, step)) for step, size in zip(whole, reference.shape, strict=True))
    its = tuple(slice(max(0, step), size - max(0, -step)) for step, size in zip(whole, reference.shape, strict=True))
    return reference[mine], moving[its]


def _difference(reference: NDArray[np.float64], moving: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Rows and columns by which `moving` lies further down and right; None for a flat plane."""
    from skimage.registration import phase_cross_correlation

    window = np.outer(*(np.hanning(size + 2)[1:-1] for size in reference.shape))  # the transform repeats its picture
    pair = [_standardised(plane) for plane in (reference, moving)]
    if pair[0] is None or pair[1] is None:
        return None
    # without whitening: the noise of two sensors fills the high frequencies, and edges do not
    found = phase_cross_correlation(  # type: ignore[no-untyped-call]
        pair[0] * window, pair[1] * window, upsample_factor=UPSAMPLING, normalization=None
    )
    return -np.asarray(found[0], np.float64)


def _standardised(part: NDArray[np.float64]) -> NDArray[np.float64] | None:
    spread = float(part.std())
    return (part - part.mean()) / spread if spread > 0 else None
