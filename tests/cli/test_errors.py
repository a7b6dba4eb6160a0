"""The command `errors`: sentences and tables, strict JSON, and a class that is not there."""

import json

import pytest


@pytest.fixture
def call_errors(call, small_world):
    """The command on the small run."""
    return lambda *arguments: call("errors", small_world.run, *arguments)


def test_sentences_and_tables(call_errors):
    code, out, err = call_errors("--class", "crop")
    assert code == 0
    assert "2 crop" in out
    assert "test pixels are wrong" in out
    assert "Confused pairs" in out
    assert "workbench report errors" in err


def test_json_is_strict(call_errors):
    code, out, _ = call_errors("--json")
    assert code == 0
    found = json.loads(out, parse_constant=lambda name: pytest.fail(name))
    assert found["summary"]["0"]
    assert found["confusions"]["pairs"]


def test_a_class_that_is_not_there(call_errors):
    code, _, err = call_errors("--class", "crip")
    assert code == 1
    assert "crop" in err
