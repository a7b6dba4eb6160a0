"""Scores in words and tables."""

import numpy as np
import pytest

from workbench.analysis import scores as score
from workbench.views.picture import bokeh_model
from workbench.views.scores import (
    bayes_of,
    comparison,
    confusion_picture,
    confusions,
    figures,
    per_class,
    run_title,
    score_card,
    verdict,
    warnings_html,
)

MATRIX = np.array([[8, 2, 0], [1, 6, 3], [0, 0, 10]])


def metrics(protocol="blocks", inputs=None, **more):
    names = ["meadow", "crop", "<b>roof"]
    return {
        "scene": "demo",
        "model": "fusatnet",
        "view": "patch",
        "protocol": protocol,
        "seed": 0,
        "synthetic": False,
        "inputs": inputs or {"hsi": ["hsi"], "aux": ["lidar"]},
        "classes": [{"value": i + 1, "name": name, "color": "#112233"} for i, name in enumerate(names)],
        "test": score(MATRIX, [1, 2, 3]).to_dict(),
        "controls": {"coordinates_only": {"oa": 0.4, "aa": 0.4, "kappa": 0.1}, "majority_class": {"oa": 0.3}},
        **more,
    }


def test_score_card_holds_score_protocol_and_controls():
    card = score_card(metrics())
    assert "80.0 %" in card
    assert "blocks split" in card
    assert "nearest training pixel <b>40.0 %</b>" in card
    assert "amber" not in card


def test_an_ensemble_and_turns_are_named():
    plain = metrics()
    assert run_title(plain) == "FusAtNet on demo, blocks split"
    many = metrics(ensemble={"members": [{}, {}, {}]}, tta=True)
    assert run_title(many).startswith("FusAtNet (ensemble of 3, test-time augmentation) on demo")
    assert verdict(many).startswith("FusAtNet (ensemble of 3, test-time augmentation) gives")
    assert comparison([plain, many])["model"].tolist()[1] == "FusAtNet (ensemble of 3, test-time augmentation)"


def test_random_splits_wear_the_amber_tag_and_a_caution():
    assert '<span class="wb-tag amber">random split</span>' in score_card(metrics("random"))
    assert "says little" in verdict(metrics("random"))


def test_verdict_names_the_weakest_class_and_the_commonest_mistake():
    words = verdict(metrics())
    assert words.startswith("FusAtNet gives 80.0 % of the test pixels their right class, against 40.0 %")
    assert "finds 'crop' least often, in 60.0 % of its pixels" in words
    assert "takes 'crop' for '<b>roof'" in words
    assert words.count(". ") == 1  # two sentences


def test_verdict_is_held_against_the_best_control():
    better = metrics()
    better["controls"]["site_only"] = {"oa": 0.9}
    assert "no more than the 90.0 % of a rule that only knows the site" in verdict(better)


def test_objects_are_scored_beside_pixels():
    card = score_card(metrics(objects={"layer": "crown", "count": 1234, "oa": 0.5}))
    assert "<b>50.0 %</b><span>of 1,234 crowns, by majority" in card


def test_synthetic_scenes_say_so_and_names_are_escaped():
    html = warnings_html(metrics(synthetic=True, audit={"banner": "a <i> leak", "banner_level": "red"}))
    assert "Synthetic scene: fusion wins by construction." in html
    assert "A &lt;i&gt; leak." in html


def test_scores_on_a_map_are_agreement_everywhere():
    of_map = metrics(labels_are="a map product (Esri land cover)")
    table, runs = per_class(of_map), comparison([of_map, of_map])
    told = [score_card(of_map), verdict(of_map), warnings_html(of_map), *table.columns, *runs.columns]
    assert not [words for words in told if "accura" in words.lower()]
    assert "Overall agreement with the map" in score_card(of_map)
    assert "80.0 % of the test pixels the class of the map" in verdict(of_map)
    assert "a map product (Esri land cover)" in warnings_html(of_map)
    assert table.loc["2 crop", "producer's agreement %"] == 60.0
    assert runs["overall agreement with the map %"].tolist() == [80.0, 80.0]
    assert figures(of_map)["labels_are"] == "a map product (Esri land cover)"
    assert figures(metrics())["labels_are"] is None


def test_confusions_and_per_class_agree_with_the_matrix():
    table = confusions(metrics())
    assert table.iloc[0].tolist() == ["crop", "<b>roof", 3, 30.0]
    assert table["pixels"].sum() == MATRIX.sum() - MATRIX.trace()
    classes = per_class(metrics())
    assert classes.loc["2 crop", "producer's accuracy %"] == 60.0
    assert classes.loc["2 crop", "user's accuracy %"] == 75.0


def test_confusion_picture_puts_the_reference_in_rows():
    picture = confusion_picture(metrics())
    figure = bokeh_model(picture.element)
    image = next(r.data_source.data for r in figure.renderers if "image" in r.data_source.data)
    drawn = np.asarray(image["image"][0])[::-1]  # Bokeh's first row is the lowest
    assert drawn[0, 1] == pytest.approx(20.0)
    assert np.isnan(drawn[0, 2])
    assert picture.table.loc["1 meadow", "map 2"] == 2


def test_bayes_accuracy_is_that_of_the_modalities_used():
    bayes = {"pixel": {"all": 0.95, "hsi": 0.8, "lidar": 0.5, "hsi_lidar": 0.9, "sar": 0.4}}
    both = metrics(bayes=bayes)
    assert bayes_of(both) == 0.9
    alone = metrics(bayes=bayes, inputs={"hsi": ["hsi"], "aux": ["hsi"]})
    assert bayes_of(alone) == 0.8
    assert bayes_of(metrics(bayes=bayes, inputs={"hsi": ["hsi"], "aux": ["lidar", "sar"]})) == 0.95
    assert bayes_of(metrics()) is None
    table = comparison([both, alone])
    assert table["modalities"].tolist() == ["hsi + lidar", "hsi alone"]
    assert table["best rule per pixel %"].tolist() == [90.0, 80.0]


def test_a_run_without_scored_pixels():
    nothing = metrics() | {"test": None}
    assert "no score" in score_card(nothing)
    assert "could not be scored" in verdict(nothing)
