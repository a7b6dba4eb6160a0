import numpy as np
import pytest
import rasterio
from affine import Affine

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import (
    ClassTable,
    ModalityInfo,
    ModalitySource,
    TileDraft,
    import_scene,
    open_scene,
    write_scene,
)
from workbench.scenes.derive import derive_scene, parse_steps
from workbench.scenes.steps import Decibel, DropBands, Height, Linear, Rescale
from workbench.scenes.store import scene_path

CLASSES = ClassTable.from_names(["grass", "roof"])
OTHER = ClassTable.from_names(["wet", "dry"])
SHAPE = (70, 90)


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    made = {
        "hsi": rng.integers(1, 9000, (6, *SHAPE)).astype(np.uint16),
        "dsm": rng.uniform(100, 150, (1, *SHAPE)).astype(np.float32),
        "dtm": rng.integers(90, 100, (2, *SHAPE)).astype(np.int16),
        "sar": rng.uniform(-0.01, 0.3, (2, *SHAPE)).astype(np.float32),
    }
    made["dsm"][0, 3, 4], made["dtm"][1, 5, 6], made["hsi"][2, 7, 8] = np.nan, -9999, 65535
    return made


def draft(arrays, name="t"):
    infos = {
        "hsi": {"quantity": "reflectance", "scale": 1e-4, "nodata": 65535, "date": "2020-06-01", "dropped_bands": (1, 4),
                "wavelengths": (400.0, 500.0, 600.0, 700.0, 800.0, 900.0), "fwhm": (5.0,) * 6},
        "dsm": {"quantity": "elevation", "unit": "m", "date": "2019"},
        "dtm": {"quantity": "elevation", "unit": "m", "nodata": -9999},
        "sar": {"quantity": "backscatter linear", "band_names": ("VV", "VH")},
    }  # fmt: skip
    labels = np.zeros(SHAPE, np.uint8)
    labels[5:9, 5:9], labels[40:44, 70:75] = 1, 2
    split = (labels > 0).astype(np.uint8)
    split[40:44, 70:75] = 3
    return TileDraft(
        name,
        {key: (array, ModalityInfo.of(key, array, **infos[key])) for key, array in arrays.items()},
        labels,
        (2.0, 0.0, 500_000.0, 0.0, -2.0, 4_000_000.0),
        "EPSG:32617",
        "site a",
        {"truth": labels.copy()},
        {"official": split},
        {"other": (labels > 0).astype(np.uint8)},
    )


@pytest.fixture
def scene(arrays):
    attrs = {"licence": "CC BY 4.0", "note": "made"}
    return write_scene(scene_path("place"), [draft(arrays)], CLASSES, attrs, layer_classes={"other": OTHER})


def test_height_is_surface_minus_terrain_and_has_no_value_where_either_has_none(scene, arrays):
    derived = derive_scene(scene, "high", [Height(surface="dsm", terrain=("dtm", 1), name="ndsm", keep=False)])
    expected = arrays["dsm"][0] - arrays["dtm"][1]
    expected[3, 4] = expected[5, 6] = np.nan
    np.testing.assert_allclose(derived.read("ndsm")[0], expected, rtol=1e-6)
    info = derived.info("ndsm")
    assert (info.quantity, info.unit, info.date, info.dtype) == ("height", "m", "2019", "float32")
    assert derived.modalities == ("hsi", "sar", "ndsm")
    assert derive_scene(scene, "kept", [Height(surface="dsm", terrain=("dtm", 1))]).modalities[-3:] == (
        "dtm",
        "sar",
        "height",
    )


def test_all_else_is_carried_along(scene, arrays):
    derived = derive_scene(scene, "new", [DropBands(modality="hsi", bands=(0,))])
    assert derived == open_scene("new")
    for name in ("dsm", "dtm", "sar"):
        np.testing.assert_array_equal(derived.read(name), scene.read(name))
        assert derived.info(name) == scene.info(name)
    assert (derived.transform, derived.crs, derived.group, derived.classes) == (
        scene.transform, scene.crs, "site a", CLASSES,
    )  # fmt: skip
    np.testing.assert_array_equal(derived.read_labels(), scene.read_labels())
    np.testing.assert_array_equal(derived.reference["truth"], scene.reference["truth"])
    np.testing.assert_array_equal(derived.named_splits["official"], scene.named_splits["official"])
    assert derived.label_layers == ("other",)
    other = open_scene("new@other")
    assert other.classes == OTHER
    np.testing.assert_array_equal(other.read_labels(), open_scene("place@other").read_labels())
    assert (derived.attrs["licence"], derived.attrs["note"]) == ("CC BY 4.0", "made")


