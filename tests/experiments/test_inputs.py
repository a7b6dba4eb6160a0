"""Which modality plays which role, and what is kept of it."""

import json

import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments.inputs import RunInputs, resolve_roles


def test_roles_are_played_by_what_is_there(scene):
    assert resolve_roles(scene, "fusatnet", None) == {"hsi": ("hsi",), "aux": ("lidar",)}
    assert resolve_roles(scene, "fusatnet", {"aux": ["lidar", "hsi"], "hsi": "hsi"}) == {
        "hsi": ("hsi",), "aux": ("lidar", "hsi"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"hsi": "hsi", "aux": "lidr"}, r"modality of scene 'tiny' 'lidr'.*Nearest: lidar.*role 'aux'"),
        ({"hsi": "hsi", "axu": "lidar"}, r"role of fusatnet 'axu'.*Nearest: aux"),
        ({"hsi": [1], "aux": "lidar"}, "'1'"),
    ],
)
def test_unknown_names_come_with_the_nearest(scene, inputs, told):
    with pytest.raises(UnknownNameError, match=told):
        resolve_roles(scene, "fusatnet", inputs)


@pytest.mark.parametrize("inputs", ["hsi", ["hsi"], 5, {"hsi": 5, "aux": "lidar"}, {"hsi": None, "aux": "lidar"}])
def test_what_is_no_assignment_is_told(scene, inputs):
    with pytest.raises(WorkbenchError, match="modality names by role"):
        resolve_roles(scene, "fusatnet", inputs)


@pytest.mark.parametrize("inputs", [{}, {"hsi": "hsi"}, {"hsi": "hsi", "aux": []}])
def test_a_role_nobody_plays_is_told(scene, inputs):
    with pytest.raises(WorkbenchError, match=r"role '(hsi|aux)' got none, and scene 'tiny' has hsi, lidar"):
        resolve_roles(scene, "fusatnet", inputs)


def test_inputs_are_kept_and_damage_is_told(run, tmp_path):
    kept = RunInputs.load(run.path)
    kept.save(tmp_path)
    assert RunInputs.load(tmp_path) == kept
    values = json.loads((tmp_path / "inputs.json").read_text())
    for change in ({"modalities": {"hsi": {}}}, {"scaling": {"hsi": [1]}}, {"more": 1}):
        (tmp_path / "inputs.json").write_text(json.dumps(values | change))
        with pytest.raises(WorkbenchError, match=r"inputs\.json is damaged: .*again"):
            RunInputs.load(tmp_path)
