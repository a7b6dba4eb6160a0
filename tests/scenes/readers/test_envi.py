import numpy as np
import pytest
import rasterio
from spectral.io import envi

from workbench.base.errors import WorkbenchError
from workbench.scenes.grid import Grid
from workbench.scenes.readers import open_raster, read_vector

CUBE = np.random.default_rng(0).integers(0, 60_000, (4, 7, 5)).astype(np.uint16)  # band, row, column
ORDERS = {"bsq": (0, 1, 2), "bil": (1, 0, 2), "bip": (1, 2, 0)}
CODES = {"u1": 1, "i2": 2, "i4": 3, "f4": 4, "f8": 5, "c8": 6, "u2": 12, "u4": 13, "i8": 14, "u8": 15}


def save(path, cube=CUBE, interleave="bsq", order="<", offset=0, header_name=None, drop=(), **fields):
    """A data file and its header, written by hand."""
    path.write_bytes(
        b"\7" * offset
        + cube.transpose(ORDERS.get(interleave.lower(), (0, 1, 2))).astype(cube.dtype.newbyteorder(order)).tobytes()
    )
    told = {
        "samples": cube.shape[2], "lines": cube.shape[1], "bands": cube.shape[0], "header offset": offset,
        "file type": "ENVI Standard", "data type": CODES[cube.dtype.str[1:]], "interleave": interleave,
        "byte order": int(order == ">"),
    } | {key.replace("_", " "): value for key, value in fields.items()}  # fmt: skip
    lines = [f"{key} = {value}" for key, value in told.items() if key not in drop]
    header = path.with_name(header_name or f"{path.stem}.hdr")
    header.write_bytes(("ENVI\n" + "\n".join(lines) + "\n").encode("latin-1"))
    return path


def whole(raster):
    _, rows, cols = raster.pixels.shape
    return np.asarray(raster.pixels[:, slice(0, rows), slice(0, cols)])


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip", "BIL"])
@pytest.mark.parametrize(("order", "offset"), [("<", 0), (">", 0), ("<", 129)])
def test_every_layout_reads_as_gdal_reads_it(tmp_path, interleave, order, offset):
    path = save(tmp_path / "cube.img", interleave=interleave, order=order, offset=offset)
    with rasterio.open(path) as file:
        oracle = file.read()
    np.testing.assert_array_equal(oracle, CUBE)
    for given in (path, tmp_path / "cube.hdr"):
        with open_raster(given) as raster:
            np.testing.assert_array_equal(whole(raster), oracle)
            window = raster.pixels[:, slice(2, 6), slice(1, 3)]
            np.testing.assert_array_equal(window, oracle[:, 2:6, 1:3])
            assert raster.pixels.dtype.name == "uint16"


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32", "float64", "uint32"])
def test_every_real_type(tmp_path, dtype):
    path = save(tmp_path / "cube.dat", (CUBE % 100).astype(dtype), "bip")
    with open_raster(path) as raster, rasterio.open(path) as file:
        assert raster.pixels.dtype == dtype
        np.testing.assert_array_equal(whole(raster), file.read())


@pytest.mark.parametrize(
    ("data", "header"),
    [("cube", "cube.hdr"), ("cube.img", "cube.img.hdr"), ("cube.xyz", "cube.hdr"), ("cube.int", "cube.int.hdr")],
)
def test_the_data_file_may_have_any_suffix(tmp_path, data, header):
    save(tmp_path / data, header_name=header)
    for given in (data, header):
        with open_raster(tmp_path / given) as raster:
            np.testing.assert_array_equal(whole(raster), CUBE)


def test_files_of_the_spectral_library(tmp_path):
    envi.save_image(str(tmp_path / "a.hdr"), CUBE.transpose(1, 2, 0), dtype="uint16", interleave="bil", metadata={
        "wavelength": [450, 550.5, 650, 850], "wavelength units": "Nanometers", "band names": ["a", "b", "c", "d"],
    })  # fmt: skip
    with open_raster(tmp_path / "a.hdr") as raster:
        np.testing.assert_array_equal(whole(raster), CUBE)
        assert raster.wavelengths == (450, 550.5, 650, 850)
        assert raster.band_names == ("a", "b", "c", "d")


