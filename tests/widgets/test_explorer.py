"""The controls of JupyterLab: by their values, and once in a real JupyterLab."""

import subprocess
import time
import urllib.request
from urllib.error import URLError

import numpy as np
import pytest

from workbench.base.errors import UnknownNameError
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, open_scene, write_scene
from workbench.widgets import SceneExplorer


def pixels(explorer):
    return np.asarray(explorer.map_figure.renderers[0].data_source.data["image"][0])


def line(explorer):
    drawn = np.concatenate(
        [np.asarray(y, float) for y in explorer.spectrum_figure.renderers[-1].data_source.data["ys"]]
    )
    return drawn[np.isfinite(drawn)]


def test_it_begins_with_the_true_colour_composite_and_the_middle_pixel(small_world):
    scene = open_scene("small")
    explorer = SceneExplorer(scene)
    assert explorer.layer.bands == (4, 2, 1)
    assert (explorer.row.value, explorer.col.value) == (36, 48)
    np.testing.assert_allclose(line(explorer), scene.spectrum("hsi", 36, 48), rtol=1e-6)
    assert "row 36, column 48" in explorer.legend.value


def test_bands_change_the_map_and_pixels_the_spectrum(small_world):
    scene = open_scene("small")
    explorer = SceneExplorer(scene)
    figure, before = explorer.map_figure, pixels(explorer).copy()
    explorer.bands[0].value = 8
    assert explorer.layer.bands == (8, 2, 1)
    assert not np.array_equal(before, pixels(explorer))
    explorer.row.value, explorer.col.value = 5, 7
    np.testing.assert_allclose(line(explorer), scene.spectrum("hsi", 5, 7), rtol=1e-6)
    ring = figure.renderers[-1].data_source.data
    assert (ring["x"][0], ring["y"][0]) == scene.position_of(5, 7)
    assert explorer.selection.pixels == [(5, 7)]
    assert explorer.map_figure is figure


def test_another_modality_offers_its_bands(small_world):
    explorer = SceneExplorer(open_scene("small"))
    explorer.modality.value = "sar"
    assert [label for label, _ in explorer.bands[0].options] == ["VV", "VH"]
    assert explorer.layer.bands == (0,)
    assert [control.layout.display for control in explorer.bands] == ["", "none", "none"]
    assert "backscatter dB" in explorer.bar.value
    explorer.bands[0].value = 1
    assert explorer.layer.title == "sar: VH"


def test_pixels_outside_are_not_reached(small_world):
    explorer = SceneExplorer(open_scene("small"))
    explorer.row.value = 10_000
    assert explorer.row.value == 71


def test_without_labels(small_world):
    explorer = SceneExplorer(open_scene("blank"))
    assert len(line(explorer)) == 5
    with pytest.raises(UnknownNameError):
        SceneExplorer(open_scene("blank"), "hsi")


def test_tiles_of_a_collection(tmp_path):
    def tile(name, shape):
        array = np.random.default_rng(1).random((3, *shape)).astype("float32")
        return TileDraft(name, {"rgb": (array, ModalityInfo.of("rgb", array))})

    both = write_scene(tmp_path / "c.zarr", [tile("a", (20, 30)), tile("b", (8, 9))], ClassTable())
    explorer = SceneExplorer(both)
    explorer.tile.value = 1
    assert explorer.scene.name == "b"
    assert (explorer.row.value, explorer.row.max, explorer.col.max) == (7, 7, 8)
    np.testing.assert_allclose(line(explorer), both["b"].spectrum("rgb", *explorer.selection.pixels[-1]), rtol=1e-6)


def test_display_packs_what_is_shown_now(small_world):
    explorer = SceneExplorer(open_scene("small"))
    place = explorer._places[0]
    explorer.bands[0].value = 8
    stale = place.render_bundle
    assert "application/vnd.jupyter.widget-view+json" in explorer._repr_mimebundle_()
    assert place.render_bundle is not stale


