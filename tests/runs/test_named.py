"""Runs by names and patterns."""

import pytest

from workbench.base.errors import UnknownNameError
from workbench.runs.named import named_runs


def test_names_and_patterns_each_run_once(small_world):
    assert [run.id for run in named_runs(["small-fus*", small_world.run, small_world.run[:-2]])] == [small_world.run]
    assert named_runs([]) == []


def test_what_matches_nothing_is_told(small_world):
    with pytest.raises(UnknownNameError, match="No finished run matches the pattern"):
        named_runs(["nothing-*"])
    with pytest.raises(UnknownNameError, match="Unknown run 'nothing'"):
        named_runs(["nothing"])
