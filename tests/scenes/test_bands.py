import numpy as np
import pytest
import rasterio

from workbench.base.errors import WorkbenchError
from workbench.scenes import AlignmentReport, ModalitySource, import_scene, open_scene

CUBE = np.random.default_rng(0).integers(1, 9000, (4, 12, 9)).astype(np.float32)
WAVELENGTHS = "{450, 550, 650, 850}"


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def envi(path, cube=CUBE, **fields):
    path.write_bytes(cube.astype("<f4").tobytes())
    told = {
        "samples": 9,
        "lines": 12,
        "bands": len(cube),
        "data type": 4,
        "interleave": "bsq",
        "byte order": 0,
    } | fields
    header = "\n".join(f"{key.replace('_', ' ')} = {value}" for key, value in told.items())
    path.with_suffix(".hdr").write_text(f"ENVI\n{header}\n")
    return path


def test_marked_bands_are_offered_and_dropped_and_remembered(tmp_path):
    path = envi(tmp_path / "a.img", bbl="{1, 0, 1, 0}", wavelength=WAVELENGTHS, wavelength_units="nm")
    kept = import_scene("kept", {"hsi": path})
    assert kept.info("hsi").bands == 4
    assert "2 bands as bad (1, 3, counted from 0): kept; drop_bands='bad'" in str(AlignmentReport.of(kept))
    import_scene("dropped", {"hsi": ModalitySource(path=path, drop_bands="bad")})
    dropped = open_scene("dropped")
    assert dropped.info("hsi").dropped_bands == (1, 3)
    assert dropped.info("hsi").wavelengths == (450, 650)
    np.testing.assert_array_equal(dropped.read("hsi"), CUBE[[0, 2]])
    assert "left out" in str(AlignmentReport.of(dropped))


def test_what_the_header_says_reaches_the_scene(tmp_path):
    path = envi(
        tmp_path / "a.img", reflectance_scale_factor=10000, wavelength=WAVELENGTHS, wavelength_units="nm",
        fwhm="{5, 5, 5, 6}", acquisition_time="2020-01-02", map_info="{UTM, 1, 1, 500000, 4000000, 2, 2, 17, North, WGS-84}",
    )  # fmt: skip
    scene = import_scene("a", {"hsi": path})
    info = scene.info("hsi")
    assert (info.quantity, info.scale, info.date) == ("reflectance", 1e-4, "2020-01-02")
    assert info.fwhm == (5, 5, 5, 6)
    with rasterio.open(path) as file:
        assert scene["hsi"].rio.transform() == file.transform
        assert scene["hsi"].rio.crs == file.crs
    told = import_scene("b", {"hsi": ModalitySource(path=path, quantity="radiance", scale=1.0, offset=0.0)})
    assert (told.info("hsi").quantity, told.info("hsi").scale) == ("radiance", 1.0)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("{450, 550, 450, 850}", r"a\.img \('hsi'\).*450 nm for bands 0, 2\. Give the right"),
        ("{0.45, 0.55, 0.65, 0.85}", "looks like micrometres"),
    ],
)
def test_wavelengths_that_cannot_be(tmp_path, data, given, told):
    path = envi(tmp_path / "a.img", wavelength=given, wavelength_units="nm")
    with pytest.raises(WorkbenchError, match=told):
        import_scene("bad", {"hsi": path})
    assert not data.exists()
    right = (450.0, 550.0, 650.0, 850.0)
    assert import_scene("good", {"hsi": ModalitySource(path=path, wavelengths=right)}).info("hsi").wavelengths == right


@pytest.mark.parametrize(("given", "kept"), [("1, 3", (1, 3)), ("2", (2,)), (2, (2,)), ("bad", "bad"), ((1,), (1,))])
def test_bands_to_drop_as_a_terminal_gives_them(given, kept):
    assert ModalitySource.build({"path": "a.tif", "drop_bands": given}, "testing").drop_bands == kept
    for wrong in ("blue", "1-3", "-1"):
        with pytest.raises(WorkbenchError, match="drop_bands"):
            ModalitySource.build({"path": "a.tif", "drop_bands": wrong}, "testing")


