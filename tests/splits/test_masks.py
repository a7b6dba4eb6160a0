import numpy as np
import pytest
import rasterio
from scipy.io import savemat

from workbench.base.errors import WorkbenchError
from workbench.splits import Split, read_mask, split_of_codes, split_of_masks
from workbench.splits.masks import Mask


@pytest.fixture
def three():
    """A label map of 30 x 40 with fields of 3 classes, and masks of its left and right."""
    labels = np.kron([[1, 2, 3, 1], [2, 3, 1, 2], [3, 1, 2, 3]], np.ones((10, 10), int))
    labels[5] = 0
    left = np.arange(40) < 15
    return labels, np.where(left, labels, 0), np.where(left, 0, labels)


def of(*planes):
    return [Mask.of(plane, name) for plane, name in zip(planes, ("TR.mat", "TE.mat", "GT.tif"), strict=False)]


def test_masks_of_class_values(three):
    labels, train, test = three
    split = split_of_masks(*of(train, test))
    np.testing.assert_array_equal(split.train.positions[:, 1:], np.argwhere(train))
    np.testing.assert_array_equal(split.test.labels, test[test > 0])
    assert (split.protocol, split.classes, split.buffer) == ("masks", (1, 2, 3), 0)
    audit = split.audit()
    assert audit.conflicts is None
    assert audit.banner_level == "red"
    assert audit.leak().overlap == pytest.approx((test[:, :25] > 0).sum() / (test > 0).sum())
    assert "Audit of the masks split" in str(audit)
    assert split_of_masks(*of(train, test, labels)).audit().conflicts == 0


@pytest.mark.parametrize("one", [1, 255])
def test_masks_that_only_say_where(three, one):
    labels, train, test = three
    where = [np.where(plane > 0, one, 0).astype(np.uint8) for plane in (train, test)]
    split = split_of_masks(*of(*where, labels))
    np.testing.assert_array_equal(split.train.labels, train[train > 0])
    with pytest.raises(WorkbenchError, match=r"says where and not what.*--labels"):
        split_of_masks(*of(*where))
    with pytest.raises(WorkbenchError, match=r"10 of its pixels have no label in GT.tif, first at row 0, column 0"):
        split_of_masks(*of(*where, np.where(np.arange(1200).reshape(30, 40) < 10, 0, labels)))


def test_conflicts_are_counted_and_told(three):
    labels, train, test = three
    other = labels.copy()
    other[0, :7] = 3
    split = split_of_masks(*of(train, test, other))
    assert split.audit().conflicts == 7
    assert "7 pixels have another class in the masks" in str(split.audit())
    assert "class differs between mask and label map: 7" in str(split.audit())


def test_overlap_is_refused_with_count_and_first_coordinates(three):
    _, train, test = three
    test = test.copy()
    test[3, 4:9] = 2
    with pytest.raises(
        WorkbenchError,
        match=r"5 pixels are in both TR.mat and TE.mat \(5 of them with two classes\), first at row 3, column 4",
    ):
        split_of_masks(*of(train, test))


def test_grids_of_other_shape_are_refused_with_both(three):
    _, train, test = three
    with pytest.raises(WorkbenchError, match=r"TR.mat has 30 x 40 pixels, and TE.mat has 40 x 30.*exchanged"):
        split_of_masks(*of(train, test.T))
    with pytest.raises(WorkbenchError, match=r"TE.mat has 29 x 40"):
        split_of_masks(*of(train, test[1:]))


def test_a_file_of_codes(three):
    labels, train, test = three
    codes = (train > 0) + 3 * (test > 0)
    codes[:3, :5] = 2
    split = split_of_codes(Mask.of(codes, "codes"), Mask.of(labels, "GT"))
    assert len(split.validation) == 15
    np.testing.assert_array_equal(split.test.labels, test[test > 0])
    with pytest.raises(WorkbenchError, match=r"it holds \[5\]; codes are 0 none, 1 training, 2 validation, 3 test"):
        split_of_codes(Mask.of(np.where(codes == 2, 5, codes), "codes"), Mask.of(labels, "GT"))
    codes[5, 3] = 1
    with pytest.raises(WorkbenchError, match="1 of its pixels have no label in GT, first at row 5, column 3"):
        split_of_codes(Mask.of(codes, "codes"), Mask.of(labels, "GT"))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("suffix", [".mat", ".npy", ".tif", ".img"])
