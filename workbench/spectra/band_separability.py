"""How well two groups of pixels can be told apart in each single band."""

import numpy as np
from numpy.typing import NDArray


def band_separability(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """Jeffries-Matusita distance of two groups, band by band.

    2 (1 - exp(-B)) with the Bhattacharyya distance B = (m1 - m2)^2 / (4 (v1 + v2)) + ln((v1 + v2) / (2 s1 s2)) / 2 of two
    normal distributions of one variable (Richards and Jia, Remote Sensing Digital Image Analysis): 0 alike, 2 fully apart.

    Args:
        first: Values (n, band), NaN where nothing was measured.
        second: Values (m, band).

    Returns:
        float64 (band,), 0 to 2; NaN where a group has fewer than 3 values or no spread.
    """
    one, other = (np.asarray(group, np.float64) for group in (first, second))
    enough = (np.isfinite(one).sum(axis=0) >= 3) & (np.isfinite(other).sum(axis=0) >= 3)
    out = np.full(one.shape[1], np.nan)
    if not enough.any():
        return out
    one, other = one[:, enough], other[:, enough]
    apart = (np.nanmean(one, axis=0) - np.nanmean(other, axis=0)) ** 2
    v1, v2 = np.nanvar(one, axis=0, ddof=1), np.nanvar(other, axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        bhattacharyya = apart / (4 * (v1 + v2)) + np.log((v1 + v2) / (2 * np.sqrt(v1 * v2))) / 2
    out[enough] = np.where((v1 > 0) & (v2 > 0), 2 * (1 - np.exp(-np.maximum(bhattacharyya, 0))), np.nan)
    return out
