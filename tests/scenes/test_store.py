import errno
import json
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import (
    ClassEntry,
    ClassTable,
    Collection,
    ModalityInfo,
    Scene,
    TileDraft,
    arrays,
    list_scenes,
    open_scene,
    write_scene,
)

UTM = (2.0, 0.0, 500_000.0, 0.0, -2.0, 4_000_000.0)
CLASSES = ClassTable.from_names(["grass", "roof"])


def cube(bands=5, rows=70, cols=90, dtype=np.int16, seed=0):
    return np.random.default_rng(seed).integers(0, 9000, (bands, rows, cols)).astype(dtype)


def draft(name="a", seed=0, **fields):
    hsi = cube(seed=seed)
    height = cube(1, dtype=np.float32, seed=seed + 1)
    height[0, 3, 4] = -3.4e38
    height[0, 5, 6] = np.nan
    labels = np.zeros((70, 90), np.int64)
    labels[10:20, 30:40], labels[60:66, 66:80] = 1, 2
    given = {
        "name": name,
        "modalities": {
            "hsi": (hsi, ModalityInfo.of("hsi", hsi, quantity="reflectance", scale=1e-4, nodata=-9999,
                                         wavelengths=(450.0, 550.0, 650.0, 850.0, 2200.0))),
            "lidar": (height, ModalityInfo.of("lidar", height, quantity="height", unit="m", nodata=-3.4e38)),
        },
        "labels": labels,
        "transform": UTM,
        "crs": "EPSG:32617",
    }  # fmt: skip
    return TileDraft(**{**given, **fields})


@pytest.fixture
def stored(tmp_path):
    first = draft()
    first.modalities["hsi"][0][2, 7, 8] = -9999
    return write_scene(tmp_path / "place.zarr", [first], CLASSES, {"note": "made", "synthetic": True}), first


def test_what_was_written_comes_back(stored):
    scene, first = stored
    assert isinstance(scene, Scene)
    assert (scene.name, scene.collection, scene.shape, scene.group) == ("place", "place", (70, 90), "")
    assert scene.modalities == ("hsi", "lidar")
    assert scene.transform == UTM
    assert scene.scenes == (scene,)
    assert scene.attrs == {"note": "made", "synthetic": True}
    assert scene.classes == CLASSES
    hsi, height = (first.modalities[name][0] for name in ("hsi", "lidar"))
    expected = (hsi * 1e-4).astype(np.float32)
    expected[2, 7, 8] = np.nan
    np.testing.assert_array_equal(scene.read("hsi"), expected)
    assert scene.read("hsi").dtype == np.float32
    read = scene.read("lidar")
    assert np.argwhere(np.isnan(read)).tolist() == [[0, 3, 4], [0, 5, 6]]
    np.testing.assert_array_equal(read[~np.isnan(read)], height[~np.isnan(read)])
    np.testing.assert_array_equal(scene.read_labels(), first.labels)
    assert scene.read_labels().dtype == np.uint16
    assert scene.labels.dtype == np.uint8


def test_wide_windows_are_read_in_pieces(stored, monkeypatch):
    whole = stored[0].read("hsi")
    monkeypatch.setattr(arrays, "BUDGET", 1)
    np.testing.assert_array_equal(stored[0].read("hsi"), whole)
    window = stored[0].read("hsi", slice(3, 69), slice(5, 88), [4, 1])
    np.testing.assert_array_equal(window, whole[[4, 1], 3:69, 5:88])


def test_windows_bands_and_spectra_equal_slices_of_the_whole(stored):
    scene, _ = stored
    whole = scene.read("hsi")
    for rows, cols in [((0, 1), (0, 1)), ((60, 70), (60, 90)), ((0, 70), (63, 65)), ((63, 65), (0, 90))]:
        window = np.s_[:, slice(*rows), slice(*cols)]
        np.testing.assert_array_equal(scene.read("hsi", slice(*rows), slice(*cols)), whole[window])
        np.testing.assert_array_equal(scene.read_labels(slice(*rows), slice(*cols)), scene.read_labels()[window[1:]])
    for bands in ([0], [4, 0, 2], [1, 1, 3], (3,)):
        np.testing.assert_array_equal(scene.read("hsi", bands=bands), whole[list(bands)])
    np.testing.assert_array_equal(scene.spectrum("hsi", 69, 64), whole[:, 69, 64])


