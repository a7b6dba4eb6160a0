"""Houston 2018: 50 layers of which 48 are bands, labels at half the pixel size, and a grid that is chosen, not assumed."""

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import AlignmentReport, import_catalogue_entry
from workbench.scenes.catalogue import CATALOGUE
from workbench.splits import make_split

NAME = "houston2018"
SHAPE = (24, 40)  # of the labels, 0.5 m


def raster(path, values, size, driver="GTiff", west=1000.0, north=5000.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"driver": driver, "dtype": values.dtype, "count": len(values), "crs": "EPSG:26915"}
    place = rasterio.Affine(size, 0, west, 0, -size, north)
    with rasterio.open(path, "w", height=values.shape[1], width=values.shape[2], transform=place, **options) as file:
        file.write(values)


@pytest.fixture
def contest(small):
    """Full images around the labelled part: 3 m north and 4 m west of it, in the package's folders."""
    made = small(NAME, SHAPE)
    random = np.random.default_rng(2)
    hsi = random.integers(1, 4000, (7, 20, 30)).astype(np.uint16)
    lidar = random.random((1, 40, 60)).astype(np.float32) * 30 + 2
    raster(made.folder / "FullHSIDataset" / "20170218_UH_CASI_S4_NAD83.pix", hsi, 1.0, "PCIDSK", 996, 5003)
    raster(made.folder / "Lidar GeoTiff Rasters" / "DEM+B_C123" / "UH17_GEM051.tif", lidar, 0.5, west=996, north=5003)
    raster(made.folder / "TrainingGT" / "2018_IEEE_GRSS_DFC_GT_TR.tif", made.labels[None].astype(np.uint8), 0.5)
    return made, hsi, lidar


def majority(labels):
    """The class that most of a 2 x 2 square has, NaN where two share it."""
    squares = labels.reshape(12, 2, 20, 2).swapaxes(1, 2).reshape(12, 20, 4)
    counts = np.stack([(squares == value).sum(2) for value in range(21)])
    best = np.sort(counts, 0)
    return np.where(best[-1] > best[-2], counts.argmax(0), -1)


def test_on_the_grid_of_the_hyperspectral_image(contest):
    made, hsi, lidar = contest
    scene = import_catalogue_entry(NAME, made.folder)
    assert scene.shape == (12, 20)
    assert scene.attrs["grid"] == "1m"
    assert scene.transform == (1, 0, 1000, 0, -1, 5000)
    assert CRS.from_wkt(scene.crs).to_epsg() == 26915
    np.testing.assert_array_equal(scene.read("hsi"), hsi[:5, 3:15, 4:24])  # cut out, the last two layers dropped
    assert scene.info("hsi").dropped_bands == (5, 6)
    assert scene.info("hsi").dtype == "uint16"
    part = lidar[0, 6:30, 8:48].reshape(12, 2, 20, 2).mean((1, 3))
    np.testing.assert_allclose(scene.read("lidar")[0], part, rtol=1e-5)
    wanted, found = majority(made.labels), scene.read_labels()
    assert (wanted >= 0).sum() > 100
    np.testing.assert_array_equal(found[wanted >= 0], wanted[wanted >= 0])
    report = str(AlignmentReport.of(scene))
    assert "the last 2 layers of the file are no measurement" in report
    assert "cut out from row 3, column 4" in report
    assert "reduced from 0.5 m to 1 m by majority" in report
    assert "resampled by average" in report
    assert not scene.named_splits


def test_on_the_grid_of_the_labels(contest):
    made, hsi, lidar = contest
    scene = import_catalogue_entry(NAME, made.folder, grid="labels")
    assert (scene.shape, scene.attrs["grid"]) == (SHAPE, "labels")
    np.testing.assert_array_equal(scene.read_labels(), made.labels)
    np.testing.assert_array_equal(scene.read("hsi"), np.kron(hsi[:5, 3:15, 4:24], np.ones((1, 2, 2))))
    np.testing.assert_array_equal(scene.read("lidar")[0], lidar[0, 6:30, 8:48])
    assert "resampled by nearest" in str(AlignmentReport.of(scene))