def test_it_is_kept_what_was_done_and_from_what(scene):
    first = derive_scene(scene, "first", [Decibel(modality="sar")])
    told = first.attrs["derived"]
    assert (told["from"], told["content_hash"]) == ("place", scene.content_hash)
    assert told["steps"] == [{"kind": "decibel", "modality": "sar"}]
    second = derive_scene(first, "second", [DropBands(modality="hsi", bands=(2,))])
    assert second.attrs["derived"]["before"] == told
    assert second.attrs["derived"]["content_hash"] == first.content_hash
    assert second.content_hash != first.content_hash


def test_decibels_and_back_and_what_is_not_positive_is_no_data_and_counted(scene, arrays):
    derived = derive_scene(scene, "db", [Decibel(modality="sar")])
    power = arrays["sar"].astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = np.where(power > 0, 10 * np.log10(power), np.nan)
    np.testing.assert_allclose(derived.read("sar"), expected, atol=1e-4)
    info = derived.info("sar")
    assert (info.quantity, info.unit, info.band_names) == ("backscatter dB", "dB", ("VV", "VH"))
    below = int((power <= 0).sum())
    assert below > 0
    assert derived.attrs["derived"]["counted"] == {"sar: values not above 0, without a value in dB": below}
    back = derive_scene(derived, "back", [Linear(modality="sar")])
    np.testing.assert_allclose(back.read("sar"), np.where(power > 0, power, np.nan), rtol=1e-4)
    assert back.info("sar").quantity == "backscatter linear"


def test_the_quantity_is_checked(scene):
    with pytest.raises(WorkbenchError, match="'sar' holds backscatter linear, and backscatter dB is needed"):
        derive_scene(scene, "no", [Linear(modality="sar")])
    with pytest.raises(WorkbenchError, match="'hsi' holds reflectance"):
        derive_scene(scene, "no", [Decibel(modality="hsi")])
    with pytest.raises(WorkbenchError, match="'sar' holds backscatter linear; elevations"):
        derive_scene(scene, "no", [Height(surface="dsm", terrain=("sar", 0))])
    assert not scene_path("no").exists()


def test_dropped_bands_are_remembered_by_their_number_in_the_file(scene, arrays):
    # the file had 8 bands, of which 1 and 4 were dropped at import: stored are 0 2 3 5 6 7
    derived = derive_scene(
        scene, "few", [DropBands(modality="hsi", bands=(0, 3)), DropBands(modality="hsi", bands=(1,))]
    )
    info = derived.info("hsi")
    assert info.dropped_bands == (0, 1, 3, 4, 5)
    assert (info.bands, info.wavelengths, info.fwhm) == (3, (500.0, 800.0, 900.0), (5.0, 5.0, 5.0))
    assert (info.dtype, info.scale, info.nodata, info.date) == ("uint16", 1e-4, 65535, "2020-06-01")
    np.testing.assert_array_equal(derived.read("hsi"), scene.read("hsi")[[1, 4, 5]])


def test_a_scale_and_offset_change_values_and_keep_stored_numbers(scene, arrays):
    steps = [Rescale(modality="hsi", offset=-0.1), Rescale(modality="hsi", scale=100, unit="%")]
    derived = derive_scene(scene, "shifted", steps)
    np.testing.assert_allclose(derived.read("hsi"), (scene.read("hsi") - 0.1) * 100, atol=1e-3)
    assert (derived.info("hsi").dtype, derived.info("hsi").unit) == ("uint16", "%")
    assert np.isnan(derived.read("hsi")[2, 7, 8])
    with pytest.raises(WorkbenchError, match="scale not 0"):
        derive_scene(scene, "no", [Rescale(modality="hsi", scale=0)])


def test_tiles_of_a_collection_are_derived_one_by_one(arrays):
    collection = write_scene(
        scene_path("many"),
        [draft(arrays, f"t{number}") for number in range(3)],
        CLASSES,
        layer_classes={"other": OTHER},
    )
    derived = derive_scene(collection, "all", [Height(surface="dsm", terrain=("dtm", 0))])
    assert [tile.name for tile in derived.scenes] == ["t0", "t1", "t2"]
    assert derived.groups == ("site a",) * 3
    np.testing.assert_allclose(
        derived["t2"].read("height")[0], collection["t2"].read("dsm")[0] - collection["t2"].read("dtm")[0]
    )


