"""Where a map's class areas are shown, the head of the column says that they are counted, not estimated."""

import numpy as np
import pytest

from workbench.analysis.area import MAPPED
from workbench.runs import open_run_folder
from workbench.scenes import ClassTable, open_scene
from workbench.views.maps import class_map, label_and_class_map, mapped_area


@pytest.mark.parametrize("make", [class_map, label_and_class_map])
def test_pictures_of_class_maps(small_world, make):
    picture = make(open_run_folder(small_world.run), open_scene("small"))
    assert "mapped area (pixel count), not an estimate" in picture.html()
    assert picture.table[MAPPED].sum() == 72 * 96 - 4 * 5  # the scene's pixels with data
    assert "drawn pixels" not in picture.table


def test_counts():
    table = mapped_area(np.array([[1, 1, 0], [2, 1, 0]]), ClassTable.from_names(["low", "high"]))
    assert table[MAPPED].tolist() == [3, 1]
    assert table["% of the map"].tolist() == [75, 25]
