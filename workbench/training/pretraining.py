"""The self-supervised stage before a training: its steps, and what each of its epochs leaves behind."""

import time
from pathlib import Path

import lightning as L
import torch
from torch import Tensor

from workbench.base.files import atomic_file
from workbench.runs.status import write_status
from workbench.training.recorder import EpochRows, write_history
from workbench.training.task import FusionTask

PRETRAINED = "unlabelled.ckpt"
"""Checkpoint of the stage; kept until the run is done, for a training that is resumed begins from it."""


class PretrainingTask(FusionTask):
    """Steps on unlabelled pixels alone; its recipe's epochs are those of the stage."""

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor | None:
        """One step; `batch` is only the step's number."""
        self._seed_step(batch_idx)
        loss = self._unlabelled_loss(batch_idx)
        with torch.no_grad():
            self._tally += torch.stack([loss.detach().float(), torch.zeros_like(loss), torch.ones_like(loss)])
        if self._bad.note(loss, batch_idx):
            raise self._spoilt("loss without labels is")
        return self._stepped(loss)

    def shown(self, step: int) -> dict[str, Tensor]:
        """Network input of a step of this epoch."""
        return self.unlabelled_batch(self.current_epoch, step, self.global_rank, self.trainer.world_size)


class PretrainingRecorder(EpochRows):
    """Keeps history and checkpoint of the stage. Its epochs count up to 0, so that the training's begin at 1.

    Args:
        folder: The run folder.
        epochs: Epochs of the training that follows.
    """

    def __init__(self, folder: Path, epochs: int) -> None:
        super().__init__()
        self.folder, self.epochs = folder, epochs

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write, the checkpoint last."""
        assert isinstance(pl_module, PretrainingTask)
        _, _, figures = pl_module.take_tally()
        done, stage = trainer.current_epoch + 1, pl_module.recipe.epochs
        seconds = time.perf_counter() - self._started
        self.rows.append({"epoch": done - stage, "stage": "unlabelled", **figures, "seconds": seconds})
        write_history(self.folder, self.rows)
        with atomic_file(self.folder / PRETRAINED, "keeping the point to resume from") as path:
            trainer.save_checkpoint(path)
        write_status(self.folder, "running", 0, self.epochs, f"training without labels, epoch {done} of {stage}")
