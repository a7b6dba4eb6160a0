import pytest

from workbench.runs.words import ScoreWords, score_words

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
