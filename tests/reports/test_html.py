"""The reports as a reader gets them: one file, offline, light and dark, on screen and on paper."""

import re

import pytest

from workbench.experiments import map_scene, open_run, train
from workbench.reports import report

REPORTS = {
    "explore": {"scene": "small"},
    "train": {"scene": "small", "view": "dense", "width": 0.03, "epochs": 1},
    "attention": {"count": 2},
    "errors": {},
    "compare": {},
    "across": {},
}
PLOTS = {"explore": 27, "train": 4, "attention": 3, "errors": 34, "compare": 5, "across": 1}


@pytest.fixture(scope="module")
def made():
    return {}


def beside(name):
    """The id of a k-NN on the split of a run, mapped."""
    run = open_run(name)
    other = train(run.scene, "knn", split=run.split, progress=False)
    map_scene(other)
    return other.id


@pytest.fixture(params=REPORTS)
def finished(request, small_world, made):
    """A report, made once."""
    name = request.param
    if name not in made:
        parameters = dict(REPORTS[name])
        if name in ("attention", "errors"):
            parameters["run"] = small_world.run
        if name == "errors":
            parameters["compare"] = [small_world.run]
        if name in ("compare", "across"):
            parameters["runs"] = [small_world.run, beside(small_world.run)]
        made[name] = report(name, progress=False, **parameters)
    return name, made[name]


@pytest.mark.browser
def test_report(finished, offline_page):
    name, done = finished
    assert done.finished
    assert done.metrics["title"]
    text = done.html.read_text()
    assert 2 <= len(text) / 1e6 * 2 <= 12
    assert not re.search(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="(?!data:)', text)
    page = offline_page.page
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.emulate_media(color_scheme="dark")
    page.goto(done.html.as_uri())
    page.wait_for_function("() => Bokeh.documents.length > 0 && Bokeh.documents.every(d => d.is_idle)")
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").count() == 1
    assert page.title() == page.locator("h1").inner_text()
    assert page.locator(".wb-plot canvas").first.is_visible()
    assert page.locator(".wb-plot").count() == PLOTS[name]
    assert page.locator("img:not([alt]), img[alt='']").count() == 0
    assert "Synthetic scene: fusion wins by construction." in page.locator("main").inner_text()
    # first screen: title, verdict, score with its controls, small maps, without scrolling
    parts = ["h1", ".verdict"]
    parts += [".wb-maps img"] if name != "across" else []  # it is about several splits or scenes
    parts += {"explore": [], "across": [".wb-score"]}.get(name, [".wb-score", ".wb-controls"])
    for part in parts:
        box = page.locator(part).first.bounding_box()
        assert box["y"] + min(box["height"], 60) < 800, part
    assert not page.locator(".highlight").first.is_visible()
    page.locator("label.wb-toggle").click()
    assert page.locator(".highlight").first.is_visible()
    assert not dialogs

    # dark text on a dark page would be unreadable: Bokeh takes its colours from the page
    colour = "() => getComputedStyle(document.body).getPropertyValue('--bk-axis-label-text-color')"
    dark = page.evaluate(colour)
    page.emulate_media(color_scheme="light")
    assert page.evaluate(colour) != dark

    # on paper every picture is a copy in the colours of paper
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    sizes = page.evaluate("() => [...document.querySelectorAll('canvas.wb-print')].map(c => [c.width, c.height])")
    assert len(sizes) == PLOTS[name]
    assert all(min(size) > 100 for size in sizes)
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert page.locator("canvas.wb-print").count() == 0


def test_what_reports_say(finished):
    name, done = finished
    text = done.html.read_text()
    if name == "explore":
        assert done.metrics["labelled"].keys() >= {"1 meadow"}
        assert "every modality on this grid" in text
    elif name != "across":
        assert f"workbench train small --model {'' if name == 'compare' else 'fusatnet'}" in text
    if name in ("train", "errors"):
        assert 0 <= done.metrics["oa"] <= 1
        assert "coordinates_only" in done.metrics["controls"]
    if name == "errors":
        assert len(done.metrics["comparison"]) == 1
    if name == "compare":
        assert len(done.metrics["runs"]) == 2
        assert len(done.metrics["pairs"]) == 1
        assert "coordinates_only" in done.metrics["controls"]
    if name == "across":
        assert {group["name"] for group in done.metrics["groups"]} == {"fusatnet", "knn"}
        assert "control: class of the nearest training pixel" in text
        assert "a test needs two" in text
    if name == "attention":
        assert len(done.metrics["pixels"]) == 2
    assert "SceneExplorer" not in text  # controls belong to JupyterLab