def test_a_doubled_band_can_be_left_out(tmp_path):
    path = envi(tmp_path / "a.img", wavelength="{450, 550, 450, 850}", wavelength_units="nm")
    scene = import_scene("a", {"hsi": ModalitySource(path=path, drop_bands=(2,))})
    assert scene.info("hsi").wavelengths == (450, 550, 850)


def test_wavelengths_of_unknown_unit_stop_the_import_unless_given(tmp_path, data):
    path = envi(tmp_path / "a.img", wavelength="{1, 2, 3, 4}", wavelength_units="Furlongs")
    with pytest.raises(WorkbenchError, match=r"a\.hdr.*'?Furlongs'? was found.*Write.*or give the wavelengths"):
        import_scene("bad", {"hsi": path})
    assert not data.exists()
    given = ModalitySource(path=path, wavelengths=(450.0, 550.0, 650.0, 850.0))
    assert import_scene("good", {"hsi": given}).info("hsi").wavelengths == (450, 550, 650, 850)
    assert import_scene("none", {"hsi": ModalitySource(path=path, wavelengths="none")}).info("hsi").wavelengths is None


@pytest.mark.parametrize("nothing", [np.nan, -99.0])
def test_bands_without_any_value_are_named_and_refused(tmp_path, data, nothing):
    cube = CUBE.copy()
    cube[[1, 3]] = nothing
    cube[0, 3:, 2] = nothing
    path = envi(tmp_path / "a.img", cube, data_ignore_value=-99)
    with pytest.raises(WorkbenchError, match=r"2 of 4 bands hold nothing but NaN.*: 1, 3, counted.*drop_bands=1,3"):
        import_scene("bad", {"hsi": path})
    assert list(data.glob("*")) == list(data.glob(".*")) == []
    with pytest.raises(WorkbenchError, match=r"1 of 3 bands hold nothing.*: 3, counted.*drop_bands=1,3"):
        import_scene("bad", {"hsi": ModalitySource(path=path, drop_bands=(1,))})
    scene = import_scene("good", {"hsi": ModalitySource(path=path, drop_bands=(1, 3))})
    np.testing.assert_array_equal(scene.read("hsi")[1], CUBE[2])
    everything = envi(tmp_path / "b.img", np.full_like(CUBE, nothing), data_ignore_value=-99)
    with pytest.raises(WorkbenchError, match="holds nothing but NaN"):
        import_scene("bad", {"hsi": everything})


def test_labels_of_an_envi_map_bring_their_names_and_must_share_the_grid(tmp_path, data):
    hsi = envi(tmp_path / "a.img", map_info="{UTM, 1, 1, 500000, 4000000, 2, 2, 17, North, WGS-84}")
    told = "ENVI\nsamples = 9\nlines = 12\nbands = 1\ndata type = 1\ninterleave = bsq\nbyte order = 0\n"
    told += "file type = ENVI Classification\nclasses = 3\nclass names = {Unclassified, grass, roof}\n"
    labels = (np.arange(108) % 3).astype(np.uint8)
    (tmp_path / "gt").write_bytes(labels.tobytes())
    (tmp_path / "gt.hdr").write_text(told + "map info = {UTM, 1, 1, 500000, 4000000, 2, 2, 17, North, WGS-84}\n")
    scene = import_scene("a", {"hsi": hsi}, labels=tmp_path / "gt.hdr")
    assert scene.classes.names == ("grass", "roof")
    np.testing.assert_array_equal(scene.read_labels().ravel(), labels)
    (tmp_path / "gt.hdr").write_text(told + "map info = {UTM, 1, 1, 500001, 4000000, 2, 2, 17, North, WGS-84}\n")
    with pytest.raises(WorkbenchError, match=r"(?s)'hsi' and 'labels' differ in extent.*x 500001 to 500019.*--grid"):
        import_scene("b", {"hsi": hsi}, labels=tmp_path / "gt.hdr")