def test_images_that_do_not_cover_the_labels_are_refused(contest):
    made, hsi, _ = contest
    raster(made.folder / "FullHSIDataset" / "20170218_UH_CASI_S4_NAD83.pix", hsi, 1.0, "PCIDSK", 1005, 5003)
    with pytest.raises(WorkbenchError, match=r"it covers 75.0 % of it"):
        import_catalogue_entry(NAME, made.folder)


def test_another_number_of_layers_is_refused(contest):
    made, hsi, _ = contest
    raster(made.folder / "FullHSIDataset" / "20170218_UH_CASI_S4_NAD83.pix", hsi[:6], 1.0, "PCIDSK", 996, 5003)
    with pytest.raises(WorkbenchError, match=r"7 layers were expected and 6 were found"):
        import_catalogue_entry(NAME, made.folder)


@pytest.fixture
def lists(small):
    """OUC's copy: the hyperspectral image stands on the label grid already, with all its layers."""
    made = small(NAME, SHAPE)
    coarse = np.random.default_rng(3).integers(1, 4000, (12, 20, 7)).astype(np.uint16)
    made.arrays["hsi"] = np.kron(coarse, np.ones((2, 2, 1), np.uint16))
    made.mat73("houston_hsi.mat", houston_hsi=made.arrays["hsi"])
    made.mat("houston_lidar.mat", houston_lidar=made.arrays["lidar"][:, :, 0])
    made.mat("houston_gt.mat", houston_gt=made.labels.astype(np.uint8))
    made.mat("houston_index.mat", houston_train=np.argwhere(made.train), houston_test=np.argwhere(made.test),
             houston_all=np.argwhere(made.labels))  # fmt: skip
    return made


def test_index_lists_keep_their_grid_and_their_split_is_not_official(lists):
    scene = import_catalogue_entry(NAME, lists.folder)
    assert (scene.shape, scene.attrs["grid"], scene.crs) == (SHAPE, "labels", None)
    np.testing.assert_array_equal(scene.read("hsi"), np.moveaxis(lists.arrays["hsi"], 2, 0)[:5])
    np.testing.assert_array_equal(scene.read("lidar")[0], lists.arrays["lidar"][:, :, 0])
    np.testing.assert_array_equal(scene.read_labels(), lists.labels)
    np.testing.assert_array_equal(scene.named_splits["packaged"], lists.codes)
    assert "no official split" in scene.attrs["note"]
    split = make_split(scene, "official", patch_size=3, split="packaged", validation_fraction=0)
    assert split.audit().banner_level == "red"


def test_index_lists_on_the_coarse_grid_lose_their_split_and_say_so(lists):
    scene = import_catalogue_entry(NAME, lists.folder, grid="1m")
    assert scene.shape == (12, 20)
    np.testing.assert_array_equal(scene.read("hsi"), np.moveaxis(lists.arrays["hsi"], 2, 0)[:5, ::2, ::2])
    assert not scene.named_splits
    assert "the packaging's split, which is of 0.5 m pixels, is left out" in str(AlignmentReport.of(scene))
    assert scene.crs is None


def test_grids_are_named(lists):
    with pytest.raises(UnknownNameError, match="grid of houston2018"):
        import_catalogue_entry(NAME, lists.folder, grid="2m")
    with pytest.raises(WorkbenchError, match="on one grid"):
        import_catalogue_entry("trento", lists.folder, grid="labels")


def test_the_published_facts():
    facts = CATALOGUE[NAME].facts
    assert (len(facts.classes), sum(facts.labelled)) == (20, 2018910)
    assert facts.sensors["hsi"].bands == 48
    assert sum(facts.labelled) == 18750 + 2000160  # OUC's lists
