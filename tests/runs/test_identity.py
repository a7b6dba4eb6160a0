"""The run id is the same for the same request and another for whatever determines the result."""

import json
import subprocess
import sys

import pytest

from tests.runs.conftest import configuration
from workbench.base.config import read_yaml, write_yaml
from workbench.runs import Recipe, RunConfig, SplitConfig, run_id

BASE = run_id(configuration())


def test_the_id_is_readable_and_the_same_everywhere(tmp_path):
    assert run_id(configuration()) == BASE
    readable, _, digits = BASE.rpartition("-")
    assert readable == "houston_2013-fusatnet-dense-blocks"
    assert len(digits) == 10
    assert set(digits) <= set("0123456789abcdef")
    write_yaml(tmp_path / "config.yaml", configuration())
    assert run_id(read_yaml(tmp_path / "config.yaml", RunConfig)) == BASE
    code = f"from workbench.runs import *; print(run_id(RunConfig.model_validate_json({json_text()!r})))"
    other = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert other.stdout.strip() == BASE


def json_text():
    return json.dumps(configuration().model_dump(mode="json"))


def test_the_order_of_keys_does_not_matter():
    assert run_id(configuration(inputs={"aux": ["lidar", "sar"], "hsi": ["hsi"]})) == BASE
    parameters = {"test_fraction": 0.5, "block_size": 33}
    assert run_id(configuration(split=configuration().split.model_copy(update={"parameters": parameters}))) == BASE


SPLIT = configuration().split.model_dump()
RECIPE = configuration().recipe.model_dump()
OTHER = {
    "scene": "Trento", "scene_hash": "c" * 64, "model": "other", "inputs": {"hsi": ["hsi"], "aux": ["sar", "lidar"]},
    "view": "patch", "width": 0.25, "options": {"loops": 2}, "recipe_name": "published", "seed": 1, "device": "cuda", "precision": "bf16-mixed",
    "compile": True, "threads": 2, "members": 5, "tta": True, "versions": {"models": 2, "training": 1},
    "init": {"source": "a-run", "hash": "e" * 64}, "chosen_on": "test",
}  # fmt: skip
OTHER_SPLIT = {"protocol": "random", "seed": 1, "patch_size": 9, "parameters": {"block_size": 34}, "hash": "d" * 64}
OTHER_RECIPE = {
    "epochs": 4, "batch_size": 65, "tile_batch": 17, "tile": 25, "tile_balance": 0.25, "pixels_per_tile": 5,
    "optimizer": "nadam", "learning_rate": 2e-3, "kernel_l2": 0.1, "weight_decay": 0.1, "schedule": "onecycle",
    "scaling": "minmax", "scaling_from": "scene", "augment": "rotations", "norm_momentum": 0.2, "patience": 5,
    "modality_dropout": 0.3, "unlabelled": "before", "unlabelled_epochs": 11, "unlabelled_batch": 65,
    "steps": 50, "loss": "focal", "focal_gamma": 1.0, "class_weights": "balanced",
}  # fmt: skip


def test_every_field_is_tried_below():
    assert set(OTHER) | {"split", "recipe"} == set(RunConfig.model_fields)
    assert set(OTHER_SPLIT) == set(SplitConfig.model_fields)
    assert set(OTHER_RECIPE) == set(Recipe.model_fields)


@pytest.mark.parametrize("key", OTHER)
def test_what_determines_the_result_changes_the_id(key):
    assert run_id(configuration(**{key: OTHER[key]})) != BASE


@pytest.mark.parametrize("key", OTHER_SPLIT)
def test_the_split_changes_the_id(key):
    assert run_id(configuration(split=SplitConfig(**SPLIT | {key: OTHER_SPLIT[key]}))) != BASE


@pytest.mark.parametrize("key", OTHER_RECIPE)
def test_the_recipe_changes_the_id(key):
    assert run_id(configuration(recipe=Recipe(**RECIPE | {key: OTHER_RECIPE[key]}))) != BASE


def test_of_starting_weights_counts_what_they_are_not_where_they_lie():
    one, moved, other = (
        run_id(configuration(init={"source": source, "hash": digit * 64}))
        for source, digit in (("/a/w.safetensors", "e"), ("/b/w.safetensors", "e"), ("/a/w.safetensors", "f"))
    )
    assert one == moved != other
