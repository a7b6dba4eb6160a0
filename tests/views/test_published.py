"""Published figures beside a run's, and what is said where the epoch was chosen on test."""

import numpy as np
import pytest

from tests.views.test_scores import metrics
from workbench.runs.published import published
from workbench.runs.words import caution, paper_words
from workbench.scenes.catalogue import CATALOGUE
from workbench.views.published import published_html, published_table
from workbench.views.scores import (
    MODELS,
    comparison,
    controls_text,
    figures,
    protocol_tag,
    run_title,
    score_card,
    second_row,
    verdict,
    warnings_html,
)

CHOSEN = {
    "chosen_on": "test",
    "paper": {"epoch": 7, "oa": 0.931, "last_epoch": 20, "last_oa": 0.91, "epochs": [{"epoch": n} for n in range(20)]},
}
SCENES = ("houston2013", "houston2018", "trento", "muufl", "augsburg", "berlin")


def test_every_model_has_its_proper_name():
    from workbench.models import list_models

    assert set(MODELS) == set(list_models())


@pytest.mark.parametrize("scene", SCENES)
def test_published_figures_are_of_scenes_of_the_catalogue_and_say_their_protocol(scene):
    from workbench.models import list_models

    assert scene in CATALOGUE
    found = published(scene)
    assert found
    for one in found:
        assert one.protocol
        assert one.source
        assert all(value is None or 20 < value <= 100 for value in (one.oa, one.aa, one.kappa))
        assert one.model in ("", *list_models())


def test_the_figures_of_mft_agree_with_its_per_class_table():
    """Published producer's accuracies of Houston 2013: their mean is AA."""
    per_class = [
        82.34,
        88.78,
        98.15,
        94.35,
        99.12,
        99.30,
        88.56,
        86.89,
        87.91,
        64.70,
        98.64,
        94.24,
        90.29,
        99.73,
        99.58,
    ]
    (mft,) = [one for one in published("houston2013") if one.method == "MFT"]
    assert mft.aa == pytest.approx(np.mean(per_class), abs=0.01)
    assert (mft.oa, mft.kappa) == (89.80, 88.93)


def test_they_stand_beside_the_run_each_with_its_protocol():
    found = published_table(metrics(protocol="official") | {"scene": "trento"})
    assert found["figure of"].tolist() == ["this workbench", *["publication"] * (len(found) - 1)]
    assert found["protocol"][0] == "official split"
    assert not found.isna().any(axis=None)
    assert found.set_index("method").loc["MFT", "OA %"] == "98.32"
    assert found.set_index("method").loc["Coupled CNN", "AA %"] == "-"
    assert "RANDOM" in found.set_index("method").loc["MHST", "protocol"]
    html = published_html(metrics() | {"scene": "trento"})
    assert "Not made with this workbench" in html
    assert published_html(metrics()) == ""
    assert not len(published_table(metrics()))


def test_chosen_on_test_is_said_in_words_and_colour_wherever_a_score_is():
    chosen = metrics(**CHOSEN)
    told = "chosen on test: comparison with publications only"
    assert caution(chosen) == told
    assert f'<span class="wb-tag red">{told}</span>' in score_card(chosen)
    assert told in run_title(chosen)
    assert "comparison with them only" in verdict(chosen)
    assert comparison([chosen])["split"].tolist() == [f"blocks, {told}"]
    assert figures(chosen)["chosen_on"] == "test"
    assert "chosen on test (epoch 7, of 20 looked at) 93.1 %, last epoch (20) 91.0 %" in warnings_html(chosen)
    assert '<p class="wb-note red">' in warnings_html(chosen)
    assert (caution(metrics()), paper_words(metrics())) == ("", "")
    assert "red" not in score_card(metrics())
    assert protocol_tag("blocks") == '<span class="wb-tag">blocks split</span>'


def test_the_second_row_stands_under_the_score():
    clear = {"oa": 0.5, "aa": 0.25, "kappa": 0.1}
    note = "40 of 100 test pixels have a patch of 11 x 11 clear of training patches"
    card = score_card(metrics(test_without_overlap=clear, test_without_overlap_note=note))
    assert "Without overlap: overall accuracy <b>50.0 %</b>" in card
    assert note in card
    nothing = second_row(metrics(test_without_overlap=None, test_without_overlap_note="none of the 9 is left"))
    assert "None of the 9 is left." in nothing
    assert second_row(metrics()) == ""


def test_the_control_of_spectra_is_named_as_one_that_sees():
    with_spectra = metrics()
    with_spectra["controls"]["spectrum_only"] = {"oa": 0.9, "aa": 0.9, "kappa": 0.9}
    text = controls_text(with_spectra)
    blind, _, seeing = text.partition("With neither neighbours nor other modalities")
    assert "random forest" not in blind
    assert "random forest on single spectra <b>90.0 %</b>" in seeing
    assert "no more than the 90.0 % of a random forest that sees single spectra only" in verdict(with_spectra)
    assert comparison([with_spectra])["spectrum alone %"].tolist() == [90.0]
    assert comparison([with_spectra, metrics()])["spectrum alone %"].tolist() == [90.0, "–"]
