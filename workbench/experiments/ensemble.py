"""Deep ensembles as runs: which runs are the members, what they came to, and how far they disagree."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from workbench.analysis import confusion_matrix, scores
from workbench.analysis.disagreement import disagreement
from workbench.base.errors import WorkbenchError
from workbench.experiments.run import Run
from workbench.mapping import Predictor
from workbench.models.ensemble import Ensemble
from workbench.models.pixels import PixelTable, valid_positions
from workbench.models.predict import logits_at, precision_context
from workbench.models.turned import Turned
from workbench.runs import RunConfig, run_id
from workbench.splits import Split


def member_configs(config: RunConfig) -> list[RunConfig]:
    """The requests of an ensemble's members: ordinary runs from `seed`, `seed` + 1, ... on the same split.

    They are asked without test-time augmentation, so that an ensemble with it shares them with one without.

    Raises:
        WorkbenchError: A seed becomes too large.
    """
    shared = config.model_dump() | {"members": 1, "tta": False}
    return [
        RunConfig.build(
            shared | {"seed": config.seed + number},
            f"configuring member {number + 1} of {config.members} of an ensemble",
        )
        for number in range(config.members)
    ]


def joined_history(members: Sequence[Run]) -> pd.DataFrame:
    """The members' histories under each other, with the number of the member from 1 as the first column."""
    frames = [member.history for member in members]
    for number, frame in enumerate(frames, 1):
        frame.insert(0, "member", number)
    return pd.concat(frames, ignore_index=True)


def joined_training(members: Sequence[Run]) -> dict[str, Any]:
    """What the trainings came to: sums over the members; no single epoch is the best."""
    parts = [member.metrics["training"] for member in members]
    seconds = sum(part["seconds"] for part in parts)
    memory = [part.get("peak_memory") for part in parts]
    drawn = sum(part["seconds"] * part["samples_per_second"] for part in parts)
    return {
        "epochs": sum(part["epochs"] for part in parts),
        "steps": sum(part["steps"] for part in parts),
        "init": parts[0]["init"],
        "best_epoch": None,
        "stopped_early": any(part["stopped_early"] for part in parts),
        "seconds": seconds,
        "samples_per_second": drawn / seconds if seconds else 0.0,
        "peak_memory": None if None in memory else max(memory),
        "parameters": sum(part["parameters"] for part in parts),
        "receptive_field": parts[0]["receptive_field"],
    }


def ensemble_figures(predictor: Predictor, table: PixelTable, split: Split, config: RunConfig) -> dict[str, Any]:
    """Run id, seed and scores of each member, and how far they disagree, on the test pixels.

    The members are asked as the ensemble is: with test-time augmentation where it has it.

    Args:
        predictor: The ensemble.
        table: The scene.
        split: The split of its training.
        config: Of the ensemble's run.
    """
    chosen = valid_positions(table, split.test.positions)
    positions, labels = split.test.positions[chosen], split.test.labels[chosen]
    rows: list[dict[str, Any]] = []

    def answers() -> Iterator[NDArray[np.float32]]:
        for one, member in zip(member_configs(config), _members(predictor), strict=True):
            with precision_context(predictor.precision, predictor.device):
                logits = logits_at(member.model, member.model, table, positions, predictor.view)
            predicted = predictor.classes[logits.argmax(1)]
            found = scores(confusion_matrix(labels, predicted, split.classes), split.classes)
            rows.append({"run": run_id(one), "seed": one.seed, "oa": found.oa, "aa": found.aa, "kappa": found.kappa})
            yield torch.from_numpy(logits).softmax(1).numpy()

    figures = disagreement(answers()).to_dict()
    return {"members": rows, "disagreement": figures}


def _members(predictor: Predictor) -> list[Predictor]:
    """A predictor of each member, that turns as the ensemble does."""
    whole = predictor.model.network if isinstance(predictor.model, Turned) else predictor.model
    if not isinstance(whole, Ensemble):
        raise WorkbenchError(f"The members of a {type(whole).__name__} were asked for; only an Ensemble has members.")
    return [replace(predictor, model=Turned(one) if predictor.tta else one) for one in whole.networks]
