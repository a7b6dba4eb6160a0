"""What is said and drawn of configurations over splits, and of models over scenes."""

from dataclasses import replace

import pandas as pd
import pytest

from workbench.experiments import compare_across, compare_scenes, open_run, train
from workbench.runs import list_runs
from workbench.splits import make_split
from workbench.views.across import across_headline, across_picture
from workbench.views.compare_choice import chosen_runs
from workbench.views.picture import bokeh_model


@pytest.fixture
def runs(small_world):
    """Two k-NN on two splits each."""
    scene = open_run(small_world.run).scene
    return [
        train(scene, "knn", split=make_split(scene, "blocks", 11, seed=seed), options={"neighbours": neighbours})
        for seed in (5, 6)
        for neighbours in (1, 5)
    ]


def test_over_splits(runs):
    found = compare_across(runs)
    html = across_headline(found).text
    assert html.index("control: class of the nearest training pixel") < html.index("knn, neighbours 1")
    assert "<h1>2 configurations on small, 2 splits (blocks)</h1>" in html
    assert html.index("fusion wins by construction") < html.index("control: class of the nearest")
    warned = replace(found, warnings=(("Look out.", "red"),))
    assert '<p class="wb-note red">Look out.</p>' in across_headline(warned).text
    picture = across_picture(found)
    drawn = {renderer.glyph.__class__.__name__ for renderer in bokeh_model(picture.element).renderers}
    assert {"Segment", "Scatter"} <= drawn
    words = [entry.words for entry in picture.legend]
    assert words == [*(group.title for group in found.groups), "control: class of the nearest training pixel"]
    assert set(words[:2]) == {"knn, neighbours 1", "knn, neighbours 5"}
    assert len(picture.table) == 4
    # a control has no mean IoU to draw
    assert len(across_picture(compare_across(runs, score="miou")).legend) == 2


def test_over_scenes():
    table = pd.DataFrame([[0.9, 0.8, 0.7]] * 3, index=["one", "two", "<b>"], columns=["a", "b", "c"])
    found = compare_scenes(table)
    assert "3 models on 3 scenes" in across_headline(found).text
    assert "&lt;b&gt;" in across_headline(found).text
    assert across_picture(found).title == "Ranks over 3 data sets"


def test_what_belongs_with_the_newest_run(runs, small_world):
    newest = next(run for run in list_runs() if run.finished).config
    over_splits = chosen_runs(over="splits")
    assert {run.config.scene_hash for run in over_splits} == {newest.scene_hash}
    assert {run.config.split.protocol for run in over_splits} == {newest.split.protocol}
    assert {run.id for run in runs} <= {run.id for run in over_splits}
    assert len({run.config.split.hash for run in over_splits}) > len({run.config.split.hash for run in chosen_runs()})
    assert {run.id for run in over_splits} <= {run.id for run in chosen_runs(over="scenes")}
