"""The attention panel and the choice of pixels."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from bokeh.models import LinearColorMapper

from workbench.base.errors import WorkbenchError
from workbench.scenes import open_scene
from workbench.views.attention import as_pixels, attention_panel, choose_pixels, figures
from workbench.views.picture import bokeh_model
from workbench.views.style import DIVERGING


def result(row, col, reference, predicted):
    rng = np.random.default_rng(row)
    patch = {name: rng.random((bands, 11, 11)).astype("float32") for name, bands in (("hsi", 10), ("lidar", 1))}
    patch["hsi"][:, :3] = np.nan  # outside the tile
    return SimpleNamespace(
        row=row,
        col=col,
        patch=patch,
        maps={"spatial": rng.normal(size=(11, 11)).astype("float32")},
        vectors={},
        probabilities=np.array([0.1, 0.2, 0.7], np.float32),
        predicted=predicted,
        reference=reference,
    )


def test_panel_has_a_row_per_pixel_and_a_diverging_scale_around_zero(small_world):
    scene = open_scene("small")
    picture = attention_panel(scene, [result(3, 4, 1, 3), result(20, 30, 3, 3)], [1, 2, 3])
    assert len(picture.element) == 2 * 4  # two patches, one mask, the bars
    assert picture.table["answer"].tolist() == [scene.classes.name(3)] * 2
    mappers = bokeh_model(picture.element).select({"type": LinearColorMapper})
    diverging = {(mapper.low, mapper.high) for mapper in mappers if list(mapper.palette) == DIVERGING}
    assert len(diverging) == 2
    assert all(low == -high < 0 for low, high in diverging)
    assert "zero, which is neutral" in picture.description


def test_a_network_without_masks_over_positions_is_told(small_world):
    told = result(3, 4, 1, 3)
    told.maps = {}
    picture = attention_panel(open_scene("small"), [told], [1, 2, 3])
    assert len(picture.element) == 3  # two patches, the bars
    assert "no mask to draw" in picture.description
    assert "red raises" not in picture.description


def test_weights_from_zero_up_are_read_as_such(small_world):
    told = result(3, 4, 1, 3)
    told.maps = {"tokens": np.abs(told.maps["spatial"])}
    picture = attention_panel(open_scene("small"), [told], [1, 2, 3])
    assert "weight from zero up" in picture.description
    mappers = bokeh_model(picture.element).select({"type": LinearColorMapper})
    assert not [mapper for mapper in mappers if list(mapper.palette) == DIVERGING]


def test_figures_are_json_types(small_world):
    import json

    told = figures(open_scene("small").classes, {(0, 3, 4): result(3, 4, 0, 3)}, [1, 2, 3])
    assert json.loads(json.dumps(told))[0]["reference"] == "unlabelled"


def table(rows):
    return pd.DataFrame(rows, columns=["set", "tile", "row", "col", "reference", "predicted", "confidence"])


def test_a_right_and_a_wrong_pixel_of_the_most_confused_classes():
    frame = table(
        [
            ("validation", 0, 9, 9, 1, 2, 0.99),
            ("test", 0, 0, 0, 1, 2, 0.6),
            ("test", 0, 0, 1, 1, 2, 0.9),
            ("test", 0, 0, 2, 1, 1, 0.8),
            ("test", 0, 0, 3, 2, 3, 0.99),
            ("test", 1, 5, 5, 1, 1, 0.95),
        ]
    )
    assert choose_pixels(frame, 2) == [(1, 5, 5), (0, 0, 1)]
    assert choose_pixels(frame, 4) == [(1, 5, 5), (0, 0, 1), (0, 0, 3)]


def test_where_nothing_is_wrong_one_right_pixel_is_chosen():
    assert choose_pixels(table([("test", 0, 1, 2, 1, 1, 0.9)])) == [(0, 1, 2)]
    assert choose_pixels(table([])) == []


def test_pixels_are_read_and_checked():
    assert as_pixels([[1, 2], [3, 4, 5]]) == [(0, 1, 2), (3, 4, 5)]
    for wrong in ([[1]], ["ab"], [[1, 2.5]], [[True, 1]]):
        with pytest.raises(WorkbenchError, match="whole numbers"):
            as_pixels(wrong)
