"""The configuration of a run: strict, and the same after a round trip through its file."""

import pytest

from tests.runs.conftest import configuration
from workbench.base.config import read_yaml, write_yaml
from workbench.base.errors import WorkbenchError
from workbench.runs import Recipe, RunConfig


def test_round_trip(tmp_path):
    config = configuration(recipe=Recipe(epochs=7, learning_rate=1e-7, patience=3, augment="dihedral"), seed=2**62)
    write_yaml(tmp_path / "config.yaml", config)
    again = read_yaml(tmp_path / "config.yaml", RunConfig)
    assert again == config
    assert again.inputs == {"hsi": ("hsi",), "aux": ("lidar", "sar")}


def test_a_configuration_from_before_ensembles_is_of_one_plain_network():
    older = {key: value for key, value in configuration().model_dump().items() if key not in ("members", "tta")}
    assert RunConfig.build(older, "testing") == configuration()
    assert (configuration().members, configuration().tta) == (1, False)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("width", 0.0), ("width", 4.5), ("width", float("nan")), ("width", "1"), ("width", True),
        ("seed", -1), ("seed", 2**63), ("seed", 1.0), ("threads", 0), ("threads", "2"), ("view", "sideways"),
        ("device", "tpu"), ("precision", "fp8"), ("compile", "yes"), ("inputs", {"hsi": "hsi"}), ("extra", 1),
        ("members", 0), ("members", True), ("tta", 1),
    ],
)  # fmt: skip
def test_impossible_values_are_refused(key, value):
    with pytest.raises(WorkbenchError, match=rf"While testing: .*'{key}"):
        configuration(**{key: value})


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0}, {"epochs": 2.5}, {"batch_size": 1}, {"tile": 2}, {"tile_balance": 1.1}, {"learning_rate": 0.0},
        {"learning_rate": float("inf")}, {"weight_decay": float("nan")}, {"optimizer": "sgf"}, {"patience": 0},
        {"norm_momentum": 0.0}, {"learning_rat": 1.0}, {"modality_dropout": 1.1}, {"modality_dropout": -0.1},
    ],
)  # fmt: skip
def test_impossible_recipes_are_refused(change):
    with pytest.raises(WorkbenchError, match=next(iter(change))):
        Recipe.build({"epochs": 3, "learning_rate": 1e-3} | change, "testing")
