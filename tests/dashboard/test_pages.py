"""The pages of the dashboard without a browser, and what their process loads."""

import gc
import os
import subprocess
import sys
import weakref

import numpy as np
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
    assert PICKED[0] in page._picked.object
    assert f"{int(scene.read_labels()[5, 7])}" in page._facts.object
    page.tapped(0.0, 0.0)  # beside the scene
    assert page.selection.pixels == [(5, 7)]


def test_a_typed_pixel_does_the_same(page):
    page.row.value = 9
    assert page.selection.pixels == [(9, 48)]
    assert "row 9, column 48" in page._picked.object


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
    plots = [hv.renderer("bokeh").get_plot(live.element) for live in (page._map, page._spectrum)]
    remembered = [weakref.ref(page), weakref.ref(page._map), weakref.ref(page._spectrum)]
    for plot in plots:
        plot.cleanup()
    del plot, plots, page
    gc.collect()
    assert [reference() for reference in remembered] == [None, None, None]


def test_its_process_loads_no_torch(small_world):
    code = (
        "import sys; from workbench.dashboard.app import page; from workbench.dashboard.scenes_page import ScenesPage; "
        "from workbench.dashboard.reports_page import ReportsPage; page(); s = ScenesPage(); s.panels(); s.load(); "
        "s.layer.value = s.layer.options[-1]; r = ReportsPage(); r.go('#reports'); "
        "print(sorted({'torch', 'lightning', 'torchmetrics'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
