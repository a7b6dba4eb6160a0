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
