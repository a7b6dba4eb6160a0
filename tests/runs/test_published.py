"""Published figures were typed right: their averages are the means of the same paper's tables by class."""

import numpy as np
import pytest

from workbench.runs.published import published

# MFT paper, producer's accuracies by class
BY_CLASS = {
    "trento": [98.23, 99.34, 89.84, 99.82, 99.93, 88.72],
    "muufl": [97.90, 92.11, 91.80, 91.59, 95.60, 88.19, 90.27, 97.26, 61.35, 17.43, 72.79],
    "augsburg": [94.65, 96.90, 69.80, 93.98, 32.70, 10.52, 23.98],
}


@pytest.mark.parametrize("scene", BY_CLASS)
def test_the_average_is_that_of_the_classes(scene):
    (mft,) = [one for one in published(scene) if one.method == "MFT"]
    assert mft.aa == pytest.approx(np.mean(BY_CLASS[scene]), abs=0.006)


def test_other_scenes_have_none():
    assert published("demo") == ()


def test_a_figure_that_the_source_lacks_is_a_dash():
    (coupled,) = [one for one in published("trento") if one.method == "Coupled CNN"]
    assert coupled.cells() == ["99.12", "-", "-"]
