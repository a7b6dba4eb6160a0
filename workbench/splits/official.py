"""Protocol `official`: the training and test pixels that were published with the data, as they are.

Nothing is buffered: the point of a published split is to be everybody's. Where patches overlap, the audit says so.
"""

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.splits.cells import block_starts, choose_validation, count_cells, number_blocks
from workbench.splits.parameters import SplitParameters
from workbench.splits.pool import Pool
from workbench.splits.sides import LEFT_OUT, TEST, TRAIN, VALIDATION, Assigned
from workbench.splits.windows import inside_windows

NAME = "official"

PUBLISHED = "validation pixels are the published ones; validation_fraction counts only where none are"

SIDES = np.array([LEFT_OUT, TRAIN, VALIDATION, TEST], np.int8)
"""Side of each code of a stored split: 0 none, 1 training, 2 validation, 3 test."""


class OfficialParameters(SplitParameters):
    """Parameters of `official`; see `make_split`."""

    split: str = NAME


def assign_official(pool: Pool, parameters: OfficialParameters, patch_size: int, seed: int) -> Assigned:
    """Take the published sides; where no validation was published, draw it from training.

    Args:
        pool: The labelled pixels with their codes in the stored split.
        parameters: `validation_fraction` counts only where no validation was published.
        patch_size: Side of the window in pixels.
        seed: Of the draw of validation.

    Raises:
        WorkbenchError: The scene has no published split.
    """
    if pool.codes is None or not pool.codes.any():
        several = len({tile.unit for tile in pool.tiles}) > 1
        others = "'groups' or 'blocks'" if several else "'blocks'"
        stored = [f"split={name!r}" for name in pool.stored if name != parameters.split]
        raise WorkbenchError(
            "While splitting by the protocol 'official': no split was published with this scene in the packaging it "
            f"was imported from{_unless(parameters.split)} (label layers have none either). Use the protocol {others}; "
            "'random' works as well, but its test pixels have neighbours in training."
            f"{f' What the packaging itself brought is at {chr(44).join(stored)}.' if stored else ''}"
        )
    side = SIDES[pool.codes]
    if (side == VALIDATION).any():
        return Assigned(side, notes=(PUBLISHED,), resolved={"validation": "published"})
    if not parameters.validation_fraction:
        return Assigned(side, resolved={"validation": "none"})
    random = np.random.default_rng(seed)
    fraction, training = parameters.validation_fraction, np.flatnonzero(side == TRAIN)
    published = Pool(pool.tiles, pool.positions[training], pool.labels[training], pool.names, pool.scene_hash)
    drawn, how = _in_blocks(published, fraction, patch_size, random), "blocks"
    kinds = np.unique(published.labels).size
    if 2 * np.unique(published.labels[drawn == VALIDATION]).size < kinds:
        drawn, how = _at_random(published, fraction, random), "random"
    side[training] = drawn
    many, lost = int((drawn == VALIDATION).sum()), int((drawn == LEFT_OUT).sum())
    note = f"validation takes {many} of the {training.size} published training pixels"
    if how == "blocks":
        note += f", whole blocks of {3 * patch_size} pixels; {lost} more are left out between the two"
    else:
        note += ", at random, for blocks would leave most classes without: neighbours train, so its scores flatter"
    return Assigned(side, notes=(f"{note}; validation_fraction=0 trains on all of them",), resolved={"validation": how})


def _unless(name: str) -> str:
    return "" if name == NAME else f", or none is called {name!r}"


def _in_blocks(pool: Pool, fraction: float, patch_size: int, random: np.random.Generator) -> NDArray[np.int8]:
    """Sides of training pixels: blocks that validate are kept clear of training patches."""
    side = np.full(len(pool.labels), TRAIN, np.int8)
    block, grids = number_blocks(pool, 3 * patch_size)
    used, index = np.unique(block, return_inverse=True)
    if used.size < 2:
        return side
    cells = count_cells(pool, block, used, grids, patch_size - 1)
    starts = block_starts(grids, used, random)
    validation = choose_validation(cells, np.ones(used.size, bool), pool.values.size, fraction, starts, random)
    chosen = validation[index]
    side[chosen] = VALIDATION
    near = inside_windows(pool.positions[chosen], pool.positions[~chosen], patch_size - 1, patch_size - 1)
    side[np.flatnonzero(chosen)[near]] = LEFT_OUT
    return side


def _at_random(pool: Pool, fraction: float, random: np.random.Generator) -> NDArray[np.int8]:
    """Sides of training pixels, drawn class by class; one pixel at least goes on training."""
    side = np.full(len(pool.labels), TRAIN, np.int8)
    for value in pool.values:
        mine = random.permutation(np.flatnonzero(pool.labels == value))
        side[mine[: min(round(fraction * mine.size), mine.size - 1)]] = VALIDATION
    return side
