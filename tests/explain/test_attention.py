"""Attention at a pixel: the same numbers as a forward pass by hand, in both views."""

import numpy as np
import pytest
import torch

from workbench.base.errors import WorkbenchError
from workbench.explain import attention_at
from workbench.models import create_model
from workbench.models.pixels import load_pixels, square
from workbench.models.predict import logits_at
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, write_scene

ROLES = {"hsi": ("hsi",), "aux": ("lidar",)}


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    rng = np.random.default_rng(0)
    hsi = rng.normal(0, 1, (4, 30, 40)).astype("float32")
    hsi[0, 2, 2] = np.nan
    labels = np.zeros((30, 40), "uint16")
    labels[15, 20] = 2
    tile = TileDraft(
        name="t",
        modalities={
            "hsi": (hsi, ModalityInfo(name="hsi", quantity="reflectance", dtype="float32", bands=4)),
            "lidar": (
                rng.normal(0, 1, (1, 30, 40)).astype("float32"),
                ModalityInfo(name="lidar", quantity="height", unit="m", dtype="float32", bands=1),
            ),
        },
        labels=labels,
        transform=None,
        crs=None,
    )
    return write_scene(tmp_path_factory.mktemp("s") / "t.zarr", [tile], ClassTable.from_names(["a", "b", "c"]))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return create_model("fusatnet", {"hsi": 4, "aux": 1}, 3, width=0.03).eval()


@pytest.mark.parametrize(("row", "col"), [(15, 20), (0, 0), (29, 39)])
def test_patch_view_equals_a_forward_pass(scene, model, row, col):
    table = load_pixels(scene, ROLES)
    result = attention_at(model, scene.scenes[0], ROLES, table.scaling, (1, 2, 3), row, col)
    inputs = table.gather(table.window_rows(torch.tensor([[0, row, col]]), square(5, 11)))
    with torch.inference_mode():
        output = model(inputs, attention=True)
    np.testing.assert_allclose(result.probabilities, output.logits.softmax(1)[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(result.maps["spatial"], output.attention["spatial"][0].mean(0).numpy(), atol=1e-5)
    np.testing.assert_allclose(result.vectors["spectral"], output.attention["spectral"].flatten().numpy(), atol=1e-5)
    assert set(result.maps) == {"spatial", "modality"}
    assert result.predicted == 1 + int(output.logits.argmax())
    assert result.reference == (2 if (row, col) == (15, 20) else 0)
    assert result.patch["hsi"].shape == (4, 11, 11)
    np.testing.assert_allclose(result.patch["hsi"][:, 5, 5], scene.scenes[0].spectrum("hsi", row, col), atol=1e-6)
    assert np.isnan(result.patch["hsi"][:, 0, 0]).all() == ((row, col) == (0, 0))


def test_dense_view_equals_the_tile(scene, model):
    table = load_pixels(scene, ROLES)
    result = attention_at(model, scene.scenes[0], ROLES, table.scaling, (1, 2, 3), 15, 20, "dense")
    grid = square(70, 200)
    with torch.inference_mode():
        output = model(table.gather(table.window_rows(torch.tensor([[0, 0, 0]]), grid)), view="dense", attention=True)
    at = (70 + 15, 70 + 20)
    np.testing.assert_allclose(result.probabilities, output.logits[0, :, *at].softmax(0).numpy(), atol=1e-5)
    spatial = output.attention["spatial"][0].mean(0)[at[0] - 5 : at[0] + 6, at[1] - 5 : at[1] + 6]
    np.testing.assert_allclose(result.maps["spatial"], spatial.numpy(), atol=1e-5)
    np.testing.assert_allclose(result.vectors["spectral"], output.attention["spectral"][0, :, *at].numpy(), atol=1e-5)


@pytest.mark.parametrize("view", ["patch", "dense"])
def test_a_mask_over_the_pixels_own_window(scene, view):
    torch.manual_seed(0)
    model = create_model("mft", {"hsi": 4, "aux": 1}, 3, width=0.03).eval()
    table = load_pixels(scene, ROLES)
    result = attention_at(model, scene.scenes[0], ROLES, table.scaling, (1, 2, 3), 15, 20, view)
    around = 5 if view == "patch" else 9
    inputs = table.gather(table.window_rows(torch.tensor([[0, 15, 20]]), square(around, 2 * around + 1)))
    with torch.inference_mode():
        output = model(inputs, view=view, attention=True)
    mask = output.attention["tokens"][0]
    mask = mask[0] if view == "patch" else mask[:, 9, 9].view(11, 11)
    logits = output.logits[0] if view == "patch" else output.logits[0, :, 9, 9]
    np.testing.assert_allclose(result.maps["tokens"], mask.numpy(), atol=1e-5)
    np.testing.assert_allclose(result.probabilities, logits.softmax(0).numpy(), atol=1e-5)
    assert 0 < result.maps["tokens"].sum() < 1
    assert not result.vectors


def test_a_network_of_windows_answers_as_it_maps_and_shows_the_window_around_the_pixel(scene):
    torch.manual_seed(0)
    model = create_model("ammfusenet", {"image": 4, "aux": 1}, 3, width=0.03, window=16).eval()
    roles = {"image": ("hsi",), "aux": ("lidar",)}
    table = load_pixels(scene, roles)
    result = attention_at(model, scene.scenes[0], roles, table.scaling, (1, 2, 3), 15, 33, "dense")
    mapped = logits_at(model, model, table, np.array([[0, 15, 33]], np.int32), "dense")[0]
    np.testing.assert_allclose(result.probabilities, np.exp(mapped), atol=1e-5)
    with torch.inference_mode():
        inputs = table.gather(table.window_rows(torch.tensor([[0, 15, 33]]), square(8, 16)))
        gates = model(inputs, view="dense", attention=True).attention
    assert set(result.vectors) == set(gates)
    for name, values in gates.items():
        np.testing.assert_allclose(result.vectors[name], values[0, :, 0, 0].numpy(), atol=1e-5)
    assert not result.maps


def test_pixels_outside_or_without_data_are_refused(scene, model):
    table = load_pixels(scene, ROLES)
    with pytest.raises(WorkbenchError, match="30 rows and 40 columns"):
        attention_at(model, scene.scenes[0], ROLES, table.scaling, (1, 2, 3), 30, 0)
    with pytest.raises(WorkbenchError, match="no data"):
        attention_at(model, scene.scenes[0], ROLES, table.scaling, (1, 2, 3), 2, 2)
