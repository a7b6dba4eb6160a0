"""What is kept after an epoch: best weights, history, and which epoch is the best."""

import os

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from workbench.base.errors import WorkbenchError
from workbench.training import recorder
from workbench.training.recorder import RunRecorder, save_weights


def rows(*scores):
    """One row per epoch from pairs of validation AA and loss."""
    return [{"epoch": n, "validation_aa": aa, "validation_loss": loss} for n, (aa, loss) in enumerate(scores, 1)]


def recorded(tmp_path, *scores):
    kept = RunRecorder(tmp_path)
    kept.load_state_dict({"rows": rows(*scores)})
    return kept


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([(0.5, 1.0)], 1),
        ([(0.5, 1.0), (0.7, 2.0), (0.6, 0.1)], 2),
        ([(0.7, 1.0), (0.7, 0.5), (0.7, 0.8)], 2),  # among equals the lowest loss
        ([(0.7, 0.5), (0.7, 0.5)], 1),  # and then the first
        ([(None, None), (None, None), (None, None)], 3),  # without validation the last
    ],
)
def test_the_best_epoch(tmp_path, scores, best):
    assert recorded(tmp_path, *scores).best_epoch == best


def test_patience_counts_from_the_best_epoch(tmp_path):
    scores = [(0.5, 1.0), (0.9, 1.0), (0.8, 1.0), (0.7, 1.0)]
    assert not recorded(tmp_path, *scores[:3]).worn_out(2)
    assert recorded(tmp_path, *scores).worn_out(2)
    assert not recorded(tmp_path, *scores).worn_out(3)
    assert not recorded(tmp_path, *scores).worn_out(None)
    assert not recorded(tmp_path).worn_out(1)
    assert not recorded(tmp_path, (None, None), (None, None)).worn_out(1)


def test_the_state_survives_a_checkpoint(tmp_path):
    kept = recorded(tmp_path, (0.5, 1.0), (0.6, 0.9))
    again = RunRecorder(tmp_path)
    again.load_state_dict(kept.state_dict())
    assert again.rows == kept.rows
    again.rows.append({})
    assert len(kept.rows) == 2


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

    monkeypatch.setattr(recorder, "save_file", refuse)
    with pytest.raises(WorkbenchError, match=rf"{told} while keeping a network's weights"):
        save_weights(model, tmp_path / "w.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]
    assert (tmp_path / "w.safetensors").read_bytes() == before
