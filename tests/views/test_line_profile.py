"""A line on a live map, and the frames of what lies along it."""

import numpy as np
import pandas as pd
import pytest

from workbench.base.errors import WorkbenchError
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, open_scene, write_scene
from workbench.views.backend import hv
from workbench.views.line_profile import LineProfile
from workbench.views.line_tools import DrawnLine
from workbench.views.live import LiveMap

KINDS = {
    "map": (2.0, 0.0, 500_000.0, 0.0, -2.0, 5_400_000.0),
    "pixels": None,
    "rotated": (1.5, 0.5, 500_000.0, 0.5, -1.5, 5_400_000.0),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_lies_where_its_pixels_are(tmp_path, kind):
    height = np.arange(600, dtype=np.float32).reshape(1, 20, 30)
    modalities = {"dem": (height, ModalityInfo.of("dem", height))}
    crs = "EPSG:32633" if KINDS[kind] else None
    scene = write_scene(tmp_path / "s.zarr", [TileDraft("s", modalities, None, KINDS[kind], crs)], ClassTable())
    live = LiveMap(scene, 1, None)
    state = LineProfile(scene, live, None, lambda: None)
    figure = hv.renderer("bokeh").get_plot(live.element).state
    assert not any(renderer.visible for renderer in state.line._renderers)
    state.active = True
    assert all(renderer.visible for renderer in state.line._renderers)
    np.testing.assert_array_equal(state.read[0].found.values["dem"][:, 0], height[0, 10])
    x0, y0, x1, y1 = live.grid.bounds  # down the sixth column, as a reader taps it
    x, cell = x0 + (x1 - x0) / 30 * 5.5, (y1 - y0) / 20
    ys = [y0 + cell / 2, y1 - cell / 2] if live.grid.downwards else [y1 - cell / 2, y0 + cell / 2]
    state.line._trace.data = {"x": [x, x], "y": ys, "size": [12, 7]}
    np.testing.assert_allclose(state.line.vertices, [scene.position_of(0, 5), scene.position_of(19, 5)])
    found = state.read[0].found
    rows = np.floor(found.row + 0.5).astype(int)
    np.testing.assert_array_equal(found.values["dem"][:, 0], height[0, rows, 5])
    assert (rows[0], rows[-1]) == (0, 19)
    state.through([(0, 5), (19, 5)])
    np.testing.assert_allclose(state.line._trace.data["y"], ys)
    trace = next(one.data_source for one in figure.renderers if one.data_source is state.line._trace)
    assert list(trace.data["size"]) == [12, 7]  # one sees where it begins


def test_a_line_that_is_hidden_is_kept(small_world):
    line, seen = DrawnLine(LiveMap(open_scene("small"), 1, None)), []
    line.on_change(lambda: seen.append(len(line.vertices)))
    assert not line.active
    line.active = True
    line.show([(1.0, 2.0), (3.0, 4.0)])
    line.active = False
    assert line.vertices == [(1.0, 2.0), (3.0, 4.0)]
    line.show([])
    assert seen == [2, 0]


def test_frames_change_in_place(small_world):
    scene, seen = open_scene("small"), []
    state = LineProfile(scene, LiveMap(scene, 1, None), None, lambda: seen.append(len(state.read)))
    lidar, sar, hsi = figures = state.frames.figures
    assert hsi.x_range is lidar.x_range  # zooming into one zooms into all
    state.through([(10, 20), (10, 60), (30, 60)])
    assert [figure.yaxis.axis_label for figure in figures] == ["height (m)", "backscatter dB", "reflectance"]
    assert {figure.xaxis.axis_label for figure in figures} == {"distance (m)"}
    assert (lidar.x_range.start, lidar.x_range.end) == (0, 120)
    assert list(lidar.renderers[0].data_source.data["x"]) == [80]  # the corner between
    low, high = scene.read("sar")[:, 10:31, 60].min(), scene.read("sar")[:, 10, 20:61].max()
    assert sar.y_range.start < low
    assert sar.y_range.end > high
    np.testing.assert_array_equal(sar.renderers[2].data_source.data["y"][:41], scene.read("sar")[1, 10, 20:61])
    assert len(sar.renderers[3].data_source.data["x"]) == 0  # it has two bands
    state.turn("hsi", 2)
    np.testing.assert_array_equal(hsi.renderers[1].data_source.data["y"][:41], scene.read("hsi")[2, 10, 20:61])
    assert "550 nm" in state.words(2)[0]
    assert figures == state.frames.figures
    assert seen == [3, 3]
    with pytest.raises(WorkbenchError, match="two or more"):
        state.through([(1, 1)])


def test_where_nothing_was_measured_a_frame_is_empty_and_says_so(small_world):
    scene = open_scene("small")
    state = LineProfile(scene, LiveMap(scene, 1, None), 400, lambda: None)
    state.through([(0, 0), (3, 0)])
    assert "Nothing was measured along it." in state.words(0)[0]
    assert np.isnan(state.frames.figures[0].renderers[1].data_source.data["y"]).all()
    assert state.frames.figures[0].x_range is not state.frames.figures[1].x_range


def test_it_is_saved_with_every_band(small_world, tmp_path):
    scene = open_scene("small")
    state = LineProfile(scene, LiveMap(scene, 1, None), None, lambda: None)
    with pytest.raises(WorkbenchError, match="two or more different points"):
        state.save(tmp_path)
    assert list(tmp_path.iterdir()) == []
    state.through([(10, 20), (10, 60)])
    kept = pd.read_csv(state.save(tmp_path / "new"))
    assert list(kept.columns[:6]) == ["distance (m)", "x", "y", "row", "col", "hsi 1"]
    np.testing.assert_allclose(kept["hsi 10"], scene.read("hsi")[9, 10, 20:61], rtol=1e-6)
    np.testing.assert_allclose(kept["lidar 1"], scene.read("lidar")[0, 10, 20:61], rtol=1e-5)
