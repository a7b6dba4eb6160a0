"""A loss that is not finite: the step is told, the likely cause, and what was good is kept."""

import copy
from dataclasses import replace

import pandas as pd
import pytest
import torch

from tests.training.conftest import CLASSES, a_recipe
from workbench.base.errors import WorkbenchError
from workbench.models import create_model
from workbench.training import stopping
from workbench.training.fit import fit
from workbench.training.recorder import BEST, CHECKPOINT
from workbench.training.stopping import FirstBadStep, likely_cause
from workbench.training.task import FusionTask


@pytest.fixture
def trained(model, table, training, validation, tmp_path):
    def run(network=model, view="patch", **changes):
        network = copy.deepcopy(network)
        values = {"batch_size": len(training) // 8, "epochs": 3} | changes
        result = fit(network, table, training, validation, a_recipe(**values), view, 0, tmp_path, progress=False)
        return network, result

    return run


@pytest.fixture
def spoil(monkeypatch):
    """Let a weight become NaN before a step, so that its loss is; or after it, so that only the weight is."""

    def arrange(epoch, step, after=False):
        plain = FusionTask.training_step

        def training_step(self, batch, batch_idx):
            here = (self.current_epoch, batch_idx) == (epoch, step)
            with torch.no_grad():
                if here and not after:
                    next(self.model.parameters()).fill_(float("nan"))
            loss = plain(self, batch, batch_idx)
            return loss * float("nan") if here and after else loss

        monkeypatch.setattr(FusionTask, "training_step", training_step)

    return arrange


def keep_looking_at_the_end(monkeypatch):
    """As on an accelerator, whose answer is asked for now and then."""
    plain = FirstBadStep.__init__

    def init(self, device):
        plain(self, device)
        self._every = stopping.PATIENCE

    monkeypatch.setattr(FirstBadStep, "__init__", init)


@pytest.mark.parametrize("late", [False, True])
def test_the_step_is_told_and_the_epochs_before_are_kept(trained, spoil, tmp_path, monkeypatch, late):
    spoil(1, 4)
    if late:
        keep_looking_at_the_end(monkeypatch)
    told = r"training loss is not finite at step 5 of epoch 2 \(step 13 of 24\)\. The learning rate of 0.001 .* up to epoch 1"
    with pytest.raises(WorkbenchError, match=told):
        trained()
    history = pd.read_parquet(tmp_path / "history.parquet")
    assert history["epoch"].tolist() == [1]
    state = torch.load(tmp_path / CHECKPOINT, weights_only=True)["state_dict"]
    assert all(torch.isfinite(value).all() for value in state.values())
    assert (tmp_path / BEST).is_file()


def test_weights_that_the_last_step_spoilt_are_not_kept(trained, spoil, tmp_path):
    """The loss is looked at before the step; the next epoch would tell, with the checkpoint spoilt."""
    spoil(1, 7, after=True)
    with pytest.raises(WorkbenchError, match=r"weights are not finite at step 8 of epoch 2 \(step 16 of 24\)"):
        trained()
    assert pd.read_parquet(tmp_path / "history.parquet")["epoch"].tolist() == [1]


def test_a_first_epoch_that_fails_leaves_nothing(trained, spoil, tmp_path):
    spoil(0, 0)
    with pytest.raises(WorkbenchError, match=r"step 1 of epoch 1 .* No epoch was finished before"):
        trained()
    assert not list(tmp_path.iterdir())


def test_a_network_with_adversaries_stops_too(trained, spoil):
    torch.manual_seed(0)
    spoil(1, 2)
    with pytest.raises(WorkbenchError, match="step 3 of epoch 2"):
        trained(create_model("mmrs", {"hsi": 4, "aux": 1}, CLASSES, 0.05))


def test_a_rate_that_is_far_too_high_is_blamed(trained):
    with pytest.raises(WorkbenchError, match=r"The learning rate of 1e\+30 is likely too high"):
        trained(learning_rate=1e30, optimizer="sgd")


def test_a_huge_value_is_blamed_by_its_band(trained, table, training):
    rows = table.row_of(torch.from_numpy(training.positions).long())
    table.bands["hsi"][rows[:20], 2] = 3e38
    with pytest.raises(
        WorkbenchError, match=r"band 3 of 'hsi' \(role 'hsi'\) reaches 3e\+38 after scaling: likely a no-data"
    ):
        trained()


def test_a_huge_value_among_validation_pixels_is_blamed_as_well(trained, table, validation, training):
    near = table.row_of(torch.from_numpy(validation.positions).long())
    plain = table.bands["lidar"].clone()

    def spoilt(self):
        self.table.bands["lidar"][near] = 1e38
        try:
            return validate(self)
        finally:
            self.table.bands["lidar"].copy_(plain)

    validate = FusionTask.validate
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FusionTask, "validate", spoilt)
        with pytest.raises(WorkbenchError, match=r"validation loss is not finite .* band 1 of 'lidar' \(role 'aux'\)"):
            trained()


def test_half_precision_is_blamed_where_nothing_else_is(table):
    inputs = {"hsi": torch.ones(2, 4, 3, 3), "aux": torch.ones(2, 1, 3, 3)}
    assert "Half precision" in likely_cause(inputs, table, 1e-3, "16-mixed")
    assert "learning rate of 0.001" in likely_cause(inputs, table, 1e-3, "bf16-mixed")
    inputs["aux"][1, 0, 2, 2] = float("inf")
    assert "band 1 of 'lidar'" in likely_cause(inputs, table, 1e-3, "16-mixed")


def test_the_first_bad_step_counts():
    bad = FirstBadStep(torch.device("cpu"))
    told = [bad.note(torch.tensor(loss), step) for step, loss in enumerate([1.0, 2.0, float("inf"), 3.0, float("nan")])]
    assert told == [False, False, True, True, True]
    assert bad.step == 2
    assert FirstBadStep(torch.device("cpu")).step is None


def test_tiles_of_one_value_are_told(table, training, validation, tmp_path):
    table = replace(table, roles={"image": ("hsi",), "aux": ("lidar",)})
    network = create_model("pspnet", {"image": 4, "aux": 1}, CLASSES, 0.05, window=8)
    with pytest.raises(
        WorkbenchError, match=r"PSPNet shrinks a step of 1 tile\(s\) of 8 x 8 pixels .* tile_batch to 2"
    ):
        fit(network, table, training, validation, a_recipe(tile_batch=1), "dense", 0, tmp_path, progress=False)
