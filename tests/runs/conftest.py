"""A configuration and run folders made of it, without training anything."""

import pytest

from workbench.base.config import write_yaml
from workbench.base.files import write_json
from workbench.runs import Recipe, RunConfig, SplitConfig, run_id
from workbench.runs.status import write_status


def configuration(**changes):
    values = {
        "scene": "Houston 2013",
        "scene_hash": "a" * 64,
        "model": "fusatnet",
        "inputs": {"hsi": ["hsi"], "aux": ["lidar", "sar"]},
        "view": "dense",
        "width": 0.125,
        "split": SplitConfig(
            protocol="blocks", seed=0, patch_size=11, parameters={"block_size": 33, "test_fraction": 0.5}, hash="b" * 64
        ),
        "recipe_name": "quick",
        "recipe": Recipe(epochs=3, learning_rate=1e-3),
        "seed": 0,
        "device": "cpu",
        "precision": "32-true",
        "compile": False,
        "threads": 1,
        "versions": {"models": 1, "training": 1},
    }
    return RunConfig.build(values | changes, "testing")


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def make_run(root):
    def make(state="finished", **changes):
        config = configuration(**changes)
        folder = root / run_id(config)
        write_yaml(folder / "config.yaml", config)
        write_status(folder, state, 2, 3, "as the test says")
        if state == "finished":
            write_json(folder / "metrics.json", {"test": {"oa": 0.5, "aa": 0.25, "kappa": 0.0}})
        return folder

    return make
