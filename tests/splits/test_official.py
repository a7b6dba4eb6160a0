"""The published split, taken as it is; validation drawn from training only where none was published."""

import numpy as np
import pytest
from scipy import ndimage

from workbench.base.errors import WorkbenchError
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, write_scene
from workbench.scenes.layers import write_label_layer
from workbench.splits import Split, make_split

TRAIN, VALIDATION, TEST = 1, 2, 3


def pixels(sample):
    return set(map(tuple, sample.positions[:, 1:].tolist()))


def where(mask):
    return set(zip(*(places.tolist() for places in np.nonzero(mask)), strict=True))


def published(tile, scene, fields, validation=False, classes=4):
    labels = fields((90, 120), 10, classes, 0.5)
    codes = np.random.default_rng(1).choice([0, TRAIN, TEST], labels.shape, p=[0.1, 0.3, 0.6]).astype(np.uint8)
    if validation:
        codes[:20][codes[:20] == TRAIN] = VALIDATION
    codes[labels == 0] = 0
    spot = tile(labels)
    spot.named_splits = {"official": codes}
    return scene(spot, classes=classes), labels, codes


def test_the_published_sides_are_taken_as_they_are(tile, scene, fields):
    spot, labels, codes = published(tile, scene, fields)
    split = make_split(spot, "official", patch_size=7, validation_fraction=0.0)
    assert (pixels(split.train), pixels(split.test)) == (where(codes == TRAIN), where(codes == TEST))
    assert len(split.validation) == 0
    np.testing.assert_array_equal(split.test.labels, labels[codes == TEST])
    assert (split.protocol, split.buffer) == ("official", 0)
    audit = split.audit()
    assert audit.banner_level == "red"  # neighbours of test pixels train: said, not mended
    assert audit.leak().overlap > 0.9


def test_a_published_validation_goes_before_a_drawn_one(tile, scene, fields):
    spot, _, codes = published(tile, scene, fields, validation=True)
    for fraction in (0.0, 0.3):
        split = make_split(spot, "official", patch_size=7, validation_fraction=fraction)
        assert pixels(split.validation) == where(codes == VALIDATION)
        assert pixels(split.train) == where(codes == TRAIN)
        assert split.parameters["validation"] == "published"
        assert not any("fixed number" in note for note in split.notes)


def test_validation_is_drawn_in_blocks_clear_of_training(tile, scene, fields):
    labels = fields((160, 160), 4, 4, 1.0)  # every class everywhere: blocks can hold all of them
    codes = np.full(labels.shape, TRAIN, np.uint8)
    codes[:, 120:] = TEST
    spot = tile(labels)
    spot.named_splits = {"official": codes}
    split = make_split(scene(spot, classes=4), "official", patch_size=5, seed=2)
    assert split.parameters["validation"] == "blocks"
    assert pixels(split.test) == where(codes == TEST)
    assert pixels(split.train) | pixels(split.validation) < where(codes == TRAIN)
    free = np.ones(labels.shape, bool)
    free[tuple(split.train.positions[:, 1:].T)] = False
    nearest = ndimage.distance_transform_cdt(free, "chessboard")[tuple(split.validation.positions[:, 1:].T)].min()
    assert nearest == 5  # windows of 5 x 5 do not meet
    assert set(split.validation.labels.tolist()) == {1, 2, 3, 4}
    assert any("validation_fraction=0 trains on all" in note for note in split.notes)


def test_validation_is_drawn_at_random_where_blocks_would_miss_most_classes(tile, scene):
    labels = np.zeros((40, 60), np.uint16)
    codes = np.zeros(labels.shape, np.uint8)
    for value in (1, 2, 3):  # one clump of training pixels of each class, each within one block
        labels[2:8, 20 * value - 18 : 20 * value - 8] = value
        labels[20:35, 20 * value - 18 : 20 * value - 8] = value
    codes[:10][labels[:10] > 0], codes[20:][labels[20:] > 0] = TRAIN, TEST
    spot = tile(labels)
    spot.named_splits = {"official": codes}
    split = make_split(scene(spot, classes=3), "official", patch_size=5)
    assert split.parameters["validation"] == "random"
    assert [split.validation.count(value) for value in (1, 2, 3)] == [12, 12, 12]
    assert pixels(split.train) | pixels(split.validation) == where(codes == TRAIN)
    assert any("flatter" in note for note in split.notes)
    other = make_split(scene(spot, classes=3), "official", patch_size=5, seed=1)
    assert pixels(other.validation) != pixels(split.validation)
    assert pixels(other.test) == pixels(split.test)


def test_classes_of_one_side_only_are_left_out_and_named(tile, scene, fields):
    spot, labels, codes = published(tile, scene, fields)
    codes[(labels == 2) & (codes == TRAIN)] = 0
    split = make_split(spot, "official", patch_size=5)
    assert split.dropped.keys() == {2}
    assert "absent from training" in split.dropped[2]


@pytest.mark.parametrize("named", [{}, {"official": np.zeros((30, 40), np.uint8)}])
def test_a_scene_without_published_split_is_told_what_works(tile, scene, fields, named):
    spot = tile(fields((30, 40), 5, 3, 0.5))
    spot.named_splits = named
    with pytest.raises(WorkbenchError, match=r"no split was published.*'blocks'; 'random'"):
        make_split(scene(spot, classes=3), "official", patch_size=5)


def test_of_a_stored_scene_and_its_label_layer(tmp_path):
    labels = np.zeros((12, 12), np.uint8)
    labels[:, :6], labels[:, 6:] = 1, 2
    codes = np.where(np.arange(12)[:, None] < 6, TRAIN, TEST) * np.ones((1, 12), int)
    hsi = np.ones((2, 12, 12), np.float32)
    draft = TileDraft("spot", {"hsi": (hsi, ModalityInfo.of("hsi", hsi))}, labels, splits={"official": codes})
    stored = write_scene(tmp_path / "spot.zarr", [draft], ClassTable.from_names(["grass", "roof"]))
    split = make_split(stored, "official", patch_size=3, validation_fraction=0.0)
    assert (len(split.train), len(split.test)) == (72, 72)
    split.save(tmp_path / "split.npz")
    assert Split.load(tmp_path / "split.npz").hash == split.hash
    with pytest.raises(WorkbenchError, match=r"none is called 'mine'.*split='official'"):
        make_split(stored, "official", patch_size=3, split="mine")
    layer = write_label_layer(stored, "mine", {"spot": labels}, ClassTable.from_names(["a", "b"]))
    with pytest.raises(WorkbenchError, match="label layers have none"):
        make_split(layer, "official", patch_size=3)