@pytest.mark.parametrize(
    ("rows", "cols", "bands"),
    [
        (slice(0, 71), None, None),
        (slice(-3, 5), None, None),
        (slice(5, 5), None, None),
        (slice(0, 70, 2), None, None),
        (None, slice(89, 91), None),
        (None, None, [5]),
        (None, None, [-1]),
        (None, None, []),
    ],
)
def test_a_window_outside_is_refused(stored, rows, cols, bands):
    with pytest.raises(WorkbenchError, match="'hsi' of scene 'place'"):
        stored[0].read("hsi", rows, cols, bands)


def test_data_arrays_keep_crs_transform_and_nodata(stored, tmp_path):
    scene, _ = stored
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        arrays = {name: scene[name] for name in scene.modalities}
        np.testing.assert_allclose(arrays["hsi"].values, scene.read("hsi"), rtol=1e-6)
        np.testing.assert_array_equal(arrays["lidar"].values, scene.read("lidar"))
    for array in [*arrays.values(), scene.labels]:
        assert array.rio.crs.to_epsg() == 32617
        assert array.rio.transform() == Affine(*UTM) == array.rio.transform(recalc=True)
    assert arrays["hsi"].dims == ("band", "y", "x")
    assert scene.labels.dims == ("y", "x")
    assert arrays["lidar"].rio.encoded_nodata == np.float32(-3.4e38)
    np.testing.assert_array_equal(arrays["hsi"].wavelength, [450, 550, 650, 850, 2200])
    assert not scene["hsi"]._in_memory
    arrays["lidar"].rio.to_raster(tmp_path / "out.tif")
    with rasterio.open(tmp_path / "out.tif") as file:
        assert file.crs.to_epsg() == 32617
        assert file.transform == Affine(*UTM)
        assert file.nodata == np.float32(-3.4e38)
        np.testing.assert_array_equal(file.read(1, masked=True).filled(np.nan), scene.read("lidar")[0])


def test_a_reader_without_the_workbench_gets_the_crs(stored):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = xr.open_zarr(stored[0].address, group="a/lidar", decode_coords="all", chunks=None, consolidated=False)
        part = xr.open_zarr(f"{stored[0].address}/a/lidar", decode_coords="all", chunks=None)
    for dataset in (whole, part):
        assert dataset.rio.crs.to_epsg() == 32617
        assert dataset["lidar"].rio.bounds() == (500_000, 3_999_860, 500_180, 4_000_000)


def test_map_positions(stored, tmp_path):
    scene, _ = stored
    assert scene.position_of(0, 0) == (500_001.0, 3_999_999.0)
    assert scene.pixel_of(500_003.9, 3_999_996.1) == (1, 1)
    for row, col in [(0, 0), (69, 89), (12, 34)]:
        assert scene.pixel_of(*scene.position_of(row, col)) == (row, col)
    with pytest.raises(WorkbenchError, match="outside scene 'place'"):
        scene.pixel_of(499_999, 4_000_000)
    plain = write_scene(tmp_path / "plain.zarr", [draft(transform=None, crs=None)], CLASSES)
    assert plain.position_of(3, 5) == (5, 3)
    assert plain.pixel_of(5.4, 2.6) == (3, 5)
    assert plain["hsi"].x.values[:2].tolist() == [0, 1]
    assert plain.crs is None
    rotated = write_scene(tmp_path / "rotated.zarr", [draft(transform=(1, 2, 10, 2, -1, 20))], CLASSES)
    assert rotated.pixel_of(*rotated.position_of(13, 41)) == (13, 41)
    assert rotated["hsi"].rio.transform() == Affine(1, 2, 10, 2, -1, 20)


def test_only_the_root_is_read_on_opening(stored):
    scene, _ = stored
    for file in Path(scene.address, "a").rglob("*"):
        if file.is_file():
            file.unlink()
    opened = open_scene(Path(scene.address))
    assert opened.info("hsi").wavelengths == (450, 550, 650, 850, 2200)
    assert len(opened.classes) == 2
    with pytest.raises(WorkbenchError, match="damaged"):
        opened.read("hsi")


