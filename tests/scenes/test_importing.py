import errno

import geopandas
import numpy as np
import pytest
import rasterio
from affine import Affine
from scipy.io import savemat
from shapely import box

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import AlignmentReport, ModalitySource, import_scene, list_scenes, open_scene

ROWS, COLS = 70, 66
TRANSFORM = Affine(2, 0, 500_000, 0, -2, 4_000_000)


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def tif(path, values, transform=TRANSFORM, crs="EPSG:32617", **profile):
    values = values if values.ndim == 3 else values[None]
    bands, rows, cols = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=bands, height=rows, width=cols, dtype=values.dtype, crs=crs,
        transform=transform, **profile,
    ) as file:  # fmt: skip
        file.write(values)
    return path


def cube(bands=4, rows=ROWS, cols=COLS):
    return np.random.default_rng(0).integers(1, 9000, (bands, rows, cols)).astype(np.uint16)


def heights():
    values = np.random.default_rng(1).random((1, ROWS, COLS)).astype(np.float32) * 20
    values[0, :7] = -3.4e38
    values[0, 10, 0:33] = np.nan
    return values


def gt():
    labels = np.zeros((ROWS, COLS), np.uint8)
    labels[3:9, 4:10], labels[66:70, 60:66] = 1, 3
    return labels


@pytest.fixture
def files(tmp_path):
    return {
        "hsi": tif(tmp_path / "hsi.tif", cube()),
        "lidar": tif(tmp_path / "lidar.tif", heights(), nodata=-3.4e38),
        "gt": tif(tmp_path / "gt.tif", gt(), nodata=0),
    }


def test_geotiffs_of_one_grid(files, tmp_path):
    told = []
    scene = import_scene(
        "place",
        {
            "hsi": ModalitySource(path=files["hsi"], quantity="reflectance", scale=1e-4, drop_bands=(1,), date="2020-06-01",
                                  wavelengths=(450.0, 550.0, 650.0, 850.0)),
            "lidar": ModalitySource(path=files["lidar"], quantity="height", unit="m"),
        },
        labels=files["gt"], class_names={1: "grass", 3: "roof"}, attrs={"licence": "CC BY 4.0"},
        progress=lambda what, share: told.append(share),
    )  # fmt: skip
    assert scene == open_scene("place")
    np.testing.assert_allclose(scene.read("hsi"), cube()[[0, 2, 3]] * 1e-4, rtol=1e-6)
    info = scene.info("hsi")
    assert (info.quantity, info.wavelengths, info.dropped_bands) == ("reflectance", (450, 650, 850), (1,))
    assert (info.date, info.dtype, info.scale) == ("2020-06-01", "uint16", 1e-4)
    np.testing.assert_array_equal(np.isnan(scene.read("lidar")), ~np.isfinite(heights()) | (heights() < -1e38))
    assert scene.info("lidar").nodata == np.float32(-3.4e38)
    np.testing.assert_array_equal(scene.read_labels(), gt())
    assert scene.classes.names == ("grass", "roof")
    assert scene.classes.values == (1, 3)
    with rasterio.open(files["hsi"]) as file:
        assert scene["hsi"].rio.crs == file.crs
        assert scene["hsi"].rio.transform() == file.transform
    assert scene.attrs["licence"] == "CC BY 4.0"
    report = AlignmentReport.of(scene)
    rows = {row.name: row for row in report.rows}
    assert list(rows) == ["hsi", "lidar", "labels"]
    assert rows["lidar"].nodata_share == pytest.approx(0.1)
    assert rows["lidar"].nan_share == pytest.approx(33 / (ROWS * COLS))
    assert rows["hsi"].nodata_share == rows["hsi"].nan_share == 0
    assert rows["hsi"].overlap == pytest.approx(1)
    text = str(report)
    assert "EPSG:32617" in text
    assert "10.0 %" in text
    assert told[-1] == pytest.approx(1)


def test_matlab_files(tmp_path):
    savemat(tmp_path / "scene.mat", {
        "cube": cube().transpose(1, 2, 0), "height": heights()[0], "wl": np.array([450.0, 550, 650, 850]),
        "truth": gt().astype(float),
    })  # fmt: skip
    path = f"{tmp_path}/scene.mat"
    scene = import_scene(
        "mat",
        {
            "hsi": ModalitySource(path=f"{path}:cube", wavelengths=f"{path}:wl"),
            "lidar": ModalitySource(path=f"{path}:height", nodata=-3.4e38),
        },
        labels=f"{path}:truth",
    )
    np.testing.assert_array_equal(scene.read("hsi"), cube())
    assert scene.info("hsi").wavelengths == (450, 550, 650, 850)
    np.testing.assert_array_equal(scene.read_labels(), gt())
    assert scene.classes.names == ("class 1", "class 3")
    assert scene.crs is None
    assert np.isnan(scene.read("lidar")[0, :7]).all()


