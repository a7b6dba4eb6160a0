"""Train a network until it is done, from the start or from where a killed training stopped."""

import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import RichProgressBar
from numpy.typing import NDArray
from safetensors.torch import load_file

from workbench.base.errors import WorkbenchError
from workbench.models.contract import FusionModel, View
from workbench.models.pixels import PixelTable
from workbench.runs import Recipe
from workbench.training.pretraining import PRETRAINED, PretrainingRecorder, PretrainingTask
from workbench.training.recorder import BEST, CHECKPOINT, RunRecorder, write_history
from workbench.training.sampling import epochs_of
from workbench.training.task import FusionTask, Samples


@dataclass(frozen=True)
class FitResult:
    """What a training came to.

    Attributes:
        epochs: Epochs trained.
        steps: Steps of the optimiser in them.
        best_epoch: Epoch from 1 whose weights the network now has.
        seconds: Time spent in training steps, over all sittings.
        samples_per_second: Patches or tiles per second in training steps.
        stopped_early: Whether patience ran out.
        unlabelled_seconds: Time spent in the stage before on unlabelled pixels.
    """

    epochs: int
    steps: int
    best_epoch: int
    seconds: float
    samples_per_second: float
    stopped_early: bool
    unlabelled_seconds: float = 0.0


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
    unlabelled: NDArray[np.int32] | None = None,
    keep_every: int = 0,
) -> FitResult:
    """Train `model` in place and leave it with the best epoch's weights, in eval mode.

    A stage before on unlabelled pixels is a training of its own, whose end the training begins from.

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
        unlabelled: int32 `(n, 3)`: pixels that train without their labels, where the recipe asks for them.
        keep_every: The weights of every so many epochs, and of the last, stay in the folder's `epochs/`; 0 keeps none.

    Raises:
        WorkbenchError: The loss is not finite, a step's tiles are too small for the network, what to resume from is
            damaged, the network cannot be compiled, or the disk is full.
        KeyboardInterrupt: The user stopped it; the folder can be resumed.
        SystemExit: The system asked the process to end (code 143); the folder can be resumed.
    """
    model.place(device)
    how = _How(folder, device, precision, progress)
    before: list[dict[str, Any]] = []
    if recipe.unlabelled == "before":
        stage = recipe.model_copy(update={"epochs": recipe.unlabelled_epochs, "steps": None})
        start = PretrainingTask(model, table, training, validation, stage, view, seed, unlabelled=unlabelled)
        before = _pretrain(start, epochs_of(len(training), recipe, view), how)
        model.place(device)
    task = FusionTask(model, table, training, validation, recipe, view, seed, compiled, unlabelled)
    recorder = RunRecorder(folder, before, keep_every)
    checkpoint = folder / CHECKPOINT
    resumed = checkpoint.is_file()
    if resumed:  # known before Lightning restores it, so that a finished training is not entered again
        recorder.load_state_dict(_recorder_state(_checkpoint(checkpoint, folder / BEST)))
        write_history(folder, [*before, *recorder.rows])  # should the stage before have been run again
    if not (recorder.worn_out(recipe.patience) or len(recorder.rows) >= task.epochs):
        how.fit(task, recorder, checkpoint)
    model.load_state_dict(load_file(folder / BEST))
    model.place(device)
    model.eval()
    seconds = sum(row["seconds"] for row in recorder.rows)
    per_step = recipe.batch_size if view == "patch" else recipe.tile_batch
    steps = task.steps_until(len(recorder.rows))
    return FitResult(
        epochs=len(recorder.rows),
        steps=steps,
        best_epoch=recorder.best_epoch,
        seconds=seconds,
        samples_per_second=steps * per_step / seconds if seconds else 0.0,
        stopped_early=len(recorder.rows) < task.epochs,
        unlabelled_seconds=sum(row["seconds"] for row in before),
    )


