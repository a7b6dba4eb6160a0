"""Train a network until it is done, from the start or from where a killed training stopped."""

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning as L
import torch
from safetensors.torch import load_file

from workbench.models.contract import FusionModel, View
from workbench.models.pixels import PixelTable
from workbench.runs import Recipe
from workbench.training.recorder import BEST, CHECKPOINT, RunRecorder
from workbench.training.task import FusionTask, Samples


@dataclass(frozen=True)
class FitResult:
    """What a training came to.

    Attributes:
        epochs: Epochs trained.
        best_epoch: Epoch from 1 whose weights the network now has.
        seconds: Time spent in training steps, over all sittings.
        samples_per_second: Patches or tiles per second in training steps.
        stopped_early: Whether patience ran out.
    """

    epochs: int
    best_epoch: int
    seconds: float
    samples_per_second: float
    stopped_early: bool


def fit(
    model: FusionModel,
    table: PixelTable,
    training: Samples,
    validation: Samples,
    recipe: Recipe,
    view: View,
    seed: int,
    folder: Path,
    device: Literal["cpu", "cuda", "mps"] = "cpu",
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true",
    compiled: bool = False,
    progress: bool = True,
) -> FitResult:
    """Train `model` in place and leave it with the best epoch's weights, in eval mode.

    Args:
        model: Fresh weights; a checkpoint in `folder` replaces them.
        table: The scene, on `device`.
        training: Training pixels.
        validation: Validation pixels, may be empty.
        recipe: How to train.
        view: `patch` or `dense`.
        seed: Seed of the sampling.
        folder: The run folder; history, best weights and checkpoint are written there after each epoch.
        device: Kind of device.
        precision: Lightning's name of the precision.
        compiled: Whether to use `torch.compile`.
        progress: Whether to show a progress bar.

    Raises:
        WorkbenchError: The loss is not finite, or the disk is full.
        KeyboardInterrupt: The user stopped it; the folder can be resumed.
    """
    model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    task = FusionTask(model, table, training, validation, recipe, view, seed, compiled)
    recorder = RunRecorder(folder)
    checkpoint = folder / CHECKPOINT
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        # a loader of step numbers needs no workers, and no logger is wanted: Lightning warns of both
        warnings.filterwarnings("ignore", module="lightning")
        warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*before.*optimizer.step.*")
        trainer = L.Trainer(
            accelerator={"cpu": "cpu", "cuda": "gpu", "mps": "mps"}[device],
            devices=1,
            precision=precision,
            max_epochs=recipe.epochs,
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=progress,
            callbacks=[recorder],
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            default_root_dir=folder,
        )
        resumed = checkpoint.is_file()
        if resumed:  # known before Lightning restores it, so that a finished training is not entered again
            recorder.load_state_dict(_recorder_state(checkpoint))
        if not (recorder.worn_out(recipe.patience) or len(recorder.rows) >= recipe.epochs):
            trainer.fit(task, ckpt_path=checkpoint if resumed else None, weights_only=True)
            if trainer.interrupted:
                raise KeyboardInterrupt
    model.load_state_dict(load_file(folder / BEST))
    model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    model.eval()
    seconds = sum(row["seconds"] for row in recorder.rows)
    per_step = recipe.batch_size if view == "patch" else recipe.tile_batch
    drawn = len(recorder.rows) * task.steps * per_step
    return FitResult(
        epochs=len(recorder.rows),
        best_epoch=recorder.best_epoch,
        seconds=seconds,
        samples_per_second=drawn / seconds if seconds else 0.0,
        stopped_early=len(recorder.rows) < recipe.epochs,
    )


def _recorder_state(checkpoint: Path) -> dict[str, Any]:
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    return next(value for value in state["callbacks"].values() if "rows" in value)
