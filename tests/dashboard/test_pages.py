"""The pages of the dashboard without a browser, and what their process loads."""

import gc
import os
import subprocess
import sys
import weakref

import numpy as np
import param
import pytest

from workbench.dashboard.reports_page import ReportsPage
from workbench.dashboard.scenes_page import ScenesPage
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, open_scene, write_scene
from workbench.views.backend import hv
from workbench.views.style import PICKED


@pytest.fixture
def page(small_world):
    scenes = ScenesPage()
    scenes.panels()
    scenes.load()
    return scenes


def test_it_opens_with_the_largest_scene_and_its_true_colours(page):
    assert page.scene.value == "small"
    assert page.layer.value == "True colour (hsi)"
    assert (page.row.value, page.col.value) == (36, 48)
    assert "Synthetic scene" in page._head.object


def test_layers_are_presets_labels_and_maps_of_runs(page, small_world):
    titles = list(page.layer.options)
    assert titles[0] == "True colour (hsi)"
    assert "Labels" in titles
    assert any(title.startswith("Class map: FusAtNet, dense view") for title in titles)
    assert any(title.startswith("Right and wrong") for title in titles)
    for title in titles:
        page.layer.value = title
        assert page._map is not None, title
    page.layer.value = "Height (lidar)"
    assert "height (m)" in page._legend.object
    page.labels_on_top.value = True
    assert "meadow" in page._legend.object


def test_a_tap_picks_the_pixel_under_it(page):
    scene = open_scene("small")
    page.tapped(*scene.position_of(5, 7))
    assert page.selection.pixels == [(5, 7)]
    assert (page.row.value, page.col.value) == (5, 7)
    np.testing.assert_array_equal(page._spectrum.picked[0][0], scene.spectrum("hsi", 5, 7))
    assert PICKED[0] in page.picks._words[0].object
    assert f"{int(scene.read_labels()[5, 7])}" in page._facts.object
    page.tapped(0.0, 0.0)  # beside the scene
    assert page.selection.pixels == [(5, 7)]


def test_a_typed_pixel_does_the_same(page):
    page.row.value = 9
    assert page.selection.pixels == [(9, 48)]
    assert "row 9, column 48" in page.picks._words[0].object


def test_pixels_are_collected_taken_away_and_saved(page, tmp_path):
    import zipfile

    from workbench.spectra.library import read_envi_library

    scene = open_scene("small")
    page.tapped(*scene.position_of(5, 7))
    page.picks.collect.value = ["Keep earlier pixels"]
    page.tapped(*scene.position_of(30, 40))
    page.picks.collect.value = []
    page.tapped(*scene.position_of(8, 9), True)  # Shift was held
    assert page.selection.pixels == [(5, 7), (30, 40), (8, 9)]
    assert [row.visible for row in page.picks._rows] == [True] * 3 + [False] * 5
    with zipfile.ZipFile(page.picks._packed()) as packed:
        packed.extractall(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir())[:3] == ["hsi.csv", "hsi.hdr", "hsi.sli"]
    kept = read_envi_library(tmp_path / "hsi.sli")
    np.testing.assert_array_equal(kept.values[1], scene.spectrum("hsi", 30, 40))
    color = dict(page.selection.colored)[(8, 9)]
    page.picks._remove(1)  # the second newest
    assert page.selection.pixels == [(5, 7), (8, 9)]
    assert color in page.picks._words[0].object
    assert [row.visible for row in page.picks._rows] == [True] * 2 + [False] * 6
    page.picks.clear.clicks += 1
    assert page.selection.pixels == [(8, 9)]


def slide(widget, value):
    """What the browser tells when a slider is let go."""
    with param.edit_constant(widget):
        widget.param.update(value=value, value_throttled=value)


