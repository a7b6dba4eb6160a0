"""Training from start to end on one tiny tile: what is written, how it stops, and how it goes on."""

import copy
import os
import signal

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from tests.training.conftest import CLASSES, a_recipe
from workbench.base.errors import WorkbenchError
from workbench.models import create_model
from workbench.runs.status import read_status
from workbench.training import task
from workbench.training.fit import fit
from workbench.training.recorder import BEST, CHECKPOINT
from workbench.training.task import FusionTask, Samples


@pytest.fixture
def trained(model, table, training, validation, tmp_path):
    """Train a copy of the model in a folder of its own."""

    def run(name="run", view="dense", progress=False, validate=True, network=model, **changes):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        network = copy.deepcopy(network)
        empty = Samples(validation.positions[:0], validation.targets[:0])
        result = fit(
            network, table, training, validation if validate else empty, a_recipe(**changes), view, 0, folder,
            progress=progress,
        )  # fmt: skip
        return network, result, folder

    return run


def same(one, other):
    return all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())


@pytest.mark.parametrize("view", ["patch", "dense"])
def test_a_training_leaves_weights_history_and_status(trained, view):
    network, result, folder = trained(view=view)
    history = pd.read_parquet(folder / "history.parquet")
    assert history["epoch"].tolist() == [1, 2]
    assert history.notna().all(axis=None)
    assert not network.training
    assert (result.epochs, result.stopped_early) == (2, False)
    assert (
        result.best_epoch
        == history.sort_values(["validation_aa", "validation_loss"], ascending=[False, True])["epoch"].iloc[0]
    )
    assert result.seconds == pytest.approx(history["seconds"].sum())
    kept = load_file(folder / BEST)
    assert all(torch.equal(kept[name], value) for name, value in network.state_dict().items())
    assert read_status(folder)["epoch"] == 2


def test_the_loss_falls(trained):
    _, _, folder = trained(epochs=6, learning_rate=1e-2, pixels_per_tile=4, tile_batch=6)
    losses = pd.read_parquet(folder / "history.parquet")["train_loss"]
    assert losses.iloc[-1] < 0.8 * losses.iloc[0]


def test_without_validation_the_last_epoch_is_kept(trained):
    _, result, folder = trained(validate=False, patience=1)
    assert (result.best_epoch, result.epochs) == (2, 2)
    assert pd.read_parquet(folder / "history.parquet")["validation_aa"].isna().all()


def test_ctrl_c_stops_it_and_the_same_call_continues(trained, interrupted_once):
    """Lightning exits with 1 and leaves the signal ignored, in a notebook for good."""
    whole, _, _ = trained("whole", epochs=3)
    interrupted_once()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        trained("stopped", epochs=3)
    assert signal.getsignal(signal.SIGINT) is before
    network, result, folder = trained("stopped", epochs=3)
    assert result.epochs == 3
    assert same(network, whole)
    columns = ["epoch", "train_loss", "validation_loss", "validation_aa"]
    one, other = (pd.read_parquet(folder.parent / name / "history.parquet")[columns] for name in ("whole", "stopped"))
    assert one.equals(other)


@pytest.mark.parametrize("view", ["patch", "dense"])
def test_dropout_adam_and_a_rate_in_steps_go_on_where_they_stopped(trained, interrupted_once, monkeypatch, view):
    monkeypatch.setattr(task, "STAIR_EPOCHS", 2)  # between the stop and the end
    mft = create_model("mft", {"hsi": 4, "aux": 1}, CLASSES, 0.02)
    options = {"network": mft, "view": view, "epochs": 3, "optimizer": "adam", "schedule": "step", "batch_size": 64}
    whole, _, _ = trained("whole", **options)
    interrupted_once()
    with pytest.raises(KeyboardInterrupt):
        trained("stopped", **options)
    network, result, _ = trained("stopped", **options)
    assert result.epochs == 3
    assert same(network, whole)


