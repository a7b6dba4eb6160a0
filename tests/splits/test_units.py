"""Blocks and groups of pixels, as the split itself has them."""

import numpy as np

from workbench.splits import make_split
from workbench.splits.units import units_of


def test_units_of_blocks_are_never_on_two_sides(farmland):
    split = make_split(farmland, "blocks", patch_size=9, seed=1)
    units = {name: units_of(split, sample.positions) for name, sample in split.sides.items()}
    assert all(len(units[name]) == len(sample) for name, sample in split.sides.items())
    assert len(np.unique(units["train"])) > 2
    assert not set(units["train"]) & set(units["test"])
    assert not set(units["train"]) & set(units["validation"])
    block = split.train.positions[:, 1:] // (145 / (145 // split.parameters["block_size"]))
    same = (block[:, None] == block[None]).all(-1)[:300, :300]
    found = units["train"][:300]
    np.testing.assert_array_equal(found[:, None] == found[None], same)


def test_units_of_groups_are_the_groups(woods):
    split = make_split(woods, "groups", patch_size=11, seed=0)
    units = units_of(split, split.train.positions)
    names = np.array([tile.group for tile in split.tiles])[split.train.positions[:, 0]]
    assert len(np.unique(units)) == len(np.unique(names)) > 1
    for unit in np.unique(units):
        assert len(set(names[units == unit])) == 1


def test_random_pixels_have_no_units(farmland):
    split = make_split(farmland, "random", patch_size=9, seed=1)
    assert units_of(split, split.train.positions) is None
