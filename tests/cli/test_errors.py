"""The command `errors`: sentences and tables, strict JSON, and a class that is not there."""

import json
import sys

import pytest

from workbench import cli


@pytest.fixture
def call(small_world, monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["workbench", "errors", small_world.run, *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
        return code, *capsys.readouterr()

    return run


def test_sentences_and_tables(call):
    code, out, err = call("--class", "crop")
    assert code == 0
    assert "2 crop" in out
    assert "test pixels are wrong" in out
    assert "Confused pairs" in out
    assert "workbench report errors" in err


def test_json_is_strict(call):
    code, out, _ = call("--json")
    assert code == 0
    found = json.loads(out, parse_constant=lambda name: pytest.fail(name))
    assert found["summary"]["0"]
    assert found["confusions"]["pairs"]


def test_a_class_that_is_not_there(call):
    code, _, err = call("--class", "crip")
    assert code == 1
    assert "crop" in err
