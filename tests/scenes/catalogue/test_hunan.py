import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.scenes import AlignmentReport
from workbench.scenes.catalogue import hunan

SIDE = 6
# what the published look-up makes of each number, 255 being "ignore"; counted from 0
PUBLISHED = {0: 255, 1: 0, 2: 1, 3: 2, 4: 1, 5: 3, 6: 4, 7: 6, 8: 6, 9: 5, 10: 6, 11: 7, 255: 255}
COLOURS = [(197, 90, 17), (51, 130, 88), (178, 206, 61), (229, 84, 96), (91, 155, 215), (240, 160, 2), (226, 175, 110)]
LAYOUTS = {
    "original": lambda kind, side: f"HunanData/{side}/{kind}",
    "flat": lambda kind, side: side,
    "AMM-FuseNet": lambda kind, side: (
        f"{ {'lc': 'ann_dir', 'topo': 'dem_dir', 's1': 's1_dir', 's2': 's2_dir'}[kind] }/{side}"
    ),
}


def numbers(seed):
    """All label numbers of the set on one tile."""
    values = np.random.default_rng(seed).choice([*range(12), 255], SIDE * SIDE).astype(np.uint8)
    values[:13] = [*range(12), 255]
    return values.reshape(SIDE, SIDE)


@pytest.fixture
def make(put, monkeypatch):
    def tiles(layout="original", training=2, validation=1, test=1):
        monkeypatch.setattr(hunan, "TILES", {"training": training, "validation": validation, "test": test})
        place = LAYOUTS[layout]
        number = 0
        for folder, many in (("train", training), ("val", validation), ("test", test)):
            for _ in range(many):
                rng = np.random.default_rng(number)
                at = {"col": SIDE * number}
                put(f"{place('s2', folder)}/s2_{number}.tif", rng.random((13, SIDE, SIDE), np.float32), **at)
                put(f"{place('s1', folder)}/s1_{number}.tif", rng.random((2, SIDE, SIDE), np.float32), **at)
                height = rng.integers(18, 1892, (1, SIDE, SIDE)).astype(np.int16)
                if folder == "train":  # training tiles carry a ruggedness index, and so another type
                    height = np.concatenate([height, rng.random((1, SIDE, SIDE))]).astype(np.float32)
                put(f"{place('topo', folder)}/topo_{number}.tif", height, **at)
                put(f"{place('lc', folder)}/lc_{number}.tif", numbers(number), **at)
                number += 1

    return tiles


@pytest.mark.parametrize("layout", LAYOUTS)
def test_both_layouts_are_recognised(make, bring, layout):
    make(layout)
    found = bring("hunan")
    assert [tile.name for tile in found] == ["training_0", "training_1", "validation_2", "test_3"]
    assert found.modalities == ("msi", "sar", "dem")
    assert found.classes.names == (
        "cropland", "forest", "grassland", "wetland", "water", "unused land", "built-up area"
    )  # fmt: skip
    assert [tuple(bytes.fromhex(color[1:])) for color in found.classes.colors] == COLOURS
    assert found.attrs["tiles"]["test_3"] == {"side": "test"}


def test_labels_follow_the_published_look_up_and_eleven_is_unlabelled(make, bring):
    make()
    for number, tile in enumerate(bring("hunan")):
        expected = np.vectorize(PUBLISHED.get)(numbers(number))
        expected = np.where(expected > 6, 0, expected + 1)  # 255 ignore; 7 is no class
        np.testing.assert_array_equal(tile.read_labels(), expected)
        split = tile.named_splits["official"]
        code = {"training": 1, "validation": 2, "test": 3}[tile.name.split("_")[0]]
        np.testing.assert_array_equal(split, code * (expected > 0))


def test_elevation_alone_is_kept_of_the_topography(make, bring):
    make()
    found = bring("hunan")
    info = found.info("dem")
    assert (info.bands, info.quantity, info.unit, info.dtype) == (1, "elevation", "m", "float32")
    rng = np.random.default_rng(0)
    rng.random((13, SIDE, SIDE), np.float32), rng.random((2, SIDE, SIDE), np.float32)
    np.testing.assert_array_equal(found["training_0"].read("dem")[0], rng.integers(18, 1892, (SIDE, SIDE)))
    assert (found.info("msi").wavelengths[0], found.info("msi").wavelengths[-1]) == (442.7, 2202.4)
    assert found.info("msi").quantity == "unknown"
    assert "ruggedness" in str(AlignmentReport.of(found))


def test_half_a_download_is_told(make, bring, tmp_path, monkeypatch):
    make()
    monkeypatch.setattr(hunan, "TILES", {"training": 400, "validation": 50, "test": 50})
    with pytest.raises(
        WorkbenchError,
        match=r"training 400, validation 50, test 50 were expected, and training 2, validation 1, test 1 were found",
    ):
        bring("hunan")
    next((tmp_path / "source").rglob("topo_1.tif")).unlink()
    with pytest.raises(WorkbenchError, match=r"'training_1' \(training\) has lc, s1, s2 and lacks topo \(1 of 4"):
        bring("hunan")
    assert not list((tmp_path / "data").glob("*"))


def test_labels_of_another_set_are_refused(make, bring, put):
    make()
    wrong = np.ones((SIDE, SIDE), np.uint8)
    wrong[4, 2] = 17
    put("HunanData/test/lc/lc_3.tif", wrong, col=SIDE * 3)
    with pytest.raises(WorkbenchError, match=r"lc_3\.tif: the number 17 at row 4, column 2"):
        bring("hunan")