def test_files_of_all_kinds(three, tmp_path, suffix):
    labels, _, _ = three
    path = tmp_path / f"mask{suffix}"
    if suffix == ".mat":
        savemat(path, {"mask": labels.astype(float), "other": labels[:2]})
        path = f"{path}:mask"
    elif suffix == ".npy":
        np.save(path, labels)
    elif suffix == ".tif":
        with rasterio.open(path, "w", driver="GTiff", count=1, height=30, width=40, dtype="uint8", nodata=0) as file:
            file.write(labels.astype("uint8"), 1)
    else:
        labels.astype("uint8").tofile(path)
        head = [
            "ENVI",
            "samples = 40",
            "lines = 30",
            "bands = 1",
            "data type = 1",
            "interleave = bsq",
            "byte order = 0",
        ]
        path.with_suffix(".hdr").write_text("\n".join(head))
    np.testing.assert_array_equal(read_mask(path).values, labels)


def test_none_in_other_words():
    mask = Mask.of(np.array([[np.nan, -1.0, 2.0], [0, 1, 3]]), "m")
    assert mask.values.tolist() == [[0, 0, 2], [0, 1, 3]]


def test_files_of_other_names_and_types_are_the_same_split():
    train, test = np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8)
    train[:5], train[:5, ::2], test[12:], test[12:, ::2] = 1, 2, 1, 2
    one = split_of_masks(Mask.of(train, "tr.npy"), Mask.of(test, "te.npy"), patch_size=3)
    bare = np.where(train, train, np.nan)
    other = split_of_masks(Mask.of(bare, "a.mat"), Mask.of(np.asfortranarray(test), "b.mat"), patch_size=3)
    assert one.hash == other.hash
    assert "a.mat" in other.notes[0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((2, 3, 4)), "rows x columns of numbers are needed, not 2 x 3 x 4"),
        (np.full((3, 3), 0.5), "not whole"),
        (np.array([[1, 0], [np.inf, 2]]), "1 pixels are infinite, first at row 1, column 0"),
        (np.full((3, 3), 70_000), "70000"),
        (np.zeros((0, 3)), "not 0 x 3"),
        (np.array([["a", "b"]]), "not 1 x 2 of <U1"),
        (np.array(3), "not a single value"),
    ],
)
def test_what_is_no_mask(values, message):
    with pytest.raises(WorkbenchError, match=message):
        Mask.of(values, "m")


def test_a_cube_and_a_missing_file_are_no_masks(tmp_path):
    savemat(tmp_path / "cube.mat", {"cube": np.ones((4, 5, 6))})
    with pytest.raises(WorkbenchError, match="6 bands of 4 x 5; a mask has one"):
        read_mask(tmp_path / "cube.mat")
    with pytest.raises(WorkbenchError, match="missing"):
        read_mask(tmp_path / "none.mat")


def test_text_under_the_name_of_an_array_is_told_so(tmp_path):
    """NumPy itself speaks of pickles."""
    (tmp_path / "tr.npy").write_bytes(b"1 0 2\n0 3 1\n")
    with pytest.raises(WorkbenchError, match=r"tr.npy: it is no NumPy array.*numpy.loadtxt") as refused:
        read_mask(tmp_path / "tr.npy")
    assert "pickle" not in str(refused.value)
    assert "object" not in str(refused.value)


def test_a_training_mask_that_says_where_beside_classes_is_refused(three):
    """All its pixels would be taken for one class."""
    labels, train, test = three
    for given in (of((train > 0).astype(int), test), of((train > 0).astype(int), test, labels)):
        with pytest.raises(WorkbenchError, match=r"holds 1 only, which says where.*masks of one kind"):
            split_of_masks(*given)


def test_one_test_pixel_is_a_test_side(three):
    _, train, test = three
    lone = np.zeros_like(test)
    lone[2, 39] = test[2, 39]
    audit = split_of_masks(*of(train, lone)).audit()
    assert sum(audit.counts["test"]) == 1
    assert np.isfinite(list(audit.coordinates_only.values())).all()
    assert not audit.to_frame().isna().any().any()


def test_empty_sides_and_large_patches(three):
    _, train, test = three
    with pytest.raises(WorkbenchError, match=r"TE.mat: no pixel is on the side 'test'"):
        split_of_masks(*of(train, 0 * test))
    with pytest.raises(WorkbenchError, match="31 x 31 pixels does not fit into 30 x 40"):
        split_of_masks(*of(train, test), patch_size=31)


def test_such_a_split_is_kept_as_any(three, tmp_path):
    split = split_of_masks(*of(*three[1:]))
    split.save(tmp_path / "split.npz")
    assert Split.load(tmp_path / "split.npz").hash == split.hash


@pytest.mark.parametrize("factor", [0, -1])
def test_masks_without_a_pixel_are_told(three, factor):
    _, train, test = three
    with pytest.raises(WorkbenchError, match="no pixel is on the side 'train': the mask holds nothing above 0"):
        split_of_masks(Mask.of(factor * train.astype(int), "tr.npy"), Mask.of(test, "te.npy"))
