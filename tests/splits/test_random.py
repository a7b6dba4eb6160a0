import pytest

from workbench.splits import make_split


def test_classes_are_drawn_in_proportion(farmland):
    split = make_split(farmland, "random", test_fraction=0.9, validation_fraction=0.5)
    labels = farmland.scenes[0].read_labels()
    for value in split.classes:
        total = int((labels == value).sum())
        assert split.test.count(value) == pytest.approx(0.9 * total, abs=1)
        assert split.train.count(value) == pytest.approx(0.05 * total, abs=1)
        assert split.train.count(value) + split.validation.count(value) + split.test.count(value) == total


def test_two_pixels_are_enough_and_one_is_not(scene, tile, fields):
    labels = fields((60, 60), 15, 4, 1.0)
    labels[0, :3] = [5, 5, 6]
    split = make_split(scene(tile(labels)), "random", test_fraction=0.9)
    assert (split.train.count(5), split.test.count(5)) == (1, 1)
    assert split.dropped == {6: "only one labelled pixel"}
    assert 6 not in split.test.labels
