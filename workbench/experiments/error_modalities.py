"""Which modality a class needs: its pixels found by the run, and by runs that were retrained without a modality."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.base.errors import WorkbenchError
from workbench.experiments.run import Run, as_run
from workbench.models import resolve_options
from workbench.models.pixels import modalities_of
from workbench.runs import RunConfig, RunFolder, list_runs
from workbench.splits.make import PROTOCOLS
from workbench.splits.official import NAME as OFFICIAL
from workbench.training.recipes import recipe

KEYS = ["tile", "row", "col"]
SAME = ("view", "width", "options", "seed", "members", "tta", "init", "chosen_on")
"""What else runs must share, so that a difference is the modality's."""


@dataclass(frozen=True)
class Retrained:
    """Runs on the same split that were trained without some of the run's modalities.

    Attributes:
        runs: What each was trained without (names joined by ``+``) to its run id.
        points: The same to, by class value, points (hundredths) by which the producer's accuracy of that run is lower:
            above 0 the class needs what is missing. None for a class without test pixels.
        pixels: The same to the test pixels that both runs answer.
        notes: What a reader must know: runs that were passed over and why; the command where there is none.
    """

    runs: dict[str, str]
    points: dict[str, dict[int, float | None]]
    pixels: dict[str, int]
    notes: tuple[str, ...]

    def of(self, value: int) -> tuple[tuple[str, float], ...]:
        """What was missing, and the points, of one class."""
        found = ((name, points.get(value)) for name, points in self.points.items())
        return tuple((name, points) for name, points in found if points is not None)

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return {
            "runs": self.runs,
            "points": {name: {str(value): p for value, p in one.items()} for name, one in self.points.items()},
            "pixels": self.pixels,
            "notes": list(self.notes),
        }


def retrained_without(run: Run, pixels: pd.DataFrame, others: Sequence[RunFolder | str] = ()) -> Retrained:
    """Compare a run with runs of fewer modalities, class by class, on the pixels that both answer.

    Args:
        run: The run.
        pixels: Its test pixels: tile, row, col, reference, predicted.
        others: Runs to compare with; none looks for them among all finished runs: same scene, split and seed, the same
            network, trained and asked in the same way, and fewer modalities.

    Raises:
        WorkbenchError: A run that was named is on another scene or split; the message shows both hashes.
        UnknownNameError: There is no such run.
    """
    mine = set(modalities_of(run.config.inputs))
    given = [as_run(other) for other in others]
    for other in given:
        _check(run, other)
    notes = []
    found: dict[str, Run] = {}
    for other in given or [Run(one.path) for one in list_runs() if _alike(run, one)]:
        missing = mine - set(modalities_of(other.config.inputs))
        extra = set(modalities_of(other.config.inputs)) - mine
        if not missing or extra or other.config.model != run.config.model:
            notes.append(f"Run {other.id} is not this model with fewer modalities: it says nothing of what one adds.")
            continue
        found.setdefault(" + ".join(name for name in modalities_of(run.config.inputs) if name in missing), other)
    points, counts = {}, {}
    for name, other in found.items():
        theirs = other.predictions
        theirs = theirs[theirs["set"] == "test"][[*KEYS, "predicted"]]
        both = pixels.merge(theirs, on=KEYS, suffixes=("", "_without"))
        counts[name] = len(both)
        points[name] = {int(value): _points(both, int(value)) for value in run.classes}
        unlike = [key for key in ("recipe", *SAME) if getattr(other.config, key) != getattr(run.config, key)]
        if unlike:
            words = ", ".join(key.replace("_", " ") for key in unlike)
            notes.append(f"Run {other.id}, without {name}, differs in {words} too: the points tell of that as well.")
    if not found and len(mine) > 1:
        notes.append(f"No run without one of {', '.join(sorted(mine))} is there. {_way(run.config)}")
    elif not found:
        notes.append(f"The run uses {next(iter(mine))} alone: no modality can be left out.")
    return Retrained({name: one.id for name, one in found.items()}, points, counts, tuple(notes))


def command(config: RunConfig) -> str:
    """The command that trains the same network without each of its modalities, on the same split."""
    usual = recipe(config.model, config.recipe_name).model_dump()
    changed = {k: v for k, v in config.recipe.model_dump().items() if v != usual[k] and k not in ("epochs", "steps")}
    own = resolve_options(config.model)
    parts = [f"workbench modalities {shlex.quote(config.scene)} --model {config.model}"]
    parts += [f"--input {role}={','.join(names)}" for role, names in config.inputs.items()]
    parts += [f"--view {config.view} --protocol {config.split.protocol} --split-seed {config.split.seed}"]
    settings = _asked(config) or {}
    told = {key: json.dumps(value) if isinstance(value, list) else str(value) for key, value in settings.items()}
    parts += [f"--split {shlex.quote(f'{key}={value}')}" for key, value in told.items()]
    parts += [f"--option {key}={json.dumps(value)}" for key, value in config.options.items() if value != own.get(key)]
    long = f"--epochs {config.recipe.epochs}" if config.recipe.steps is None else f"--set steps={config.recipe.steps}"
    parts += [f"--recipe {config.recipe_name} {long}", *(f"--set {key}={value}" for key, value in changed.items())]
    return " ".join([*parts, f"--width {config.width:g} --seeds {config.seed}"])


def _way(config: RunConfig) -> str:
    """How runs with fewer modalities are made; the command knows neither all habits nor splits that no rule makes."""
    habits = config.members > 1 or config.tta or config.init is not None or config.chosen_on != "validation"
    if habits or _asked(config) is None:
        return "Train it again on the same split and with the same settings, but with inputs that leave a modality out."
    return f"Make them: {command(config)}"


def _asked(config: RunConfig) -> dict[str, Any] | None:
    """What the rule of the split was asked for; None where no rule makes it, such as a part of another split."""
    split = config.split
    settings = {key: value for key, value in split.parameters.items() if value not in (None, [])}
    if split.protocol == OFFICIAL:
        settings.pop("validation", None)  # what was found, not what was asked
    rule = PROTOCOLS.get(split.protocol)
    return settings if rule is not None and settings.keys() <= rule[0].model_fields.keys() else None


def _points(both: pd.DataFrame, value: int) -> float | None:
    own = both[both["reference"] == value]
    if not len(own):
        return None
    hits, without = (own[name] == value for name in ("predicted", "predicted_without"))
    return 100 * float(hits.mean() - without.mean())


def _check(run: Run, other: Run) -> None:
    for what, one, two in (
        ("scenes", run.config.scene_hash, other.config.scene_hash),
        ("splits", run.config.split.hash, other.config.split.hash),
    ):
        if one != two:
            raise WorkbenchError(
                f"While comparing runs: {run.id} and {other.id} are on different {what}, {one[:16]} and {two[:16]}. "
                "Only runs on the same test pixels are compared: train with the same scene and split."
            )


def _alike(run: Run, other: RunFolder) -> bool:
    """Whether a run that was not named is this one with fewer modalities; damaged runs are passed over."""
    try:
        if other.id == run.id or not other.finished:
            return False
        mine, theirs = run.config, other.config
    except WorkbenchError:
        return False
    return (
        all(getattr(mine, key) == getattr(theirs, key) for key in ("scene_hash", "model", *SAME))
        and mine.split.hash == theirs.split.hash
        and set(modalities_of(theirs.inputs)) < set(modalities_of(mine.inputs))
        and {**mine.recipe.model_dump(), "modality_dropout": 0} == {**theirs.recipe.model_dump(), "modality_dropout": 0}
    )
