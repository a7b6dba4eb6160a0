import pytest

from workbench.runs.words import CHOSEN_ON_TEST, PAPER_HABITS, ScoreWords, caution, paper_words, score_words

MAP = "a map product (Esri land cover)"


@pytest.mark.parametrize("metrics", [{}, {"labels_are": None}, {"labels_are": ""}])
def test_labels_give_accuracy(metrics):
    words = score_words(metrics)
    assert words == ScoreWords()
    assert (words.overall, words.kind, words.note) == ("overall accuracy", "accuracy", "")


def test_a_map_gives_agreement_and_never_accuracy():
    words = score_words({"labels_are": MAP})
    assert words.kind == "agreement with the map"
    assert MAP in words.note
    told = [words.kind, words.overall, words.average, words.producers, words.users, words.reference, words.note]
    assert not [text for text in told if "accura" in text.lower()]


def test_the_publications_habits_are_told_with_an_epoch_and_without():
    paper = {"epoch": 7, "oa": 0.931, "last_epoch": 20, "last_oa": 0.91, "epochs": [{}] * 20}
    network, forest = {"chosen_on": "test", "paper": paper}, {"chosen_on": "test"}
    assert (caution(network), caution(forest)) == (CHOSEN_ON_TEST, PAPER_HABITS)
    assert "chosen on test (epoch 7, of 20 looked at) 93.1 %, last epoch (20) 91.0 %" in paper_words(network)
    assert "epoch" not in paper_words(forest)
    assert (caution({}), paper_words({"chosen_on": "validation"})) == ("", "")
