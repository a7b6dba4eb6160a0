"""Work a single training: from the pixels to weights, history and scores in the run's folder."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from workbench.base.files import write_json
from workbench.experiments.environment import environment
from workbench.experiments.inputs import RunInputs, band_counts
from workbench.experiments.memory import PeakMemory
from workbench.experiments.paper import choose_on_test, kept_every
from workbench.experiments.work import Work, keep_scores, load_table, samples_of
from workbench.mapping import Predictor
from workbench.models import FusionModel, create_model, model_class
from workbench.models.pixel_model import PixelModel
from workbench.runs import Recipe
from workbench.runs.status import write_status
from workbench.splits.units import units_of
from workbench.training.fit import FitResult, fit
from workbench.training.pixel_fit import fit_pixels
from workbench.training.pretraining import PRETRAINED
from workbench.training.recorder import CHECKPOINT
from workbench.training.sampling import epochs_of
from workbench.training.task import Samples
from workbench.training.unlabelled import Unlabelled, unlabelled_pixels


def train_single(work: Work, folder: Path) -> None:
    """Train one model and score it; what was killed goes on where it stopped.

    Args:
        work: The request, without test-time augmentation.
        folder: The run's folder, which holds the configuration and the split.

    Raises:
        WorkbenchError: A side has no pixel with data, the loss is not finite, or the disk is full.
    """
    config, split = work.config, work.split
    write_json(folder / "environment.json", environment(config.device), "recording the environment")
    memory = PeakMemory(config.device)
    table, scaling_positions = load_table(work)
    inputs = RunInputs(
        modalities={name: work.scene.info(name) for name in table.bands},
        scaling={name: band.to_json() for name, band in table.scaling.items()},
        address=work.scene.address,
    )
    inputs.save(folder)
    training, validation, _ = (samples_of(table, split, side) for side in split.sides)  # told now, if test has no data
    on_test = config.chosen_on == "test"
    if on_test:  # nothing but the training pixels is learnt from or chosen by; test comes afterwards
        validation = Samples(validation.positions[:0], validation.targets[:0])
    unlabelled = None
    if config.recipe.unlabelled != "none":
        window = model_class(config.model).patch_size if config.view == "patch" else config.recipe.tile
        unlabelled = unlabelled_pixels(table, split, window)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        bands = band_counts(work.scene, config.inputs)
        model = create_model(config.model, bands, len(split.classes), config.width, **config.options)
        if isinstance(model, PixelModel):
            result = fit_pixels(
                model, table, training, validation, units_of(split, training.positions), config.seed, folder
            )
        else:
            assert isinstance(model, FusionModel)
            _start(model, work, folder)
            result = fit(
                model,
                table,
                training,
                validation,
                config.recipe,
                config.view,
                config.seed,
                folder,
                config.device,
                config.precision,
                config.compile,
                work.progress,
                None if unlabelled is None else unlabelled.positions,
                kept_every(epochs_of(len(training), config.recipe, config.view)) if on_test else 0,
            )
    classes = np.array(split.classes, np.uint16)
    predictor = Predictor(model, config.inputs, table.scaling, classes, config.view, config.precision)
    choice: dict[str, Any] = {}
    if on_test:
        found = choose_on_test(predictor, table, split, folder) if isinstance(model, FusionModel) else None
        choice = {"chosen_on": "test", "paper": found}
    model.save(folder / model.kept_as)
    more = {
        **choice,
        "scaling_from": f"{config.recipe.scaling} over {config.recipe.scaling_from} pixels ({scaling_positions})",
        "training": {
            "epochs": result.epochs,
            "steps": result.steps,
            "init": work.start and config.init and {**config.init.model_dump(), **work.start.told()},
            "best_epoch": choice["paper"]["epoch"] if choice.get("paper") else result.best_epoch,
            "stopped_early": result.stopped_early,
            "seconds": result.seconds,
            "samples_per_second": result.samples_per_second,
            "peak_memory": memory.bytes(),
            "receptive_field": list(model.receptive_field(config.view)),
            **model.facts(),
            "unlabelled": None if unlabelled is None else _unlabelled_facts(unlabelled, config.recipe, result),
        },
    }
    keep_scores(folder, work, predictor, table, more)
    write_status(folder, "finished", result.epochs, None)


def _start(model: FusionModel, work: Work, folder: Path) -> None:
    """Put the starting weights into a training that begins; one that goes on has its own."""
    begun = any((folder / name).is_file() for name in (CHECKPOINT, PRETRAINED))
    if work.start is not None and work.config.init is not None and not begun:
        work.say(f"Starts from {work.config.init.source}: {work.start}.")
        work.start.load(model)


def _unlabelled_facts(unlabelled: Unlabelled, recipe: Recipe, result: FitResult) -> dict[str, Any]:
    """Which pixels trained without their labels, and for how long; `beside`, the time is part of the training's."""
    before = recipe.unlabelled == "before"
    return {
        "when": recipe.unlabelled,
        "epochs": recipe.unlabelled_epochs if before else result.epochs,
        "batch": recipe.unlabelled_batch,
        "seconds": result.unlabelled_seconds if before else None,
        **unlabelled.to_dict(),
    }
