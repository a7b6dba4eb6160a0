"""Runs of one configuration sorted by split and seed, the folds of a split together."""

from collections.abc import Sequence

import numpy as np

from workbench.base.hashing import hash_json
from workbench.experiments.run import Run
from workbench.experiments.spread import SCORES, pooled

CONTROL_SCORES = ("oa", "aa", "kappa")


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