@pytest.mark.parametrize(
    ("steps", "error", "text"),
    [
        ([], WorkbenchError, "no step is given"),
        ([DropBands(modality="hsi", bands=(6,))], WorkbenchError, "no band 6"),
        ([DropBands(modality="hsi", bands=tuple(range(6)))], WorkbenchError, "all would go"),
        ([DropBands(modality="hs", bands=(0,))], UnknownNameError, "hsi"),
        ([Height(surface="dsm", terrain="dtm")], WorkbenchError, "'dtm' has 2 bands; say which one"),
        ([Height(surface="dsm", terrain=("dtm", 2))], WorkbenchError, "no band 2"),
        ([Height(surface="dsm", terrain=("dtm", 0), name="hsi")], WorkbenchError, "already"),
    ],
)
def test_what_cannot_be_derived_says_so_and_leaves_nothing(scene, steps, error, text):
    with pytest.raises(error, match=text):
        derive_scene(scene, "no", steps)
    assert not scene_path("no").exists()
    assert not list(scene_path("no").parent.glob(".no*"))


def test_a_scene_cannot_replace_itself_and_replaces_others_only_when_told(scene):
    step = [DropBands(modality="hsi", bands=(0,))]
    with pytest.raises(WorkbenchError, match="take the place of the one it is made from"):
        derive_scene(scene, "place", step, replace=True)
    derive_scene(scene, "new", step)
    with pytest.raises(WorkbenchError, match="exists already"):
        derive_scene(scene, "new", step)
    assert derive_scene(scene, "new", [DropBands(modality="hsi", bands=(1,))], replace=True).info(
        "hsi"
    ).dropped_bands == (1, 2, 4)


def test_steps_can_be_written_as_short_texts():
    texts = ["height=dsm-dtm:2", "db=sar", "linear=sar", "drop=hsi:1,3-5", "scale=msi:0.0001", "offset=msi:-0.1"]
    assert parse_steps(texts) == [
        Height(surface="dsm", terrain=("dtm", 1)),
        Decibel(modality="sar"),
        Linear(modality="sar"),
        DropBands(modality="hsi", bands=(0, 2, 3, 4)),
        Rescale(modality="msi", scale=1e-4),
        Rescale(modality="msi", offset=-0.1),
    ]
    for wrong in (
        "",
        "height=dsm",
        "drop=hsi",
        "drop=hsi:0",
        "drop=hsi:a",
        "scale=msi:x",
        "height=dsm-dtm:0",
        "db=sar:1",
        "up=x",
    ):
        with pytest.raises(WorkbenchError, match="Steps are: height="):
            parse_steps([wrong])


def test_what_is_known_of_a_modality_survives_import_resampling_and_derivation(tmp_path):
    rng = np.random.default_rng(1)

    def file(name, bands, size, factor, dtype):
        with rasterio.open(
            tmp_path / name, "w", driver="GTiff", count=bands, height=size, width=size, dtype=dtype, crs="EPSG:32617",
            transform=Affine(factor, 0, 5000, 0, -factor, 9000),
        ) as raster:  # fmt: skip
            raster.write(rng.integers(1000, 5000, (bands, size, size)).astype(dtype))
        return tmp_path / name

    known = {"quantity": "reflectance", "scale": 1e-4, "offset": -0.1, "date": "2021-07-08", "fwhm": (9.0, 8.0, 7.0),
             "wavelengths": (450.0, 550.0, 650.0)}  # fmt: skip
    sources = {
        "msi": ModalitySource(path=file("msi.tif", 3, 40, 2, "uint16"), **known),
        "fine": ModalitySource(path=file("fine.tif", 3, 80, 1, "uint16"), **known),
    }
    stored = import_scene("imported", sources, grid="msi", resample="average")
    derived = derive_scene(stored, "derived", [DropBands(modality=name, bands=(1,)) for name in ("msi", "fine")])
    for name in ("msi", "fine"):
        info = derived.info(name)
        assert (info.quantity, info.date, info.dropped_bands) == ("reflectance", "2021-07-08", (1,))
        assert (info.wavelengths, info.fwhm) == ((450.0, 650.0), (9.0, 7.0))
    assert (derived.info("msi").scale, derived.info("msi").offset) == (1e-4, -0.1)
    assert (derived.info("fine").scale, derived.info("fine").offset) == (1, 0)  # resampled values are physical
    with rasterio.open(tmp_path / "fine.tif") as raster:
        numbers = raster.read().astype(np.float64)
    blocks = numbers.reshape(3, 40, 2, 40, 2).mean(axis=(2, 4)) * 1e-4 - 0.1
    np.testing.assert_allclose(derived.read("fine"), blocks[[0, 2]], atol=1e-6)