def test_bands_wavelengths_stretch_and_index_change_the_map(page):
    def drawn():
        return np.asarray(page._map._raster.data).copy()

    page.look.stretch = (2, 98)
    before = drawn()
    slide(page.colours.bands[0], 8)
    assert page.layer.value == "Chosen bands"
    assert page.look.layer.bands == (8, 2, 1)
    assert not np.array_equal(before, drawn())
    page.colours.wavelengths.value = "1500, 700, 550"
    assert page.look.layer.bands == (8, 5, 2)
    assert [band.value for band in page.colours.bands] == [8, 5, 2]
    page.colours.wavelengths.value = "9000"
    assert "from 450 to 1550 nm" in page.colours._problem.object
    page.colours.wavelengths.value = "550; x"
    assert "one or three numbers" in page.colours._problem.object
    before = drawn()
    slide(page.colours.stretch, (10, 90))
    assert not np.array_equal(before, drawn())
    page.colours.index.value = "NDVI"
    assert page.layer.value == "Spectral index"
    assert "Bands: " in page._legend.object  # which bands it took, from the notes of the index
    page.colours.modality.value = "lidar"
    assert [band.visible for band in page.colours.bands] == [True, False, False]
    assert page.look.layer.kind == "band"
    picture = drawn()
    page.layer.value = "Spectral index"  # a height has none: it is said, and the last picture stays
    assert "Choose another modality" in page._legend.object
    np.testing.assert_array_equal(drawn(), picture)


def test_the_angle_follows_the_picked_pixel(page):
    page.layer.value = "Spectral angle to the last picked pixel"
    page.pick(5, 7)
    first = np.asarray(page._map._raster.data).copy()
    page.pick(30, 40)
    assert not np.array_equal(first, page._map._raster.data)
    assert "row 30, column 40" in page._legend.object


def test_polygons_are_shown_with_their_controls_and_taps_pick_pixels_otherwise(page):
    hv.renderer("bokeh").get_plot(page._map.element)
    drawn = page.labels.drawn
    assert not any(renderer.visible for renderer in drawn._renderers)
    page._tabs.active = 2
    assert all(renderer.visible for renderer in drawn._renderers)
    page.labels.mode.value = "draw"
    scene = open_scene("small")
    page.tapped(*scene.position_of(5, 7))
    assert page.selection.pixels == [(36, 48)]
    page._tabs.active = 0
    assert (page.labels.mode.value, drawn.mode) == ("look", "look")
    page.tapped(*scene.position_of(5, 7))
    assert page.selection.pixels == [(5, 7)]


def corners(page, *pixels):
    """What the browser tells after a line was drawn through pixels."""
    places = [page.shown.position_of(*pixel) for pixel in pixels]
    data = {"x": [x for x, _ in places], "y": [y for _, y in places], "size": [12, *[7] * len(places)][: len(places)]}
    page.profile.state.line._trace.data = data


def test_a_profile_follows_the_line_that_is_drawn(page):
    import pandas as pd

    scene, part = open_scene("small"), page.profile
    hv.renderer("bokeh").get_plot(page._map.element)
    line = part.state.line
    assert part.state.read == []  # nothing is read while nobody looks
    assert not any(renderer.visible for renderer in line._renderers)
    page._tabs.active = 3
    assert all(renderer.visible for renderer in line._renderers)
    titles = [words.object.split("</b>")[0].removeprefix("<p><b>") for words, _ in part._words]
    assert titles == [
        "Height (m) along the line, lidar.",
        "Backscatter dB along the line, sar.",
        "Reflectance along the line, hsi.",
    ]
    assert [figure.visible for figure in part.state.frames.figures] == [True] * 3
    page.tapped(*scene.position_of(5, 7))
    assert page.selection.pixels == [(36, 48)]  # taps draw
    corners(page, (10, 20))
    assert len(part.state.read[0].found.distance) == 96  # one point is no line: the last profile stays
    corners(page, (10, 20), (30, 20), (30, 25))
    found = part.state.read[0].found
    np.testing.assert_allclose(found.corners, (0, 40, 50))
    height = part.state.frames.figures[0].renderers[1].data_source.data["y"]
    np.testing.assert_array_equal(height[:21], scene.read("lidar")[0, 10:31, 20])
    assert "distance (m)" in part._words[0][1].object
    part.bands["hsi"].value = 8
    assert "1500 nm of 10 bands" in part._words[2][0].object
    saved = pd.read_csv(part._written())
    np.testing.assert_allclose(saved["hsi 9"][:21], scene.read("hsi")[8, 10:31, 20], rtol=1e-6)
    page._tabs.active = 0
    assert not any(renderer.visible for renderer in line._renderers)
    page.tapped(*scene.position_of(5, 7))
    assert page.selection.pixels == [(5, 7)]