def test_lost_and_truncated_chunks_are_told(stored):
    scene, _ = stored
    chunk = Path(scene.address, "a", "hsi", "hsi", "c.0.1.0")
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WorkbenchError, match="damaged"):
        open_scene(Path(scene.address)).read("hsi")
    chunk.unlink()
    for use in (lambda scene: scene.read("hsi"), lambda scene: scene["hsi"]):
        with pytest.raises(WorkbenchError, match="1 of its 2 files are missing"):
            use(open_scene(Path(scene.address)))


def test_broken_roots_are_told(stored, tmp_path):
    root = Path(stored[0].address, "zarr.json")
    text = root.read_text()
    for broken, told in [
        (text[:200], "truncated"),
        ("{}", "truncated"),
        (json.dumps({"attributes": {}}), "no scene of the workbench"),
        (text.replace('"schema_version": 1', '"schema_version": 99'), "storage version 99"),
        (text.replace('"bands": 5', '"bands": "five"'), "description is damaged"),
    ]:
        root.write_text(broken)
        with pytest.raises(WorkbenchError, match=told):
            open_scene(root.parent)
    root.unlink()
    with pytest.raises(WorkbenchError, match=r"no zarr\.json"):
        open_scene(root.parent)
    with pytest.raises(WorkbenchError, match="not there"):
        open_scene(tmp_path / "absent.zarr")


def test_a_scene_opens_from_a_url(stored):
    import fsspec

    scene, _ = stored
    fsspec.filesystem("memory").put(scene.address, "/bucket/place.zarr", recursive=True)
    remote = open_scene("memory://bucket/place.zarr")
    assert remote.name == "place"
    assert remote == scene
    np.testing.assert_array_equal(remote.read("hsi"), scene.read("hsi"))
    assert remote["hsi"].rio.crs.to_epsg() == 32617
    with pytest.raises(WorkbenchError, match="memory://bucket/other"):
        open_scene("memory://bucket/other.zarr")


def test_a_collection(tmp_path):
    tiles = (draft(name, seed, group=f"g{seed % 2}") for seed, name in enumerate("abc"))
    found = write_scene(tmp_path / "many.zarr", tiles, CLASSES)
    assert isinstance(found, Collection)
    assert len(found) == 3
    assert found.groups == ("g0", "g1", "g0")
    assert found.shapes == ((70, 90),) * 3
    assert found.modalities == ("hsi", "lidar")
    assert found.has_labels
    assert found.info("hsi").bands == 5
    assert [tile.name for tile in found] == ["a", "b", "c"]
    assert found["b"].collection == "many"
    np.testing.assert_array_equal(found["c"].read("hsi"), (cube(seed=2) * 1e-4).astype(np.float32))
    assert len({tile.content_hash for tile in found} | {found.content_hash}) == 4
    with pytest.raises(UnknownNameError):
        found["d"]


def test_the_hash_follows_the_content_and_not_the_name(tmp_path):
    def hash_of(stem, **fields):
        return write_scene(tmp_path / f"{stem}.zarr", [draft(**fields)], CLASSES).content_hash

    base = hash_of("one")
    assert hash_of("two", name="b") == base
    changed = draft()
    changed.modalities["hsi"][0][4, 69, 89] += 1
    other_labels = draft().labels.copy()
    other_labels[0, 0] = 1
    assert len({
        base,
        hash_of("three", modalities=changed.modalities),
        hash_of("four", labels=other_labels),
        hash_of("five", crs="EPSG:32618"),
        hash_of("six", transform=(2.0, 0.0, 500_002.0, 0.0, -2.0, 4_000_000.0)),
        hash_of("seven", group="g"),
    }) == 6  # fmt: skip


