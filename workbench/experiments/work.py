"""What a run is worked from, and the parts that a single training and an ensemble share: pixels in, scores out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.base.files import atomic_file, write_json
from workbench.experiments.evaluate import evaluate_predictor
from workbench.mapping import Predictor
from workbench.models.initial import InitialWeights
from workbench.models.pixels import PixelTable, load_pixels, valid_positions
from workbench.runs import Recipe, RunConfig
from workbench.scenes import Collection, Scene
from workbench.splits import Split
from workbench.training.task import Samples


@dataclass(frozen=True, eq=False)
class Work:
    """A request that was checked.

    Attributes:
        config: Everything that determines the result.
        scene: The scene.
        split: The split.
        start: What the weights start from; None are fresh ones.
        progress: Whether to show a progress bar.
        say: Called with sentences for a person.
    """

    config: RunConfig
    scene: Scene | Collection
    split: Split
    start: InitialWeights | None
    progress: bool
    say: Callable[[str], None]


def load_table(work: Work) -> tuple[PixelTable, int]:
    """The scene on the run's device, scaled as the recipe asks, and the number of pixels that the scaling was offered.

    Pixels without data in a modality have no part in its scaling.
    """
    config, split = work.config, work.split
    recipe: Recipe = config.recipe
    positions: NDArray[np.int32] | None = split.train.positions if recipe.scaling_from == "training" else None
    table = load_pixels(
        work.scene, config.inputs, config.device, fit=(recipe.scaling, positions), training=split.train.positions
    )
    return table, len(positions) if positions is not None else table.valid.numel()


def samples_of(table: PixelTable, split: Split, side: str) -> Samples:
    """Pixels of one side with data, with class indices instead of class values.

    Raises:
        WorkbenchError: A class has no training pixel with data, or no test pixel has any.
    """
    sample = split.sides[side]
    chosen = valid_positions(table, sample.positions)
    labels = sample.labels[chosen]
    missing = [split.names[value] for value in split.classes if not (labels == value).any()]
    if side == "train" and missing:
        raise WorkbenchError(
            f"These classes have no training pixel with data in every modality, so they cannot be learnt: "
            f"{', '.join(missing)}. Leave the modality with the no-data out, or label other pixels."
        )
    if side == "test" and not len(labels):
        raise WorkbenchError(
            f"None of the {len(sample)} test pixels has data in every modality, so nothing can be scored. Leave the "
            "modality with the no-data out, or split in another way."
        )
    return Samples(sample.positions[chosen], np.searchsorted(split.classes, labels).astype(np.int64))


def keep_scores(folder: Path, work: Work, predictor: Predictor, table: PixelTable, more: dict[str, Any]) -> None:
    """Keep predictions and scores, with what else `metrics.json` shall say."""
    config = work.config
    metrics, predictions = evaluate_predictor(predictor, table, work.scene, work.split, config.recipe.tile)
    with atomic_file(folder / "predictions.parquet", "keeping the predictions") as path:
        predictions.to_parquet(path)
    metrics |= {
        "model": config.model,
        "inputs": {role: list(names) for role, names in config.inputs.items()},
        "seed": config.seed,
        **more,
    }
    metrics["audit"]["fitted"] = [f"scaling: {metrics['scaling_from']}"]
    write_json(folder / "metrics.json", metrics, "keeping the scores")
