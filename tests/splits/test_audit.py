import json

import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.splits import clear_of_training, make_split


def test_random_leaks_and_position_explains_it(farmland):
    audit = make_split(farmland, "random", test_fraction=0.9).audit()
    assert audit.leak().inside > 0.99
    assert audit.leak().overlap > 0.99
    assert audit.coordinates_only["oa"] > 0.9
    assert audit.banner_level == "red"
    assert "position alone explains much of this score" in str(audit)


@pytest.mark.parametrize("seed", range(3))
def test_buffered_blocks_leak_nothing(farmland, seed):
    audit = make_split(farmland, "blocks", seed=seed).audit()
    for leak in audit.leaks:
        assert (leak.inside, leak.overlap) == (0, 0)
    assert len(audit.leaks) == 3
    assert audit.coordinates_only["oa"] < 0.5
    assert audit.distance_min >= 11
    assert audit.banner == ""


def test_buffer_must_follow_the_patch(farmland):
    # spec/practice.md C.3: a buffer of 10 pixels leaves overlap at 15 x 15
    audit = make_split(farmland, "blocks", patch_size=15, buffer=10).audit()
    assert audit.leak().inside == 0
    assert audit.leak().overlap > 0.02
    assert audit.banner_level == "red"


def test_receptive_field_rows(farmland):
    split = make_split(farmland, "blocks")
    audit = split.audit(receptive_field=(30, 27))
    wide = audit.leak("receptive field")
    assert (wide.before, wide.after) == (30, 27)
    # against all pairs
    gap = split.test.positions[:, None, 1:].astype(int) - split.train.positions[None, :, 1:]
    inside = ((gap >= -30) & (gap <= 27)).all(2).any(1).mean()
    overlap = (np.abs(gap) <= 57).all(2).any(1).mean()
    assert (wide.inside, wide.overlap) == pytest.approx((inside, overlap))
    assert wide.overlap > 0
    assert audit.banner_level == "amber"
    assert len(split.audit(receptive_field=(5, 5)).leaks) == 3  # the nominal window is not repeated
    for wrong in ((-1, 0), (3,), (3, 2, 1), (2.5, 2)):
        with pytest.raises(WorkbenchError, match="two whole numbers, not negative"):
            split.audit(receptive_field=wrong)


def test_counts_and_dictionary(woods):
    split = make_split(woods, "groups")
    audit = split.audit()
    for side, sample in split.sides.items():
        assert sum(audit.counts[side]) == len(sample)
    values = json.loads(json.dumps(audit.to_dict(), allow_nan=False))
    assert values["split_hash"] == split.hash
    assert set(values["coordinates_only"]) == {"oa", "aa", "kappa"}
    assert list(values["dropped"]) == ["kind 6"]
    assert audit.counts_frame().loc["kind 2", "test"] == split.test.count(2)
    assert audit.to_frame().columns.tolist() == ["figure", "value"]


def test_printed_table_names_everything(farmland):
    text = str(make_split(farmland, "blocks").audit((30, 27)))
    for part in ("kind 1", "all classes", "patch of 11 x 11: overlap", "view of 58 x 58", "class of the nearest"):
        assert part in text
    assert max(map(len, text.splitlines())) < 160


def test_half_a_million_pixels_are_audited(scene, tile, fields):
    split = make_split(scene(tile(fields((600, 1700), 25, 6, 0.5))), "blocks")
    assert sum(map(len, split.sides.values())) > 300_000
    assert split.audit().leak().overlap == 0


def test_what_was_fitted_is_told_by_whom_it_knows(farmland):
    split = make_split(farmland)
    assert "fitted before training: not known to a split" in str(split.audit())
    audit = split.audit(fitted=["scaling: training pixels", "PCA: whole scene"])
    assert "fitted before training: scaling: training pixels; PCA: whole scene" in str(audit)
    assert audit.to_dict()["fitted"] == ["scaling: training pixels", "PCA: whole scene"]


def test_classes_absent_from_a_side_are_counted(farmland):
    frame = make_split(farmland).audit().to_frame().set_index("figure")["value"]
    assert frame["classes absent from train"] == 0
    assert frame["classes absent from test"] == 0


def test_pixels_clear_of_training(farmland):
    split = make_split(farmland, "random", test_fraction=0.98)
    clear = clear_of_training(split, split.test.positions, 5, 5)
    gap = np.abs(split.test.positions[:, None, 1:].astype(int) - split.train.positions[None, :, 1:]).max(2).min(1)
    np.testing.assert_array_equal(clear, gap > 10)
    assert 0 < clear.mean() < 1
    assert clear_of_training(make_split(farmland), make_split(farmland).test.positions, 5, 5).all()
