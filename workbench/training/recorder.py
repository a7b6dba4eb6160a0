"""What a training leaves behind at the end of each epoch, in an order that a kill cannot spoil."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd

from workbench.base.files import atomic_file
from workbench.models.weights import save_weights
from workbench.runs.status import write_status
from workbench.training.task import FusionTask

CHECKPOINT = "resume.ckpt"
BEST = "best.safetensors"
EPOCHS = "epochs"
"""Folder of the weights of single epochs, where a training is asked to keep them."""

VALIDATION = ("validation_loss", "validation_oa", "validation_aa")


class EpochRows(L.Callback):  # type: ignore[misc]  # Lightning is read untyped
    """Rows of a history that a checkpoint carries on, and the clock of the epoch at hand."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._started = 0.0

    def state_dict(self) -> dict[str, Any]:
        """History so far, for the checkpoint."""
        return {"rows": self.rows}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the history of a checkpoint."""
        self.rows = list(state["rows"])

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self._started = time.perf_counter()


class RunRecorder(EpochRows):
    """Validates, keeps the best weights, the history and the point to resume from, and stops early.

    The checkpoint is written last: a kill before it repeats the epoch, whose results are the same, and overwrites the
    rest. The best epoch is the one of highest validation AA; among equals that of lowest loss. Without validation pixels it
    is the last.

    Args:
        folder: The run folder.
        before: Rows of the history of a stage before; none of its epochs competes.
        keep_every: The weights of every so many epochs, and of the last, stay in `epochs/`; 0 keeps none.
    """

    def __init__(self, folder: Path, before: Sequence[dict[str, Any]] = (), keep_every: int = 0) -> None:
        super().__init__()
        self.folder, self.before, self.keep_every = folder, before, keep_every

    @property
    def best_epoch(self) -> int:
        """Number from 1 of the best epoch so far."""
        if self.rows[-1]["validation_aa"] is None:
            return int(self.rows[-1]["epoch"])
        return int(max(self.rows, key=lambda row: (row["validation_aa"], -row["validation_loss"]))["epoch"])

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Validate and write."""
        assert isinstance(pl_module, FusionTask)
        loss, accuracy, figures = pl_module.take_tally()
        seconds = time.perf_counter() - self._started
        row: dict[str, Any] = {
            "epoch": trainer.current_epoch + 1,
            "train_loss": loss,
            "train_accuracy": accuracy,
            **figures,
        }
        if self.before:
            row["stage"] = "labelled"
        row |= pl_module.validate() if len(pl_module.validation_samples) else dict.fromkeys(VALIDATION)
        self.rows.append(row | {"seconds": seconds})
        if self.best_epoch == row["epoch"]:
            save_weights(pl_module.model, self.folder / BEST)
        if self.keep_every and (row["epoch"] % self.keep_every == 0 or row["epoch"] == pl_module.epochs):
            save_weights(pl_module.model, self.folder / EPOCHS / f"{row['epoch']:06}.safetensors")
        write_history(self.folder, [*self.before, *self.rows])
        with atomic_file(self.folder / CHECKPOINT, "keeping the point to resume from") as path:
            trainer.save_checkpoint(path)
        write_status(self.folder, "running", row["epoch"], pl_module.epochs, "training")
        if self.worn_out(pl_module.recipe.patience):
            trainer.should_stop = True

    def worn_out(self, patience: int | None) -> bool:
        """Whether `patience` epochs have passed since the best one."""
        return patience is not None and bool(self.rows) and self.rows[-1]["epoch"] - self.best_epoch >= patience


def write_history(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write `history.parquet`, one row per epoch; a figure that an epoch lacks is NaN."""
    table = pd.DataFrame(rows)
    numbers = [name for name in VALIDATION if name in table]
    with atomic_file(folder / "history.parquet", "keeping the training history") as path:
        table.astype(dict.fromkeys(numbers, float)).to_parquet(path)