def test_overviews(tmp_path):
    rows, cols = 130, 1100
    rng = np.random.default_rng(1)
    sar = rng.normal(-12, 3, (1, rows, cols)).astype(np.float32)
    rgb = rng.integers(0, 255, (3, rows, cols)).astype(np.uint8)
    rgb[:, :3, :3] = 0
    tile = TileDraft("t", {
        "sar": (sar, ModalityInfo.of("sar", sar, quantity="backscatter dB")),
        "rgb": (rgb, ModalityInfo.of("rgb", rgb, nodata=0)),
    })  # fmt: skip
    scene = write_scene(tmp_path / "wide.zarr", [tile], ClassTable())
    small, stride = scene.overview("sar")
    assert stride == 3
    assert small.shape == (1, 44, 367)
    assert small.dtype == np.float32
    for row, col in [(0, 0), (21, 22), (43, 366), (42, 341)]:
        square = np.s_[0, row * 3 : row * 3 + 3, col * 3 : col * 3 + 3]
        expected = 10 * np.log10(np.mean(10 ** (sar[square].astype(np.float64) / 10)))
        assert small[0, row, col] == pytest.approx(expected, rel=1e-5)
    small, _ = scene.overview("rgb")
    assert np.isnan(small[:, 0, 0]).all()
    np.testing.assert_array_equal(scene.overview("rgb", [2, 0])[0], small[[2, 0]])
    with pytest.raises(WorkbenchError, match="band 3"):
        scene.overview("rgb", [3])
    block = rgb[1, 126:129, 300:303].astype(float)
    assert small[1, 42, 100] == pytest.approx(block[block > 0].mean(), rel=1e-5)


def test_what_is_not_finite_is_read_as_nan(tmp_path):
    values = np.array([[[1, np.inf, -np.inf, np.nan, 1e300]]])
    info = ModalityInfo.of("sar", values, scale=2.0)
    scene = write_scene(tmp_path / "inf.zarr", [TileDraft("t", {"sar": (values, info)})], ClassTable())
    np.testing.assert_array_equal(scene.read("sar"), [[[2, np.nan, np.nan, np.nan, np.nan]]])


def test_small_scenes_are_their_own_overview(stored):
    small, stride = stored[0].overview("hsi")
    assert stride == 1
    np.testing.assert_array_equal(small, stored[0].read("hsi"))


def test_reference_maps(tmp_path):
    truth = np.arange(70 * 90).reshape(70, 90).astype(np.uint16)
    scene = write_scene(tmp_path / "r.zarr", [draft(reference={"truth": truth})], CLASSES)
    assert list(scene.reference) == ["truth"]
    assert "other" not in scene.reference
    np.testing.assert_array_equal(scene.reference["truth"], truth)
    assert dict(scene.named_splits) == {}


def test_a_scene_without_labels(tmp_path):
    scene = write_scene(tmp_path / "bare.zarr", [draft(labels=None)], ClassTable())
    assert not scene.has_labels
    assert scene.labels is None
    assert scene.read_labels() is None
    assert len(scene.classes) == 0


def test_many_classes_need_16_bits(tmp_path):
    labels = np.zeros((70, 90), np.int32)
    labels[0, 0] = 300
    scene = write_scene(tmp_path / "m.zarr", [draft(labels=labels)], ClassTable([ClassEntry(300, "x", "#000000")]))
    assert scene.labels.dtype == np.uint16
    assert scene.read_labels()[0, 0] == 300


def bad_labels(value, dtype=np.int16):
    labels = np.zeros((70, 90), dtype)
    labels[65, 7] = value
    return labels


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"labels": bad_labels(3)}, r"the value 3 outside the class table \(first at row 65, column 7\).*1 grass"),
        ({"labels": bad_labels(-1)}, "never negative"),
        ({"labels": bad_labels(1.0, np.float32)}, "whole numbers"),
        ({"labels": np.zeros((70, 91), np.uint8)}, "labels 70 x 91"),
        ({"reference": {"truth": np.zeros((7, 9))}}, "truth 7 x 9"),
        ({"transform": (1, 1, 0, 1, 1, 0)}, "transform"),
        ({"crs": "nowhere"}, "no coordinate reference system"),
        ({"name": "a/b"}, "cannot name a tile"),
        ({"name": "labels"}, "kept for the store"),
        ({"modalities": {}}, "no modality"),
    ],
)  # fmt: skip
def test_what_cannot_be_stored_leaves_nothing(tmp_path, fields, told):
    with pytest.raises(WorkbenchError, match=told):
        write_scene(tmp_path / "bad.zarr", [draft(), draft(**{"name": "b", **fields})], CLASSES)
    assert list(tmp_path.iterdir()) == []


