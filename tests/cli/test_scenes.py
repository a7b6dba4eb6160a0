"""Commands about scenes that reach further than listing: facts of modalities, derived scenes, fetching."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from workbench.base.errors import WorkbenchError
from workbench.cli import app
from workbench.scenes import open_scene


@pytest.fixture
def call(tmp_path, monkeypatch, capfd):
    from typer.testing import CliRunner

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))

    def run(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    for name, bands in (("hsi", 4), ("dsm", 1), ("dem", 1)):
        with rasterio.open(
            tmp_path / f"{name}.tif", "w", driver="GTiff", width=20, height=16, count=bands, dtype="float32",
            crs="EPSG:32633", transform=from_origin(500_000, 5_400_000, 2, 2),
        ) as file:  # fmt: skip
            file.write(rng.random((bands, 16, 20), np.float32) + (5 if name == "dsm" else 0))
    return tmp_path


def test_facts_of_modalities_are_set(call, files):
    made = call(
        "import", "place", "-m", "hsi=hsi.tif", "--quantity", "hsi=reflectance", "--set", "hsi.wavelengths=[450,550,650,850]",
        "--set", "hsi.date=2021-07-01", "--set", "hsi.drop_bands=[1]", "-q",
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    info = open_scene("place").info("hsi")
    assert (info.quantity, info.wavelengths, info.date) == ("reflectance", (450.0, 650.0, 850.0), "2021-07-01")
    assert info.dropped_bands == (1,)


@pytest.mark.parametrize("given", ["dsm.unit=m", "hsi.colour=red", "hsi.scale=much", "hsi=3"])
def test_an_unknown_fact_is_refused(call, files, given):
    made = call("import", "place", "-m", "hsi=hsi.tif", "--set", given, "-q")
    assert made.exit_code == 2 or isinstance(made.exception, WorkbenchError)
    assert not (files / "data" / "place.zarr").exists()


def test_a_height_is_derived(call, files):
    call("import", "place", "-m", "hsi=hsi.tif", "-m", "dsm=dsm.tif", "-m", "dem=dem.tif", "--quantity", "dsm=elevation",
         "--quantity", "dem=elevation", "-q")  # fmt: skip
    made = call("derive", "place", "heights", "-s", "height=dsm-dem", "-q")
    assert made.exit_code == 0, made.output
    derived, base = open_scene("heights"), open_scene("place")
    assert derived.info("height").quantity == "height"
    np.testing.assert_allclose(derived.read("height"), base.read("dsm") - base.read("dem"), atol=1e-6)


def test_what_cannot_be_fetched_says_where_to_get_it(call):
    told = call("fetch", "trento", "-q")
    assert told.exit_code == 0
    assert "trento" in told.output.lower()
    assert isinstance(call("fetch", "tento", "-q").exception, WorkbenchError)


def test_bands_indices_and_alignment_are_told(call, files):
    call("import", "place", "-m", "hsi=hsi.tif", "-m", "dsm=dsm.tif", "--quantity", "hsi=reflectance",
         "--set", "hsi.wavelengths=[450,550,650,850]", "-q")  # fmt: skip
    told = {name: call(name, "place") for name in ("bands", "indices", "alignment")}
    assert {one.exit_code for one in told.values()} == {0}, told
    assert "NDVI" in told["indices"].output
    assert "dsm" in told["alignment"].output
    assert "450" in told["bands"].output


def test_polygons_become_a_label_layer(call, files):
    import geopandas
    from shapely import box

    call("import", "place", "-m", "hsi=hsi.tif", "-q")
    shapes = [box(500_000, 5_399_980, 500_010, 5_400_000), box(500_020, 5_399_980, 500_030, 5_400_000)]
    geopandas.GeoDataFrame({"crop": ["oats", "rye"]}, geometry=shapes, crs="EPSG:32633").to_file(files / "fields.gpkg")
    made = call("label", "place", "fields.gpkg", "--column", "crop", "--name", "fields")
    assert made.exit_code == 0, made.output
    (said,) = [line for line in made.output.splitlines() if "are ready" in line]
    assert said.endswith("workbench split make place@fields")
    layer = open_scene("place@fields")
    assert layer.classes.names == ("oats", "rye")
    np.testing.assert_array_equal(np.bincount(layer.read_labels().ravel())[1:], [50, 50])
    wrong = call("label", "place", "fields.gpkg", "--column", "corp")
    assert isinstance(wrong.exception, WorkbenchError)
