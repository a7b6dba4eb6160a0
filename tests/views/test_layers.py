"""Which presets a scene offers."""

import numpy as np
import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, write_scene
from workbench.views.layers import chosen_bands, find_layer, layers, quantity_name, wavelength_layer


def scene_of(tmp_path, **modalities):
    drafts = {}
    for name, facts in modalities.items():
        array = np.zeros((facts.pop("bands"), 4, 5), np.float32)
        drafts[name] = (array, ModalityInfo.of(name, array, **facts))
    return write_scene(tmp_path / "s.zarr", [TileDraft("s", drafts)], ClassTable())


def test_true_colour_takes_the_bands_nearest_to_red_green_blue(tmp_path):
    scene = scene_of(tmp_path, hsi={"bands": 6, "wavelengths": (900.0, 455.0, 500.0, 548.0, 645.0, 840.0)})
    first = layers(scene)[0]
    assert (first.title, first.bands) == ("True colour (hsi)", (4, 3, 2))
    assert find_layer(scene, "colour infrared").bands == (5, 4, 3)


def test_no_true_colour_without_bands_near_enough(tmp_path):
    scene = scene_of(tmp_path, swir={"bands": 4, "wavelengths": (1500.0, 1600.0, 1700.0, 2200.0)})
    assert [layer.title for layer in layers(scene)] == [
        "Principal components (swir)",
        "Minimum noise fraction (swir)",
    ]


def test_bands_by_name_and_single_bands(tmp_path):
    scene = scene_of(
        tmp_path,
        sar={"bands": 2, "band_names": ("VV", "VH")},
        msi={"bands": 4, "band_names": ("blue", "green", "red", "nir")},
    )
    found = {layer.title: layer.bands for layer in layers(scene)}
    assert found["True colour (msi)"] == (2, 1, 0)
    assert found["VV (sar)"] == (0,)
    assert found["VH (sar)"] == (1,)


def test_unknown_layer_names_the_nearest(tmp_path):
    scene = scene_of(tmp_path, rgb={"bands": 3})
    with pytest.raises(UnknownNameError, match=r"True colour \(rgb\)"):
        find_layer(scene, "True color (rgb)")


@pytest.mark.parametrize(("bands", "words"), [((0, 1), "one band, or three"), ((7,), "bands are 0 to 2")])
def test_chosen_bands_are_checked(tmp_path, bands, words):
    with pytest.raises(WorkbenchError, match=words):
        chosen_bands(scene_of(tmp_path, rgb={"bands": 3}), "rgb", bands)


def test_a_unit_is_not_said_twice():
    array = np.zeros((1, 2, 2), np.float32)
    assert quantity_name(ModalityInfo.of("sar", array, quantity="backscatter dB", unit="dB")) == "backscatter dB"
    assert quantity_name(ModalityInfo.of("dsm", array, quantity="elevation", unit="m")) == "elevation (m)"


def test_bands_by_wavelength(tmp_path):
    scene = scene_of(
        tmp_path,
        hsi={"bands": 4, "wavelengths": (450.0, 560.0, 650.0, 860.0)},
        dem={"bands": 1, "quantity": "elevation"},
    )
    assert wavelength_layer(scene, "hsi", (640, 550, 460)).bands == (2, 1, 0)
    assert wavelength_layer(scene, "hsi", (860,)).kind == "band"
    with pytest.raises(WorkbenchError, match=r"1600 nm: its 4 bands lie from 450 to 860 nm"):
        wavelength_layer(scene, "hsi", (1600, 550, 460))
    with pytest.raises(WorkbenchError, match="none are documented"):
        wavelength_layer(scene, "dem", (640,))


def test_short_names_of_presets(tmp_path):
    scene = scene_of(tmp_path, hsi={"bands": 4, "wavelengths": (450.0, 560.0, 650.0, 860.0)})
    assert find_layer(scene, "MNF").kind == "mnf"
    assert find_layer(scene, "pca").kind == "components"
