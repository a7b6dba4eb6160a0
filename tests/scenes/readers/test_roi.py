import numpy as np
import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import ClassTable, import_scene
from workbench.scenes.grid import Grid
from workbench.scenes.readers.roi import is_roi_text, read_regions, roi_labels

ROWS, COLS = 6, 9
PIXELS = {"grass_healthy": [(0, 0), (0, 1), (5, 8)], "road": [(2, 3)], "water": [(4, 4), (4, 5)]}
COLORS = {"grass_healthy": "0, 205, 0", "road": "200, 100, 0", "water": "0, 0, 255"}
GRID = Grid((ROWS, COLS))


def text(
    pixels=PIXELS, first=False, size=f"{COLS} x {ROWS}", counts=None, columns="ID     X     Y      Map X       Map Y"
):
    """As ENVI writes; `first` puts the descriptions of all regions before all rows."""
    blocks = []
    for name, places in pixels.items():
        count = (counts or {}).get(name, len(places))
        told = f"; ROI name: {name}\n; ROI rgb value: {{{COLORS[name]}}}\n; ROI npts: {count}\n"
        rows = [
            f"{i:6d}{col + 1:6d}{row + 1:6d}  271460.00  3290300.00 29.7 -95.3 1233.0"
            for i, (row, col) in enumerate(places, 1)
        ]
        blocks.append((told, "\n".join(rows) + "\n\n"))
    head = (
        f"; ENVI Output of ROIs (4.8) [Mon Jan 07 2013]\n; Number of ROIs: {len(pixels)}\n; File Dimension: {size}\n;\n"
    )
    line = f";   {columns}\n"
    if first:
        return head + "".join(told for told, _ in blocks) + line + "".join(rows for _, rows in blocks)
    return head + "".join(told + line + rows for told, rows in blocks)


def save(path, *args, **options):
    path.write_text(text(*args, **options))
    return path


@pytest.mark.parametrize("first", [False, True])
def test_regions_become_classes(tmp_path, first):
    path = save(tmp_path / "TR.txt", first=first)
    assert is_roi_text(path)
    found = roi_labels(path, GRID)
    expected = np.zeros((ROWS, COLS), int)
    for value, places in enumerate(PIXELS.values(), start=1):
        for place in places:
            expected[place] = value
    np.testing.assert_array_equal(found.labels, expected)
    assert found.classes.names == ("grass_healthy", "road", "water")
    assert found.classes.colors == ("#00cd00", "#c86400", "#0000ff")
    assert found.counts == {"regions": 3, "pixels_labelled": 6, "pixels_claimed_by_two_classes": 0}


def test_a_given_table_rules(tmp_path):
    path = save(tmp_path / "TR.txt")
    table = ClassTable.from_names(["Water", "Road", "Grass healthy"])
    assert roi_labels(path, GRID, table).labels[0, 0] == 3
    renamed = ClassTable.from_names(["Healthy grass", "Road", "Water"])
    with pytest.raises(UnknownNameError, match="'grass_healthy'"):
        roi_labels(path, GRID, renamed)
    values = {"grass_healthy": 1, "road": 2, "water": 3}
    found = roi_labels(path, GRID, renamed, values)
    assert found.labels[4, 4] == 3
    assert found.classes is renamed


def test_pixels_of_two_classes_are_unlabelled(tmp_path):
    pixels = PIXELS | {"water": [(2, 3), (4, 5), (4, 5)]}
    found = roi_labels(save(tmp_path / "a.txt", pixels), GRID)
    assert found.labels[2, 3] == 0
    assert found.labels[4, 5] == 3
    assert found.counts["pixels_claimed_by_two_classes"] == 1


@pytest.mark.parametrize("first", [False, True])
def test_counts_are_checked(tmp_path, first):
    with pytest.raises(WorkbenchError, match=r"a\.txt: region 'road' declares 4 pixels and \d were found.*again"):
        read_regions(save(tmp_path / "a.txt", counts={"road": 4}, first=first))
    whole = text(first=first)
    (tmp_path / "half.txt").write_text(whole[: whole.rindex("3290300") - 30])
    with pytest.raises(WorkbenchError, match=r"'water' declares 2 pixels|ID, X and Y were expected"):
        read_regions(tmp_path / "half.txt")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"size": "1905 x 349"}, "an image of 349 rows x 1905 columns, and the scene has 6 x 9"),
        ({"size": "many"}, "'columns x rows' was expected"),
        ({"pixels": {"road": [(6, 0)]}}, "X=1, Y=7 of 'road' lies outside"),
        ({"pixels": {"road": [(-1, 0)]}}, "X=1, Y=0 of 'road' lies outside"),
        ({"columns": "Map X   Map Y"}, "must start with ID, X, Y"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path, options, told):
    with pytest.raises(WorkbenchError, match=told):
        roi_labels(save(tmp_path / "a.txt", **options), GRID)


def test_other_files(tmp_path):
    (tmp_path / "a.txt").write_text("400\n500\n")
    assert not is_roi_text(tmp_path / "a.txt")
    with pytest.raises(WorkbenchError, match="before any 'ROI name'"):
        read_regions(tmp_path / "a.txt")
    (tmp_path / "b.txt").write_text("")
    with pytest.raises(WorkbenchError, match="no ENVI export"):
        read_regions(tmp_path / "b.txt")
    with pytest.raises(WorkbenchError, match="missing"):
        read_regions(tmp_path / "c.txt")


def test_labels_of_an_import(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    np.save(tmp_path / "hsi.npy", np.ones((ROWS, COLS, 2), np.float32))
    from workbench.scenes import ModalitySource

    source = ModalitySource(path=tmp_path / "hsi.npy", axes="y,x,band")
    scene = import_scene("place", {"hsi": source}, labels=save(tmp_path / "TR.txt"))
    assert np.bincount(scene.read_labels().ravel()).tolist() == [48, 3, 1, 2]
    assert "6 pixels labelled" in scene.attrs["alignment"]["notes"][0]
