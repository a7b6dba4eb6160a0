"""Parts of the training side: properties over many random splits."""

import numpy as np
import pytest
from scipy import ndimage

from tests.splits.conftest import make_fields, make_scene, make_tile
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.splits import Split, make_split
from workbench.splits.subset import subset
from workbench.splits.units import units_of

UNITS = ["pixels", "regions", "tiles", "auto"]


def some_split(number):
    """A split of one to six tiles of random fields."""
    random = np.random.default_rng(number)
    tiles = [
        make_tile(
            make_fields((40, 50), int(random.integers(3, 9)), 5, random.uniform(0.3, 0.9), [number, tile]), f"t{tile}"
        )
        for tile in range(random.integers(1, 7))
    ]
    return make_split(make_scene(*tiles), "random", patch_size=5, seed=number)


def keys(sample):
    return {tuple(row) for row in sample.positions.tolist()}


@pytest.mark.parametrize("unit", UNITS)
def test_parts_are_nested_keep_all_classes_and_leave_the_rest_alone(unit):
    for number in range(12):
        split, random = some_split(number), np.random.default_rng([number, 1])
        fractions = sorted(random.uniform(0.005, 1, 6), reverse=True)
        larger = split
        for fraction in [1, *fractions, 1e-9]:
            part = subset(split, fraction, number, unit)
            assert keys(part.train) <= keys(larger.train)
            assert set(part.train.labels.tolist()) == set(split.train.labels.tolist()) == set(split.classes)
            known = dict(zip(map(tuple, split.train.positions.tolist()), split.train.labels.tolist(), strict=True))
            assert [known[tuple(row)] for row in part.train.positions.tolist()] == part.train.labels.tolist()
            for side in ("validation", "test"):
                assert part.sides[side] is split.sides[side]
            assert (part.classes, part.scene_hash, part.patch_size) == (
                split.classes,
                split.scene_hash,
                split.patch_size,
            )
            larger = part


def test_pixels_are_counted_class_by_class():
    for number in range(6):
        split = some_split(number)
        for fraction in (0.9, 0.5, 0.2, 0.05, 0.001):
            part = subset(split, fraction, 3, "pixels")
            for value in split.classes:
                assert part.train.count(value) == max(1, round(fraction * split.train.count(value)))


def regions(sample, shape):
    """Sets of joined pixels of one class, by labelling whole rasters."""
    found = []
    for tile in np.unique(sample.positions[:, 0]):
        for value in np.unique(sample.labels):
            mine = sample.positions[(sample.positions[:, 0] == tile) & (sample.labels == value)]
            mask = np.zeros(shape, bool)
            mask[mine[:, 1], mine[:, 2]] = True
            numbers, count = ndimage.label(mask, np.ones((3, 3)))
            found += [
                (value, {(tile, *where) for where in np.argwhere(numbers == n).tolist()}) for n in range(1, count + 1)
            ]
    return found


def test_regions_are_kept_whole_and_counted_class_by_class():
    for number in range(4):
        split = some_split(number)
        whole = regions(split.train, (40, 50))
        part = keys(subset(split, 0.3, number, "regions").train)
        assert all(pixels <= part or not pixels & part for _, pixels in whole)
        for value in split.classes:
            mine = [pixels for kind, pixels in whole if kind == value]
            assert sum(pixels <= part for pixels in mine) == max(1, round(0.3 * len(mine)))


def test_tiles_are_kept_whole_and_counted():
    labels = np.full((10, 10), 1)
    labels[:, 5:] = 2
    split = make_split(make_scene(*[make_tile(labels, f"t{n}") for n in range(40)]), "random", patch_size=1)
    for unit in ("tiles", "auto"):
        for fraction, many in ((0.5, 20), (0.2, 8), (0.05, 2), (0.001, 1)):
            part = subset(split, fraction, 0, unit)
            tiles = set(part.train.positions[:, 0].tolist())
            assert len(tiles) == many
            assert len(part.train) == sum(int((split.train.positions[:, 0] == tile).sum()) for tile in tiles)


def test_a_class_of_one_tile_keeps_it(woods):
    split = make_split(woods, "random", patch_size=5)
    for seed in range(10):
        part = subset(split, 0.01, seed, "tiles")
        assert 6 in part.train.labels


def test_the_same_request_is_the_same_part_and_the_hash_tells_it(farmland):
    split = make_split(farmland, "random")
    one = subset(split, 0.5, 1)
    assert one.hash == subset(split, 0.5, 1).hash
    others = [split, subset(split, 0.5, 2), subset(split, 0.4, 1), subset(split, 0.5, 1, "regions")]
    assert len({part.hash for part in [one, *others]}) == 5
    assert {"subset_fraction": 0.5, "subset_seed": 1, "subset_unit": "pixels"}.items() <= one.parameters.items()
    assert f"training keeps {len(one.train)} of {len(split.train)} pixels" in str(one.audit())


def test_all_of_it_is_the_split_itself(farmland):
    split = make_split(farmland)
    assert subset(split, 1.0, 5) is split


def test_a_part_is_kept_and_read_again(farmland, tmp_path):
    part = subset(make_split(farmland), 0.2, 4, "regions")
    part.save(tmp_path / "part.npz")
    again = Split.load(tmp_path / "part.npz")
    assert (again.hash, again.parameters, again.notes) == (part.hash, part.parameters, part.notes)


@pytest.mark.parametrize("fraction", [0, -0.1, 1.01, float("nan"), True, "half", None])
def test_impossible_fractions_are_refused(farmland, fraction):
    with pytest.raises(WorkbenchError, match="above 0 and at most 1"):
        subset(make_split(farmland), fraction)


def test_other_impossible_requests_are_refused(farmland):
    split = make_split(farmland)
    with pytest.raises(UnknownNameError, match="regions"):
        subset(split, 0.5, 0, "region")
    with pytest.raises(WorkbenchError, match="seed = -1"):
        subset(split, 0.5, -1)
    with pytest.raises(WorkbenchError, match="a part already"):
        subset(subset(split, 0.5), 0.5)


@pytest.mark.parametrize(
    ("protocol", "unit"), [("regions", "regions"), ("polygons", "regions"), ("probability", "pixels")]
)
def test_parts_of_every_protocol(farmland, protocol, unit):
    split = make_split(farmland, protocol, patch_size=5)
    small, large = (subset(split, fraction, 0, unit) for fraction in (0.3, 0.6))
    assert keys(small.train) <= keys(large.train) <= keys(split.train)
    assert keys(small.train) < keys(split.train)
    assert keys(small.test) == keys(split.test)
    assert small.hash != split.hash
    units = units_of(small, small.train.positions)
    assert units is None if protocol == "probability" else len(units) == len(small.train)
