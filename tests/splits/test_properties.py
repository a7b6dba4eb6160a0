"""What holds for every protocol on any label map: sides apart, buffer respected, counts kept, same seed same split."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from scipy import ndimage

from tests.splits.conftest import make_fields, make_scene, make_tile
from workbench.base.errors import WorkbenchError
from workbench.splits import Split, make_split, split_of_codes
from workbench.splits.make import PROTOCOLS
from workbench.splits.masks import Mask

BUFFERED = ("blocks", "regions", "polygons")
FOLDED = [name for name, (kind, _) in PROTOCOLS.items() if "folds" in kind.model_fields]
quick = settings(max_examples=15, deadline=None, database=None)

maps = st.builds(
    lambda rows, cols, side, classes, share, seed: make_fields((rows, cols), side, classes, share, seed),
    st.integers(24, 64), st.integers(24, 64), st.integers(4, 24), st.integers(2, 5), st.floats(0.3, 1), st.integers(0, 99),
)  # fmt: skip
seeds = st.integers(0, 2**32)


def request(protocol, labels, patch_size, seed, **more):
    """A split of a drawn map, and its tiles.

    A map that the protocol refuses with an error of its own is drawn again: Hypothesis fails a test that finds hardly any
    other, so that none passes on nothing.
    """
    tiles = [make_tile(labels, "a"), make_tile(labels[::-1], "b"), make_tile(labels[:, ::-1], "c")]
    for tile in tiles:
        tile.named_splits = {"official": np.where(tile.read_labels() > 0, [1, 3][patch_size % 2], 0)}
    if protocol == "official":
        tiles[0].named_splits["official"] = np.where(labels > 0, 1 + 2 * (np.indices(labels.shape)[1] % 2), 0)
    if protocol == "groups":
        more |= {"min_pixels": 1, "min_groups": 1}
    used = tiles if protocol in ("groups", "official") else tiles[:2]
    try:
        return make_split(make_scene(*used), protocol, patch_size, seed, **more), used
    except WorkbenchError:
        reject()


def distances(positions, others, tiles):
    """Chebyshev distance of each position to the nearest of the others in its tile, by scipy; infinite without any."""
    found = np.full(len(positions), np.inf)
    for number, tile in enumerate(tiles):
        mine, theirs = positions[:, 0] == number, others[others[:, 0] == number, 1:]
        if mine.any() and len(theirs):
            plane = np.ones(tile.shape, bool)
            plane[tuple(theirs.T)] = False
            found[mine] = ndimage.distance_transform_cdt(plane, "chessboard")[tuple(positions[mine, 1:].T)]
    return found


def where(tiles, wanted):
    """Positions of the pixels of all tiles whose labels are wanted, and of none that is on a side."""
    return np.concatenate(
        [np.insert(np.argwhere(wanted(number, tile)), 0, number, 1) for number, tile in enumerate(tiles)]
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
@quick
@given(labels=maps, patch_size=st.integers(1, 11), seed=seeds, validation=st.sampled_from([0.0, 0.3]))
def test_of_every_protocol(protocol, labels, patch_size, seed, validation):
    split, tiles = request(protocol, labels, patch_size, seed, validation_fraction=validation)
    sides = {name: sample.positions.astype(int) for name, sample in split.sides.items()}
    everything = np.concatenate(list(sides.values()))
    assert len(np.unique(everything, axis=0)) == len(everything)  # no pixel is on two sides
    planes = [tile.read_labels() for tile in tiles]
    for sample in split.sides.values():
        found = [planes[tile][row, col] for tile, row, col in sample.positions.tolist()]
        np.testing.assert_array_equal(sample.labels, found)
    # counts kept: every class is in use or left out with a reason, and has no pixel on a side then
    counts = sum(np.bincount(plane.ravel(), minlength=7) for plane in planes)
    on_sides = np.bincount(np.concatenate([sample.labels for sample in split.sides.values()]), minlength=7)
    assert set(np.flatnonzero(counts[1:]) + 1) == set(split.classes) | {v for v in split.dropped if counts[v]}
    assert not on_sides[list(split.dropped)].any()
    # and of a class in use, a pixel is on a side, or was taken by the buffer: of training (also of a class that was left
    # out afterwards), of validation, or of what would have validated and was itself taken
    on = [np.zeros(plane.shape, bool) for plane in planes]
    for tile, row, col in everything.tolist():
        on[tile][row, col] = True
    missing = where(tiles, lambda number, tile: np.isin(planes[number], split.classes) & ~on[number])
    left_out = where(tiles, lambda number, tile: np.isin(planes[number], list(split.dropped)))
    buffer = patch_size - 1 if protocol == "official" else split.buffer  # official: of a validation drawn in blocks
    train, held = (np.concatenate([sides[name], left_out]) for name in ("train", "validation"))
    reach = 2 * buffer if validation else buffer
    assert ((distances(missing, train, tiles) <= reach) | (distances(missing, held, tiles) <= buffer)).all()
    # no two nominal windows of different sides meet where the buffer is the default
    if protocol in BUFFERED:
        assert split.buffer == patch_size - 1
        for one, other in (("test", "train"), ("validation", "train"), ("test", "validation")):
            assert (distances(sides[one], sides[other], tiles) > patch_size - 1).all()
        assert all((leak.inside, leak.overlap) == (0, 0) for leak in split.audit().leaks)
    if protocol == "groups":
        train, held, test = (set(positions[:, 0].tolist()) for positions in sides.values())
        assert not (train | held) & test
        assert not train & held
    if protocol == "official":  # test pixels are the published ones
        published = [tile.named_splits["official"] == 3 for tile in tiles]
        wanted = where(tiles, lambda number, tile: np.isin(planes[number], split.classes) & published[number])
        np.testing.assert_array_equal(sides["test"], wanted)
        if split.parameters["validation"] == "blocks":
            assert (distances(sides["validation"], sides["train"], tiles) >= patch_size).all()
    again, _ = request(protocol, labels, patch_size, seed, validation_fraction=validation)
    assert again.hash == split.hash
    with tempfile.TemporaryDirectory() as folder:
        split.save(Path(folder) / "split.npz")
        kept = Split.load(Path(folder) / "split.npz")
    assert kept.hash == split.hash
    assert kept.citation == split.citation


@pytest.mark.parametrize("protocol", BUFFERED)
@pytest.mark.parametrize("patch_size", range(1, 16))
def test_no_two_windows_meet_whatever_the_patch(protocol, patch_size):
    tiles = [make_tile(make_fields((120, 150), 2 * patch_size + 8, 4, 0.8, seed)) for seed in (patch_size, 50)]
    sides = make_split(make_scene(*tiles), protocol, patch_size).sides
    for one, other in (("test", "train"), ("validation", "train"), ("test", "validation")):
        assert len(sides[one])
        assert (distances(sides[one].positions, sides[other].positions, tiles) >= patch_size).all()


@pytest.mark.parametrize("protocol", BUFFERED)
@quick
@given(labels=maps, buffer=st.integers(1, 12), patch_size=st.integers(1, 7), seed=seeds)
def test_any_buffer_is_kept(protocol, labels, buffer, patch_size, seed):
    """Also where it is no multiple of anything: every test pixel is farther than the buffer from training."""
    split, tiles = request(protocol, labels, patch_size, seed, buffer=buffer, validation_fraction=0.0)
    assert (distances(split.test.positions, split.train.positions, tiles) > buffer).all()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(quick, max_examples=8)
@given(labels=maps, patch_size=st.integers(1, 7), seed=seeds, most=st.integers(1, 40))
def test_thinned_training_leaves_the_other_sides_alone(protocol, labels, patch_size, seed, most):
    full, _ = request(protocol, labels, patch_size, seed)
    thin, _ = request(protocol, labels, patch_size, seed, train_per_class=most)
    assert [thin.train.count(value) for value in full.classes] == [
        min(most, full.train.count(value)) for value in full.classes
    ]
    assert set(map(tuple, thin.train.positions.tolist())) <= set(map(tuple, full.train.positions.tolist()))
    for side in ("validation", "test"):
        np.testing.assert_array_equal(thin.sides[side].positions, full.sides[side].positions)


@pytest.mark.parametrize("protocol", FOLDED)
@settings(quick, max_examples=8)
@given(labels=maps, folds=st.integers(2, 3), patch_size=st.integers(1, 7), seed=seeds)
def test_folds_test_every_pixel_at_most_once(protocol, labels, folds, patch_size, seed):
    splits = [request(protocol, labels, patch_size, seed, folds=folds, fold=fold)[0] for fold in range(folds)]
    assert len({split.classes for split in splits}) == 1
    tested = np.concatenate([split.test.positions for split in splits])
    assert len(np.unique(tested, axis=0)) == len(tested)
    for split in splits:
        assert set(split.train.labels.tolist()) == set(split.classes)
        assert all(leak.overlap == 0 for leak in split.audit().leaks)


@quick
@given(labels=maps, seed=seeds)
def test_masks_give_back_what_was_put_in(labels, seed):
    assume((labels > 0).sum() > 2)
    codes = np.random.default_rng(seed).integers(0, 4, labels.shape) * (labels > 0)
    codes.flat[np.flatnonzero(labels)[:2]] = [1, 3]
    split = split_of_codes(Mask.of(codes, "codes"), Mask.of(labels, "labels"), 3)
    for code, side in ((1, split.train), (2, split.validation), (3, split.test)):
        np.testing.assert_array_equal(side.positions[:, 1:], np.argwhere(codes == code))
        np.testing.assert_array_equal(side.labels, labels[codes == code])
