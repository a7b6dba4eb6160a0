import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.scenes import import_catalogue_entry
from workbench.scenes.catalogue import CATALOGUE

NAME = "augsburg"


def s2fl(made):
    made.mat("data_HS_LR.mat", data_HS_LR=made.arrays["hsi"])
    made.mat("data_SAR_HR.mat", data_SAR_HR=made.arrays["sar"])
    made.mat("data_DSM.mat", data_DSM=made.arrays["lidar"][:, :, 0])
    made.mat("TrainImage.mat", TrainImage=made.train.astype(np.uint8))
    made.mat("TestImage.mat", TestImage=made.test.astype(np.uint8))


def lists(made):
    made.mat("augsburg_hsi.mat", augsburg_hsi=made.arrays["hsi"])
    made.mat("augsburg_sar.mat", augsburg_sar=made.arrays["sar"])
    made.mat("augsburg_gt.mat", augsburg_gt=made.labels)
    everywhere = np.argwhere(made.labels >= 0)  # "all" is all pixels, labelled or not
    made.mat("augsburg_index.mat", augsburg_train=np.argwhere(made.train), augsburg_test=np.argwhere(made.test),
             augsburg_all=everywhere)  # fmt: skip


@pytest.mark.parametrize("write", [s2fl, lists])
def test_every_packaging_becomes_the_scene(small, write):
    made = small(NAME)
    write(made)
    scene = import_catalogue_entry(NAME, made.folder)
    for name in scene.modalities:
        np.testing.assert_array_equal(scene.read(name), np.moveaxis(made.arrays[name], 2, 0))
    assert scene.modalities == (("hsi", "sar", "lidar") if write is s2fl else ("hsi", "sar"))
    np.testing.assert_array_equal(scene.read_labels(), made.labels)
    np.testing.assert_array_equal(scene.named_splits["official"], made.codes)
    assert scene.info("sar").band_names[:2] == ("VV intensity", "VH intensity")
    assert scene.info("hsi").wavelengths is None
    assert "Not verified: training and test pixels class by class" in scene.attrs["note"]


def test_seven_classes_not_eight(small):
    assert CATALOGUE[NAME].facts.classes.names == (
        "Forest", "Residential", "Industrial", "Low plants", "Allotment", "Commercial", "Water"
    )  # fmt: skip
    made = small(NAME)
    made.test[made.test >= 5] += 1  # as if soil were class 5
    s2fl(made)
    with pytest.raises(WorkbenchError, match=r"7 classes were expected.*the value 8 was found"):
        import_catalogue_entry(NAME, made.folder)


def test_the_number_of_classes_does_not_count_the_unlabelled(small):
    made = small(NAME)
    lists(made)
    assert len(import_catalogue_entry(NAME, made.folder).classes) == 7  # max + 1 would be 8


def test_counts_of_another_data_set_are_an_error_that_is_marked_as_unverified(small):
    made = small(NAME)
    made.train[np.nonzero(made.train == 7)] = 6
    s2fl(made)
    told = r"pixels were expected.*\n  6 Commercial: expected \d+, found \d+\n  7 Water.*\n.*Not verified: "
    with pytest.raises(WorkbenchError, match=told):
        import_catalogue_entry(NAME, made.folder)


def test_patches_are_refused(small):
    made = small(NAME)
    for name in ("HSI_Tr", "SAR_Tr", "HSI_Te", "SAR_Te", "TrLabel", "TeLabel"):
        made.mat(f"{name}.mat", **{name: np.ones((7, 5))})
    with pytest.raises(WorkbenchError, match=r"patches cut around.*HS-SAR-DSM Augsburg"):
        import_catalogue_entry(NAME, made.folder)


def test_the_published_facts():
    facts = CATALOGUE[NAME].facts
    assert (sum(facts.train), sum(facts.test)) == (761, 77533)
    assert (facts.shape, facts.sensors["hsi"].bands) == ((332, 485), 180)
