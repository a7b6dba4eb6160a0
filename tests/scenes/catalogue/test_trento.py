import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.scenes import import_catalogue_entry
from workbench.scenes.catalogue import CATALOGUE
from workbench.splits import make_split

NAME = "trento"


def labels_and_split(made):
    made.mat("HSI.mat", HSI=made.arrays["hsi"])
    made.mat("LiDAR.mat", LiDAR=made.arrays["lidar"][:, :, 0])
    made.mat("TRLabel.mat", TRLabel=made.train.astype(np.uint8))
    made.mat("TSLabel.mat", TSLabel=made.test.astype(np.uint8))


def italy(made):
    made.mat("Italy_hsi.mat", data=made.arrays["hsi"].astype(float))
    made.mat("Italy_lidar.mat", data=made.arrays["lidar"])
    made.mat("allgrd.mat", mask_test=made.labels.astype(np.uint8))


def maple(made):
    made.mat("HSI_Trento.mat", HSI_Trento=made.arrays["hsi"])
    made.mat("Lidar_Trento.mat", Lidar_Trento=made.arrays["lidar"][:, :, 0])
    made.mat("GT_Trento.mat", GT_Trento=made.labels.astype(np.uint8))


def lower(made):
    made.mat("hsi_trento.mat", hsi_trento=made.arrays["hsi"])
    made.mat("lidar1_trento.mat", lidar1_trento=made.arrays["lidar"][:, :, 0])
    made.mat("gt_trento.mat", gt_trento=made.labels.astype(np.uint8))


def one_file(made):
    made.mat("trento_data.mat", HSI_data=made.arrays["hsi"], LiDAR_data=made.arrays["lidar"], ground=made.labels)


def height_alone(made):
    height = made.arrays["lidar"][:, :, 0]
    made.mat("trento_data.mat", HSI_data=made.arrays["hsi"], LiDAR_data=height, ground=made.labels)


@pytest.mark.parametrize("write", [labels_and_split, italy, maple, lower, one_file, height_alone])
def test_every_packaging_becomes_the_scene(small, write):
    made = small(NAME)
    write(made)
    scene = import_catalogue_entry(NAME, made.folder)
    heights = 2 if write in (italy, one_file) else 1
    np.testing.assert_array_equal(scene.read("hsi"), np.moveaxis(made.arrays["hsi"], 2, 0))
    np.testing.assert_array_equal(scene.read("lidar"), np.moveaxis(made.arrays["lidar"], 2, 0)[:heights])
    np.testing.assert_array_equal(scene.read_labels(), made.labels)
    assert scene.info("hsi").wavelengths is None  # a loader makes them up by linspace
    assert scene.info("lidar").quantity == ("height" if heights == 1 else "unknown")
    if write is labels_and_split:
        np.testing.assert_array_equal(scene.named_splits["official"], made.codes)
        return
    assert not scene.named_splits
    assert "no split" in scene.attrs["note"]
    with pytest.raises(WorkbenchError, match="no split was published"):
        make_split(scene, "official", patch_size=3)


@pytest.mark.parametrize("files", [("HSI_Tr", "LIDAR_Tr", "HSI_Te", "LIDAR_Te", "TrLabel", "TeLabel"),
                                   ("HSI_TrSet", "HSI_TeSet", "LiDAR_TrSet", "LiDAR_TeSet")])  # fmt: skip
def test_patches_and_features_are_refused(small, files):
    made = small(NAME)
    for name in files:
        made.mat(f"{name}.mat", **{name: np.ones((7, 5))})
    with pytest.raises(WorkbenchError, match=r"Get HSI.mat, LiDAR.mat, TRLabel.mat and TSLabel.mat"):
        import_catalogue_entry(NAME, made.folder)


def test_the_published_facts():
    facts = CATALOGUE[NAME].facts
    assert facts.labelled == (4034, 2903, 479, 9123, 10501, 3174)  # counted in two mirrors
    assert (sum(facts.train), sum(facts.test)) == (819, 29395)
    assert 166 * 600 - sum(facts.labelled) == 69386  # unlabelled pixels