@pytest.mark.parametrize(
    "place",
    [
        {"map_info": "{UTM, 1.000, 1.000, 271450, 3290300, 2.5, 2.5, 15, North, WGS-84, units=Meters}"},
        {"map_info": "{UTM, 1.5, 1.5, 271450, 3290300, 1.0, 1.0, 33, South, WGS-84}"},
        {"map_info": "{UTM, 3, 4, 271450, 3290300, 2, 2, 16, North, North America 1983}"},
        {"map_info": "{UTM, 1, 1, 271450, 3290300, 2, 2, 11, North, WGS-84, units=Meters, rotation=30.0}"},
        {"map_info": "{Geographic Lat/Lon, 1, 1, 10.5, 48.4, 0.001, 0.001, WGS-84, units=Degrees}"},
    ],
)  # fmt: skip
def test_map_info_places_it_as_gdal_does(tmp_path, place):
    path = save(tmp_path / "cube.img", **place)
    with open_raster(path) as raster, rasterio.open(path) as file:
        assert file.crs is not None
        mine = Grid(raster.grid.shape, raster.grid.transform, raster.grid.crs)
        assert mine.differences(Grid(file.shape, tuple(file.transform)[:6], file.crs.to_wkt())) == []
        np.testing.assert_allclose(raster.grid.transform, tuple(file.transform)[:6], rtol=1e-12)


def test_an_esri_coordinate_system_equals_its_epsg_code(tmp_path):
    words = (
        'PROJCS["WGS_1984_UTM_Zone_15N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,'
        '298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],'
        'PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",-93.0],'
        'PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
    )
    path = save(
        tmp_path / "cube.img", map_info="{UTM, 1, 1, 271450, 3290300, 2.5, 2.5, 15, North, WGS-84}",
        coordinate_system_string="{" + words + "}",
    )  # fmt: skip
    with open_raster(path) as raster:
        assert raster.grid.crs_name == "EPSG:32615"
    other = save(tmp_path / "other.img", map_info="{Arbitrary, 1, 1, 0, 0, 1, 1, 0, North}")
    with open_raster(other) as raster:
        assert raster.grid == Grid((7, 5))
    bad = save(
        tmp_path / "bad.img", map_info="{UTM, 1, 1, 0, 0, 1, 1, 15, North, WGS-84}", coordinate_system_string="{PROJ"
    )
    with pytest.raises(WorkbenchError, match=r"bad\.hdr"), open_raster(bad):
        pass


def test_what_the_header_says_is_kept(tmp_path):
    path = save(
        tmp_path / "cube.img", wavelength="{0.45, 0.55,\n 0.65, 0.85}", wavelength_units="Micrometers",
        fwhm="{0.01, 0.01, 0.01, 0.02}", bbl="{1, 0, 1, 0}", data_ignore_value="65535",
        reflectance_scale_factor="10000.0", acquisition_time="2012-06-23T17:44:00Z", description="{a {scene}",
    )  # fmt: skip
    with open_raster(path) as raster:
        assert raster.wavelengths == (450, 550, 650, 850)
        assert raster.fwhm == (10, 10, 10, 20)
        assert raster.bad_bands == (1, 3)
        assert (raster.nodata, raster.scale, raster.quantity) == (65535, 1e-4, "reflectance")
        assert raster.date == "2012-06-23T17:44:00Z"
        assert raster.wavelength_fault == ""
    assert read_vector(tmp_path / "cube.hdr").tolist() == [450, 550, 650, 850]


def test_a_map_of_classes(tmp_path):
    path = save(tmp_path / "gt.img", (CUBE[:1] % 3).astype(np.uint8), file_type="ENVI Classification", classes=3,
                class_names="{Unclassified, grass, roof}")  # fmt: skip
    with open_raster(path) as raster:
        assert raster.class_names == {1: "grass", 2: "roof"}


