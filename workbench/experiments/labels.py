"""Short names of runs that stand beside each other: the model, and what else differs."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.base.errors import WorkbenchError
from workbench.runs import RunFolder
from workbench.runs.words import PAPER_HABITS, caution

PASSED_OVER = ("scene", "scene_hash", "model", "split", "versions", "init", "recipe", "options", "chosen_on")
SHORT = {"recipe_name": "recipe", "tta": "test-time augmentation"}


def run_labels(runs: Sequence[RunFolder], seeds: bool = True) -> dict[str, str]:
    """Run ids to short names: the model, and those settings in which runs of this model differ.

    Args:
        runs: Runs that stand beside each other.
        seeds: Whether a seed may be part of a name. Without, runs that differ in nothing else share theirs.

    Returns:
        In the order of the runs. Where settings do not tell two runs apart, the end of the id does. A run that follows the
        publications' habits says so, for the name stands beside its scores.
    """
    settings = {run.id: _settings(run, seeds) for run in runs}
    names = {}
    for run in runs:
        mine = settings[run.id]
        rivals = [settings[other.id] for other in runs if other.config.model == run.config.model]
        differs = [key for key in mine if any(key in rival and rival[key] != mine[key] for rival in rivals)]
        told = _caution(run)
        name = ", ".join([run.config.model, *(_words(key, mine[key]) for key in differs)])
        names[run.id] = f"{name} ({told})" if told else name
    # equal names mean equal settings but for what is passed over, such as starting weights
    alike: dict[str, dict[str, str]] = {}
    for run in runs:
        alike.setdefault(names[run.id], {}).setdefault(_identity(run, seeds), run.id.rsplit("-", 1)[-1])
    return {
        run.id: names[run.id]
        if len(alike[names[run.id]]) == 1
        else f"{names[run.id]} ({alike[names[run.id]][_identity(run, seeds)]})"
        for run in runs
    }


def _caution(run: RunFolder) -> str:
    """What must stand beside the scores of a run; a run without scores has its habits all the same."""
    if run.config.chosen_on != "test":
        return ""
    try:
        return caution(run.metrics)
    except WorkbenchError:
        return PAPER_HABITS


def _identity(run: RunFolder, seeds: bool) -> str:
    left_out = {"split"} if seeds else {"split", "seed"}
    return run.config.model_dump_json(exclude=left_out)


def _settings(run: RunFolder, seeds: bool) -> dict[str, Any]:
    values = run.config.model_dump(mode="json")
    told = {"inputs": _modalities(values.pop("inputs"))}
    told |= {key: value for key, value in values.items() if key not in PASSED_OVER}
    told |= {**values["options"], **values["recipe"]}
    if not seeds:
        del told["seed"]
    if run.config.chosen_on == "test":
        del told["scaling_from"]  # the habits, which are told, include it
    return told


def _modalities(inputs: Mapping[str, Sequence[str]]) -> str:
    names = list(dict.fromkeys(name for played in inputs.values() for name in played))
    return " + ".join(names) if len(names) > 1 else f"{names[0]} alone"


def _words(key: str, value: Any) -> str:
    if key == "inputs":
        return str(value)
    name = SHORT.get(key, key.replace("_", " "))
    if value is None or isinstance(value, bool):
        return name if value else f"no {name}"
    return f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
