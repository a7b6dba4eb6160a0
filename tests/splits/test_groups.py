import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.splits import make_split


def groups_of(scene, sample):
    return {scene.scenes[tile].group for tile in np.unique(sample.positions[:, 0])}


@pytest.mark.parametrize("seed", range(4))
def test_groups_are_apart(woods, seed):
    split = make_split(woods, "groups", patch_size=11, seed=seed)
    sides = [groups_of(woods, sample) for sample in split.sides.values()]
    assert all(sides)
    assert len(set.union(*sides)) == sum(map(len, sides))
    audit = split.audit()
    assert (audit.groups_shared, audit.tiles_shared) == (0, 0)


def test_minima_hold_on_both_sides_and_the_rest_is_named(woods):
    split = make_split(woods, "groups", min_pixels=200, min_groups=3)
    assert split.classes == (1, 2, 3, 4, 5)
    assert "each needs 200 pixels in 3 groups" in split.dropped[6]
    training = np.concatenate([split.train.labels, split.validation.labels])
    for value in split.classes:
        assert (training == value).sum() >= 200
        assert split.test.count(value) >= 200
        assert len({woods.scenes[t].group for t in split.test.positions[split.test.labels == value, 0]}) >= 3


def test_scarce_classes_are_kept_where_that_is_possible(scene, tile):
    # Class 3 lives in four of twenty groups: two must train and two must test.
    tiles = []
    for index in range(20):
        labels = np.ones((12, 12))
        labels[6:] = 2
        if index in (3, 8, 9, 17):
            labels[:, 2:] = 3
        tiles.append(tile(labels, f"t{index}", f"g{index}"))
    for seed in range(5):
        split = make_split(scene(*tiles, classes=3), "groups", seed=seed)
        assert split.classes == (1, 2, 3)


def test_too_scarce_everywhere(woods):
    with pytest.raises(WorkbenchError, match=r"0 class\(es\) are on both sides.*each needs 5000 pixels"):
        make_split(woods, "groups", min_pixels=5000)


def test_one_scene_has_no_groups(farmland):
    with pytest.raises(WorkbenchError, match=r"one group only.*'blocks'"):
        make_split(farmland, "groups")


def test_tiles_without_group_are_groups_of_their_own(scene, tile, fields):
    tiles = [tile(fields((40, 40), 5, 3, 0.9, seed), f"t{seed}") for seed in range(8)]
    split = make_split(scene(*tiles, classes=3), "groups")
    assert split.audit().groups_shared == 0


def test_folds_test_every_group_once(woods):
    splits = [make_split(woods, "groups", folds=4, fold=fold, validation_fraction=0, seed=3) for fold in range(4)]
    assert len({split.classes for split in splits}) == 1
    tested = [groups_of(woods, split.test) for split in splits]
    assert len(set.union(*tested)) == sum(map(len, tested))
    assert sum(len(split.test) for split in splits) == len(splits[0].test) + len(splits[0].train)
    assert all(set(np.unique(split.train.labels)) == set(split.classes) for split in splits)
    assert len({split.hash for split in splits}) == 4


def test_a_class_of_one_fold_is_named_and_its_lone_groups_make_no_fold(scene, tile):
    tiles = [tile(np.full((12, 12), 3 if index == 4 else 1 + index % 2), f"t{index}") for index in range(5)]
    whole = scene(*tiles, classes=3)
    splits = [make_split(whole, "groups", folds=4, fold=fold, validation_fraction=0, seed=0) for fold in range(4)]
    assert {split.classes for split in splits} == {(1, 2)}
    assert "in two folds" in splits[0].dropped[3]
    assert [len(split.test) for split in splits] == [144] * 4
    with pytest.raises(WorkbenchError, match="Ask for 2 to 4 folds"):
        make_split(whole, "groups", folds=5)
    with pytest.raises(WorkbenchError, match="fold 4 of 4"):
        make_split(whole, "groups", folds=4, fold=4)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"folds": 1}, "12 groups hold labels. Ask for 2 to 12 folds"),
        ({"folds": 13}, "12 groups hold labels. Ask for 2 to 12 folds"),
        ({"folds": 3, "min_pixels": 5000}, "0 groups hold classes of at least 5000 pixels.*smaller min_pixels"),
    ],
)
def test_impossible_folds_are_told_what_is_possible(woods, request_, message):
    with pytest.raises(WorkbenchError, match=message):
        make_split(woods, "groups", **request_)