@pytest.mark.parametrize("unit", ["Furlongs", "Unknown", "", "Wavenumber"])
def test_wavelengths_of_unknown_unit_are_not_used(tmp_path, unit):
    fields = {"wavelength_units": unit} if unit else {}
    path = save(tmp_path / "cube.img", wavelength="{1, 2, 3, 4}", **fields)
    with open_raster(path) as raster:
        assert raster.wavelengths is None
        assert "nanometers or micrometers" in raster.wavelength_fault
        assert (unit or "none") in raster.wavelength_fault
    with pytest.raises(WorkbenchError, match=r"cube\.hdr.*nanometers or micrometers.*Write"):
        read_vector(tmp_path / "cube.hdr")


def test_a_micro_sign_in_latin_1(tmp_path):
    path = save(tmp_path / "cube.img", wavelength="{0.4, 0.5, 0.6, 0.7}", wavelength_units="\u00b5m")
    with open_raster(path) as raster:
        assert raster.wavelengths == (400, 500, 600, 700)


def test_half_a_file_is_told_before_anything_is_read(tmp_path):
    path = save(tmp_path / "cube.img")
    path.write_bytes(path.read_bytes()[:140])
    with (
        pytest.raises(WorkbenchError, match=r"cube\.img.*shorter.*Expected 280 bytes.*found 140 \(50.0%\).*again"),
        open_raster(path),
    ):
        pass


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"lines": 9}, "shorter than cube.hdr declares"),
        ({"bands": 3}, "longer than cube.hdr declares"),
        ({"header_offset": 5}, "shorter"),
        ({"samples": 10**12}, "shorter"),
        ({"samples": "five"}, "samples is a whole number"),
        ({"lines": -7}, "lines is a whole number"),
        ({"interleave": "bib"}, "interleave is one of bsq, bil, bip, and 'bib' was found"),
        ({"byte_order": 2}, "byte order is one of 0, 1"),
        ({"data_type": 7}, "data type is one of .* and '7' was found"),
        ({"bbl": "{1, 0}"}, "bbl has 2 entries for 4 bands"),
        ({"wavelength": "{1, 2}", "wavelength_units": "nm"}, "wavelength has 2 entries for 4 bands"),
        ({"wavelength": "{1, 2, x, 4}", "wavelength_units": "nm"}, "wavelength are numbers, and 'x'"),
        ({"map_info": "{UTM, 1, 1, here, 3, 1, 1, 15, North, WGS-84}"}, "map info holds"),
        ({"reflectance_scale_factor": 0}, "above 0"),
        ({"data_gain_values": "{1, 2, 3, 4}"}, "differ between bands"),
        ({"file_type": "ENVI Spectral Library"}, "spectral library"),
        ({"file_compression": 1}, "compressed"),
        ({"drop": ("interleave", "data type")}, "'data type', 'interleave' must be given"),
    ],
)
def test_headers_that_lie_are_told(tmp_path, fields, told):
    path = save(tmp_path / "cube.img", **fields)
    with pytest.raises(WorkbenchError, match=told), open_raster(path):
        pass


def test_complex_numbers_are_refused(tmp_path):
    path = save(tmp_path / "slc.img", CUBE.astype(np.complex64))
    with pytest.raises(WorkbenchError, match=r"slc\.hdr: it holds complex numbers.*intensity"), open_raster(path):
        pass


def test_what_is_no_header_or_has_no_data(tmp_path):
    (tmp_path / "a.hdr").write_text("BYTEORDER I\nNROWS 5\n")
    (tmp_path / "b.hdr").write_text("ENVI\nsamples = {5\nlines")
    (tmp_path / "b.img").write_bytes(b"123")
    (tmp_path / "c.bin").write_bytes(b"123")
    for name, told in (("a.hdr", "no data file"), ("b.img", "damaged one"), ("c.bin", r"no ENVI header \(c\.hdr\)")):
        with pytest.raises(WorkbenchError, match=told), open_raster(tmp_path / name):
            pass
    save(tmp_path / "d.img")
    save(tmp_path / "d.dat")
    with pytest.raises(WorkbenchError, match=r"d\.img, d\.dat.*Name the data file"), open_raster(tmp_path / "d.hdr"):
        pass
