from pathlib import Path

import h5py
import numpy as np
import pytest
from rasterio.crs import CRS
from scipy.io import loadmat

from workbench.base.errors import WorkbenchError
from workbench.scenes import AlignmentReport, import_catalogue_entry
from workbench.scenes.catalogue import CATALOGUE
from workbench.scenes.readers import open_raster
from workbench.splits import make_split

NAME = "muufl"
MINI = Path(__file__).parents[4] / "shared" / "data" / "muufl_mini"
FILE = "muufl_gulfport_campus_1_hsi_220_label.mat"
CENTRES = np.array([[413.0, 423.0, 433.0, 442.0, 452.0]]).T


def struct(made, full=False, name=FILE, **changed):
    """The provider's nesting: a cell of LiDAR structs, labels among the scene labels, -1 unlabelled."""
    rows, cols = made.labels.shape
    east, north = 303000.5 + np.arange(cols)[None], 3362000.5 - np.arange(rows)[:, None]
    if full:
        east, north = np.broadcast_to(east, (rows, cols)), np.broadcast_to(north, (rows, cols))
    lidar = np.empty((1, 2), object)
    for place in range(2):
        lidar[0, place] = {"x": east, "y": north, "z": made.arrays["lidar"] + 9 * place, "info": "ALTM"}
    names = np.empty((11, 1), object)
    names[:, 0] = [f"kind {number}" for number in range(11)]
    labels = {"labels": np.where(made.labels > 0, made.labels, -1).astype(np.int16), "Materials_Type": names}
    info = {"samples": cols, "lines": rows, "wavelength": CENTRES, "wavelength_units": "nm"}
    hsi = {"info": info, "Data": made.arrays["hsi"].astype(float) / 7, "Easting": east, "Northing": north,
           "Lidar": lidar, "sceneLabels": labels, "groundTruth": {"Targets_UTMx": [1.0, 2.0]}}  # fmt: skip
    made.mat(name, hsi=hsi | changed)


@pytest.mark.parametrize("full", [False, True])
def test_the_struct_becomes_the_scene(small, full):
    made = small(NAME)
    struct(made, full)
    scene = import_catalogue_entry(NAME, made.folder)
    np.testing.assert_allclose(scene.read("hsi"), np.moveaxis(made.arrays["hsi"] / 7, 2, 0), rtol=1e-6)
    np.testing.assert_array_equal(scene.read("lidar"), np.moveaxis(made.arrays["lidar"], 2, 0))  # the first of the cell
    np.testing.assert_array_equal(scene.read_labels(), made.labels)  # -1 became 0
    assert scene.info("hsi").wavelengths == tuple(CENTRES[:, 0])
    assert scene.classes.names[6:8] == ("Building shadow", "Buildings")
    assert CRS.from_wkt(scene.crs).to_epsg() == 32616
    assert scene.transform == (1, 0, 303000, 0, -1, 3362001)
    assert "positions in the file" in str(AlignmentReport.of(scene))
    assert "no official split" in scene.attrs["note"]
    assert not scene.named_splits


def test_a_copy_in_version_73(small):
    made = small(NAME)
    rows, cols = made.labels.shape
    made.folder.mkdir(parents=True)
    with h5py.File(made.folder / FILE, "w", userblock_size=512) as file:

        def put(place, values, kind="double"):
            file.create_dataset(place, data=np.asarray(values).T).attrs["MATLAB_class"] = np.bytes_(kind)

        put("hsi/Data", made.arrays["hsi"].astype(float))
        put("hsi/Easting", 303000.5 + np.arange(cols)[None])
        put("hsi/Northing", 3362000.5 - np.arange(rows)[:, None])
        put("hsi/info/wavelength", CENTRES)
        put("hsi/sceneLabels/labels", np.where(made.labels > 0, made.labels, -1).astype(float))
        put("#refs#/a/z", made.arrays["lidar"].astype(float))
        cell = file.create_dataset("hsi/Lidar", (1, 1), h5py.ref_dtype)
        cell[0, 0] = file["#refs#/a"].ref
        cell.attrs["MATLAB_class"] = np.bytes_("cell")
    scene = import_catalogue_entry(NAME, made.folder)
    np.testing.assert_array_equal(scene.read_labels(), made.labels)
    np.testing.assert_array_equal(scene.read("lidar"), np.moveaxis(made.arrays["lidar"], 2, 0))


