"""What a packaging that is there may do wrong: size, axes, values, conflicts, counts."""

import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.scenes import AlignmentReport, import_catalogue_entry, open_scene

NAME = "houston2013"


def write(made, save="mat"):
    mat = getattr(made, save)
    mat("HSI.mat", HSI=made.arrays["hsi"])
    mat("LiDAR.mat", LiDAR=made.arrays["lidar"][:, :, 0])
    mat("TRLabel.mat", TRLabel=made.train)
    mat("TSLabel.mat", TSLabel=made.test)


@pytest.mark.parametrize("axes", [(1, 0, 2), (2, 0, 1), (2, 1, 0)])
@pytest.mark.parametrize("save", ["mat", "mat73"])
def test_transposed_arrays_are_recognised_and_turned(small, axes, save):
    made = small(NAME)
    right = np.moveaxis(made.arrays["hsi"], 2, 0)
    made.arrays["hsi"] = made.arrays["hsi"].transpose(axes)
    write(made, save)
    scene = import_catalogue_entry(NAME, made.folder)
    np.testing.assert_array_equal(scene.read("hsi"), right)
    assert "axes turned, recognised by the expected shape" in str(AlignmentReport.of(scene))


def test_axes_that_could_be_turned_in_two_ways_are_refused(small):
    made = small(NAME, shape=(20, 20))
    made.arrays["hsi"] = made.arrays["hsi"].transpose(2, 0, 1)
    write(made)
    with pytest.raises(WorkbenchError, match=r"could be band, y, x or band, x, y. Save it as rows x columns x bands"):
        import_catalogue_entry(NAME, made.folder)


def test_another_size_is_an_error_with_both(small):
    made = small(NAME)
    made.arrays["hsi"] = made.arrays["hsi"][:-1]
    write(made)
    told = r"HSI.mat:HSI of the packaging 'TRLabel and TSLabel' .*12 rows x 20 columns x 5 bands were expected and 11 x 20 x 5"
    with pytest.raises(WorkbenchError, match=told):
        import_catalogue_entry(NAME, made.folder)


def test_masks_that_share_a_pixel_are_refused_and_nothing_is_left(small, tmp_path):
    made = small(NAME)
    made.test[made.train == 3] = 4
    write(made)
    with pytest.raises(WorkbenchError, match=r"in both the training and the test mask .*first at row \d+, column \d+"):
        import_catalogue_entry(NAME, made.folder)
    assert not list((tmp_path / "data").glob("*.zarr"))


def test_counts_are_held_against_the_facts(small):
    made = small(NAME)
    made.test[tuple(np.argwhere(made.test == 2)[0])] = 0
    write(made)
    with pytest.raises(
        WorkbenchError, match=r"test pixels of the packaging .*\n  2 Stressed grass: expected 1?\d, found 1?\d\n"
    ):
        import_catalogue_entry(NAME, made.folder)


def test_values_that_were_scaled_are_no_radiance(small):
    made = small(NAME)
    write(made)
    assert import_catalogue_entry(NAME, made.folder).info("hsi").quantity == "radiance"
    made.arrays["hsi"] = made.arrays["hsi"] / made.arrays["hsi"].max()
    write(made)
    scene = import_catalogue_entry(NAME, made.folder, replace=True)
    assert scene.info("hsi").quantity == "unknown"
    assert "this packaging rescaled them" in str(AlignmentReport.of(scene))


def test_what_is_stored_can_be_opened_by_name(small):
    made = small(NAME)
    write(made)
    stored = import_catalogue_entry(NAME, made.folder)
    assert open_scene(NAME) == stored
    told = str(AlignmentReport.of(stored))
    assert "Labels: Healthy grass" in told
    assert "It carries the standard split" in stored.attrs["note"]


def test_the_report_tells_how_far_modalities_lie_from_each_other(small):
    made = small(NAME, shape=(70, 80), bands=4)
    moved = np.roll(made.arrays["lidar"], (2, -3), axis=(0, 1))  # its own texture, 2 rows down and 3 columns left
    made.arrays["hsi"] = np.repeat((100 * made.arrays["lidar"]).astype(np.uint16), 4, axis=2)
    made.arrays["lidar"] = moved
    write(made)
    (shift,) = AlignmentReport.of(import_catalogue_entry(NAME, made.folder)).shifts
    assert (shift.moving, shift.reference, shift.stage) == ("lidar", "hsi", "as stored")
    assert (shift.rows, shift.cols) == (pytest.approx(2, abs=0.1), pytest.approx(-3, abs=0.1))