def test_a_file_without_georeference_is_matched_by_size_and_told(files, tmp_path):
    savemat(tmp_path / "gt.mat", {"gt": gt()})
    scene = import_scene("mix", {"hsi": files["hsi"]}, labels=tmp_path / "gt.mat")
    assert scene.crs is not None
    assert "matched by its size" in str(AlignmentReport.of(scene))
    savemat(tmp_path / "short.mat", {"gt": gt()[:-1]})
    with pytest.raises(WorkbenchError, match=r"(?s)'hsi' and 'labels' differ in size.*only be matched by its size"):
        import_scene("mix2", {"hsi": files["hsi"]}, labels=tmp_path / "short.mat")
    with pytest.raises(WorkbenchError, match="'labels' is not georeferenced"):
        import_scene("mix2", {"hsi": files["hsi"]}, labels=tmp_path / "short.mat", grid="hsi", resample="average")


def test_polygons(files, tmp_path):
    shapes = [box(500_008, 3_999_982, 500_020, 3_999_994), box(500_120, 3_999_860, 500_132, 3_999_868)]
    geopandas.GeoDataFrame({"kind": ["grass", "roof"]}, geometry=shapes, crs="EPSG:32617").to_file(tmp_path / "p.gpkg")
    scene = import_scene("poly", {"hsi": files["hsi"]}, labels=tmp_path / "p.gpkg", class_column="kind")
    np.testing.assert_array_equal(scene.read_labels(), np.where(gt() == 3, 2, gt()))
    assert scene.classes.names == ("grass", "roof")
    assert "60 pixels labelled" in str(AlignmentReport.of(scene))


def test_grids_that_differ_are_never_resampled_unasked(files, tmp_path, data):
    others = {
        "CRS": tif(tmp_path / "crs.tif", cube(1), crs="EPSG:32618"),
        "size, resolution": tif(tmp_path / "fine.tif", cube(1, ROWS * 2, COLS * 2), Affine(1, 0, 500_000, 0, -1, 4_000_000)),
        "extent": tif(tmp_path / "moved.tif", cube(1), Affine(2, 0, 500_002, 0, -2, 4_000_000)),
        "size, extent": tif(tmp_path / "part.tif", cube(1, ROWS, COLS - 1)),
    }  # fmt: skip
    for differ, other in others.items():
        with pytest.raises(WorkbenchError, match=f"differ in {differ}") as caught:
            import_scene("x", {"hsi": files["hsi"], "other": other})
        assert "hsi: 70 rows x 66 columns of 2 x 2" in str(caught.value)
        assert "other: " in str(caught.value)
        assert "--grid hsi --resample" in str(caught.value)
    with pytest.raises(WorkbenchError, match="no resampling method was named"):
        import_scene("x", {"hsi": files["hsi"], "other": others["CRS"]}, grid="hsi")
    with pytest.raises(WorkbenchError, match="no raster whose grid"):
        import_scene("x", {"hsi": files["hsi"], "other": others["CRS"]}, resample="average")
    assert not data.exists()


def test_resampling_on_request(files, tmp_path):
    fine = Affine(1, 0, 500_000, 0, -1, 4_000_000)
    sar = np.random.default_rng(2).normal(-10, 4, (1, ROWS * 2, COLS * 2)).astype(np.float32)
    labels = np.repeat(np.repeat(gt(), 2, 0), 2, 1)
    labels[6, 8] = 0
    scene = import_scene(
        "warped",
        {
            "hsi": files["hsi"],
            "sar": ModalitySource(path=tif(tmp_path / "sar.tif", sar, fine), quantity="backscatter dB", unit="dB"),
            "extra": tif(tmp_path / "extra.tif", sar.astype(np.float64), fine),
        },
        labels=tif(tmp_path / "fine_gt.tif", labels, fine),
        grid="hsi",
        resample="average",
    )
    squares = sar.astype(float).reshape(1, ROWS, 2, COLS, 2).swapaxes(2, 3).reshape(1, ROWS, COLS, 4)
    np.testing.assert_allclose(scene.read("extra"), squares.mean(-1), rtol=1e-5)
    np.testing.assert_allclose(scene.read("sar"), 10 * np.log10((10 ** (squares / 10)).mean(-1)), rtol=1e-4)
    np.testing.assert_array_equal(scene.read("hsi"), cube())
    np.testing.assert_array_equal(scene.read_labels(), gt())
    notes = {row.name: row.note for row in AlignmentReport.of(scene).rows}
    assert notes == {
        "hsi": "",
        "sar": "resampled by average, as linear power",
        "extra": "resampled by average",
        "labels": "resampled by majority",
    }
    assert AlignmentReport.of(scene).rows[1].resolution == (1, 1)
    labels[6, 8] = 9  # would vanish in the majority
    with pytest.raises(WorkbenchError, match="the value 9 outside the class table"):
        import_scene(
            "hidden", {"hsi": files["hsi"]}, labels=tif(tmp_path / "nine.tif", labels, fine),
            class_names=["a", "b", "c"], grid="hsi", resample="average",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "names", "told"),
    [
        (gt().astype(np.int16) - 5 * (gt() == 3), None, "negative"),
        (gt().astype(np.int16) - 5 * (gt() == 3), ["a", "b", "c"], "never negative"),
        (gt(), ["grass", "roof"], "the value 3 outside the class table"),
        (gt() * np.float32(0.5), None, "holds 0.5"),
        (np.full((ROWS, COLS), 70_000, np.int32), None, "the highest is 65535"),
        (np.stack([gt(), gt()]), None, "2 bands"),
        (np.arange(ROWS * COLS).reshape(ROWS, COLS).astype(np.uint16), None, "is it a map of classes"),
    ],
)
def test_labels_that_mean_nothing(files, tmp_path, data, labels, names, told):
    with pytest.raises(WorkbenchError, match=told):
        import_scene("bad", {"hsi": files["hsi"]}, labels=tif(tmp_path / "bad.tif", labels), class_names=names)
    assert list(data.glob("*")) == list(data.glob(".*")) == []


