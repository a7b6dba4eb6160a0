"""Facts of a run in words."""

from types import SimpleNamespace

from tests.runs.conftest import configuration
from workbench.views.facts import command


def test_the_command_names_members_and_turns_only_where_there_are_some():
    plain = command(SimpleNamespace(config=configuration()))
    assert "--members" not in plain
    assert "--tta" not in plain
    many = command(SimpleNamespace(config=configuration(members=5, tta=True)))
    assert many == f"{plain} --members 5 --tta"