def test_presets_indices_and_stretch(small_world):
    explorer = SceneExplorer(open_scene("small"))
    before = pixels(explorer).copy()
    explorer.preset.value = "Minimum noise fraction (hsi)"
    assert explorer.layer.kind == "mnf"
    assert not np.array_equal(before, pixels(explorer))
    explorer.index.value = "NDVI"
    assert explorer.preset.value == "Spectral index"
    assert explorer.layer.index == "NDVI"
    before = pixels(explorer).copy()
    explorer.stretch.value = (10, 90)
    assert explorer.look.stretch == (10, 90)
    assert not np.array_equal(before, pixels(explorer))
    explorer.look.bands = (1, 2, 3)  # set from outside
    assert [control.value for control in explorer.bands] == [1, 2, 3]
    assert explorer.layer.bands == (1, 2, 3)


def test_taps_collect_pixels_that_are_saved(small_world, tmp_path):
    from workbench.spectra.library import read_csv

    scene = open_scene("small")
    explorer = SceneExplorer(scene)
    explorer._tapped(*scene.position_of(5, 7), False)
    explorer.keep.value = True
    explorer._tapped(*scene.position_of(30, 40), False)
    assert explorer.selection.pixels == [(5, 7), (30, 40)]
    assert len(explorer.spectrum_figure.renderers[-1].data_source.data["xs"]) == 2
    assert [picture.title for picture in explorer.profile().pictures][1:] == [
        "Height (m) along the line, lidar",
        "Backscatter dB along the line, sar",
        "Reflectance along the line, hsi",
    ]
    explorer.folder.value = str(tmp_path / "spectra")
    explorer.save.click()
    assert "hsi.sli" in explorer.said.value
    np.testing.assert_allclose(read_csv(tmp_path / "spectra" / "hsi.csv").values[1], scene.spectrum("hsi", 30, 40))
    explorer.clear.click()
    assert explorer.selection.pixels == [(30, 40)]


def test_taps_draw_a_line_with_what_lies_along_it(small_world, tmp_path):
    import pandas as pd

    scene = open_scene("small")
    explorer = SceneExplorer(scene)
    assert explorer.along.layout.display == "none"
    explorer.taps.value = "line"
    assert explorer.along.layout.display == ""
    first = explorer.line.read[0].found
    assert (first.row.min(), first.row.max(), len(first.distance)) == (36, 36, 96)  # across the middle
    explorer._tapped(*scene.position_of(5, 7), False)
    assert explorer.selection.pixels == [(36, 48)]  # taps draw now, and pick nothing
    # what the page tells: corners of a line down a column
    (x, top), (_, bottom) = scene.position_of(10, 20), scene.position_of(30, 20)
    trace = explorer.line.line._trace
    trace.data = {"x": [x, x], "y": [top, bottom], "size": [12, 7]}
    shown = explorer._places[2]._model.renderers[1].data_source.data["y"]
    np.testing.assert_array_equal(shown, scene.read("lidar")[0, 10:31, 20])
    assert "Height (m) along the line, lidar" in explorer.line_words[0][0].value
    (choice,) = explorer.line_bands.children
    choice.value = 8
    drawn = explorer._places[4]._model.renderers[1].data_source.data["y"]
    np.testing.assert_array_equal(drawn, scene.read("hsi")[8, 10:31, 20])
    explorer.folder.value = str(tmp_path / "kept")
    explorer.save_profile.click()
    kept = pd.read_csv(tmp_path / "kept" / "profile.csv")
    np.testing.assert_allclose(kept["sar 2"], scene.read("sar")[1, 10:31, 20], rtol=1e-6)
    trace.data = {"x": [0, 1], "y": [0, 1], "size": [12, 7]}
    assert "lies outside" in explorer.line_said.value
    assert explorer.line_words[0][0].value == ""
    explorer.through.click()
    assert "keep two or more" in explorer.line_said.value
    explorer.taps.value = "pick"
    explorer._tapped(*scene.position_of(5, 7), True)
    explorer.taps.value = "line"
    explorer.through.click()
    assert explorer.line.line.vertices == [scene.position_of(36, 48), scene.position_of(5, 7)]
    assert "from (" not in explorer.line_said.value


