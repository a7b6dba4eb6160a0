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
    assert [pixel for pixel, _ in selection.colored] == [(number, 0) for number in range(2, 10)]
    assert [color for _, color in selection.colored] == list(PICKED)
    selection.pick(5, 5)
    assert selection.pixels == [(5, 5)]
    selection.go("b")
    assert selection.pixels == []
    assert seen[-2:] == [1, 0]
