"""The command that makes a run again says all that its configuration holds."""

import json
import shlex
from pathlib import Path
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


SPLIT = {"protocol": "official", "seed": 0, "patch_size": 11, "hash": "a" * 64}


def split_words(**changes):
    run = SimpleNamespace(config=configuration(**changes), path=Path("runs/a-run"))
    return shlex.split(command(run))


def test_what_a_published_split_found_is_no_option():
    told = {"split": "official", "validation_fraction": 0.2, "train_per_class": None, "leave_out": []}
    said = split_words(split=SPLIT | {"parameters": told | {"validation": "blocks"}})
    assert values(said, "--split") == ["split=official", "validation_fraction=0.2"]
    assert values(said, "--protocol") == ["official"]


def test_the_publications_habits_are_asked_by_their_name():
    parameters = {"split": "official", "validation_fraction": 0.0, "validation": "none"}
    said = split_words(split=SPLIT | {"parameters": parameters}, chosen_on="test")
    assert values(said, "--protocol") == ["paper"]
    assert values(said, "--split") == ["split=official"]
    blocks = SPLIT | {"protocol": "blocks", "parameters": {"buffer": 10}}
    own = split_words(split=blocks, chosen_on="test")
    assert (values(own, "--protocol"), values(own, "--split-file")) == (["paper"], ["runs/a-run/split.npz"])


def test_a_split_that_no_rule_makes_is_named_by_its_file():
    part = {"subset_fraction": 0.5, "subset_seed": 0, "subset_unit": "pixels"}
    said = split_words(split=SPLIT | {"protocol": "blocks", "parameters": {"buffer": 10} | part})
    assert values(said, "--split-file") == ["runs/a-run/split.npz"]
    assert values(said, "--protocol") == values(said, "--split") == []