@pytest.mark.parametrize("truth", ["labels.mat", "gt.mat"])
def test_training_and_testing_maps_are_a_split_but_not_an_official_one(small, truth):
    made = small(NAME)
    made.mat("HSI.mat", HSI=made.arrays["hsi"])
    made.mat("Lidar.mat" if truth == "gt.mat" else "LiDAR.mat", lidar=made.arrays["lidar"])
    made.mat(truth, labels=np.where(made.labels > 0, made.labels, -1).astype(np.int16))
    made.mat("muufl_tr.mat", training_map=made.train.astype(np.uint8))
    made.mat("muufl_ts.mat", testing_map=made.test.astype(np.uint8))
    scene = import_catalogue_entry(NAME, made.folder)
    np.testing.assert_array_equal(scene.read_labels(), made.labels)
    np.testing.assert_array_equal(scene.named_splits["packaged"], made.codes)
    with pytest.raises(WorkbenchError, match="split='packaged'"):
        make_split(scene, "official", patch_size=3)
    split = make_split(scene, "official", patch_size=3, split="packaged", validation_fraction=0)
    assert len(split.train) == (made.train > 0).sum()


def test_classes_in_the_order_of_the_report_are_an_error(small):
    made = small(NAME)
    swapped = {0: -1, 7: 8, 8: 7}
    labels = np.vectorize(lambda value: swapped.get(value, value))(made.labels)
    struct(made, sceneLabels={"labels": labels.astype(np.int16)})
    with pytest.raises(
        WorkbenchError, match=r"7 Building shadow: expected .*\n.*8 Buildings.*\nThe same numbers"
    ) as told:
        import_catalogue_entry(NAME, made.folder)
    assert "scene labels" in str(told.value)  # names the packaging


def test_patches_are_refused(small):
    made = small(NAME)
    for name in ("HSI_Tr", "LIDAR_Tr", "HSI_Te", "LIDAR_Te", "TrLabel", "TeLabel"):
        made.mat(f"{name}.mat", **{name: np.ones((7, 5))})
    with pytest.raises(WorkbenchError, match=f"patches cut around.*{FILE}"):
        import_catalogue_entry(NAME, made.folder)


def test_positions_that_are_no_grid_leave_the_scene_without_georeference(small):
    made = small(NAME)
    struct(made, Easting=np.sort(np.random.default_rng(0).random((1, 20))))
    scene = import_catalogue_entry(NAME, made.folder)
    assert scene.crs is None
    assert "no regular grid" in str(AlignmentReport.of(scene))


@pytest.mark.skipif(not MINI.exists(), reason="the crops of the shared data are not here")
def test_the_providers_own_structs_are_read_and_its_crops_are_no_packaging(small):
    """Crops that the provider's demos bring: an array of structs whose spectra lie in the image itself."""
    small(NAME)
    path = MINI / "an_hsi_img_for_class_demo.mat"
    with open_raster(f"{path}:train_data[0].Spectra") as raster:
        assert raster.pixels.shape == (1, 72, 8)  # bands x pixels
        spectra = np.asarray(raster.pixels[:, slice(0, 72), slice(0, 8)])[0]
    plain = loadmat(path)["train_data"]["Spectra"][0, 0]
    np.testing.assert_array_equal(spectra, plain)
    with pytest.raises(WorkbenchError, match="no packaging of it was recognised"):
        import_catalogue_entry(NAME, MINI)


def test_the_published_facts():
    facts = CATALOGUE[NAME].facts
    assert sum(facts.labelled) == 53687
    parts = ((1162, 22084), (214, 4056), (344, 6538), (91, 1735), (334, 6353), (23, 443), (112, 2121), (312, 5928),
             (69, 1316), (9, 174), (13, 256))  # fmt: skip
    assert facts.labelled == tuple(map(sum, parts))  # MFT's table of its 5 % draw
