"""Class maps as files, read again by rasterio (GDAL)."""

import re
import warnings

import numpy as np
import pytest
import rasterio
import zarr
from rasterio.enums import ColorInterp

from workbench.base.errors import WorkbenchError
from workbench.mapping import MapResult, geotiff, write_class_map
from workbench.scenes import ClassEntry, ClassTable, ModalityInfo, TileDraft, write_scene

SHAPE = (300, 520)
TRANSFORM = (2.0, 0.0, 500_000.0, 0.0, -2.0, 5_400_000.0)
FEW = ClassTable(
    [ClassEntry(2, "grass", "#00ff10"), ClassEntry(7, "Straße / road", "#102030"), ClassEntry(255, "roof", "#ffffff")]
)
MANY = ClassTable(ClassEntry(value, f"class {value}", f"#{value:06x}") for value in (1, 255, 256, 300, 1000, 65535))


@pytest.fixture
def scene(tmp_path):
    def make(transform=TRANSFORM, crs="EPSG:32633"):
        info = ModalityInfo(name="dem", dtype="uint8", bands=1)
        draft = TileDraft("place", {"dem": (np.zeros((1, *SHAPE), "uint8"), info)}, None, transform, crs)
        return write_scene(tmp_path / "place.zarr", [draft], ClassTable())

    return make


@pytest.fixture
def streamed(tmp_path):
    """A map as streaming leaves it, of the given class values."""

    def make(values, seed=0):
        classes = np.random.default_rng(seed).choice([0, *values], SHAPE).astype("uint16")
        store = zarr.create_group(tmp_path / "streamed.zarr", overwrite=True)
        store.create_array("classes", data=classes, chunks=(256, 256))
        return MapResult(tmp_path / "streamed.zarr", 0.0, 0.0), classes

    return make


def test_gdal_reads_values_place_colours_and_names(scene, streamed, tmp_path):
    result, classes = streamed(FEW.values)
    path = tmp_path / "maps" / "place.tif"
    path.parent.mkdir()
    write_class_map(result, scene(), FEW, path)
    with rasterio.open(path) as raster:
        np.testing.assert_array_equal(raster.read(1), classes)
        assert raster.dtypes == ("uint8",)
        assert (raster.crs.to_epsg(), tuple(raster.transform)[:6], raster.nodata) == (32633, TRANSFORM, 0)
        assert raster.colorinterp == (ColorInterp.palette,)
        colours = raster.colormap(1)
        assert colours[0][3] == 0  # no data is transparent
        assert {value: "#{:02x}{:02x}{:02x}".format(*colours[value]) for value in FEW.values} == {
            2: "#00ff10", 7: "#102030", 255: "#ffffff",
        }  # fmt: skip
        assert all(colours[value][3] == 255 for value in FEW.values)
        assert raster.tags(1)["class_7"] == "Straße / road"
        assert raster.descriptions == ("class",)
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.tags(ns="IMAGE_STRUCTURE")["COMPRESSION"] == "DEFLATE"
        assert raster.block_shapes == [(256, 256)]
    assert [entry.name for entry in path.parent.iterdir()] == ["place.tif"]


def test_overviews_are_by_mode(scene, streamed, tmp_path):
    """In each square of four, three pixels of class 2 and one of 255; their mean has the colour of class 7."""
    table = ClassTable([ClassEntry(2, "a", "#000000"), ClassEntry(7, "b", "#404040"), ClassEntry(255, "c", "#ffffff")])
    result, _ = streamed(table.values)
    classes = np.full(SHAPE, 2, "uint16")
    classes[::2, ::2] = 255
    zarr.open_group(result.path)["classes"][:] = classes
    write_class_map(result, scene(), table, tmp_path / "m.tif")
    with rasterio.open(tmp_path / "m.tif") as raster:
        assert raster.overviews(1)
    with rasterio.open(tmp_path / "m.tif", overview_level=0) as small:
        assert small.shape == (SHAPE[0] // 2, SHAPE[1] // 2)
        assert set(np.unique(small.read(1))) == {2}


def test_more_than_255_class_values_take_sixteen_bits(scene, streamed, tmp_path):
    result, classes = streamed(MANY.values)
    write_class_map(result, scene(), MANY, tmp_path / "m.tif")
    with rasterio.open(tmp_path / "m.tif") as raster:
        assert raster.dtypes == ("uint16",)
        np.testing.assert_array_equal(raster.read(1), classes)
        colours = raster.colormap(1)
        assert {value: "#{:02x}{:02x}{:02x}".format(*colours[value]) for value in MANY.values} == dict(
            zip(MANY.values, MANY.colors, strict=True)
        )
        assert raster.tags(1)["class_65535"] == "class 65535"


def test_a_scene_without_georeference_gives_a_map_without(scene, streamed, tmp_path):
    result, classes = streamed(FEW.values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_class_map(result, scene(None, None), FEW, tmp_path / "m.tif")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(tmp_path / "m.tif") as raster:
            assert raster.crs is None
            assert raster.transform.is_identity
            np.testing.assert_array_equal(raster.read(1), classes)


def test_the_classes_are_the_networks_not_the_mapped_scenes(scene, streamed, tmp_path):
    place = scene()
    assert not len(place.classes)
    result, _ = streamed(FEW.values)
    write_class_map(result, place, FEW, tmp_path / "m.tif")
    with rasterio.open(tmp_path / "m.tif") as raster:
        assert {key: name for key, name in raster.tags(1).items() if key.startswith("class_")} == {
            "class_2": "grass", "class_7": "Straße / road", "class_255": "roof",
        }  # fmt: skip


def silently_damaged(source, final, **_options):
    """What GDAL's driver does on a full disk: it closes a file that lacks the last blocks, and raises nothing."""
    with rasterio.open(source) as whole, rasterio.open(final, "w", **whole.profile) as out:
        out.write(whole.read(1, window=((0, 256), (0, SHAPE[1]))), 1, window=((0, 256), (0, SHAPE[1])))


def cut(source, final, **_options):
    content = open(source, "rb").read()  # noqa: SIM115 (a test)
    with open(final, "wb") as out:
        out.write(content[: len(content) // 2])


def raised(*_arguments, **_options):
    raise rasterio.errors.RasterioIOError("Write failed. See previous exception for details.")


@pytest.mark.parametrize("damage", [silently_damaged, cut, raised])
def test_a_map_that_is_not_written_whole_is_told(scene, streamed, tmp_path, monkeypatch, damage):
    result, _ = streamed(FEW.values)
    path = tmp_path / "maps" / "place.tif"
    path.parent.mkdir()
    path.write_text("the map that was there")
    monkeypatch.setattr(geotiff, "copy_raster", damage)
    with pytest.raises(WorkbenchError, match=rf"{re.escape(str(path))} could not be written whole.*disk is full"):
        write_class_map(result, scene(), FEW, path)
    assert [entry.name for entry in path.parent.iterdir()] == ["place.tif"]
    assert path.read_text() == "the map that was there"
