"""Where things are: parcels, labelled polygons, terrain, and the light that falls on each pixel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

PIXEL = 2.5
"""Side of a pixel in metres."""
SUN_AZIMUTH, SUN_ELEVATION = 150.0, 42.0
"""Degrees; azimuth clockwise from north."""
PARCEL_AREA = 290.0
"""A parcel is cut in two as long as it is larger, in pixels."""
MARGIN = 3
"""Labelled pixels lie at least so many pixels (Chebyshev) inside their parcel."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Parcels, drawn without knowledge of classes.

    Attributes:
        parcel: Parcel number from 1, uint16 (rows, cols).
        polygon: The same inside the polygon that may be labelled, else 0.
        pure: Whether a pixel sees nothing but its own parcel, through any sensor.
    """

    parcel: NDArray[np.uint16]
    polygon: NDArray[np.uint16]
    pure: NDArray[np.bool_]


def plan_parcels(shape: tuple[int, int], random: np.random.Generator) -> Plan:
    """Cut the scene into rectangles along two tilted directions, like fields and plots, and a polygon in each."""
    rows, cols = np.indices(shape).reshape(2, -1)
    angle = np.deg2rad(random.uniform(12, 33))
    across = cols * np.cos(angle) + rows * np.sin(angle)
    down = rows * np.cos(angle) - cols * np.sin(angle)
    parcel = np.zeros(shape, np.uint16)
    waiting, number = [np.arange(rows.size)], 0
    while waiting:
        pixels = waiting.pop()
        sides = [np.ptp(axis[pixels]) for axis in (across, down)]
        if pixels.size <= PARCEL_AREA * random.uniform(0.8, 1.3):
            number += 1
            parcel.ravel()[pixels] = number
            continue
        axis = (across, down)[int(np.argmax(sides))][pixels]
        cut = np.quantile(axis, random.uniform(0.4, 0.6))
        waiting += [pixels[axis <= cut], pixels[axis > cut]]
    depth = _depth(parcel)
    polygon = np.zeros(shape, np.uint16)
    for index, box in enumerate(ndimage.find_objects(parcel), start=1):
        inner = np.flatnonzero((parcel[box] == index) & (depth[box] > MARGIN))
        half = random.uniform(2.2, 3.8, 2)
        chosen = random.random()
        if inner.size:
            row, col = np.unravel_index(inner, parcel[box].shape)
            row, col = row + box[0].start, col + box[1].start
            # The middle of the polygon is one of the deepest pixels, so that it is rarely cut short.
            deepest = np.argsort(-depth[row, col], kind="stable")[: max(1, inner.size // 4)]
            middle = deepest[int(chosen * deepest.size)]
            place = np.ravel_multi_index((row, col), shape)
            near = np.abs(across[place] - across[place[middle]]) <= half[0]
            near &= np.abs(down[place] - down[place[middle]]) <= half[1]
            polygon.ravel()[place[near]] = index
    return Plan(parcel, polygon, depth > 2)


def _depth(parcel: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Chebyshev distance to the nearest pixel of another parcel, up to MARGIN + 4; the scene's edge does not count."""
    depth = np.ones(parcel.shape, np.int64)
    for reach in range(1, MARGIN + 4):
        size = 2 * reach + 1
        low = ndimage.minimum_filter(parcel, size, mode="nearest")
        high = ndimage.maximum_filter(parcel, size, mode="nearest")
        depth += low == high
    return depth


def choose_labelled(plan: Plan, kind: NDArray[np.int64], kinds: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """Which parcels are labelled: 65 % of those with a polygon, the same number of each class as far as there are.

    Returns:
        bool (P,).
    """
    sizes = np.bincount(plan.polygon.ravel(), minlength=kind.size + 1)[1:]
    order = random.permutation(kind.size)
    each = max(2, round(0.65 * np.count_nonzero(sizes >= 8) / kinds))
    labelled = np.zeros(kind.size, bool)
    for index in range(kinds):
        fitting = order[(kind[order] == index) & (sizes[order] >= 8)]
        labelled[fitting[:each]] = True
    return labelled


def make_terrain(shape: tuple[int, int], random: np.random.Generator) -> NDArray[np.float64]:
    """Rolling ground, metres, (rows, cols)."""
    noise = ndimage.gaussian_filter(random.standard_normal(shape), 28, mode="reflect")
    ground: NDArray[np.float64] = 6.0 * (noise - noise.mean()) / noise.std()
    return ground


def cast_shadow(surface: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Pixels that the sun does not reach.

    Args:
        surface: Height of what stands there, terrain included, metres.

    Returns:
        bool (rows, cols); beyond the scene nothing stands.
    """
    azimuth, slope = np.deg2rad(SUN_AZIMUTH), np.tan(np.deg2rad(SUN_ELEVATION))
    reach = np.ptp(surface) / slope / PIXEL
    rows, cols = np.indices(surface.shape)
    shadow = np.zeros(surface.shape, bool)
    for distance in np.arange(0.5, reach + 0.5, 0.5):
        row = np.rint(rows - distance * np.cos(azimuth)).astype(int)  # towards the sun; rows run south
        col = np.rint(cols + distance * np.sin(azimuth)).astype(int)
        inside = (row >= 0) & (row < surface.shape[0]) & (col >= 0) & (col < surface.shape[1])
        blocking = surface[row.clip(0, surface.shape[0] - 1), col.clip(0, surface.shape[1] - 1)]
        shadow |= inside & (blocking > surface + distance * PIXEL * slope)
    return shadow


def shading(terrain: NDArray[np.float64]) -> NDArray[np.float64]:
    """Direct light on the sloping ground relative to level ground, (rows, cols)."""
    azimuth, elevation = np.deg2rad(SUN_AZIMUTH), np.deg2rad(SUN_ELEVATION)
    south, east = np.gradient(terrain, PIXEL)
    facing = np.sin(elevation) - np.cos(elevation) * (np.sin(azimuth) * east - np.cos(azimuth) * south)
    light: NDArray[np.float64] = facing / np.sqrt(1 + south**2 + east**2) / np.sin(elevation)
    return light