def test_a_line_through_picked_pixels_one_outside_and_none(page):
    part = page.profile
    page.tapped(*page.shown.position_of(5, 7))
    page._tabs.active = 3
    assert part.through.disabled
    page._tabs.active = 0
    page.tapped(*page.shown.position_of(8, 9), True)  # Shift was held
    page._tabs.active = 3
    part.through.clicks += 1
    assert part.state.line.vertices == [page.shown.position_of(5, 7), page.shown.position_of(8, 9)]
    corners(page, (10, 80), (10, 120))
    assert "is cut: 25 of its 41 points lie outside" in part._words[0][0].object
    corners(page, (200, 200), (210, 200))
    assert "lies outside" in part._said.object
    assert part.save.disabled
    assert part._words[0][0].object == ""
    corners(page, (10, 10), (10, 20))
    assert (part._said.object, part.save.disabled) == ("", False)
    corners(page)  # taken back
    assert part.state.read == []
    assert not part.state.frames.figures[0].visible


def test_another_scene_begins_with_a_line_of_its_own(page):
    page._tabs.active = 3
    page.scene.value = "blank"
    assert list(page.profile.bands) == ["msi"]
    assert page.profile.state.read[0].distance == "distance (pixels)"
    assert len(page.profile._words) == 1


def test_labels_are_drawn_classes_changed_and_offered_as_a_scene(page, small_world):
    import shutil

    from workbench.scenes.layers import remove_label_layer

    labels = page.labels
    try:
        labels.train.clicks += 1
        assert "nothing to train on" in labels._said.object
        labels.class_name.value = "water"
        labels.add.clicks += 1
        assert labels.current.value == 4
        x0, y0 = open_scene("small").position_of(20, 30)
        square = {"xs": [[x0, x0 + 20, x0 + 20, x0]], "ys": [[y0, y0, y0 - 20, y0 - 20]]}
        labels.drawn._source.data = {**square, "value": [4], "color": ["#000000"], "key": [0]}
        assert list(labels.polygon.options) == ["1: 4 water"]
        assert "kept as a draft" in labels._said.object
        labels.train.clicks += 1
        assert "workbench train small@drawn" in labels._said.object
        assert "small@drawn" in page.scene.options
        page.scene.value = "small@drawn"
        assert page.shown.classes.names == ("water",)
        assert "Labels" in page.layer.options
        assert list(page.labels.polygon.options) == ["1: 4 water"]
    finally:
        if "drawn" in open_scene("small").label_layers:
            remove_label_layer(open_scene("small"), "drawn")
        shutil.rmtree(small_world.root / "data" / "labels", ignore_errors=True)


def test_no_data_is_said_in_words(page):
    page.pick(0, 0)
    assert "<dt>lidar</dt><dd>no data" in page._facts.object


def test_another_scene_without_labels_or_georeference(page):
    page.scene.value = "blank"
    assert not page.labels_on_top.visible
    assert "not georeferenced" in page._facts.object
    page.tapped(3.0, 4.0)
    assert page.selection.pixels == [(4, 3)]


def test_a_scene_larger_than_its_overview(tmp_path, monkeypatch):
    for name in ("data", "runs", "reports"):
        monkeypatch.setenv(f"WORKBENCH_{name.upper()}", str(tmp_path / name))
    height = np.arange(1030 * 26, dtype=np.float32).reshape(1, 1030, 26)
    labels = np.zeros((1030, 26), np.uint16)
    labels[1029, 25] = 1  # one labelled pixel, in the last and partial square
    draft = TileDraft("tall", {"dem": (height, ModalityInfo.of("dem", height))}, labels)
    write_scene(tmp_path / "data" / "tall.zarr", [draft], ClassTable.from_names(["only"]))
    page = ScenesPage()
    page.panels()
    page.load()
    assert page._map.grid.longest == 344  # three pixels a side
    page.layer.value = "Labels"
    page.layer.value = page.layer.options[0]
    page.labels_on_top.value = True
    assert "only" in page._legend.object
    page._map._view.data = {"x": [-0.5, 25.5], "y": [999.5, 1029.5]}  # zoomed in
    assert page._map._detail.data["image"][0].shape == (30, 26)
    assert (np.asarray(page._map._detail.data["image"][0]) != 0).sum() == 30 * 26
    page.layer.value = "Labels"
    assert (np.asarray(page._map._detail.data["image"][0]) != 0).sum() == 1
    page.tapped(25.0, 1028.6)
    assert page.selection.pixels == [(1029, 25)]
    assert page._spectrum.picked[0][0][0] == height[0, 1029, 25]
    assert "<dd>1 only" in page._facts.object


