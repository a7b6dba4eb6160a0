"""What holds for every protocol on any label map: sides apart, buffer respected, counts kept, same seed same split."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tests.splits.conftest import make_fields, make_scene, make_tile
from workbench.base.errors import WorkbenchError
from workbench.splits import Split, make_split, split_of_codes
from workbench.splits.masks import Mask

BUFFERED = ("blocks", "regions", "polygons")
quick = settings(max_examples=15, deadline=None, database=None)

maps = st.builds(
    lambda rows, cols, side, classes, share, seed: make_fields((rows, cols), side, classes, share, seed),
    st.integers(24, 64), st.integers(24, 64), st.integers(4, 24), st.integers(2, 5), st.floats(0.3, 1), st.integers(0, 99),
)  # fmt: skip
seeds = st.integers(0, 2**32)


def _all_but(places, shape):
    plane = np.ones(shape, bool)
    plane[tuple(places.T)] = False
    return plane


def request(protocol, labels, patch_size, seed, **more):
    """A split of a drawn map, or None where the protocol refuses it with an error of its own."""
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
        return None, used


@pytest.mark.parametrize("protocol", ["random", "blocks", "regions", "polygons", "groups", "probability", "official"])
@quick
@given(labels=maps, patch_size=st.integers(1, 11), seed=seeds, validation=st.sampled_from([0.0, 0.3]))
def test_of_every_protocol(protocol, labels, patch_size, seed, validation):
    split, tiles = request(protocol, labels, patch_size, seed, validation_fraction=validation)
    if split is None:
        return
    everything = np.concatenate([sample.positions for sample in split.sides.values()])
    assert len(np.unique(everything, axis=0)) == len(everything)  # no pixel is on two sides
    planes = [tile.read_labels() for tile in tiles]
    for sample in split.sides.values():
        where = sample.positions
        found = [planes[tile][row, col] for tile, row, col in where.tolist()]
        np.testing.assert_array_equal(sample.labels, found)
    # counts kept: a labelled pixel is on a side, of a class that is left out with its reason, or taken by the buffer
    counts = sum(np.bincount(plane.ravel(), minlength=7) for plane in planes)
    on_sides = np.bincount(np.concatenate([sample.labels for sample in split.sides.values()]), minlength=7)
    assert set(np.flatnonzero(counts[1:]) + 1) == set(split.classes) | {v for v in split.dropped if counts[v]}
    assert not on_sides[list(split.dropped)].any()
    for value in split.classes:
        assert on_sides[value] <= counts[value]
        if split.buffer == 0 and protocol != "official":  # where validation is drawn in buffered blocks
            assert on_sides[value] == counts[value]
    # the nominal window never meets training's where the buffer is the default
    if protocol in BUFFERED:
        assert split.buffer == patch_size - 1
        assert all((leak.inside, leak.overlap) == (0, 0) for leak in split.audit().leaks)
    again, _ = request(protocol, labels, patch_size, seed, validation_fraction=validation)
    assert again.hash == split.hash
    with tempfile.TemporaryDirectory() as folder:
        split.save(Path(folder) / "split.npz")
        kept = Split.load(Path(folder) / "split.npz")
    assert kept.hash == split.hash
    assert kept.citation == split.citation


@pytest.mark.parametrize("protocol", BUFFERED)
@quick
@given(labels=maps, buffer=st.integers(1, 12), patch_size=st.integers(1, 7), seed=seeds)
def test_any_buffer_is_kept(protocol, labels, buffer, patch_size, seed):
    """Also where it is no multiple of anything: every test pixel is farther than the buffer from training."""
    split, tiles = request(protocol, labels, patch_size, seed, buffer=buffer, validation_fraction=0.0)
    if split is None:
        return
    train = split.train.positions.astype(int)
    test = split.test.positions.astype(int)
    for tile in range(len(tiles)):
        mine, theirs = (positions[positions[:, 0] == tile, 1:] for positions in (test, train))
        if len(mine) and len(theirs):
            near = ndimage.distance_transform_cdt(_all_but(theirs, tiles[tile].shape), "chessboard")
            assert near[tuple(mine.T)].min() > buffer


@settings(quick, max_examples=8)
@given(labels=maps, folds=st.integers(2, 4), patch_size=st.integers(1, 7), seed=seeds)
def test_folds_of_blocks_test_every_pixel_at_most_once(labels, folds, patch_size, seed):
    splits = [request("blocks", labels, patch_size, seed, folds=folds, fold=fold)[0] for fold in range(folds)]
    if None in splits:
        return
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
