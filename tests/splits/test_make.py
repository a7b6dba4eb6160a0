import numpy as np
import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.splits import make_split

PROTOCOLS = ("random", "blocks", "groups", "probability")


def pixels(sample):
    return set(map(tuple, sample.positions.tolist()))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_sides_are_apart_and_labelled_right(woods, protocol):
    split = make_split(woods, protocol, patch_size=5, seed=3)
    sides = [pixels(split.train), pixels(split.validation), pixels(split.test)]
    assert all(sides)
    assert len(set.union(*sides)) == sum(map(len, sides))
    for sample in split.sides.values():
        assert sample.positions.dtype == np.int32
        assert sample.labels.dtype == np.uint16
        for (tile, row, col), label in zip(sample.positions, sample.labels, strict=True):
            assert woods.scenes[tile].read_labels()[row, col] == label
    assert set(split.train.labels.tolist()) == set(split.classes) == set(split.test.labels.tolist())


@pytest.mark.parametrize("protocol", ["blocks", "polygons"])
def test_whole_receptive_fields_are_kept_apart_on_request(scene, tile, fields, protocol):
    wide = scene(tile(fields((200, 240), 15, 4, 0.6)), classes=4)
    split = make_split(wide, protocol, patch_size=5, buffer="view", receptive_field=(9, 6))
    assert split.buffer == split.parameters["buffer"] == 15
    seen = split.audit((9, 6)).leak("receptive field")
    assert (seen.inside, seen.overlap) == (0, 0)
    assert split.hash == make_split(wide, protocol, patch_size=5, buffer=15).hash
    assert make_split(wide, protocol, patch_size=5, receptive_field=(9, 6)).buffer == 4  # only on request


def test_a_buffer_wider_than_usual_blocks_widens_them(scene, tile, fields):
    split = make_split(scene(tile(fields((200, 240), 15, 4, 0.6)), classes=4), patch_size=5, buffer=20)
    assert (split.parameters["block_size"], split.buffer) == (20, 20)


@pytest.mark.parametrize("seen", [None, (-1, 3), (3,), 5, (3.5, 2)])
def test_the_buffer_of_a_view_needs_to_know_it(farmland, seen):
    with pytest.raises(WorkbenchError, match=r"needs receptive_field=\(before, after\)"):
        make_split(farmland, buffer="view", receptive_field=seen)


@pytest.mark.parametrize("protocol", ["random", "groups", "probability"])
def test_a_buffer_where_there_is_none_is_refused_as_such(woods, protocol):
    for buffer in (3, "view"):
        with pytest.raises(WorkbenchError, match="unknown parameter 'buffer'"):
            make_split(woods, protocol, buffer=buffer)


@pytest.mark.parametrize(
    ("protocol", "told"),
    [
        ("random", "Label more places."),
        ("blocks", "Label more places, or choose a smaller block_size or buffer."),
        ("polygons", "Label more places, or choose a smaller buffer."),
        ("official", "Take another protocol, such as 'blocks', or another stored split."),
    ],
)
def test_fewer_than_two_classes_are_told_what_helps_that_protocol(scene, tile, protocol, told):
    labels = np.zeros((60, 60), int)
    labels[:10, :10] = labels[50:, 50:] = 1
    lone = tile(labels)
    lone.named_splits = {"official": (labels > 0) * np.where(np.arange(60) < 30, 1, 3)}
    with pytest.raises(WorkbenchError) as refused:
        make_split(scene(lone, classes=1), protocol, patch_size=3)
    assert str(refused.value).endswith(told)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_seed_decides(woods, protocol):
    first, again = (make_split(woods, protocol, patch_size=5, seed=3) for _ in range(2))
    assert first.hash == again.hash
    np.testing.assert_array_equal(first.test.positions, again.test.positions)
    other = make_split(woods, protocol, patch_size=5, seed=4)
    assert other.hash != first.hash
    assert pixels(other.test) != pixels(first.test)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_thinned_training(woods, protocol):
    full = make_split(woods, protocol, patch_size=5)
    thin = make_split(woods, protocol, patch_size=5, train_per_class=7)
    assert {thin.train.count(value) for value in thin.classes} == {7}
    assert pixels(thin.train) < pixels(full.train)
    assert pixels(thin.test) == pixels(full.test)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_validation_on_request(woods, protocol):
    without = make_split(woods, protocol, patch_size=5, validation_fraction=0.0)
    assert len(without.validation) == 0
    assert any("fixed number of epochs" in note for note in without.notes)
    # The test side does not depend on how validation is chosen.
    assert pixels(without.test) == pixels(make_split(woods, protocol, patch_size=5, validation_fraction=0.3).test)
    assert len(without.audit().to_dict()["leaks"]) == 1


def test_parameters_are_recorded_with_their_defaults(farmland):
    split = make_split(farmland, patch_size=7)
    assert split.parameters == {
        "test_fraction": 0.5,
        "validation_fraction": 0.2,
        "train_per_class": None,
        "leave_out": [],
        "buffer": 6,
        "block_size": 21,
    }
    assert split.buffer == 6


def test_class_of_the_table_without_labels_is_named(scene, tile, fields):
    split = make_split(scene(tile(fields((145, 145), 15, 6, 0.5)), classes=7))
    assert split.dropped[7] == "no labelled pixel"
    assert 7 not in split.classes


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"test_fraction": 0.0}, "test_fraction.*greater than 0"),
        ({"test_fraction": 1.0}, "test_fraction.*less than 1"),
        ({"validation_fraction": 1.5}, "validation_fraction.*less than 1"),
        ({"train_per_class": 0}, "train_per_class.*greater than or equal to 1"),
        ({"test_fraction": "half"}, "test_fraction.*number"),
        ({"bufer": 3}, "unknown parameter 'bufer'.*buffer"),
        ({"min_pixels": 3}, "unknown parameter 'min_pixels'"),
        ({"patch_size": 0}, "patch_size = 0"),
        ({"patch_size": 5.0}, "patch_size = 5.0"),
        ({"seed": -1}, "seed = -1"),
        ({"patch_size": 146}, "146 x 146 pixels is larger than the tile 'tile' of 145 x 145"),
        ({"buffer": 10, "block_size": 9}, "narrower than the buffer"),
        ({"block_size": 145}, "one block"),
    ],
)
def test_bad_requests(farmland, request_, message):
    with pytest.raises(WorkbenchError, match=message):
        make_split(farmland, **request_)


def test_unknown_protocol_names_the_nearest(farmland):
    with pytest.raises(UnknownNameError, match="Nearest: blocks"):
        make_split(farmland, "block")


@pytest.mark.parametrize("labels", [None, np.zeros((30, 40))])
def test_nothing_labelled(scene, tile, labels):
    with pytest.raises(WorkbenchError, match="no pixel of its 1 tile"):
        make_split(scene(tile(labels)))


def test_label_outside_the_class_table(scene, tile, fields):
    with pytest.raises(WorkbenchError, match=r"label values \[5, 6\] are not in its class table"):
        make_split(scene(tile(fields((145, 145), 15, 6, 0.5)), classes=4))
