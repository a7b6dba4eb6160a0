import re

import numpy as np
import pytest
from scipy import ndimage

from workbench.base.errors import WorkbenchError
from workbench.splits import make_split
from workbench.splits.pixel_graph import components
from workbench.splits.pool import Pool
from workbench.splits.regions import grow_regions
from workbench.splits.units import units_of


def parts_by_scipy(labels):
    """Number of the 8-connected part of one class of each labelled pixel, in row order."""
    numbers, first = np.zeros(labels.shape, int), 0
    for value in np.unique(labels[labels > 0]):
        found, count = ndimage.label(labels == value, np.ones((3, 3)))
        numbers[found > 0] = found[found > 0] + first
        first += count
    return numbers


def same_grouping(one, other):
    return len(np.unique(one)) == len(np.unique(other)) == len(np.unique(np.stack([one, other], 1), axis=0))


def test_parts_are_those_of_scipy(scene, tile):
    labels = np.random.default_rng(0).integers(0, 4, (40, 50))
    pool = Pool.of(scene(tile(labels), tile(labels, "other")))
    part = components(pool)
    mine = pool.positions[:, 0] == 0
    assert same_grouping(part[mine], parts_by_scipy(labels)[labels > 0])
    assert not set(part[mine]) & set(part[~mine])


def test_a_region_is_the_part_nearest_to_its_seed(scene, tile):
    """In an empty square, distances along the grid and both diagonals; the region holds the smallest of them."""
    pool = Pool.of(scene(tile(np.ones((21, 21))), classes=1))
    part, trains = grow_regions(pool, 0.3, np.random.default_rng(1))
    assert set(part.tolist()) == {0}
    assert trains.sum() in (132, 133)  # 0.3 x 441 = 132.3
    place = pool.positions[:, 1:]

    def farthest(seed):
        away = np.sort(np.abs(place - seed), axis=1)
        octile = away[:, 1] + (np.sqrt(2) - 1) * away[:, 0]
        return octile[trains].max() - octile[~trains].min()

    assert min(farthest(seed) for seed in place[trains]) < 1e-9


def test_every_part_trains_and_tests_as_in_the_paper(scene, tile, fields):
    labels = fields((100, 120), 20, 5, 0.7)
    split = make_split(scene(tile(labels)), "regions", buffer=0, validation_fraction=0)
    part = parts_by_scipy(labels)
    for number in range(1, part.max() + 1):
        held = [int((part[tuple(sample.positions[:, 1:].T)] == number).sum()) for sample in (split.train, split.test)]
        assert abs(held[0] - held[1]) <= 1
    for number in np.unique(units_of(split, split.train.positions)):  # a region is of one piece
        mine = split.train.positions[units_of(split, split.train.positions) == number]
        assert len(np.unique(part[tuple(mine[:, 1:].T)])) == 1
    assert split.audit().leak().overlap > 0
    assert any("patch windows can overlap" in note for note in split.notes)


def test_buffered_regions_leak_nothing(scene, tile, fields):
    split = make_split(scene(tile(fields((160, 200), 40, 5, 0.7))), "regions", patch_size=5, seed=2)
    audit = split.audit()
    assert {(leak.inside, leak.overlap) for leak in audit.leaks} == {(0, 0)}
    assert len(audit.leaks) == 3
    assert audit.distance_min >= 5


def test_parts_narrower_than_the_buffer_are_told_what_works(farmland):
    with pytest.raises(WorkbenchError, match=r"buffer of 20 leaves test pixels of 0 classes.*'polygons'") as refused:
        make_split(farmland, "regions", patch_size=21)
    told = [tuple(map(int, pair)) for pair in re.findall(r"buffer=(\d+) leaves (\d+) classes", str(refused.value))]
    assert len(told) == 2
    for buffer, classes in told:
        split = make_split(farmland, "regions", patch_size=21, buffer=buffer)
        assert len(split.classes) == classes
        try:  # the next wider one leaves fewer
            assert len(make_split(farmland, "regions", patch_size=21, buffer=buffer + 1).classes) < classes
        except WorkbenchError:
            assert classes == 2


def test_one_class_is_not_blamed_on_the_buffer(scene, tile):
    with pytest.raises(WorkbenchError, match=r"class\(es\) are on both sides"):
        make_split(scene(tile(np.ones((12, 12))), classes=1), "regions", patch_size=11)
