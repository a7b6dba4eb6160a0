"""Fit a pixel model: one pass, no epochs, the same files as a network's training leaves."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch.nn import functional

from workbench.analysis import confusion_matrix, scores
from workbench.base.files import atomic_file
from workbench.models.pixel_model import PixelModel
from workbench.models.pixels import PixelTable, square
from workbench.models.predict import logits_at
from workbench.runs.status import write_status
from workbench.training.fit import FitResult
from workbench.training.task import Samples


def fit_pixels(
    model: PixelModel,
    table: PixelTable,
    training: Samples,
    validation: Samples,
    units: NDArray[np.int64] | None,
    seed: int,
    folder: Path,
) -> FitResult:
    """Fit `model` in place on the training pixels, and write its history of one row.

    A fit that was killed begins anew; it is a function of its arguments. Validation pixels are scored, and choose
    nothing.

    Args:
        model: Before its fitting.
        table: The scene.
        training: Training pixels.
        validation: Validation pixels, may be empty.
        units: int64 `(n,)`: block or group of each training pixel, see `units_of`.
        seed: Seed of the model's random choices.
        folder: The run folder.

    Returns:
        Facts of one epoch; its seconds are those of the fit with all cross-validation.

    Raises:
        WorkbenchError: The pixels do not suffice, or the disk is full.
    """
    started = time.perf_counter()
    model.fit(pixel_features(model, table, training.positions), training.targets, seed, units)
    seconds = time.perf_counter() - started
    learnt = _scores(model, table, training)
    row: dict[str, float | None] = {"epoch": 1, "train_loss": learnt["loss"], "train_accuracy": learnt["oa"]}
    held = _scores(model, table, validation) if len(validation) else dict.fromkeys(("loss", "oa", "aa"))
    row |= {f"validation_{name}": value for name, value in held.items()}
    history = pd.DataFrame([row | {"seconds": seconds}])
    with atomic_file(folder / "history.parquet", "keeping the training history") as path:
        history.astype({f"validation_{name}": float for name in held}).to_parquet(path)
    write_status(folder, "running", 1, 1, "training")
    return FitResult(1, 1, 1, seconds, len(training) / seconds, stopped_early=False)


def pixel_features(model: PixelModel, table: PixelTable, positions: NDArray[np.int32]) -> NDArray[np.float32]:
    """Scaled bands float32 `(n, C)` of positions int32 `(n, 3)`, the roles in the model's order."""
    where = torch.as_tensor(positions, dtype=torch.int64, device=table.device)
    found = table.gather(table.window_rows(where, square(0, 1).to(table.device)))
    stacked = torch.cat([found[role] for role in model.roles if role in model.inputs], 1)
    return np.ascontiguousarray(stacked[:, :, 0, 0].cpu().numpy())


def _scores(model: PixelModel, table: PixelTable, samples: Samples) -> dict[str, float | None]:
    logits = logits_at(model, model, table, samples.positions, "pixel")
    kinds = range(model.classes)
    found = scores(confusion_matrix(samples.targets, logits.argmax(1), kinds), kinds)
    loss = functional.cross_entropy(torch.from_numpy(logits), torch.as_tensor(samples.targets)).item()
    return {"loss": loss, "oa": found.oa, "aa": found.aa}
