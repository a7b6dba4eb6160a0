"""What a user may name: the folder, one above it, an archive, half a download, or something else altogether."""

import zipfile

import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.scenes import import_catalogue_entry

NAME = "houston2013"


def write(made, folder=None):
    made.folder = made.folder if folder is None else folder
    made.mat("HSI.mat", HSI=made.arrays["hsi"])
    made.mat("LiDAR.mat", LiDAR=made.arrays["lidar"][:, :, 0])
    made.mat("TRLabel.mat", TRLabel=made.train)
    made.mat("TSLabel.mat", TSLabel=made.test)


def packed(made, archive, inside=""):
    paths = list(made.folder.iterdir())
    with zipfile.ZipFile(archive, "w") as file:
        for path in paths:
            file.write(path, f"{inside}{path.name}")
            file.writestr(f"__MACOSX/._{path.name}", b"what a Mac leaves behind")
            path.unlink()


@pytest.mark.parametrize("inside", ["", "houston-mmr/", "copies/houston-mmr/"])
@pytest.mark.parametrize("named", ["folder", "archive"])
def test_an_archive_is_looked_into_and_leaves_nothing_behind(small, tmp_path, inside, named):
    made = small(NAME)
    write(made)
    archive = made.folder / "houston2013-mmr.zip"
    packed(made, archive, inside)
    scene = import_catalogue_entry(NAME, made.folder if named == "folder" else archive)
    np.testing.assert_array_equal(scene.read_labels(), made.labels)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["houston2013.zarr"]
    assert [path.name for path in made.folder.iterdir()] == [archive.name]


def test_what_is_missing_in_the_archive_may_lie_beside_it(small):
    made = small(NAME)
    write(made)
    packed(made, made.folder / "2013.zip", "inside/")
    with zipfile.ZipFile(made.folder / "2013.zip") as file:
        kept = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(made.folder / "2013.zip", "w") as file:
        for name, content in kept.items():
            if name != "inside/TSLabel.mat":
                file.writestr(name, content)
    with pytest.raises(WorkbenchError, match=r"looked into 2013.zip too.*TSLabel.mat:TSLabel is missing"):
        import_catalogue_entry(NAME, made.folder)
    (made.folder / "tslabel.mat").write_bytes(kept["inside/TSLabel.mat"])
    np.testing.assert_array_equal(import_catalogue_entry(NAME, made.folder).read_labels(), made.labels)


def test_one_folder_deeper(small, tmp_path):
    made = small(NAME)
    write(made, tmp_path / "downloads" / "houston")
    (tmp_path / "downloads" / "other").mkdir()
    assert import_catalogue_entry(NAME, tmp_path / "downloads").shape == (12, 20)


def test_two_copies_are_not_chosen_between(small, tmp_path):
    made = small(NAME)
    write(made, tmp_path / "downloads" / "a")
    write(made, tmp_path / "downloads" / "b")
    with pytest.raises(WorkbenchError, match=r"several folders hold .*downloads/a, .*downloads/b. Name one"):
        import_catalogue_entry(NAME, tmp_path / "downloads")


def test_two_packagings_in_one_folder_are_not_chosen_between(small):
    made = small(NAME)
    write(made)
    made.mat("DATA_HS_HR.mat", data_HS_HR=made.arrays["hsi"])
    made.mat("data_DSM_HR.mat", DSM=made.arrays["lidar"][:, :, 0])
    made.mat("TrainImage.mat", TrainImage=made.train)
    made.mat("TestImage.mat", TestImage=made.test)
    with pytest.raises(WorkbenchError, match=r"'TRLabel and TSLabel', 'HS-LiDAR \(ExViT\)'. Put those of one"):
        import_catalogue_entry(NAME, made.folder)


def test_half_a_download_says_what_is_missing(small):
    made = small(NAME)
    write(made)
    (made.folder / "TSLabel.mat").unlink()
    with pytest.raises(
        WorkbenchError, match=r"nearest packaging is 'TRLabel and TSLabel', but TSLabel.mat:TSLabel is missing"
    ):
        import_catalogue_entry(NAME, made.folder)


def test_other_variables_are_shown(small):
    made = small(NAME)
    write(made)
    made.mat("TSLabel.mat", testing_map=made.test)
    with pytest.raises(WorkbenchError, match=r"TSLabel.mat should hold 'TSLabel' and holds testing_map"):
        import_catalogue_entry(NAME, made.folder)


def test_a_truncated_file_is_said_to_hold_nothing(small):
    made = small(NAME)
    write(made)
    path = made.folder / "HSI.mat"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(WorkbenchError, match=r"HSI.mat should hold 'HSI' and holds nothing that can be read"):
        import_catalogue_entry(NAME, made.folder)


def test_nothing_of_it_lists_what_was_expected_and_found(small, tmp_path):
    small(NAME)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"")
    with pytest.raises(WorkbenchError, match=r"Expected one of: contest \(2013_IEEE.*Found: cat.jpg.*2013_DFTC.zip"):
        import_catalogue_entry(NAME, tmp_path / "photos")
    with pytest.raises(WorkbenchError, match="neither a folder nor an archive"):
        import_catalogue_entry(NAME, tmp_path / "photos" / "cat.jpg")
    with pytest.raises(WorkbenchError, match="does not exist"):
        import_catalogue_entry(NAME, tmp_path / "nowhere")


def test_a_scene_that_is_there_is_refused_before_anything_is_read(small, tmp_path):
    made = small(NAME)
    write(made)
    import_catalogue_entry(NAME, made.folder)
    with pytest.raises(WorkbenchError, match="exists already"):
        import_catalogue_entry(NAME, tmp_path / "nowhere")
    assert import_catalogue_entry(NAME, made.folder, replace=True).shape == (12, 20)
