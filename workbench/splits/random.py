"""Protocol `random`: labelled pixels drawn at random, class by class. Its neighbours leak; the audit says how much."""

import numpy as np
from pydantic import Field

from workbench.splits.parameters import SplitParameters
from workbench.splits.pool import Pool
from workbench.splits.sides import TEST, TRAIN, VALIDATION, Assigned


class RandomParameters(SplitParameters):
    """Parameters of `random`; see `make_split`."""

    test_fraction: float = Field(default=0.5, gt=0, lt=1)


def assign_random(pool: Pool, parameters: RandomParameters, patch_size: int, seed: int) -> Assigned:
    """Draw the sides of each class on its own, so that every class of two pixels or more is on both."""
    random = np.random.default_rng(seed)
    side = np.full(len(pool.labels), TRAIN, np.int8)
    dropped = {}
    for value in pool.values:
        mine = random.permutation(np.flatnonzero(pool.labels == value))
        if mine.size < 2:
            dropped[int(value)] = "only one labelled pixel"
            continue
        tests = int(np.clip(round(parameters.test_fraction * mine.size), 1, mine.size - 1))
        rest = mine.size - tests
        validations = min(round(parameters.validation_fraction * rest), rest - 1)
        side[mine[:tests]] = TEST
        side[mine[tests : tests + validations]] = VALIDATION
    return Assigned(side, dropped=dropped)
