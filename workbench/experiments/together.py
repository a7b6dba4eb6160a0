"""Work a run that is made of other runs: a deep ensemble of its members, or one network that is asked by turns."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.base.files import atomic_file, write_json
from workbench.experiments.ensemble import ensemble_figures, joined_history, joined_training, member_configs
from workbench.experiments.environment import environment
from workbench.experiments.inputs import RunInputs
from workbench.experiments.run import Run
from workbench.experiments.work import Work, keep_scores
from workbench.jobs import device_lock
from workbench.models import FusionModel
from workbench.models.ensemble import Ensemble
from workbench.models.pixels import load_pixels
from workbench.models.turned import Turned
from workbench.runs import run_id
from workbench.runs.status import write_status


def is_made_of_others(work: Work) -> bool:
    """Whether the run's weights are those of other runs: of members, or of the same training asked plainly."""
    return work.config.members > 1 or work.config.tta


def put_together(work: Work, folder: Path, finished_run: Callable[[Work], Run]) -> None:
    """Train the parts that are not there yet, keep all their weights together, and score what they answer.

    Args:
        work: The request.
        folder: The run's folder, which holds the configuration and the split.
        finished_run: Gives the run of a part.
    """
    config = work.config
    parts = member_configs(config)
    write_json(folder / "environment.json", environment(config.device), "recording the environment")
    runs: list[Run] = []
    epochs, total = 0, config.recipe.epochs * len(parts) if config.recipe.steps is None else None
    for number, one in enumerate(parts, 1):
        which = f"member {number} of {len(parts)}, run" if len(parts) > 1 else "the network, run"
        write_status(folder, "running", epochs, total, f"training {which} {run_id(one)}")
        runs.append(finished_run(replace(work, config=one)))
        epochs += runs[-1].metrics["training"]["epochs"]
    with device_lock(config.device):
        predictors = [run.predictor(config.device) for run in runs]
        networks = [one.model for one in predictors if isinstance(one.model, FusionModel)]
        model = Ensemble(networks) if len(networks) > 1 else networks[0]
        RunInputs.load(runs[0].path).save(folder)  # the same scaling for all: it follows from scene and split
        model.save(folder / model.kept_as)
        history = joined_history(runs) if len(runs) > 1 else runs[0].history
        with atomic_file(folder / "history.parquet", "keeping the training history") as path:
            history.to_parquet(path)
        table = load_pixels(work.scene, config.inputs, config.device, predictors[0].scaling)
        predictor = replace(predictors[0], model=Turned(model) if config.tta else model)
        more: dict[str, Any] = {"scaling_from": runs[0].metrics["scaling_from"]}
        if len(runs) > 1:
            more["training"] = joined_training(runs)
            more["ensemble"] = ensemble_figures(predictor, table, work.split, config)
        else:
            more["training"] = runs[0].metrics["training"]
        keep_scores(folder, work, predictor, table, more)
    write_status(folder, "finished", epochs, epochs if total is None else total)