@dataclass(frozen=True)
class _How:
    """Where and how Lightning runs a training; the same for both stages."""

    folder: Path
    device: Literal["cpu", "cuda", "mps"]
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]
    progress: bool

    def fit(self, task: FusionTask, recorder: L.Callback, checkpoint: Path) -> None:
        """Train until the task's epochs are done, from the checkpoint where there is one."""
        logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
        with warnings.catch_warnings():
            # a loader of step numbers needs no workers, and no logger is wanted: Lightning warns of both
            warnings.filterwarnings("ignore", module="lightning")
            warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*before.*optimizer.step.*")
            trainer = L.Trainer(
                accelerator={"cpu": "cpu", "cuda": "gpu", "mps": "mps"}[self.device],
                devices=1,
                precision=self.precision,
                max_epochs=task.epochs,
                reload_dataloaders_every_n_epochs=int(task.recipe.steps is not None),  # the last epoch may be cut short
                logger=False,
                enable_checkpointing=False,
                enable_model_summary=False,
                enable_progress_bar=self.progress,
                # a bar on standard error: standard output holds results only
                callbacks=[recorder, *([RichProgressBar(console_kwargs={"stderr": True})] if self.progress else [])],
                num_sanity_val_steps=0,
                use_distributed_sampler=False,
                default_root_dir=self.folder,
            )
            with _signals_as_usual(), _compiler_told(), _small_tiles_told(task.model, task.recipe, task.view):
                trainer.fit(task, ckpt_path=checkpoint if checkpoint.is_file() else None, weights_only=True)


def _pretrain(task: PretrainingTask, epochs: int, how: _How) -> list[dict[str, Any]]:
    """Run the stage before, or take up its end; gives its rows of the history."""
    recorder, checkpoint = PretrainingRecorder(how.folder, epochs), how.folder / PRETRAINED
    if checkpoint.is_file():
        state = _checkpoint(checkpoint)
        recorder.load_state_dict(_recorder_state(state))
        task.load_state_dict(state["state_dict"])
    if len(recorder.rows) < task.recipe.epochs:
        how.fit(task, recorder, checkpoint)
    return recorder.rows


def _checkpoint(checkpoint: Path, *others: Path) -> dict[str, Any]:
    """A checkpoint that Lightning will be able to restore, once the weights kept beside it can be read too."""
    try:
        state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
        _recorder_state(state)
        for path in others:
            load_file(path)
        return state
    except Exception as error:  # torch raises what its readers meet: RuntimeError, EOFError, UnpicklingError, ...
        files = " or ".join(path.name for path in (checkpoint, *others))
        raise WorkbenchError(
            f"The run cannot be continued: {files} in {checkpoint.parent} is damaged or gone "
            f"({error}). Remove {checkpoint} and give the same command again; it starts from the first epoch."
        ) from error


def _recorder_state(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """State of the recorder in a checkpoint."""
    found: dict[str, Any] = next(value for value in checkpoint["callbacks"].values() if "rows" in value)
    return found


@contextmanager
def _compiler_told() -> Iterator[None]:
    """Say in a sentence what torch says of a compilation that failed, such as for want of a C++ compiler."""
    try:
        yield
    except RuntimeError as error:
        if not any(kind.__name__ == "TorchDynamoException" for kind in type(error).__mro__):
            raise
        reason = str(error).strip().partition("\n")[0]
        raise WorkbenchError(f"The network could not be compiled ({reason}). Train without compiling it.") from error


@contextmanager
def _small_tiles_told(model: FusionModel, recipe: Recipe, view: View) -> Iterator[None]:
    """Say in a sentence what torch says of a batch norm that meets a single value, which has no variance."""
    try:
        yield
    except ValueError as error:
        if view == "patch" or "more than 1 value per channel" not in str(error):
            raise
        raise WorkbenchError(
            f"{type(model).__name__} shrinks a step of {recipe.tile_batch} tile(s) of {recipe.tile} x {recipe.tile} pixels "
            "to one value per channel, from which its batch norm cannot learn. Set tile_batch to 2 or more, or take "
            "larger tiles."
        ) from error


@contextmanager
def _signals_as_usual() -> Iterator[None]:
    """Undo how Lightning ends on signals.

    After Ctrl-C it exits with 1 and leaves the signal ignored, so that a notebook's next work could not be stopped;
    after SIGTERM it exits with 0, as if all were done.
    """
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise SystemExit(128 + signal.SIGTERM) from error
    finally:
        if main and before is not None:
            signal.signal(signal.SIGINT, before)
