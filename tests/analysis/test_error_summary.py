"""Sentences: every one from figures, and silent where there are few."""

import numpy as np
import pytest

from workbench.analysis.confusions import confusions
from workbench.analysis.error_summary import BetweenSpectra, ClassFacts, Place, class_sentences, run_sentences
from workbench.analysis.strata import strata

NAMES = {1: "healthy grass", 2: "stressed grass", 3: "trees", 4: "water"}
FOUND = confusions([[213, 52, 35, 0], [5, 95, 0, 0], [0, 0, 60, 0], [0, 0, 0, 0]], [1, 2, 3, 4])


def facts(value=1, **more):
    return ClassFacts(value=value, confusions=FOUND, names=NAMES, **more)


def place(near_wrong=52, near_right=31, wrong=87, right=213):
    values = [1.0] * (near_wrong + near_right) + [9.0] * (wrong + right - near_wrong - near_right)
    bad = [True] * near_wrong + [False] * near_right + [True] * (wrong - near_wrong)
    bad += [False] * (right - near_right)
    found = strata(values, bad, edges=(0, 2.5, 10), names=("up to 2", "3 or more"))
    return Place("the distance to another class", "pixels", found)


def test_what_fails_where_and_how_sure():
    said = class_sentences(
        facts(
            places=[place()],
            sure=(0.834, 0.951),
            very_sure=12,
            between=BetweenSpectra(2, "hsi 750 nm", 1.2, 0.8),
            helped=(("lidar", 12.4), ("sar", -3.0), ("rgb", 0.2)),
        )
    )
    assert said[0] == (
        "Healthy grass is found in 71 % of its 300 test pixels (213; 95 % interval 66 to 76 %, were pixels independent)."
    )
    assert said[1] == "Of its 87 wrong pixels, the map takes 52 (60 %) for stressed grass and 35 (40 %) for trees."
    assert said[2] == (
        "Where the distance to another class is up to 2 pixels, its wrong pixels lie 4.1 times as often as its right ones "
        "(52 of 87 wrong, 31 of 213 right)."
    )
    assert said[3] == "The model is 0.83 sure of them on average, and 0.95 where it is right; 12 of 87 got 0.9 or more."
    assert said[4] == "It differs most from stressed grass in hsi 750 nm (Jeffries-Matusita distance 1.20 of 2)."
    assert said[5].endswith("lie 80 % of the way from right healthy grass to right stressed grass.")
    assert said[6] == (
        "Retrained once without lidar, 12 points fewer of its pixels are found; retrained once without sar, 3 points more of its "
        "pixels are found; retrained once without rgb, as many of its pixels are found (within 1 point)."
    )
    assert len(said) == 7


@pytest.mark.parametrize(
    ("way", "seen", "words"),
    [
        (
            -0.2,
            True,
            "are no nearer to right stressed grass than right healthy grass is: it could have told them apart",
        ),
        (0.1, False, "lie 10 % of the way from right healthy grass to right stressed grass: it could have"),
        (1.3, True, "lie as far from right healthy grass as right stressed grass does, or farther."),
    ],
)
def test_where_the_mistaken_lie_between_spectra(way, seen, words):
    said = class_sentences(facts(between=BetweenSpectra(2, "lidar height", 1.9, way, seen)))
    assert any(words in sentence for sentence in said)
    assert any("which the model does not see" in sentence for sentence in said) is not seen


def test_a_bin_without_right_pixels():
    said = class_sentences(facts(places=[place(near_right=0)]))
    assert "all of its pixels are wrong (52 of its 87 wrong ones)" in said[2]


def test_what_does_not_set_them_apart_is_told():
    said = class_sentences(facts(places=[place(near_wrong=30, near_right=73)]))
    assert said[2] == "Nothing looked at sets them apart from its right pixels: the distance to another class."


def test_few_wrong_pixels_and_none_say_no_more():
    few = class_sentences(facts(2, places=[place()], sure=(0.5, 0.9)))
    assert few[1:] == (
        "Too few pixels are wrong to say more: 5.",
        "52 pixels of other classes are taken for stressed grass, most of them healthy grass (52).",
    )
    none = class_sentences(facts(3))
    assert none[0].startswith("Trees is found in 100 % of its 60 test pixels (60;")
    assert "35 pixels of other classes" in none[1]
    assert class_sentences(facts(4)) == ("Water has no test pixel: nothing can be said of it.",)


def test_few_test_pixels_have_no_share():
    found = confusions([[1, 0], [0, 0]], [1, 2])
    said = class_sentences(ClassFacts(value=1, confusions=found, names=NAMES))
    assert said == ("Healthy grass: 1 of 1 test pixels are right, too few to say more.",)


def test_all_wrong():
    found = confusions([[0, 30], [0, 0]], [1, 2])
    said = class_sentences(ClassFacts(value=1, confusions=found, names=NAMES, sure=(0.7, None)))
    assert said[0].startswith("Healthy grass is found in 0 % of its 30 test pixels (0;")
    assert said[1] == "All 30 wrong pixels are taken for stressed grass."
    assert said[2] == "The model is 0.70 sure of them on average; none got 0.9 or more."


def test_what_is_not_all_is_never_called_100_and_what_is_something_never_0():
    found = confusions([[49_999, 1], [0, 10]], [1, 2])
    said = class_sentences(ClassFacts(value=1, confusions=found, names=NAMES))
    assert said[0] == (
        "Healthy grass is found in more than 99.9 % of its 50,000 test pixels (49,999; 95 % interval more than 99.9 to more "
        "than 99.9 %, were pixels independent)."
    )
    assert run_sentences(found, NAMES)[0].startswith("1 of the 50,010 test pixels are wrong (less than 0.1 %).")


def test_false_alarms_of_many_classes_are_not_said_to_be_of_one_mostly():
    found = confusions([[20, 0, 0, 0], [7, 20, 0, 0], [6, 0, 20, 0], [5, 0, 0, 20]], [1, 2, 3, 4])
    said = class_sentences(ClassFacts(value=1, confusions=found, names=NAMES))
    assert said[-1].endswith("are taken for healthy grass, the largest part of them stressed grass (7).")


def test_a_name_with_a_full_stop_ends_a_sentence_once():
    said = run_sentences(confusions([[5, 0], [0, 0]], [1, 2]), {1: "Alnus sp.", 2: "Betula sp."})
    assert said[1] == "Nothing can be said of classes without test pixels: Betula sp."


def test_the_run():
    said = run_sentences(FOUND, NAMES, 46)
    assert said[0] == "92 of the 460 test pixels are wrong (20 %). None of them was trained on."
    assert said[1] == "Nothing can be said of classes without test pixels: water."
    assert said[2].startswith(
        "The 3 commonest confusions make up 100 % of the errors: healthy grass taken for stressed"
    )
    assert said[3].startswith("The labels of 46 test pixels (10 %) are doubted")
    assert run_sentences(confusions(np.diag([5, 5]), [1, 2]), NAMES) == (
        "0 of the 10 test pixels are wrong (0 %). None of them was trained on.",
    )
