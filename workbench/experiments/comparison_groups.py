"""Configurations over several splits of one scene, by Wilcoxon's test."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from workbench.analysis.holm import holm
from workbench.analysis.wilcoxon import paired_wilcoxon
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments.comparison_groups_result import (
    LEVEL,
    ComparedControl,
    ComparedGroup,
    GroupComparison,
    GroupPair,
)
from workbench.experiments.labels import run_labels
from workbench.experiments.run import Run, as_run
from workbench.experiments.split_units import CONTROL_SCORES, rules_of, split_controls, split_scores, splits_of
from workbench.experiments.spread import SCORES, line
from workbench.runs import RunFolder
from workbench.runs.words import caution, score_words


def by_configuration(runs: Sequence[RunFolder | str]) -> dict[str, list[Run]]:
    """Runs of one scene by what they share: the model and its settings, whatever split and seed.

    Where runs are on splits that were made by several rules (another protocol, buffer, share of training pixels), the rule
    is part of the name: a mean over both would say nothing.

    Args:
        runs: Runs or their ids.

    Returns:
        Names to runs, in the order of the runs.
    """
    opened = [as_run(run) for run in runs]
    labels = run_labels(opened, seeds=False)
    rules = rules_of(opened)
    found: dict[str, list[Run]] = {}
    for run in opened:
        rule = f", {rules[run.id]} splits" if len(set(rules.values())) > 1 else ""
        found.setdefault(f"{labels[run.id]}{rule}", []).append(run)
    return found


def compare_groups(groups: Mapping[str, Sequence[RunFolder | str]], score: str = "oa") -> GroupComparison:
    """Compare configurations, each with runs over several splits of one scene.

    Runs of a group on the same split (seeds) are averaged first; then splits are pairs, matched by their hash. Folds of a
    split are pooled, as in `sweep`: their confusion matrices are summed, and count as one split.

    Args:
        groups: Name of each configuration to its runs; see `by_configuration`.
        score: What is tested: `oa`, `aa`, `kappa` or `miou`.

    Raises:
        WorkbenchError: A group is empty or mixes splits of several rules, a run is not finished or stands in two groups,
            or scenes differ (the error shows both hashes).
        UnknownNameError: There is no such run or score.
    """
    if score not in SCORES:
        raise UnknownNameError("score", score, SCORES)
    opened = {name: list({run.id: run for run in map(as_run, runs)}.values()) for name, runs in groups.items()}
    if len(groups) < 2:
        raise WorkbenchError(
            f"While comparing configurations: two are needed, not {len(groups)} ({', '.join(groups) or 'no run'}). Runs "
            "that differ only in split and seed are repetitions of one."
        )
    refuse_unlike(opened, "Compare models across scenes by `workbench compare --over scenes` (compare_scenes).")
    for name, runs in opened.items():
        refuse_mixed(runs, f"the configuration {name!r}")
    made = sorted((_group(name, runs) for name, runs in opened.items()), key=lambda one: -one.lines[score].mean)
    every = [run for runs in opened.values() for run in runs]
    rules = rules_of(every)
    pairs, notes = _pairs(made, score)
    metrics = every[0].metrics
    return GroupComparison(
        {key: metrics.get(key) for key in ("scene", "synthetic", "labels_are")},
        score,
        tuple(dict.fromkeys(rules.values())),
        _controls(list(opened.values()), rules),
        tuple(made),
        pairs,
        warnings_of(every),
        tuple(notes),
    )


def refuse_unlike(groups: Mapping[str, Sequence[Run]], advice: str) -> None:
    """Refuse groups that are empty, share a run, or are of different scenes (with both hashes)."""
    doing = "While comparing groups of runs"
    empty = [name for name, runs in groups.items() if not runs]
    if empty or not groups:
        raise WorkbenchError(f"{doing}: {'the group ' + repr(empty[0]) if empty else 'every group'} has no run.")
    every = [run for runs in groups.values() for run in runs]
    twice = [run.id for number, run in enumerate(every) if run.id in [other.id for other in every[:number]]]
    if twice:
        raise WorkbenchError(f"{doing}: run {twice[0]} stands in two of them.")
    for other in every[1:]:
        mine, theirs = every[0].config.scene_hash, other.config.scene_hash
        if mine != theirs:
            raise WorkbenchError(
                f"{doing}: {every[0].id} and {other.id} are on different scenes, {mine[:16]} ({every[0].config.scene}) and "
                f"{theirs[:16]} ({other.config.scene}). {advice}"
            )


def warnings_of(runs: Sequence[Run]) -> tuple[tuple[str, str], ...]:
    """What must not be overlooked in the scores of runs: each sentence once, with its level (`red`, `amber` or "")."""
    found: dict[str, str] = {}
    for metrics in (run.metrics for run in runs):
        if metrics["protocol"] == "random":
            found["RANDOM SPLIT: position alone explains much of the scores."] = "red"
        if caution(metrics):
            found["PUBLICATIONS' HABITS: scores that are marked so compare with published figures only."] = "red"
        audit = metrics.get("audit") or {}
        if audit.get("banner"):
            found[f"Audit, {metrics['protocol']} split: {audit['banner']}."] = audit.get("banner_level", "")
        if score_words(metrics).note:
            found[score_words(metrics).note] = ""
        if metrics["synthetic"]:
            found["Synthetic scene: fusion wins by construction."] = ""
    return tuple(found.items())


def refuse_mixed(runs: Sequence[Run], what: str) -> None:
    """Refuse runs on splits that were made by several rules, whose mean would say nothing."""
    rules = rules_of(runs)
    told = {rule: next(run for run, mine in rules.items() if mine == rule) for rule in rules.values()}
    if len(told) > 1:
        raise WorkbenchError(
            f"While comparing {what}: its splits were made by {len(told)} rules, and a mean over them would say nothing: "
            f"{'; '.join(f'{rule} ({run})' for rule, run in told.items())}. Compare runs on splits of one rule."
        )


def _pairs(groups: Sequence[ComparedGroup], score: str) -> tuple[tuple[GroupPair, ...], list[str]]:
    """Every pair over the splits that both have, and what is to be said of them."""
    names, tests, notes = [], [], []
    for first, second in combinations(groups, 2):
        shared = [split for split in first.runs if split in second.runs]
        lone = len(first.runs) + len(second.runs) - 2 * len(shared)
        if not shared:
            mine, theirs = (", ".join(split[:16] for split in group.runs) for group in (first, second))
            notes.append(
                f"{first.name} and {second.name} share no split: {first.name} has {mine}, {second.name} has {theirs}. Train "
                "both on the same splits, such as by `workbench train SCENE --model A,B --splits 10`."
            )
        elif lone:
            notes.append(f"{first.name} and {second.name}: {lone} split(s) that only one of them has are left out.")
        tests.append(paired_wilcoxon(*([group.scores[split][score] for split in shared] for group in (first, second))))
        names.append((first.name, second.name))
    corrected = holm([test.p for test in tests])
    notes += _out_of_reach([test.n for test in tests if test.p is not None])
    notes.append(
        "Seeds are averaged within a split; splits are the pairs of Wilcoxon's signed rank test. Splits of one scene "
        f"share pixels, so p is a little too small still. Corrected over {len(tests)} pair(s) by Holm."
    )
    pairs = zip(names, tests, corrected, strict=True)
    return tuple(GroupPair(*pair, test, p) for pair, test, p in pairs), notes


def _out_of_reach(splits: Sequence[int]) -> list[str]:
    """A sentence where so few splits and so many pairs cannot reach 0.05, whatever the scores.

    Args:
        splits: Of each pair that could be tested.
    """
    if not splits:
        return []
    pairs, most = len(splits), max(splits)
    least = min(1.0, pairs * 2.0 ** (1 - most))  # of the first pair, the smallest that Holm's correction gives
    if least <= LEVEL:
        return []
    needed = next(n for n in range(2, 64) if pairs * 2.0 ** (1 - n) <= LEVEL)
    with_pairs = f" and {pairs} pairs, corrected by Holm," if pairs > 1 else ""
    return [
        f"{most} splits{with_pairs} cannot reach p = 0.05: the smallest p that they allow is {least:.3g}; {needed} or more can."
    ]


def _group(name: str, runs: Sequence[Run]) -> ComparedGroup:
    splits = splits_of(runs)
    found = {split: split_scores(seeds) for split, seeds in splits.items()}
    return ComparedGroup(
        name=name,
        caution=next((told for told in (caution(run.metrics) for run in runs) if told), ""),
        runs={split: tuple(run.id for folds in seeds for run in folds) for split, seeds in splits.items()},
        scores={split: {s: float(np.mean([one[s] for one in each])) for s in SCORES} for split, each in found.items()},
        lines={s: line([[one[s] for one in each] for each in found.values()]) for s in SCORES},
    )


def _controls(groups: Sequence[Sequence[Run]], rules: Mapping[str, str]) -> tuple[ComparedControl, ...]:
    """Each control over the splits, those of each rule apart; a split counts once."""
    of: dict[str, dict[str, dict[str, dict[str, float]]]] = {rule: {} for rule in rules.values()}
    for runs in groups:
        for split, seeds in splits_of(runs).items():
            every = [run for folds in seeds for run in folds]
            of[rules[every[0].id]].setdefault(split, split_controls(every))
    found = []
    for rule, splits in of.items():
        for name in dict.fromkeys(name for controls in splits.values() for name in controls):
            scores = {split: controls[name] for split, controls in splits.items() if name in controls}
            lines = {key: line([[one[key]] for one in scores.values()]) for key in CONTROL_SCORES}
            found.append(ComparedControl(name, rule if len(of) > 1 else "", scores, lines))
    return tuple(found)
