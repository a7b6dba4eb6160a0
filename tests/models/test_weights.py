"""Weights on disk: whole or not at all, also from a layout that safetensors does not take."""

import os

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from workbench.base.errors import WorkbenchError
from workbench.models import create_model, weights
from workbench.models.weights import load_weights, save_weights


@pytest.fixture
def model():
    torch.manual_seed(0)
    return create_model("fusatnet", {"hsi": 4, "aux": 1}, 3, 0.02)


def test_weights_round_trip_also_from_channels_last(tmp_path, model):
    model.to(memory_format=torch.channels_last)
    save_weights(model, tmp_path / "w.safetensors")
    kept = load_file(tmp_path / "w.safetensors")
    assert set(kept) == set(model.state_dict())
    assert all(torch.equal(kept[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize(("code", "told"), [(28, "disk is full"), (13, "Not allowed"), (30, "Not allowed")])
def test_what_safetensors_says_of_the_system_is_understood(tmp_path, model, monkeypatch, code, told):
    """Its words, as met on a full file system: it raises no OSError."""
    save_weights(model, tmp_path / "w.safetensors")
    before = (tmp_path / "w.safetensors").read_bytes()

    def refuse(_tensors, path):
        path.write_bytes(b"half")
        raise SafetensorError(f"Error while serializing: I/O error: {os.strerror(code)} (os error {code})")

    monkeypatch.setattr(weights, "save_file", refuse)
    with pytest.raises(WorkbenchError, match=rf"{told} while keeping a network's weights"):
        save_weights(model, tmp_path / "w.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]
    assert (tmp_path / "w.safetensors").read_bytes() == before


def test_weights_of_another_network_are_told(tmp_path, model):
    save_weights(model, tmp_path / "w.safetensors")
    other = create_model("fusatnet", {"hsi": 5, "aux": 1}, 3, 0.02)
    with pytest.raises(WorkbenchError, match=r"w\.safetensors is damaged or of another network: (?s:.*)size mismatch"):
        load_weights(other, tmp_path / "w.safetensors")