def test_the_line_is_of_the_tile_that_is_shown(tmp_path):
    def tile(name, shape):
        array = np.random.default_rng(1).random((3, *shape)).astype("float32")
        return TileDraft(name, {"rgb": (array, ModalityInfo.of("rgb", array))})

    both = write_scene(tmp_path / "c.zarr", [tile("a", (20, 30)), tile("b", (8, 9))], ClassTable())
    explorer = SceneExplorer(both)
    explorer.taps.value = "line"
    assert len(explorer.line.read[0].found.distance) == 30
    explorer.tile.value = 1
    assert len(explorer.line.read[0].found.distance) == 9
    assert explorer._places[2]._model is explorer.line.frames.figures[0]


def test_classes_are_chosen(small_world):
    explorer = SceneExplorer(open_scene("small"))
    explorer.classes.value = (2,)
    assert explorer._spectrum.known.classes.values == (2,)
    assert "meadow" not in explorer.legend.value
    assert len(line(explorer)) == 10


@pytest.mark.long
@pytest.mark.browser
def test_in_jupyterlab(small_world, tmp_path, chromium_path):
    """Open the notebook, run it all, change the preset, tap the map, draw a line: what the browser shows changes."""
    import shutil

    from playwright.sync_api import sync_playwright

    from workbench.reports.lab import lab_command, lab_environment
    from workbench.reports.notebooks import notebook_folder

    shutil.copytree(notebook_folder(), tmp_path / "notebooks")
    notebook = tmp_path / "notebooks" / "explore.ipynb"
    notebook.write_text(notebook.read_text().replace('scene: str = \\"demo\\"', 'scene: str = \\"small\\"'))
    options = ("--no-browser", "--ServerApp.port=8931", "--IdentityProvider.token=", "--allow-root")
    with open(tmp_path / "log", "w") as log:
        server = subprocess.Popen(
            lab_command(notebook.parent, *options), env=lab_environment(), stdout=log, stderr=subprocess.STDOUT
        )
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen("http://127.0.0.1:8931/api")
                break
            except URLError:
                time.sleep(0.5)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            remote = []
            page.on("request", lambda request: remote.append(request.url))
            page.goto("http://127.0.0.1:8931/lab/tree/explore.ipynb")
            page.get_by_text("| Idle").wait_for(timeout=90_000)
            page.get_by_role("menuitem", name="Run", exact=True).click()
            page.get_by_text("Run All Cells", exact=True).click()
            page.wait_for_function("() => document.body.innerText.includes('[14]:')", timeout=120_000)
            select = page.locator(".jupyter-widgets select").first
            for _ in range(60):  # the notebook draws only the cells in sight
                if select.count() and select.is_visible():
                    break
                page.mouse.move(700, 600)
                page.mouse.wheel(0, -300)
                page.wait_for_timeout(300)
            canvas = page.locator(".jupyter-widgets canvas").first
            canvas.wait_for(state="visible")
            page.wait_for_timeout(1500)
            before = canvas.screenshot()
            select.select_option("Height (lidar)")
            page.wait_for_timeout(2500)
            assert canvas.screenshot() != before
            box = canvas.bounding_box()
            page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.4)
            page.wait_for_timeout(2000)
            told = page.locator(".wb-legend li", has_text="row ").first.inner_text()
            assert "row 36, column 48" not in told, told
            page.get_by_role("button", name="Taps draw a line").click()
            along = page.locator(".jupyter-widgets small", has_text="the nearest pixel of each").first
            along.wait_for()
            assert "96 points" in along.inner_text()
            canvas.scroll_into_view_if_needed()
            box = canvas.bounding_box()
            for x, y in ((0.3, 0.3), (0.5, 0.5)):
                page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
                page.wait_for_timeout(1000)
            assert "96 points" not in along.inner_text()
            assert page.locator(".wb-legend li", has_text="row ").first.inner_text() == told
            assert all("127.0.0.1" in url or url.startswith(("data:", "blob:")) for url in remote)
            browser.close()
    finally:
        server.terminate()
        server.wait(30)
