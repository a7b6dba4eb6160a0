import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.splits import make_split
from workbench.splits.buffer import drop_near
from workbench.splits.polygons import number_polygons
from workbench.splits.pool import Pool
from workbench.splits.sides import LEFT_OUT, TEST, TRAIN
from workbench.splits.unit_cells import count_unit_cells, sparing, unit_starts
from workbench.splits.units import units_of


def orchard(step=9, side=6, shape=(90, 110), classes=4, seed=0):
    """Squares apart from each other, of one class each, and their numbers."""
    random = np.random.default_rng(seed)
    labels, objects = np.zeros(shape, int), np.zeros(shape, int)
    for number, (top, left) in enumerate(
        (t, s) for t in range(1, shape[0] - side, step) for s in range(1, shape[1] - side, step)
    ):
        labels[top : top + side, left : left + side] = random.integers(1, classes + 1)
        objects[top : top + side, left : left + side] = number + 1
    return labels, objects


def owners(objects, sample):
    return set(objects[tuple(sample.positions[:, 1:].T)].tolist())


@pytest.mark.parametrize("stored", [True, False])
def test_polygons_are_whole_on_one_side(scene, tile, stored):
    labels, objects = orchard()
    whole = scene(tile(labels, objects=objects if stored else None))
    split = make_split(whole, "polygons", patch_size=3)
    sides = [owners(objects, sample) for sample in split.sides.values()]
    assert all(sides)
    assert len(set.union(*sides)) == sum(map(len, sides))
    assert any(("objects stored" in note) is stored for note in split.notes if "polygons" in note)
    assert all(sample.count(value) % 36 == 0 for sample in (split.train, split.test) for value in split.classes)
    for value in split.classes:
        total = sum(sample.count(value) for sample in split.sides.values())
        assert 0.3 < split.test.count(value) / total < 0.7


def test_stored_objects_tell_touching_polygons_apart(scene, tile):
    labels, objects = np.ones((20, 40), int), np.ones((20, 40), int)
    objects[:, 20:] = 2
    objects[:5] = 0  # pixels of no object are joined by their class
    unit, many, words = number_polygons(Pool.of(scene(tile(labels, objects=objects), classes=1), objects=True))
    assert many == 3
    assert "and joined pixels" in words
    assert number_polygons(Pool.of(scene(tile(labels), classes=1), objects=True))[1] == 1
    assert len(unit) == 800


def test_objects_do_not_belong_to_a_drawn_layer(scene, tile):
    drawn = scene(tile(np.ones((20, 40), int), objects=np.ones((20, 40), int)), classes=1)
    drawn.name = "fake@drawn"
    assert Pool.of(drawn, objects=True).objects is None


def test_left_out_classes_take_their_objects_along(scene, tile):
    labels, objects = orchard()
    split = make_split(scene(tile(labels, objects=objects)), "polygons", patch_size=3, leave_out="kind 2")
    assert 2 not in split.classes
    assert split.dropped[2] == "left out as asked"


def test_buffered_polygons_leak_nothing(scene, tile):
    labels, _ = orchard(step=14, shape=(140, 160))
    audit = make_split(scene(tile(labels)), "polygons", patch_size=11).audit()
    assert {(leak.inside, leak.overlap) for leak in audit.leaks} == {(0, 0)}
    assert len(audit.leaks) == 3


@pytest.mark.parametrize("buffer", [0, 2, 9])
def test_cells_count_what_the_buffer_leaves(scene, tile, fields, buffer):
    pool = Pool.of(scene(tile(fields((60, 70), 6, 4, 0.5)), tile(fields((50, 30), 5, 4, 0.5, 1), "other"), classes=4))
    unit, many, _ = number_polygons(pool)
    cells = count_unit_cells(pool, unit, buffer)
    random = np.random.default_rng(0)
    for _ in range(4):
        test = random.random(many) < 0.5
        side = np.where(test[unit], TEST, TRAIN).astype(np.int8)
        drop_near(pool.positions, side, buffer)
        assert buffer == 0 or (side == LEFT_OUT).any()
        found = cells.counts(~test, test, pool.values.size)
        for kept, counted in zip((TRAIN, TEST), found, strict=True):
            np.testing.assert_array_equal(counted, np.bincount(pool.class_index[side == kept], minlength=counted.size))


def test_units_of_polygons_are_polygons(scene, tile):
    labels, objects = orchard()
    split = make_split(scene(tile(labels, objects=objects)), "polygons", patch_size=3)
    numbers = objects[tuple(split.train.positions[:, 1:].T)]
    units = units_of(split, split.train.positions)
    assert len(np.unique(units)) == len(np.unique(numbers)) == len(np.unique(np.stack([units, numbers]), axis=1).T)
    thin = make_split(scene(tile(labels, objects=objects)), "polygons", patch_size=3, train_per_class=10)
    assert len(np.unique(units_of(thin, thin.train.positions))) < len(thin.train)


def test_one_polygon_cannot_be_shared_out(scene, tile):
    with pytest.raises(WorkbenchError, match="all labels are one polygon"):
        make_split(scene(tile(np.ones((30, 40))), classes=1), "polygons", patch_size=3)


def test_a_class_of_one_polygon_is_named(scene, tile):
    labels, _ = orchard(classes=3)
    labels[labels == 3] = 2
    labels[1:7, 1:7] = 3
    split = make_split(scene(tile(labels)), "polygons", patch_size=3)
    assert split.classes == (1, 2)
    assert "absent from" in split.dropped[3]


def test_classes_of_few_polygons_do_not_keep_all_others_from_validating(scene, tile):
    """Crowns in small tiles, as many classes have two of: hardly any choice by chance spares half of every class."""
    random = np.random.default_rng(0)
    tiles = []
    for number in range(24):
        labels = np.zeros((22, 22), int)
        for top in (1, 12):
            for left in (1, 12):
                labels[top : top + 8, left : left + 8] = random.integers(1, 4)
        if number < 12:
            labels[1:9, 1:9] = 4 + number // 2
        tiles.append(tile(labels, f"tile {number}"))
    split = make_split(scene(*tiles, classes=9), "polygons", patch_size=11)
    assert len(split.validation) > 100
    assert {leak.overlap for leak in split.audit().leaks} == {0}


def test_starts_of_validation_take_at_most_half_of_a_class(scene, tile):
    labels, objects = orchard(classes=9)
    pool = Pool.of(scene(tile(labels, objects=objects), classes=9), objects=True)
    unit, many, _ = number_polygons(pool)
    random = np.random.default_rng(0)
    training = random.random(many) < 0.5
    starts = unit_starts(pool, unit, random)
    spared = sparing(starts, pool, unit, training, random)(0.6)

    def taken(start):
        before, after = (
            np.bincount(pool.class_index[which[unit]], minlength=9) for which in (training, start & training)
        )
        return (after / np.maximum(before, 1)).max()

    assert max(taken(start) for start in starts(0.6)) > 0.5
    assert max(taken(start) for start in spared) <= 0.5
    assert not any((start & ~training).any() for start in spared)
    assert np.mean([start.sum() for start in spared]) > 0.3 * training.sum()
