import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.scenes import ClassTable
from workbench.scenes.catalogue.masks import check_counts, class_values, from_index, union

TABLE = ClassTable.from_names(["grass", "roof", "road"])
PLANE = np.array([[0, 1, 1, 2], [3, 0, 2, 1]])


@pytest.mark.parametrize(
    "stored",
    [
        PLANE,
        PLANE.astype(float),
        np.where(PLANE > 0, PLANE, np.nan),
        np.where(PLANE > 0, PLANE, -1).astype(np.int16),
        np.where(PLANE > 0, PLANE, 255).astype(np.uint8),
        np.where(PLANE > 0, PLANE, 65535).astype(np.uint16),
        np.where(PLANE > 0, PLANE - 1, -1),
    ],
)
def test_all_ways_to_write_unlabelled(stored):
    np.testing.assert_array_equal(class_values(stored, TABLE, "file", (3, 2, 1)), PLANE)


def test_classes_are_taken_from_zero_only_if_the_counts_say_so():
    odd = np.array([[-1, 0, 0, 1], [2, -1, 1, 0]])
    np.testing.assert_array_equal(class_values(odd, TABLE, "file", (3, 2, 1)), [[0, 1, 1, 2], [3, 0, 2, 1]])
    np.testing.assert_array_equal(class_values(odd, TABLE, "file", None), [[0, 0, 0, 1], [2, 0, 1, 0]])


@pytest.mark.parametrize(
    ("stored", "told"), [(PLANE + 0.5, "no whole numbers"), (PLANE * 2, "value 4 was found.*row 0")]
)
def test_what_is_no_label_map_is_refused(stored, told):
    with pytest.raises(WorkbenchError, match=told):
        class_values(stored, TABLE, "file", None)


def test_masks_that_share_pixels_are_refused_with_count_and_place():
    train, test = np.array([[1, 0, 2]]), np.array([[0, 3, 2]])
    with pytest.raises(
        WorkbenchError, match=r"1 pixels are in both .*\(0 of them with two classes\).* row 0, column 2"
    ):
        union(train, test, "x")
    labels, codes = union(train, np.array([[0, 3, 0]]), "x")
    np.testing.assert_array_equal(labels, [[1, 3, 2]])
    np.testing.assert_array_equal(codes, [[1, 3, 1]])


def lists(base):
    train, test = np.array([[0, 1], [0, 3]]), np.array([[0, 2], [1, 0], [1, 2], [1, 3]])
    return train + base, test + base


@pytest.mark.parametrize("base", [0, 1])
def test_the_base_of_index_lists_is_the_one_that_hits_labels(base):
    codes, found = from_index(PLANE, *lists(base), "x")
    assert found == base
    np.testing.assert_array_equal(codes, [[0, 1, 3, 1], [3, 0, 3, 3]])


def test_counts_decide_where_both_bases_hit_labels():
    labels = np.array([[1, 1, 2], [1, 2, 2], [2, 2, 2]])
    train, test = np.array([[1, 1]]), np.array([[1, 2]])
    with pytest.raises(WorkbenchError, match="cannot be told: both put every pixel on a label"):
        from_index(labels, train, test, "x")
    table = ClassTable.from_names(["a", "b"])
    assert from_index(labels, train, test, "x", ((1, 0), (1, 0)), table)[1] == 1
    assert from_index(labels, train, test, "x", ((0, 1), (0, 1)), table)[1] == 0
    with pytest.raises(WorkbenchError, match=r"counted from 0, the classes have .*counted from 1, the classes"):
        from_index(labels, train, test, "x", ((7, 0), (1, 0)), table)


def test_lists_of_another_scene_are_refused():
    with pytest.raises(WorkbenchError, match=r"lie outside the 2 x 4 pixels"):
        from_index(PLANE, np.array([[9, 9]]), np.array([[0, 1]]), "x")
    with pytest.raises(WorkbenchError, match=r"n x 2 .*3 x 3"):
        from_index(PLANE, np.ones((3, 3)), np.ones((3, 2)), "x")


def test_counts_that_differ_show_both():
    with pytest.raises(
        WorkbenchError, match=r"6 pixels were expected and 6 were found:\n  1 grass: expected 2, found 3"
    ):
        check_counts(PLANE, TABLE, (2, 3, 1), "x")
    check_counts(PLANE, TABLE, (3, 2, 1), "x")
    check_counts(PLANE, TABLE, None, "x")