def test_class_names_are_escaped(page):
    page.layer.value = "Labels"
    for pane in (page._legend, page._known, page._facts):
        assert "<script>" not in pane.object
    assert "&lt;script&gt;" in page._legend.object


def test_a_broken_scene_says_what_to_do(page, small_world):
    store = small_world.root / "data" / "broken.zarr"
    store.mkdir(exist_ok=True)
    (store / "zarr.json").write_text("{")
    try:
        page.scene.options = [*page.scene.options, "broken"]
        page.scene.value = "broken"
        assert "Import" in page._map_place[0].object
        page.scene.value = "small"
        assert page._map is not None
    finally:
        (store / "zarr.json").unlink()
        store.rmdir()


def test_empty_states_tell_the_command(tmp_path, monkeypatch):
    for name in ("data", "runs", "reports"):
        monkeypatch.setenv(f"WORKBENCH_{name.upper()}", str(tmp_path / name))
    scenes, reports = ScenesPage(), ReportsPage()
    scenes.panels()
    scenes.load()
    assert "workbench demo" in scenes._map_place[0].object
    reports.go("#reports")
    assert "workbench report explore" in reports._open[0].object
    assert "workbench train demo" in reports._runs_list.object


def test_reports_page_lists_runs_with_scores_controls_and_protocol(small_world):
    reports = ReportsPage()
    reports.go("#scenes")
    assert reports._runs_list.object == ""  # nothing is read while nobody looks
    reports.go("#reports")
    html = reports._runs_list.object
    for words in ("FusAtNet on small", "Overall accuracy", "blocks split", "nearest training pixel", small_world.run):
        assert words in html
    reports.go("#reports/../../secret")
    assert "not there" in reports._open[0].object


def test_an_unfinished_run_shows_its_progress(small_world, monkeypatch, tmp_path):
    import shutil

    from workbench.base.files import write_json

    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path))
    shutil.copytree(small_world.root / "runs" / small_world.run, tmp_path / small_world.run)
    status = {
        "state": "running",
        "epoch": 3,
        "epochs": 9,
        "message": "training",
        "updated": "2026-01-01T00:00:00+00:00",
    }
    write_json(tmp_path / small_world.run / "status.json", status | {"pid": os.getpid()})
    reports = ReportsPage()
    reports.go("#reports")
    html = reports._runs_list.object
    assert "epoch 3 of 9" in html
    assert "Overall accuracy" not in html


def test_a_closed_page_gives_its_memory_back(small_world):
    page = ScenesPage()
    page.panels()
    page.load()
    page._tabs.active = 3
    plots = [hv.renderer("bokeh").get_plot(live.element) for live in (page._map, page._spectrum)]
    remembered = [weakref.ref(one) for one in (page, page._map, page._spectrum, page.profile.state)]
    for plot in plots:
        plot.cleanup()
    del plot, plots, page
    gc.collect()
    assert [reference() for reference in remembered] == [None] * 4


def test_its_process_loads_no_torch(small_world):
    code = (
        "import sys; from workbench.dashboard.app import page; from workbench.dashboard.scenes_page import ScenesPage; "
        "from workbench.dashboard.reports_page import ReportsPage; page(); s = ScenesPage(); s.panels(); s.load(); "
        "s.layer.value = s.layer.options[-1]; r = ReportsPage(); r.go('#reports'); "
        "print(sorted({'torch', 'lightning', 'torchmetrics'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
