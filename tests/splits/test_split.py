import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.splits import Sample, Split, make_split


def test_round_trip(woods, tmp_path):
    before = make_split(woods, "groups", seed=5)
    before.save(tmp_path / "split.npz")
    after = Split.load(tmp_path / "split.npz")
    for name in ("protocol", "seed", "patch_size", "buffer", "parameters", "scene_hash", "classes", "dropped", "tiles"):
        assert getattr(after, name) == getattr(before, name), name
    assert (after.names, after.notes, after.hash) == (before.names, before.notes, before.hash)
    for name, sample in before.sides.items():
        np.testing.assert_array_equal(after.sides[name].positions, sample.positions)
        np.testing.assert_array_equal(after.sides[name].labels, sample.labels)
    assert str(after.audit()) == str(before.audit())


def test_file_holds_no_pickle(farmland, tmp_path):
    make_split(farmland).save(tmp_path / "split.npz")
    with np.load(tmp_path / "split.npz", allow_pickle=False) as store:
        assert all(store[name].dtype != object for name in store.files)


def test_missing_truncated_and_foreign_files(farmland, tmp_path):
    with pytest.raises(WorkbenchError, match="missing"):
        Split.load(tmp_path / "none.npz")
    path = tmp_path / "split.npz"
    make_split(farmland).save(path)
    whole = path.read_bytes()
    for part in (whole[: len(whole) // 2], b"", b"text", whole.replace(b"test_labels", b"rest_labels")):
        path.write_bytes(part)
        with pytest.raises(WorkbenchError, match="damaged or not a split"):
            Split.load(path)


def test_a_byte_that_turned_is_noticed(farmland, tmp_path):
    """Wherever it is: in the directory of the archive, in packed data, in a header, in the facts."""
    path = tmp_path / "split.npz"
    split = make_split(farmland)
    split.save(path)
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for place in random.permutation(len(whole))[:300]:
        turned = bytearray(whole)
        turned[place] ^= 1 << random.integers(8)
        path.write_bytes(bytes(turned))
        try:
            assert Split.load(path).hash == split.hash  # a date in the directory
        except WorkbenchError:
            refused += 1
    assert refused > 200


def test_tampered_positions_are_noticed(farmland, tmp_path):
    path = tmp_path / "split.npz"
    make_split(farmland).save(path)
    with np.load(path) as store:
        arrays = dict(store)
    arrays["test_positions"] = arrays["train_positions"][: len(arrays["test_positions"])]
    arrays["test_labels"] = arrays["test_labels"][: len(arrays["test_positions"])]
    np.savez(path, **arrays)
    with pytest.raises(WorkbenchError, match="changed after it was written"):
        Split.load(path)


def test_sample_is_sorted_and_read_only():
    sample = Sample(np.array([[1, 0, 0], [0, 5, 2], [0, 5, 1]]), np.array([3, 2, 1]))
    assert sample.positions.tolist() == [[0, 5, 1], [0, 5, 2], [1, 0, 0]]
    assert sample.labels.tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="read-only"):
        sample.labels[0] = 1
    with pytest.raises(WorkbenchError, match="2 positions for 1 labels"):
        Sample(np.zeros((2, 3)), np.zeros(1))


def test_hash_follows_rule_and_pixels(farmland):
    hashes = {
        make_split(farmland, "random").hash,
        make_split(farmland, "random", patch_size=9).hash,
        make_split(farmland, "random", validation_fraction=0.1).hash,
        make_split(farmland, "blocks").hash,
        make_split(farmland, "blocks", buffer=12).hash,
    }
    assert len(hashes) == 5


def test_a_split_checks_the_scene_that_it_is_used_on(farmland, scene, tile, fields):
    split = make_split(farmland)
    split.check(farmland)
    other = scene(tile(fields((145, 145), 15, 6, 0.3)))
    other.content_hash = "d" * 64
    with pytest.raises(WorkbenchError) as refused:
        split.check(other)
    assert "c" * 64 in str(refused.value)
    assert "d" * 64 in str(refused.value)


def test_a_split_is_cited_in_one_line(farmland):
    split = make_split(farmland, seed=3)
    assert split.citation == (
        f"split by blocks, seed 3, patch 11, buffer 10, sha256 {split.hash}, of scene sha256 {'c' * 64}"
    )
