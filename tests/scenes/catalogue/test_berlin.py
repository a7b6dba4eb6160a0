import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.scenes import AlignmentReport, import_catalogue_entry
from workbench.scenes.catalogue import CATALOGUE

NAME = "berlin"


def s2fl(made, truth=False):
    made.mat73("data_HS_LR.mat", data_HS_LR=made.arrays["hsi"])
    made.mat73("data_SAR_HR.mat", data_SAR_HR=made.arrays["sar"])
    made.mat("TrainImage.mat", TrainImage=made.train.astype(np.uint8))
    made.mat("TestImage.mat", TestImage=made.test.astype(np.uint8))
    if truth:
        made.mat("GT.mat", GT=made.labels.astype(np.uint8))


def with_truth(made):
    s2fl(made, truth=True)


def lists(made):
    made.mat("berlin_hsi.mat", berlin_hsi=made.arrays["hsi"])
    made.mat("berlin_sar.mat", berlin_sar=made.arrays["sar"])
    made.mat("berlin_gt.mat", berlin_gt=made.labels)
    made.mat("berlin_index.mat", berlin_train=np.argwhere(made.train).T, berlin_test=np.argwhere(made.test),
             berlin_all=np.argwhere(made.labels >= 0))  # fmt: skip


@pytest.mark.parametrize("write", [s2fl, with_truth, lists])
def test_every_packaging_becomes_the_scene(small, write):
    made = small(NAME)
    write(made)
    scene = import_catalogue_entry(NAME, made.folder)
    assert scene.modalities == ("hsi", "sar")
    for name in scene.modalities:
        np.testing.assert_array_equal(scene.read(name), np.moveaxis(made.arrays[name], 2, 0))
    np.testing.assert_array_equal(scene.read_labels(), made.labels)
    np.testing.assert_array_equal(scene.named_splits["official"], made.codes)
    assert scene.crs is None


def test_swapped_axes_are_recognised_and_turned(small):
    made = small(NAME)
    turned = dict(made.arrays)
    s2fl(made)
    made.arrays["hsi"] = made.arrays["hsi"].swapaxes(0, 1)
    made.train, made.test = made.train.T, made.test.T
    s2fl(made)
    scene = import_catalogue_entry(NAME, made.folder)
    np.testing.assert_array_equal(scene.read("hsi"), np.moveaxis(turned["hsi"], 2, 0))
    np.testing.assert_array_equal(scene.read_labels(), made.labels)
    report = str(AlignmentReport.of(scene))
    assert "stored as 20 x 12 x 5 (x, y, band): axes turned" in report
    assert "TrainImage.mat: stored as 20 x 12 (x, y): axes turned" in report


def test_a_label_map_that_contradicts_the_masks_is_an_error(small):
    made = small(NAME)
    made.labels[0, 0] = 5
    with_truth(made)
    with pytest.raises(WorkbenchError, match=r"1 pixels have another class.*row 0, column 0 \(mask 1, map 5\)"):
        import_catalogue_entry(NAME, made.folder)


def test_the_published_facts():
    facts = CATALOGUE[NAME].facts
    assert facts.shape == (1723, 476)  # rows x columns; a loader has them swapped
    assert (sum(facts.train), sum(facts.test)) == (2820, 461851)
    assert facts.test[1] / sum(facts.test) == pytest.approx(0.58, abs=0.005)