def test_tiles_of_other_schema_or_name_are_refused(tmp_path):
    other = draft("b")
    hsi, info = other.modalities["hsi"]
    other.modalities["hsi"] = (hsi, info.model_copy(update={"scale": 1.0}))
    with pytest.raises(WorkbenchError, match="'hsi' of tile 'b' differs from the first tile's in scale"):
        write_scene(tmp_path / "bad.zarr", [draft(), other], CLASSES)
    with pytest.raises(WorkbenchError, match="Two tiles are called 'a'"):
        write_scene(tmp_path / "bad.zarr", [draft(), draft()], CLASSES)
    with pytest.raises(WorkbenchError, match="no tile"):
        write_scene(tmp_path / "bad.zarr", [], CLASSES)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_scene_is_replaced_only_when_told(stored):
    scene, first = stored
    path = Path(scene.address)
    with pytest.raises(WorkbenchError, match="exists already"):
        write_scene(path, [first], CLASSES)
    changed = write_scene(path, [draft(labels=None)], CLASSES, replace=True)
    assert not changed.has_labels
    assert [item.name for item in path.parent.iterdir()] == ["place.zarr"]


def test_a_full_disk_is_told_and_leaves_the_old_scene(stored, monkeypatch):
    from zarr.storage import LocalStore

    async def refuse(self, key, value):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = Path(stored[0].address)
    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "set", refuse)
        with pytest.raises(WorkbenchError, match="disk is full"):
            write_scene(path, [draft(labels=None)], CLASSES, replace=True)
    assert [item.name for item in path.parent.iterdir()] == ["place.zarr"]
    assert open_scene(path) == stored[0]


def test_pixels_are_read_in_windows_once(tmp_path):
    class Lazy:
        shape, dtype = (2, 200, 100), np.dtype(">u2")

        def __init__(self):
            self.asked = np.zeros((200, 100), int)

        def __getitem__(self, key):
            bands, rows, cols = key
            assert bands == slice(None)
            assert rows.stop - rows.start <= 64
            self.asked[rows, cols] += 1
            return np.full((2, rows.stop - rows.start, cols.stop - cols.start), 7, self.dtype)

    lazy, told = Lazy(), []
    scene = write_scene(
        tmp_path / "lazy.zarr", [TileDraft("t", {"sar": (lazy, ModalityInfo.of("sar", lazy))})], ClassTable(),
        progress=lambda what, share: told.append(share),
    )  # fmt: skip
    assert (lazy.asked == 1).all()
    assert (scene.read("sar") == 7).all()
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)


def test_scenes_survive_another_process_and_are_not_changed_by_readers(stored):
    scene, _ = stored
    scene.read("hsi")
    again = pickle.loads(pickle.dumps(scene))
    np.testing.assert_array_equal(again.read("lidar"), scene.read("lidar"))
    assert again == scene
    assert hash(again) == hash(scene)
    scene.attrs["note"] = "changed"
    assert scene.attrs["note"] == "made"
    assert "hsi (5), lidar (1)" in repr(scene)


def test_names_under_the_data_root(stored, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    assert open_scene("place") == stored[0]
    (tmp_path / "torn.zarr").mkdir()
    listed = {summary.name: summary for summary in list_scenes()}
    assert listed["place"].imported
    assert listed["place"].shape == "70 x 90"
    assert listed["place"].classes == 2
    assert not listed["torn"].imported
    assert "no zarr.json" in listed["torn"].description
    assert not listed["demo"].imported
    assert not listed["idtrees2020"].imported
    with pytest.raises(UnknownNameError, match="Nearest: place"):
        open_scene("plaec")
    with pytest.raises(UnknownNameError, match="workbench import idtrees2020"):
        open_scene("idtrees2020")
    with pytest.raises(UnknownNameError, match=r"modality of scene 'place' 'hsl'.*Nearest: hsi"):
        stored[0].read("hsl")
