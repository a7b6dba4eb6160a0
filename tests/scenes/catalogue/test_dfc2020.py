import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.scenes import AlignmentReport, open_scene
from workbench.scenes.catalogue import dfc2020

SIDE = 6
# IGBP number -> class of the contest's scheme, from the data set's description
IGBP = {1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 2, 7: 2, 8: 3, 9: 3, 10: 4, 11: 5, 12: 6, 13: 7, 14: 6, 15: 8, 16: 9, 17: 10}
FOLDERS = {"validation": "{}_validation", "test": "{}_0"}


def igbp(number):
    values = np.random.default_rng(number).integers(1, 18, SIDE * SIDE).astype(np.uint8)
    values[:17] = range(1, 18)
    values[20] = 0
    return values.reshape(SIDE, SIDE)


def own(number):
    return np.random.default_rng(100 + number).choice([0, 1, 2, 4, 5, 6, 7, 9, 10], (SIDE, SIDE)).astype(np.uint8)


@pytest.fixture
def make(put, monkeypatch):
    monkeypatch.setattr(dfc2020, "TILES", {"training": 2, "test": 2})
    number = 0
    for phase, folder in FOLDERS.items():
        for patch in ("p2", "p10"):
            rng = np.random.default_rng(number)
            # patches of two UTM zones; the two of the test phase share half of their ground
            at = {"col": number * SIDE if phase == "validation" else 100 + 3 * number}
            at["crs"] = "EPSG:32649" if patch == "p2" or phase == "test" else "EPSG:32633"

            def name(kind, folder=folder, phase=phase, patch=patch):
                return f"ROIs0000_{phase}/{folder.format(kind)}/ROIs0000_{phase}_{kind}_0_{patch}.tif"

            put(name("s2"), rng.integers(0, 10_000, (13, SIDE, SIDE)).astype(np.uint16), **at)
            put(name("s1"), rng.normal(-12, 3, (2, SIDE, SIDE)).astype(np.float32), **at)
            other = rng.integers(0, 9, (3, SIDE, SIDE)).astype(np.uint8)  # other legends that are not read
            put(name("lc"), np.concatenate([igbp(number)[None], other]), **at)
            put(name("dfc"), own(number), **at)
            number += 1


def test_the_contests_labels_are_the_default(make, bring):
    found = bring("dfc2020")
    assert [tile.name for tile in found] == ["validation_0_p2", "validation_0_p10", "test_0_p2", "test_0_p10"]
    for number, tile in enumerate(found):
        np.testing.assert_array_equal(tile.read_labels(), own(number))
        code = 1 if tile.name.startswith("validation") else 3
        np.testing.assert_array_equal(tile.named_splits["official"], code * (own(number) > 0))
    assert found.classes.name(3) == "savanna"  # named, though no pixel has it
    assert found.classes.name(8) == "snow and ice"
    assert "labels_are" not in found.attrs
    report = str(AlignmentReport.of(found))
    for words in ("do not occur", "GFM-Bench does the opposite", "never mixed"):
        assert words in report


def test_modis_is_a_layer_of_its_own(make, bring):
    found = bring("dfc2020")
    assert found.label_layers == ("lc",)
    layer = open_scene("dfc2020@lc")
    for number, tile in enumerate(layer):
        expected = np.vectorize(lambda value: IGBP.get(value, 0))(igbp(number))
        np.testing.assert_array_equal(tile.read_labels(), expected)
        code = 1 if tile.name.startswith("validation") else 3
        np.testing.assert_array_equal(tile.named_splits["official"], code * (expected > 0))
    assert layer.attrs["labels_are"] == "a map product (MODIS land cover, 500 m)"
    assert "500 m" in layer.attrs["note"]
    assert layer.classes == found.classes
    assert layer.content_hash != found.content_hash
    assert "labels_are" not in open_scene("dfc2020").attrs


def test_radiometry_zones_and_groups(make, bring):
    found = bring("dfc2020")
    sar, msi = found.info("sar"), found.info("msi")
    assert (sar.quantity, sar.band_names) == ("backscatter dB", ("VV", "VH"))
    assert (msi.quantity, msi.scale, msi.band_names[10], msi.wavelengths[10]) == ("reflectance", 1e-4, "B10", 1373.5)
    stored = np.random.default_rng(0).integers(0, 10_000, (13, SIDE, SIDE))
    np.testing.assert_allclose(found.scenes[0].read("msi"), stored * 1e-4, rtol=1e-5)
    assert "32633" in found["validation_0_p10"].crs
    assert "32649" in found["validation_0_p2"].crs
    assert found.groups == ("validation_0_p2", "validation_0_p10", "test_0_p2", "test_0_p2")


def test_counts_are_the_contests(make, bring, monkeypatch):
    monkeypatch.undo()  # the real counts
    assert dfc2020.TILES == {"training": 986, "test": 5128}
    with pytest.raises(
        WorkbenchError, match=r"training 986, test 5128 were expected, and training 2, test 2 were found"
    ):
        bring("dfc2020")