def test_noise_and_both_optimisers_of_a_gan_go_on_where_they_were(trained, interrupted_once):
    torch.manual_seed(0)
    gan = create_model("mmrs", {"hsi": 4, "aux": 1}, CLASSES, 0.05)
    whole, _, _ = trained("whole", epochs=3, network=gan)
    again, _, _ = trained("again", epochs=3, network=gan)
    assert same(whole, again)
    interrupted_once()
    with pytest.raises(KeyboardInterrupt):
        trained("stopped", epochs=3, network=gan)
    network, _, folder = trained("stopped", epochs=3, network=gan)
    assert same(network, whole)
    assert {"adversarial", "reconstruction", "one_role"} <= set(pd.read_parquet(folder / "history.parquet"))


@pytest.mark.parametrize("view", ["patch", "dense"])
def test_with_modality_dropout_a_stopped_training_goes_on_to_the_same(trained, interrupted_once, view):
    whole, _, _ = trained("whole", view=view, modality_dropout=0.5)
    plain, _, _ = trained("plain", view=view)
    assert not same(whole, plain)
    interrupted_once()
    with pytest.raises(KeyboardInterrupt):
        trained("stopped", view=view, modality_dropout=0.5)
    assert same(trained("stopped", view=view, modality_dropout=0.5)[0], whole)


def test_sigterm_ends_the_process_with_a_code_that_says_so(trained, dying):
    """Lightning would exit with 0, as if all were done."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)  # should Lightning not catch it, the test survives
    try:
        dying(lambda: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(SystemExit) as ended:
            trained()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 128 + signal.SIGTERM


def test_a_training_that_is_done_is_not_entered_again(trained, monkeypatch):
    network, result, folder = trained()
    assert (folder / CHECKPOINT).is_file()
    monkeypatch.setattr(FusionTask, "training_step", lambda *_: pytest.fail("a step was taken"))
    again, same_result, _ = trained()
    assert same(again, network)
    assert same_result == result


@pytest.mark.parametrize(("name", "share"), [(CHECKPOINT, 0.5), (CHECKPOINT, 0), (BEST, 0.5), (BEST, None)])
def test_a_damaged_point_to_resume_from_is_told(trained, tmp_path, name, share):
    """Cut to a share of its size, or gone."""
    trained(epochs=1)
    path = tmp_path / "run" / name
    content = path.read_bytes()
    path.unlink() if share is None else path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(WorkbenchError, match=rf"cannot be continued: .*Remove .*{CHECKPOINT}"):
        trained(epochs=2)
    (tmp_path / "run" / CHECKPOINT).unlink()
    assert trained(epochs=2)[1].epochs == 2


def test_nothing_of_a_checkpoint_is_executed(trained, tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    trained(epochs=1)
    (tmp_path / "run" / CHECKPOINT).write_bytes(pickle.dumps({"callbacks": Evil()}, protocol=2))
    with pytest.raises(WorkbenchError, match="cannot be continued"):
        trained(epochs=2)
    assert not (tmp_path / "made").exists()


def test_a_full_disk_stops_it_and_leaves_what_can_be_resumed(trained, tmp_path, monkeypatch):
    from lightning import Trainer

    def full(self, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    trained(epochs=1)
    before = (tmp_path / "run" / CHECKPOINT).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "save_checkpoint", full)
        with pytest.raises(WorkbenchError, match="disk is full while keeping the point to resume from"):
            trained(epochs=2)
    assert (tmp_path / "run" / CHECKPOINT).read_bytes() == before
    assert not [path.name for path in (tmp_path / "run").iterdir() if path.name.startswith(".")]
    assert trained(epochs=2)[1].epochs == 2


def test_a_compiler_that_is_missing_is_told(trained, dying):
    from torch._dynamo.exc import TorchDynamoException

    def fail():
        raise TorchDynamoException("No working C++ compiler found\n\nSet TORCHDYNAMO_VERBOSE=1 ...")

    dying(fail)
    with pytest.raises(WorkbenchError, match=r"not be compiled \(No working C\+\+ compiler found\)\. Train without"):
        trained()


def test_progress_is_shown_on_standard_error_only(trained, capfd):
    trained(progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "Epoch" in err
    trained("quiet")
    assert capfd.readouterr() == ("", "")
