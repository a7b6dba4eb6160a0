"""Runs of one configuration sorted by split and seed, the folds of a split together."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.base.hashing import hash_json
from workbench.experiments.run import Run
from workbench.experiments.spread import SCORES, pooled

CONTROL_SCORES = ("oa", "aa", "kappa")
FOUND = ("fold", "validation", "population", "sample")
"""What a split records of itself that is no rule: which fold it is, and what was found in the scene."""


def rules_of(runs: Sequence[Run]) -> dict[str, str]:
    """By which rule each run's split was made, in words: the protocol, and what else differs between the runs' rules.

    Splits of one rule differ in the seed alone. A mean over splits of two rules would say nothing.

    Args:
        runs: Runs of one scene.

    Returns:
        Run id to words such as `blocks` or `blocks, buffer 0`.
    """
    rules = {run.id: _rule(run) for run in runs}
    names = {}
    for run, rule in rules.items():
        rivals = [other for other in rules.values() if other["protocol"] == rule["protocol"]]
        told = [rule["protocol"]]
        for key in sorted(set().union(*rivals) - {"protocol"}):
            if any(other.get(key) != rule.get(key) for other in rivals):
                told.append(_words(key, rule.get(key)))
        names[run] = ", ".join(told)
    return names


def _rule(run: Run) -> dict[str, Any]:
    split = run.config.split
    asked = {key: value for key, value in split.parameters.items() if key not in FOUND and value not in (None, [], 0)}
    if "buffer" in split.parameters:
        asked["buffer"] = split.parameters["buffer"]  # 0 is a buffer too
    return {"protocol": split.protocol, "window": split.patch_size, **asked}


def _words(key: str, value: Any) -> str:
    if value is None:
        return f"no {key.replace('_', ' ')}"
    shown = (
        "+".join(map(str, value)) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else value
    )
    return f"{key.replace('_', ' ')} {shown}"


def splits_of(runs: Sequence[Run]) -> dict[str, list[list[Run]]]:
    """Runs of one configuration by split, and on each split by seed; the folds of a split are one split.

    Args:
        runs: The runs.

    Returns:
        Hash of the split, or of all its folds that a seed has, to the runs of each seed: one run, or one per fold.
    """
    found: dict[str, list[list[Run]]] = {}
    folded: dict[str, list[Run]] = {}
    for run in runs:
        split = run.config.split
        if split.parameters.get("folds"):
            rule = split.model_dump(mode="json", exclude={"hash"})
            rule["parameters"] = {key: value for key, value in rule["parameters"].items() if key != "fold"}
            folded.setdefault(hash_json([rule, run.config.seed]), []).append(run)
        else:
            found.setdefault(split.hash, []).append([run])
    for folds in folded.values():
        found.setdefault(hash_json(sorted(run.config.split.hash for run in folds)), []).append(folds)
    return found


def split_scores(seeds: Sequence[Sequence[Run]]) -> list[dict[str, float]]:
    """The scores of each seed on a split, folds pooled.

    Raises:
        WorkbenchError: A run has none.
    """
    tests = [[run.test_scores for run in folds] for folds in seeds]
    return [pooled(folds) if len(folds) > 1 else {score: float(folds[0][score]) for score in SCORES} for folds in tests]


def split_controls(runs: Sequence[Run]) -> dict[str, dict[str, float]]:
    """The controls of a split by their name; of folds the mean of each score."""
    by_fold = {run.config.split.hash: run.metrics["controls"] for run in reversed(runs)}
    names = dict.fromkeys(name for controls in by_fold.values() for name in controls)
    having = {name: [controls[name] for controls in by_fold.values() if name in controls] for name in names}
    return {
        name: {key: float(np.mean([one[key] for one in each])) for key in CONTROL_SCORES}
        for name, each in having.items()
    }