def test_label_nodata_and_nan_are_unlabelled(files, tmp_path):
    labels = np.where(gt() == 0, np.int16(-9999), gt())
    scene = import_scene("a", {"hsi": files["hsi"]}, labels=tif(tmp_path / "a.tif", labels, nodata=-9999))
    np.testing.assert_array_equal(scene.read_labels(), gt())
    labels = np.where(gt() == 0, np.nan, gt()).astype(np.float32)
    scene = import_scene("b", {"hsi": files["hsi"]}, labels=tif(tmp_path / "b.tif", labels))
    np.testing.assert_array_equal(scene.read_labels(), gt())


def test_bad_input_leaves_nothing(files, tmp_path, data):
    torn = tmp_path / "torn.tif"
    torn.write_bytes(files["hsi"].read_bytes()[:20_000])
    torn_labels = tmp_path / "torn_gt.tif"
    torn_labels.write_bytes(files["gt"].read_bytes()[:3000])
    for modalities, labels, told in [
        ({"hsi": tmp_path / "no.tif"}, None, "missing"),
        ({"hsi": torn}, None, "truncated"),
        ({"lidar": files["lidar"], "hsi": torn}, None, "truncated"),
        ({"hsi": files["hsi"]}, torn_labels, "truncated"),
        ({"hsi": files["hsi"]}, tmp_path / "no.shp", "missing"),
        ({}, None, "no raster"),
        ({"a b": files["hsi"]}, None, "cannot name a modality"),
        ({"hsi": ModalitySource(path=files["hsi"], drop_bands=(9,))}, None, "band 9 cannot be dropped"),
        ({"hsi": ModalitySource(path=files["hsi"], wavelengths=(1.0,))}, None, "1 entries for 4 bands"),
    ]:
        with pytest.raises(WorkbenchError, match=told):
            import_scene("bad", modalities, labels=labels, class_column="kind")
    with pytest.raises(WorkbenchError, match="cannot name a scene"):
        import_scene("../evil", {"hsi": files["hsi"]})
    with pytest.raises(UnknownNameError, match="Nearest: hsi"):
        import_scene("bad", {"hsi": files["hsi"]}, grid="his", resample="average")
    with pytest.raises(UnknownNameError, match="resampling method"):
        import_scene("bad", {"hsi": files["hsi"]}, grid="hsi", resample="averge")
    assert list(data.glob("*")) == list(data.glob(".*")) == []
    assert not any(summary.imported for summary in list_scenes())


def test_a_full_disk_leaves_nothing(files, data, monkeypatch):
    from workbench.scenes.shards import ShardWriter

    keep = ShardWriter.write

    def refuse(self, row, first, chunks):
        if row == 64:
            raise OSError(errno.ENOSPC, "No space left on device")
        keep(self, row, first, chunks)

    monkeypatch.setattr(ShardWriter, "write", refuse)
    with pytest.raises(WorkbenchError, match="disk is full"):
        import_scene("full", {"hsi": files["hsi"]})
    assert list(data.glob("*")) == list(data.glob(".*")) == []


def test_an_existing_scene_is_kept_unless_told(files):
    first = import_scene("one", {"hsi": files["hsi"]})
    with pytest.raises(WorkbenchError, match="exists already"):
        import_scene("one", {"hsi": files["lidar"]})
    assert open_scene("one") == first
    assert import_scene("one", {"hsi": files["lidar"]}, replace=True) != first
