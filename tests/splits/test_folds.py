import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.splits import make_split
from workbench.splits.units import units_of

FOLDS = 4


def folds_of(scene, **request):
    return [make_split(scene, "blocks", folds=FOLDS, fold=fold, **request) for fold in range(FOLDS)]


@pytest.mark.parametrize("seed", range(2))
def test_every_block_tests_once(farmland, seed):
    splits = folds_of(farmland, patch_size=7, seed=seed, buffer=0, validation_fraction=0)
    tested = [set(units_of(split, split.test.positions).tolist()) for split in splits]
    assert all(tested)
    labelled = int((farmland.scenes[0].read_labels() > 0).sum())
    assert sum(len(split.test) for split in splits) == labelled
    assert len(set.union(*tested)) == sum(map(len, tested))
    assert len({split.hash for split in splits}) == FOLDS
    assert "fold 2 of 4: score all folds of one seed together" in splits[1].notes


def test_buffered_folds_leak_nothing_and_share_their_classes(farmland):
    splits = folds_of(farmland, patch_size=5)
    assert len({split.classes for split in splits}) == 1
    for split in splits:
        assert set(split.train.labels.tolist()) == set(split.classes)
        assert {(leak.inside, leak.overlap) for leak in split.audit().leaks} == {(0, 0)}
    positions = np.concatenate([split.test.positions for split in splits])
    assert len(np.unique(positions, axis=0)) == len(positions)
    assert "fold 1 of 4" in splits[0].citation


def test_folds_are_aware_of_classes(scene, tile, fields):
    """Every class is tested in every fold, of blocks that chance alone would not share out so."""
    splits = folds_of(scene(tile(fields((140, 180), 12, 5, 0.4))), patch_size=5)
    for split in splits:
        shares = [
            split.test.count(value) / (split.test.count(value) + split.train.count(value)) for value in range(1, 6)
        ]
        assert min(shares) > 0.1


def test_a_class_of_one_block_is_named_in_every_fold(scene, tile):
    labels = np.ones((120, 120))
    labels[60:] = 2
    labels[2:8, 2:8] = 3
    for split in folds_of(scene(tile(labels), classes=3), patch_size=5):
        assert split.classes == (1, 2)
        assert "all in one fold: absent from training" in split.dropped[3]


def test_without_folds_nothing_is_said_of_them(farmland):
    assert not {"folds", "fold"} & set(make_split(farmland, "blocks").parameters)
    assert make_split(farmland, "blocks", folds=3).parameters["folds"] == 3


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"folds": 1}, "Ask for 2 to"),
        ({"folds": 1000}, "Ask for 2 to"),
        ({"folds": 3, "fold": 3}, "fold 3 of 3 was asked for"),
    ],
)
def test_impossible_folds(farmland, request_, message):
    with pytest.raises(WorkbenchError, match=message):
        make_split(farmland, "blocks", **request_)


@pytest.mark.parametrize("protocol", ["blocks", "groups"])
@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"fold": 0}, "fold=0 has no effect without folds: say how many there are, such as folds=5, or leave fold out"),
        ({"fold": 2}, "fold=2 has no effect without folds"),
        ({"folds": 0, "fold": 1}, "fold=1 has no effect without folds"),
        (
            {"folds": 3, "test_fraction": 0.2},
            "test_fraction=0.2 has no effect with folds.*leave test_fraction or folds out",
        ),
    ],
)
def test_what_would_change_nothing_is_refused(woods, protocol, request_, message):
    with pytest.raises(WorkbenchError, match=message):
        make_split(woods, protocol, patch_size=5, **request_)


@pytest.mark.parametrize("protocol", ["blocks", "groups"])
@pytest.mark.parametrize("request_", [{}, {"folds": 3, "fold": 1}])
def test_a_split_is_made_again_by_what_it_records(woods, protocol, request_):
    """Its parameters name defaults that have no effect."""
    split = make_split(woods, protocol, patch_size=5, **request_)
    assert make_split(woods, protocol, patch_size=5, **split.parameters).hash == split.hash


def test_a_fold_of_classes_that_are_left_out_is_told(scene, tile):
    """Three blocks and three folds; the class of the third block is in no other."""
    labels = np.zeros((20, 60))
    labels[:, :10], labels[:, 10:20], labels[:, 20:30], labels[:, 30:40], labels[:, 40:] = 1, 2, 1, 2, 3
    whole = scene(tile(labels), classes=3)
    told = []
    for fold in range(3):
        try:
            assert len(make_split(whole, patch_size=1, block_size=20, folds=3, fold=fold).test)
        except WorkbenchError as error:
            told.append(str(error))
    assert len(told) == 1
    assert "has no test pixel of a class that the other folds can learn" in told[0]
