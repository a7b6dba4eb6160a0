import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.splits import make_split
from workbench.splits.cells import count_cells, number_blocks
from workbench.splits.pool import Pool
from workbench.splits.windows import inside_windows


def chebyshev(a, b):
    """Smallest Chebyshev distance between two position arrays of one tile, by all pairs."""
    return np.abs(a[:, None, 1:].astype(int) - b[None, :, 1:]).max(2).min()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("patch_size", [3, 8, 11])
def test_patches_never_overlap(farmland, seed, patch_size):
    split = make_split(farmland, "blocks", patch_size=patch_size, seed=seed)
    assert chebyshev(split.test.positions, split.train.positions) >= patch_size
    assert chebyshev(split.validation.positions, split.train.positions) >= patch_size
    assert chebyshev(split.test.positions, split.validation.positions) >= patch_size


def test_buffer_of_zero_keeps_every_pixel_and_says_so(farmland):
    split = make_split(farmland, "blocks", buffer=0)
    labelled = int((farmland.scenes[0].read_labels() > 0).sum())
    assert sum(map(len, split.sides.values())) == labelled
    assert any("below patch_size - 1" in note for note in split.notes)
    assert split.audit().banner_level == "red"


def test_whole_blocks_are_on_one_side(farmland):
    split = make_split(farmland, "blocks", block_size=29, buffer=0)
    block = {name: {(r // 29, c // 29) for _, r, c in s.positions.tolist()} for name, s in split.sides.items()}
    assert not block["train"] & block["test"]
    assert not block["train"] & block["validation"]
    assert not block["validation"] & block["test"]


@pytest.mark.parametrize("seed", range(4))
def test_every_class_gets_a_fair_share(scene, tile, fields, seed):
    split = make_split(scene(tile(fields((200, 300), 12, 6, 0.3))), "blocks", seed=seed)
    assert split.classes == (1, 2, 3, 4, 5, 6)
    for value in split.classes:
        both = split.train.count(value) + split.validation.count(value) + split.test.count(value)
        assert 0.25 < split.test.count(value) / both < 0.7
        assert split.validation.count(value) > 0


def test_rare_class_of_two_blocks_is_on_both_sides(scene, tile):
    labels = np.ones((150, 150))
    labels[60:90, :] = 2
    labels[0:5, 0:5] = labels[140:145, 140:145] = 3
    for seed in range(5):
        split = make_split(scene(tile(labels), classes=3), "blocks", patch_size=5, seed=seed)
        assert split.train.count(3) == 25
        assert split.test.count(3) == 25
        assert split.validation.count(3) == 0  # its one training block is not given away
        assert any("no validation pixels of kind 3" in note for note in split.notes)


def test_class_of_one_block_is_dropped_and_named(scene, tile):
    labels = np.ones((150, 150))
    labels[60:90, :] = 2
    labels[2:5, 2:5] = 3
    split = make_split(scene(tile(labels), classes=3), "blocks", patch_size=5)
    assert split.classes == (1, 2)
    assert "absent from t" in split.dropped[3]
    assert 3 not in split.train.labels
    assert "left out: kind 3" in str(split.audit())


def test_fewer_than_two_classes_fails(scene, tile):
    labels = np.ones((150, 150))
    labels[2:5, 2:5] = 2
    with pytest.raises(WorkbenchError, match=r"1 class\(es\) are on both sides.*kind 2: absent"):
        make_split(scene(tile(labels), classes=2), "blocks", patch_size=5)


def test_small_tiles_are_blocks_of_their_own(woods):
    split = make_split(woods, "blocks", patch_size=11)
    tiles = {name: set(sample.positions[:, 0].tolist()) for name, sample in split.sides.items()}
    assert not tiles["train"] & tiles["test"]


def test_neighbouring_tiles_on_both_sides_are_told(woods):
    audit = make_split(woods, "blocks", patch_size=11).audit()
    assert audit.tiles_shared == 0
    assert audit.groups_shared > 0  # two tiles make a group; blocks do not know that
    assert audit.banner_level == "amber"
    assert "protocol 'groups' keeps them apart" in str(audit)


@pytest.mark.parametrize("buffer", [0, 3, 14])
def test_cells_count_what_the_buffer_leaves(farmland, buffer):
    pool = Pool.of(farmland)
    block, grids = number_blocks(pool, 14)
    used, index = np.unique(block, return_inverse=True)
    cells = count_cells(pool, block, used, grids, buffer)
    random = np.random.default_rng(0)
    for _ in range(5):
        test = random.random(used.size) < 0.5
        train_counts, test_counts = cells.counts(~test, test, 6)
        mine = test[index]
        kept = ~inside_windows(pool.positions[mine], pool.positions[~mine], buffer, buffer) if buffer else slice(None)
        np.testing.assert_array_equal(train_counts, np.bincount(pool.class_index[~mine], minlength=6))
        np.testing.assert_array_equal(test_counts, np.bincount(pool.class_index[mine][kept], minlength=6))
