from pathlib import PurePosixPath

import pytest

from workbench.base.errors import WorkbenchError
from workbench.scenes.catalogue.tiles import (
    Found,
    TileFiles,
    check_counts,
    find_tiles,
    natural,
    overlap_groups,
    side_of,
)
from workbench.scenes.grid import Grid


def recognise(path):
    part, _, tile = path.stem.partition("_")
    return Found(part, tile, side_of(path)) if tile else None


def lay(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_files_are_paired_wherever_they_lie(tmp_path):
    lay(tmp_path, "x/test/a_10.tif", "x/test/b_10.TIFF", "train/a_2.tif", "deep/train/b_2.tif", "train/a_10.tif",
        "train/b_10.tif", "train/c_10.tif", "train/._a_10.tif", "train/a_10.tfw", "readme.txt", "other.tif")  # fmt: skip
    found = find_tiles(tmp_path, recognise, ("a", "b"), "the set", optional=("c",))
    assert [(tile.side, tile.name, sorted(tile.files)) for tile in found] == [
        ("training", "2", ["a", "b"]), ("training", "10", ["a", "b", "c"]), ("test", "10", ["a", "b"])
    ]  # fmt: skip
    assert found[0].files["b"] == tmp_path / "deep/train/b_2.tif"


def test_what_is_missing_is_told(tmp_path):
    lay(tmp_path, "train/a_1.tif", "train/b_1.tif", "val/a_2.tif")
    with pytest.raises(WorkbenchError, match=r"tile '2' \(validation\) has a and lacks b \(1 of 2 tiles"):
        find_tiles(tmp_path, recognise, ("a", "b"), "the set")
    with pytest.raises(WorkbenchError, match="no folder"):
        find_tiles(tmp_path / "nowhere", recognise, ("a",), "the set")
    with pytest.raises(WorkbenchError, match="None is no folder"):
        find_tiles(None, recognise, ("a",), "the set")


def test_sides_are_folders_on_the_way():
    sides = {
        "s2_dir/val/s2_1.tif": "validation",
        "Train/s2/x.tif": "training",
        "testing/x.tif": "test",
        "x/train.tif": "",
    }
    assert {path: side_of(PurePosixPath(path)) for path in sides} == sides


def test_counts():
    tiles = [TileFiles(str(number), "test", {}) for number in range(3)]
    assert check_counts(tiles, {"training": 2, "test": 3}, "it") == (
        "no training tiles: their files are not in the folder",
    )
    with pytest.raises(WorkbenchError, match="training 2, test 4 were expected, and training 0, test 3 were found"):
        check_counts(tiles, {"training": 2, "test": 4}, "it")


def test_natural_order():
    assert sorted(["p10", "p2", "a_2_10", "a_2_9"], key=natural) == ["a_2_9", "a_2_10", "p2", "p10"]


def grid(x, y=0, crs="EPSG:32633", size=10):
    return Grid((size, size), (1.0, 0.0, float(x), 0.0, -1.0, float(y)), crs)


def test_tiles_that_share_ground_are_one_group():
    grids = {
        "t10": grid(0), "t2": grid(5), "chain": grid(9, 3),  # each overlaps the next
        "touch": grid(-10),  # shares an edge only
        "zone": grid(0, crs="EPSG:32634"),  # the same numbers elsewhere on Earth
        "nowhere": Grid((10, 10)), "neither": Grid((10, 10)),
    }  # fmt: skip
    assert overlap_groups(grids) == {
        "t10": "chain", "t2": "chain", "chain": "chain", "touch": "touch", "zone": "zone", "nowhere": "nowhere",
        "neither": "neither",
    }  # fmt: skip
    assert overlap_groups({}) == {}
