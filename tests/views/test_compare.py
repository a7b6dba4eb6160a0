"""Pictures of a comparison: what they say, without their colours too."""

import numpy as np
import pytest

from workbench.analysis.friedman import friedman
from workbench.base.errors import WorkbenchError
from workbench.experiments import compare_runs, map_scene, open_run, train
from workbench.scenes import open_scene
from workbench.views import compare_choice
from workbench.views.compare_classes import per_class_dots
from workbench.views.compare_cost import cost_picture
from workbench.views.compare_headline import (
    comparison_headline,
    comparison_table,
    comparison_verdict,
    pairs_table,
    repetitions_table,
)
from workbench.views.compare_maps import map_differences, pixel_differences, where_they_differ
from workbench.views.compare_matrix import significance_matrix
from workbench.views.compare_ranks import rank_picture
from workbench.views.picture import bokeh_model


@pytest.fixture
def runs(small_world):
    """The network of the small world, and a k-NN on its split."""
    network = open_run(small_world.run)
    return [network, train(network.scene, "knn", split=network.split, progress=False)]


@pytest.fixture
def compared(runs):
    return compare_runs(runs)


def texts(picture):
    """Every text drawn in a figure."""
    figure = bokeh_model(picture.element)
    found = []
    for renderer in figure.renderers:
        data = renderer.data_source.data
        found += [str(value) for name in data for value in data[name] if isinstance(value, str)]
    return found


def test_every_picture_has_words_a_table_and_no_script(compared, runs):
    scene = open_scene("small")
    pictures = [
        significance_matrix(compared),
        per_class_dots(compared),
        cost_picture(compared),
        *where_they_differ(compared, runs, scene).pictures,
    ]
    for picture in pictures:
        html = picture.html()
        assert picture.description
        assert "As a table" in html
        assert "<script>alert(1)</script>" not in html
        assert "nan" not in picture.table.to_string().lower().split()
    head = comparison_headline(compared, runs, scene).text
    assert "<script>alert" not in head
    assert "Synthetic scene: fusion wins by construction." in head
    assert "Class map of small by fusatnet" in head


def test_the_matrix_speaks_without_colour(compared):
    picture = significance_matrix(compared)
    (pair,) = compared.pairs
    drawn = texts(picture)
    points = 100 * pair.blocks["oa"].difference
    marks = {True: ("▲", "▼"), False: ("≈", "≈"), None: ("?", "?")}[pair.told_apart]
    assert any(text.startswith(f"{marks[0]} {points:+.1f}") for text in drawn)
    assert any(text.startswith(f"{marks[1]} {-points:+.1f}") for text in drawn)
    assert len(picture.table) == 1


def test_controls_stand_on_top(compared):
    text = comparison_table(compared).text
    places = [text.index(word) for word in ("class of the nearest training pixel", compared.runs[0].label)]
    assert places == sorted(places)
    assert "p (McNemar, Holm)" in pairs_table(compared).text
    assert "how far another seed would move" in repetitions_table(compared).text


def test_verdict(compared):
    words = comparison_verdict(compared)
    assert words.startswith(f"{compared.runs[0].label} has the highest overall accuracy")
    assert "pairs apart" in words or "cannot be said" in words
    alone = compare_runs([compared.runs[0].run])
    assert "no other run" in comparison_verdict(alone)
    assert pairs_table(alone).text == ""
    assert significance_matrix(alone).figures["pairs"] == 0
    assert "no other to differ from" in where_they_differ(alone, [], open_scene("small")).notes[0]


def test_pixels_are_counted_by_who_has_them_right(compared, runs):
    first, second = runs
    picture = pixel_differences(first, second, open_scene("small"), 0, ("a", "b"))
    pair, sign = compared.pair("fusatnet", "knn")
    only = (pair.pixels.only_first, pair.pixels.only_second)[:: 1 if sign > 0 else -1]
    assert picture.table["test pixels"].tolist() == [pair.pixels.both_right, pair.pixels.both_wrong, *only]
    assert picture.table["test pixels"].sum() == compared.pixels


def test_maps_differ_where_they_differ(runs):
    first, second = runs
    scene = open_scene("small")
    if second.map_path("small") is None:
        with pytest.raises(WorkbenchError, match=rf"b has no class map .* workbench map {second.id}"):
            map_differences(first, second, scene, ("a", "b"))
    map_scene(second)
    picture = map_differences(first, second, scene, ("a", "b"))
    one, other = (run.predict()["small"] for run in runs)
    seen = (one > 0) & (other > 0)
    assert picture.figures["share_of_map"] == pytest.approx(((one != other) & seen).sum() / seen.sum())
    assert picture.table["drawn pixels"].sum() == ((one != other) & seen).sum()


def test_runs_are_chosen_by_the_newest_split(runs, small_world, monkeypatch):
    monkeypatch.setattr(compare_choice, "newest_run", lambda: runs[1])  # others of the session train too
    chosen = [run.id for run in compare_choice.chosen_runs()]
    assert {run.id for run in runs} <= set(chosen)
    assert [run.id for run in compare_choice.chosen_runs([small_world.run])] == [small_world.run]
    assert compare_choice.scene_of(runs).name == "small"


def test_ranks_are_written_beside_their_models():
    rng = np.random.default_rng(0)
    found = friedman(rng.random((6, 5)), list("abcde"), list("uvwxyz"))
    picture = rank_picture(found)
    drawn = texts(picture)
    for model, rank in zip(found.models, found.average_ranks, strict=True):
        assert f"{model}  {rank:.2f}" in drawn
    assert f"critical difference {found.critical_difference:.2f}" in drawn
    assert picture.table["average rank"].is_monotonic_increasing
