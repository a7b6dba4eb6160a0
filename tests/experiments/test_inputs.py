"""Which modality plays which role, and what is kept of it."""

import json

import numpy as np
import pytest

from tests.experiments.conftest import OPTIONS
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments import train
from workbench.experiments.inputs import RunInputs, resolve_roles
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, open_scene, write_scene
from workbench.scenes.derive import derive_scene
from workbench.scenes.steps import DropBands


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


def test_a_modality_plays_a_role_once(scene):
    with pytest.raises(WorkbenchError, match="Role 'aux' of fusatnet got lidar, lidar; name each modality once"):
        resolve_roles(scene, "fusatnet", {"hsi": "hsi", "aux": ["lidar", "lidar"]})


@pytest.mark.parametrize("inputs", ["hsi", ["hsi"], 5, {"hsi": 5, "aux": "lidar"}, {"hsi": None, "aux": "lidar"}])
def test_what_is_no_assignment_is_told(scene, inputs):
    with pytest.raises(WorkbenchError, match="modality names by role"):
        resolve_roles(scene, "fusatnet", inputs)


@pytest.mark.parametrize("inputs", [{}, {"hsi": "hsi"}, {"hsi": "hsi", "aux": []}])
def test_a_role_nobody_plays_is_told(scene, inputs):
    with pytest.raises(WorkbenchError, match=r"role '(hsi|aux)' got none, and scene 'tiny' has hsi, lidar"):
        resolve_roles(scene, "fusatnet", inputs)


def test_a_scene_of_other_modalities_is_told_what_to_say(tmp_path):
    array = np.ones((4, 8, 8), np.float32)
    draft = TileDraft("t", {"msi": (array, ModalityInfo.of("msi", array))})
    scene = write_scene(tmp_path / "chip.zarr", [draft], ClassTable())
    with pytest.raises(WorkbenchError, match=r"role 'hsi' got none, and scene 'chip' has msi. Say for example hsi=msi"):
        resolve_roles(scene, "fusatnet", None)


def test_inputs_are_kept_and_damage_is_told(run, tmp_path):
    kept = RunInputs.load(run.path)
    kept.save(tmp_path)
    assert RunInputs.load(tmp_path) == kept
    values = json.loads((tmp_path / "inputs.json").read_text())
    for change in ({"modalities": {"hsi": {}}}, {"scaling": {"hsi": [1]}}, {"more": 1}):
        (tmp_path / "inputs.json").write_text(json.dumps(values | change))
        with pytest.raises(WorkbenchError, match=r"inputs\.json is damaged: .*again"):
            RunInputs.load(tmp_path)


def test_a_run_remembers_which_bands_were_dropped(scene):
    derived = derive_scene(scene, "fewer", [DropBands(modality="hsi", bands=(1, 4))])
    kept = RunInputs.load(train(derived, **{**OPTIONS, "epochs": 1}).path)
    assert kept.modalities["hsi"].dropped_bands == (1, 4)
    assert kept.modalities["hsi"].wavelengths == (450.0, 650.0, 750.0, 950.0)
    kept.check(open_scene("fewer"))
    other = derive_scene(scene, "others", [DropBands(modality="hsi", bands=(0, 1))])
    with pytest.raises(WorkbenchError, match="band centres of 'hsi' differ"):
        kept.check(other)


def test_without_wavelengths_the_numbers_of_dropped_bands_are_compared(scene, tmp_path):
    def inputs(*bands):
        info = scene.info("hsi").model_copy(update={"wavelengths": None, "bands": 4, "dropped_bands": bands})
        return RunInputs(modalities={"hsi": info}, scaling={})

    class Other:
        name, modalities = "other", ("hsi",)

        def __init__(self, kept):
            self.info = kept.modalities.get

    inputs(1, 4).check(Other(inputs(1, 4)))
    with pytest.raises(WorkbenchError, match=r"lacks bands 1, 2 of its file, the run was trained without bands 2, 5"):
        inputs(1, 4).check(Other(inputs(0, 1)))
    inputs(1, 4).check(Other(inputs()))  # a file that came without them: nothing speaks against it
