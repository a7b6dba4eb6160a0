"""Minimal supervision: how much a network loses when it trains on a part of the training side.

The protocol of AMM-FuseNet (Ma, Karakus and Rosin, Remote Sensing 14(18):4458, 2022), which trains on down to 1/20 of the
samples. Fractions and the choice of samples are not published: nested parts, their seeds and equal numbers of optimiser
steps are ours.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.base.errors import WorkbenchError
from workbench.experiments.reach import receptive_field_of
from workbench.experiments.run import Run
from workbench.experiments.summary import Table
from workbench.experiments.train import model_options, train
from workbench.models import model_class
from workbench.runs import Recipe
from workbench.runs.words import ScoreWords
from workbench.scenes import Collection, Scene, open_scene
from workbench.splits import Split, make_split
from workbench.splits.subset import Unit, subset
from workbench.training.recipes import recipe as find_recipe
from workbench.training.sampling import epoch_steps

FRACTIONS = (1.0, 1 / 2, 1 / 5, 1 / 10, 1 / 20)
SCORES = ("oa", "aa", "miou")
CONTROLS = ("coordinates_only", "spectrum_only", "majority_class")


def minimal_supervision(
    scene: Scene | Collection | str | Path,
    model: str = "fusatnet",
    fractions: Sequence[float] = FRACTIONS,
    seeds: int = 3,
    inputs: dict[str, Any] | None = None,
    split: Split | None = None,
    unit: Unit = "auto",
    recipe: str = "quick",
    say: Callable[[str], None] = print,
    **options: Any,
) -> pd.DataFrame:
    """Train a model on nested parts of one split's training side, with the same number of optimiser steps on each.

    Validation and test are the same for all. A smaller part has shorter epochs and so more of them: what counts in
    epochs, such as the decay of the schedule `exponential` and the choice of the best epoch, comes more often there.

    Args:
        scene: The scene, its name, or a path.
        model: Name of the model.
        fractions: Shares of the training side; 1, full supervision, must be among them.
        seeds: Number of seeds; each draws its own parts, weights and samples.
        inputs: Modalities of each role; see `train`.
        split: The split; None makes one by `blocks`.
        unit: What is drawn whole; see `subset`.
        recipe: `quick`, or one of the model's own.
        say: Called with a sentence before each training.
        **options: Passed on to `train`, fields of `Recipe` among them.

    Returns:
        One row per fraction, the largest first: `fraction`; `train_pixels`, `epochs` and `steps` (those of the first
        seed); for `oa`, `aa` and `miou` on test pixels `_mean`, `_sd` over the seeds (NaN for one) and `_drop` from full
        supervision, all as shares; mean OA of the controls, `coordinates_only`, `spectrum_only` (NaN
        where the scene has no spectra) and `majority_class`; and `runs`, the ids of the runs.

    Raises:
        WorkbenchError: The fractions lack 1 or name one twice, there is no seed, the recipe stops early; or see `train`.
    """
    if not isinstance(scene, Scene | Collection):
        scene = open_scene(scene)
    if 1 not in fractions or len(set(fractions)) < len(fractions):
        raise WorkbenchError(
            f"While planning minimal supervision: the fractions are {', '.join(f'{part:.4g}' for part in fractions)}; each "
            "is needed once, and 1 (full supervision), from which the drop is counted."
        )
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
        raise WorkbenchError(f"While planning minimal supervision: {seeds!r} seeds; a whole number from 1 is needed.")
    kind = model_class(model)
    view = options.get("view") or kind.views[0]
    plan = find_recipe(model, recipe, {name: options[name] for name in options.keys() & Recipe.model_fields.keys()})
    if plan.patience is not None:
        raise WorkbenchError(
            f"While planning minimal supervision: patience = {plan.patience} would end trainings after different numbers "
            "of steps, and the fractions would not be comparable. Train without patience."
        )
    if split is None:
        split = make_split(scene, "blocks", kind.patch_size)
    parts = {
        (part, seed): subset(split, part, seed, unit)
        for part in sorted(fractions, reverse=True)
        for seed in range(seeds)
    }
    own = model_options(model, options.get("options"), plan.tile)
    say(str(split.audit(receptive_field_of(scene, model, inputs, view, own))))
    runs: dict[tuple[float, int], Run] = {}
    for number, ((part, seed), smaller) in enumerate(parts.items(), 1):
        say(f"Training {number} of {len(parts)}: {model} on {part:.4g} of the training side, seed {seed}.")
        asked = options
        if len(smaller.train) < len(split.train) and "steps" in kind.recipe_fields:
            asked = {name: value for name, value in options.items() if name != "epochs"}
            asked |= equal_steps(plan, view, len(split.train), len(smaller.train))
        # members of ensembles take the seeds that follow: none may be in two of them
        own_seed = seed * int(options.get("members", 1))
        runs[part, seed] = train(scene, model, inputs, smaller, recipe=recipe, seed=own_seed, **asked)
    rows = []
    for part in sorted(fractions, reverse=True):
        mine = [runs[part, seed] for seed in range(seeds)]
        row = {"fraction": part, "train_pixels": len(parts[part, 0].train)}
        row |= {name: mine[0].metrics["training"][name] for name in ("epochs", "steps")}
        scores = pd.DataFrame([{name: run.test_scores[name] for name in SCORES} for run in mine])
        for name in SCORES:
            row |= {f"{name}_mean": scores[name].mean(), f"{name}_sd": scores[name].std()}
        for name in CONTROLS:
            found = [run.metrics["controls"][name]["oa"] for run in mine if name in run.metrics["controls"]]
            row[name] = sum(found) / len(found) if found else float("nan")
        rows.append(row | {"runs": [run.id for run in mine]})
    frame = pd.DataFrame(rows)
    for name in SCORES:
        frame.insert(
            frame.columns.get_loc(f"{name}_sd") + 1, f"{name}_drop", frame[f"{name}_mean"][0] - frame[f"{name}_mean"]
        )
    return frame


def equal_steps(recipe: Recipe, view: str, full: int, part: int) -> dict[str, int]:
    """What makes a training on `part` pixels as long as the recipe's on `full` ones.

    Args:
        recipe: The recipe of full supervision.
        view: `patch` or `dense`.
        full: Training pixels of full supervision.
        part: Training pixels of the part.

    Returns:
        Fields of `Recipe` to change: the steps, and the epochs of a stage before on unlabelled pixels, up to rounding.
    """
    each = epoch_steps(full, recipe, view)
    found = {"steps": recipe.steps or recipe.epochs * each}
    if recipe.unlabelled == "before":
        longer = each / epoch_steps(part, recipe, view)
        found["unlabelled_epochs"] = max(1, round(recipe.unlabelled_epochs * longer))
    return found


def minimal_table(frame: pd.DataFrame, words: ScoreWords) -> Table:
    """Rows for a person: mean and standard deviation over the seeds, drop, and the controls beside them.

    Args:
        frame: Of `minimal_supervision`.
        words: What the scores are called.
    """
    titles = {"oa": f"{words.overall} %", "aa": f"{words.average} %", "miou": "mean IoU %"}
    head = ["training side", "pixels", "epochs", "steps"]
    for name in SCORES:
        head += [titles[name], "drop"]
    head += [f"control: {name.replace('_', ' ')} %" for name in CONTROLS]
    rows = []
    for row in frame.to_dict("records"):
        cells = [f"{row['fraction']:.4g}", *(str(row[name]) for name in ("train_pixels", "epochs", "steps"))]
        for name in SCORES:
            spread = "" if pd.isna(row[f"{name}_sd"]) else f" ± {100 * row[f'{name}_sd']:.1f}"
            cells += [f"{100 * row[f'{name}_mean']:.1f}{spread}", f"{100 * row[f'{name}_drop']:.1f}"]
        rows.append(cells + ["-" if pd.isna(row[name]) else f"{100 * row[name]:.1f}" for name in CONTROLS])
    return head, rows
