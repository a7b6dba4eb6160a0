"""Classes that are left out by name: they neither train nor are scored, whatever the protocol."""

from types import SimpleNamespace

import numpy as np
import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.splits import Split, make_split


@pytest.mark.parametrize("protocol", ["random", "blocks", "groups", "probability"])
def test_a_class_left_out_is_on_no_side_and_the_audit_says_so(woods, protocol, tmp_path):
    full = make_split(woods, protocol, patch_size=5)
    split = make_split(woods, protocol, patch_size=5, leave_out=["kind 2", "kind 4"])
    assert set(split.classes) == set(full.classes) - {2, 4}
    assert not any(np.isin(sample.labels, [2, 4]).any() for sample in split.sides.values())
    assert split.dropped[2] == "left out as asked"
    assert "left out: kind 4 (left out as asked)" in str(split.audit())
    assert split.parameters["leave_out"] == ["kind 2", "kind 4"]
    split.save(tmp_path / "split.npz")
    assert Split.load(tmp_path / "split.npz").hash == split.hash


def test_it_changes_the_hash_even_where_the_class_was_dropped_anyway(woods):
    """Class 6 lives in one group only."""
    full = make_split(woods, "groups", patch_size=5)
    assert 6 in full.dropped
    split = make_split(woods, "groups", patch_size=5, leave_out="kind 6")
    assert split.classes == full.classes
    assert split.hash != full.hash


def test_a_published_split_keeps_its_sides(scene, tile):
    labels = np.random.default_rng(0).integers(1, 4, (30, 40))
    codes = np.where(np.arange(40) < 20, 1, 3) * np.ones((30, 1), np.uint8)
    part = SimpleNamespace(**vars(tile(labels)), named_splits={"official": codes.astype(np.uint8)})
    split = make_split(scene(part), "official", patch_size=5, validation_fraction=0.0, leave_out="kind 1")
    assert split.classes == (2, 3)
    assert len(split.train) == int((labels[:, :20] != 1).sum())
    assert len(split.test) == int((labels[:, 20:] != 1).sum())
    assert (split.train.positions[:, 2] < 20).all()


@pytest.mark.parametrize(
    ("given", "kept"), [("kind 1, kind 2", ["kind 1", "kind 2"]), (("kind 2", "kind 2"), ["kind 2"]), ("", [])]
)
def test_names_come_as_a_list_or_with_commas(woods, given, kept):
    assert make_split(woods, "random", leave_out=given).parameters["leave_out"] == kept


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ("kind 9", UnknownNameError, "Unknown class of scene 'fake' 'kind 9'. Nearest: kind"),
        (7, UnknownNameError, "Unknown class of scene 'fake' '7'"),
        ([1], WorkbenchError, "leave_out.*string"),
        ({"kind 1": 1}, WorkbenchError, "leave_out.*list"),
        ([f"kind {n}" for n in range(1, 6)], WorkbenchError, "the labelled classes are kind 6; two are needed"),
        ([f"kind {n}" for n in range(1, 7)], WorkbenchError, "the labelled classes are none; two are needed"),
    ],
)
def test_what_cannot_be_left_out(woods, given, error, told):
    with pytest.raises(error, match=told):
        make_split(woods, "random", leave_out=given)
