"""Protocol `polygons`: whole polygons of the user train or test, with a buffer so that no two patch windows meet.

A polygon is an object that the scene keeps with its labels (a crown, a parcel); where it keeps none, 8-connected pixels
of one class, which joins polygons of one class that touch.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from workbench.base.errors import WorkbenchError
from workbench.splits.assignment import Sides, search, shared
from workbench.splits.buffer import buffer_notes, drop_near, nominal_buffer
from workbench.splits.cells import choose_validation
from workbench.splits.parameters import SplitParameters
from workbench.splits.pixel_graph import components
from workbench.splits.pool import Pool
from workbench.splits.sides import TEST, TRAIN, VALIDATION, Assigned
from workbench.splits.unit_cells import count_unit_cells, sparing, unit_starts


class PolygonsParameters(SplitParameters):
    """Parameters of `polygons`; see `make_split`."""

    test_fraction: float = Field(default=0.5, gt=0, lt=1)
    buffer: int | None = Field(default=None, ge=0)


def assign_polygons(pool: Pool, parameters: PolygonsParameters, patch_size: int, seed: int) -> Assigned:
    """Assign whole polygons so that each class is shared out evenly, then drop the pixels that the buffer asks for.

    Raises:
        WorkbenchError: There are fewer than two polygons.
    """
    buffer = nominal_buffer(parameters.buffer, patch_size)
    unit, many, note = number_polygons(pool)
    if many < 2:
        raise WorkbenchError(
            "While splitting by polygons: all labels are one polygon. Draw more, or use the protocol 'blocks'."
        )
    cells = count_unit_cells(pool, unit, buffer)
    random = np.random.default_rng(seed)
    starts = unit_starts(pool, unit, random)
    total = np.bincount(pool.class_index).astype(float)

    def test_score(test: Sides) -> float:
        train_counts, test_counts = cells.counts(~test, test, total.size)
        return float(shared(train_counts / total, test_counts / total, parameters.test_fraction).sum())

    test = search(test_score, starts(parameters.test_fraction), random)
    spared = sparing(starts, pool, unit, ~test, random)
    validation = choose_validation(cells, ~test, total.size, parameters.validation_fraction, spared, random)
    side = np.full(len(pool.labels), TRAIN, np.int8)
    side[test[unit]] = TEST
    side[validation[unit]] = VALIDATION
    drop_near(pool.positions, side, buffer)
    held = f"{int((~test & ~validation).sum())} train, {int(validation.sum())} validate, {int(test.sum())} test"
    return Assigned(
        side,
        buffer,
        notes=(f"{many} polygons ({note}): {held}", *buffer_notes(buffer, patch_size)),
        resolved={"buffer": buffer},
    )


def number_polygons(pool: Pool) -> tuple[NDArray[np.int64], int, str]:
    """Number of the polygon of each pixel from 0, (n,), how many there are, and what they are in words."""
    part = components(pool)
    known = np.zeros(len(part), bool) if pool.objects is None else pool.objects > 0
    if not known.any():
        unit, words = part, "joined pixels of one class"
    else:
        assert pool.objects is not None
        keys = np.where(known, pool.objects, part)
        _, unit = np.unique(np.stack([known, pool.positions[:, 0], keys], 1), axis=0, return_inverse=True)
        words = "objects stored with the scene" if known.all() else "objects stored with the scene, and joined pixels"
    unit = np.asarray(unit, np.int64).ravel()
    return unit, int(unit.max()) + 1, words
