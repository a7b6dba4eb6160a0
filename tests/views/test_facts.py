"""The command that makes a run again says all that its configuration holds."""

import json
import shlex
from types import SimpleNamespace

import pytest

from tests.runs.conftest import configuration
from workbench.runs import RunConfig
from workbench.training.recipes import recipe
from workbench.views.facts import command


def words(name="quick", parameters=None, init=None, **changes):
    """The command's words, for a run with these changes of a recipe."""
    split = {"protocol": "blocks", "seed": 3, "patch_size": 11, "parameters": parameters or {}, "hash": "a" * 64}
    config = RunConfig.model_validate(
        {
            "scene": "demo", "scene_hash": "b" * 64, "model": "fusatnet", "inputs": {"hsi": ["hsi"], "aux": ["lidar"]},
            "view": "dense", "width": 0.125, "split": split, "recipe_name": name,
            "recipe": recipe("fusatnet", name, changes), "seed": 0, "device": "cpu", "precision": "32-true",
            "compile": False, "threads": 1, "versions": {}, "init": init,
        }
    )  # fmt: skip
    return shlex.split(command(SimpleNamespace(config=config)))


def values(said, option):
    return [said[place + 1] for place, word in enumerate(said) if word == option]


@pytest.mark.parametrize(
    ("name", "changes", "epochs", "told"),
    [
        ("quick", {}, ["20"], []),
        ("quick", {"steps": 50}, [], ["steps=50"]),
        ("common", {}, [], ["steps=500"]),
        ("common", {"epochs": 4}, ["4"], []),
        ("quick", {"loss": "focal", "focal_gamma": 1.0}, ["20"], ["loss=focal", "focal_gamma=1.0"]),
    ],
)
def test_epochs_or_steps_are_told_and_what_was_changed(name, changes, epochs, told):
    said = words(name, **changes)
    assert values(said, "--epochs") == epochs
    assert values(said, "--set") == told
    asked = {
        key: json.loads(value) if value[0].isdigit() else value for key, value in (text.split("=") for text in told)
    }
    asked |= {"epochs": int(epochs[0])} if epochs else {}
    assert recipe("fusatnet", name, asked) == recipe("fusatnet", name, changes)


def test_classes_left_out_and_starting_weights_are_told_as_the_terminal_reads_them():
    from workbench.cli.terminal import typed

    parameters = {"buffer": 10, "train_per_class": None, "leave_out": ["tall trees", "cloud, thin"]}
    said = words(parameters=parameters, init={"source": "/some where/w.safetensors", "hash": "c" * 64})
    assert typed(values(said, "--split"), "--split") == {"buffer": 10, "leave_out": ["tall trees", "cloud, thin"]}
    assert values(said, "--init") == ["/some where/w.safetensors"]
    plain = words(parameters=parameters | {"leave_out": []})
    assert typed(values(plain, "--split"), "--split") == {"buffer": 10}
    assert "--init" not in plain


def test_the_command_names_members_and_turns_only_where_there_are_some():
    plain = command(SimpleNamespace(config=configuration()))
    assert "--members" not in plain
    assert "--tta" not in plain
    many = command(SimpleNamespace(config=configuration(members=5, tta=True)))
    assert many == f"{plain} --members 5 --tta"
