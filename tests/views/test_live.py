"""Maps and spectra that change in place."""

import numpy as np

from workbench.scenes import open_scene
from workbench.views.backend import hv
from workbench.views.layers import find_layer
from workbench.views.live import LiveMap, LiveSpectrum, colorbar_html
from workbench.views.raster import raster
from workbench.views.selection import Selection
from workbench.views.style import PICKED


def test_map_changes_pixels_and_rings_in_the_same_figure(small_world):
    scene = open_scene("small")
    live = LiveMap(scene, 1, None)
    plot = hv.renderer("bokeh").get_plot(live.element)
    image, ring = plot.state.renderers[0].data_source, plot.state.renderers[-1]
    live.show(raster(scene, find_layer(scene)).rgba)
    before = np.asarray(image.data["image"][0]).copy()
    live.show(raster(scene, find_layer(scene, "VV (sar)")).rgba)
    assert not np.array_equal(before, image.data["image"][0])
    live.mark([(3, 4)])
    x, y = scene.position_of(3, 4)
    assert (ring.data_source.data["x"][0], ring.data_source.data["y"][0]) == (x, y)
    assert list(ring.data_source.data["color"]) == [PICKED[0]]
    assert plot.state.renderers[0].data_source is image


def test_spectrum_follows_the_pixel(small_world):
    scene = open_scene("small")
    live = LiveSpectrum(scene, scene, "hsi", None)
    plot = hv.renderer("bokeh").get_plot(live.element)
    live.mark([(3, 4)])
    line = plot.state.renderers[-1].data_source
    drawn = np.concatenate([np.asarray(y, float) for y in line.data["ys"]])
    np.testing.assert_allclose(drawn[np.isfinite(drawn)], scene.spectrum("hsi", 3, 4), rtol=1e-6)
    live.mark([(30, 40), (5, 6)])
    assert [entry.color for entry in live.legend()] == list(line.data["color"]) == list(PICKED[:2])


def test_colour_bar_has_limits_and_unit(small_world):
    scene = open_scene("small")
    bar = colorbar_html(raster(scene, find_layer(scene, "Height (lidar)")))
    assert "height (m)" in bar
    assert colorbar_html(raster(scene, find_layer(scene))) == ""


def test_selection_keeps_eight_colours_and_drops_pixels_of_another_scene():
    selection = Selection(scene="a")
    seen = []
    selection.watch(lambda: seen.append(len(selection.pixels)))
    for number in range(10):
        selection.pick(number, 0, add=True)
    assert selection.pixels == [(number, 0) for number in range(2, 10)]
    assert sorted(selection.colors) == sorted(PICKED)
    before = dict(selection.colored)
    selection.drop(4, 0)
    assert selection.pixels == [(2, 0), (3, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0)]
    assert dict(selection.colored).items() <= before.items()  # nobody else's colour changed
    selection.pick(1, 1, add=True)
    assert dict(selection.colored)[(1, 1)] == before[(4, 0)]
    selection.pick(5, 5)
    assert selection.pixels == [(5, 5)]
    selection.go("b")
    assert selection.pixels == []
    assert seen[-2:] == [1, 0]


def test_a_detail_lies_where_its_pixels_are(small_world):
    scene = open_scene("small")
    live = LiveMap(scene, 1, None)
    plot = hv.renderer("bokeh").get_plot(live.element)
    seen = []
    live.on_view(seen.append)
    (x0, y0), (x1, y1) = scene.position_of(10, 20), scene.position_of(29, 39)
    live._view.data = {"x": [x0, x1], "y": [y1, y0]}
    assert seen == [(slice(10, 30), slice(20, 40))]
    rgba = np.zeros((20, 20, 4), np.uint8)
    rgba[0, 0] = 255  # the upper left pixel
    live.show_detail(rgba, seen[0])
    source = plot.state.renderers[1].data_source
    assert plot.state.renderers[1].level == plot.state.renderers[0].level  # or it would be drawn underneath
    assert (source.data["x"][0], source.data["y"][0]) == (x0 - 1, y1 - 1)  # two metres a pixel
    assert source.data["image"][0][-1, 0] == 0xFFFFFFFF  # Bokeh draws the last row on top
    live.show(raster(scene, find_layer(scene)).rgba)
    assert len(source.data["image"]) == 0
