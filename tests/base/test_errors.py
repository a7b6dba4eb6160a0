"""Errors name what is near, and survive a process boundary."""

import pickle

import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError, nearest


@pytest.mark.parametrize(
    ("asked", "known", "first"),
    [
        ("fusanet", ["fusatnet", "ammfusenet"], "fusatnet"),
        ("FUSATNET", ["fusatnet", "other"], "fusatnet"),
        ("houston", ["Houston2013", "muufl", "trento"], "Houston2013"),
    ],
)
def test_the_nearest_name_comes_first(asked, known, first):
    assert nearest(asked, known)[0] == first
    assert f"Nearest: {first}" in str(UnknownNameError("scene", asked, known))


def test_without_a_near_name_all_are_told_up_to_twenty():
    assert nearest("zzz", ["alpha", "beta"]) == []
    assert "There are: alpha, beta." in str(UnknownNameError("scene", "zzz", ["beta", "alpha"]))
    many = [f"alpha{number:02}" for number in range(30)]
    message = str(UnknownNameError("scene", "zzz", many))
    assert "alpha19 ..." in message
    assert "alpha20" not in message
    assert "There is no scene yet." in str(UnknownNameError("scene", "zzz", []))


def test_the_hint_is_the_last_sentence_also_after_pickling():
    error = UnknownNameError("run", "abc", {"abd": 1}, "`workbench runs` lists them.")
    assert isinstance(error, WorkbenchError)
    assert str(error).endswith("Nearest: abd. `workbench runs` lists them.")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is UnknownNameError
    assert str(again) == str(error)
