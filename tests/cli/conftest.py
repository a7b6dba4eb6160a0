"""Calling the console script as a person would, in this process."""

import json
import sys
from typing import NamedTuple

import pytest

from workbench import cli


class Ended(NamedTuple):
    """Exit code and what was printed."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """Standard output as strict JSON: no NaN, and nothing else around it."""

        def refuse(name):
            raise AssertionError(f"{name} is no JSON")

        return json.loads(self.out, parse_constant=refuse)


@pytest.fixture
def call(monkeypatch, capfd):
    """Run the console script's function with arguments; whatever happens, no traceback reaches the user."""
    monkeypatch.setenv("COLUMNS", "240")  # help is not broken into lines
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["workbench", *map(str, arguments)])
        capfd.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return Ended(code, out, err)

    return run
