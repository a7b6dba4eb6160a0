"""Configurations over several splits by Wilcoxon's test, and models over several scenes by Friedman's."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.friedman import Friedman, friedman
from workbench.analysis.holm import holm
from workbench.analysis.wilcoxon import PairedWilcoxon, paired_wilcoxon
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments.comparison_tables import DASH, p_words
from workbench.experiments.run import Run, as_run
from workbench.runs import RunFolder

SCORES = ("oa", "aa", "kappa", "miou")


@dataclass(frozen=True, eq=False)
class ComparedGroup:
    """Runs of one configuration.

    Attributes:
        name: Its name.
        runs: By split hash, the ids of its runs.
        scores: By split hash and score, the mean over the runs on that split.
        mean: Of the split means, by score.
        sd_splits: Sample standard deviation of the split means; None for one split.
        sd_seeds: Of runs on the same split, pooled over the splits; None where each split has one run.
    """

    name: str
    runs: dict[str, tuple[str, ...]]
    scores: dict[str, dict[str, float]]
    mean: dict[str, float]
    sd_splits: dict[str, float | None]
    sd_seeds: dict[str, float | None]


@dataclass(frozen=True, eq=False)
class GroupPair:
    """Two configurations over the splits that both have.

    Attributes:
        first: Name of the first.
        second: Name of the second.
        test: Wilcoxon's test of first minus second.
        p_holm: Its p-value after Holm's correction over all pairs; None where there is none.
    """

    first: str
    second: str
    test: PairedWilcoxon
    p_holm: float | None


@dataclass(frozen=True, eq=False)
class GroupComparison:
    """Configurations over splits of one scene.

    Attributes:
        scene: Its name.
        score: What the test is about.
        groups: In the order given.
        pairs: All pairs.
        notes: What a reader must know.
    """

    scene: str
    score: str
    groups: tuple[ComparedGroup, ...]
    pairs: tuple[GroupPair, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON types."""
        return {
            "scene": self.scene,
            "score": self.score,
            "groups": [asdict(group) for group in self.groups],
            "pairs": [
                {"first": pair.first, "second": pair.second, **pair.test.to_dict(), "p_holm": pair.p_holm}
                for pair in self.pairs
            ],
            "notes": list(self.notes),
        }

    def groups_frame(self) -> pd.DataFrame:
        """One row per configuration: mean, and the two standard deviations apart; shares in percent."""
        rows = {}
        for group in self.groups:
            row: list[Any] = [len(group.runs), sum(map(len, group.runs.values()))]
            for score in SCORES:
                scale, digits = (1, 3) if score == "kappa" else (100, 1)
                for value in (group.mean[score], group.sd_splits[score], group.sd_seeds[score]):
                    row.append(DASH if value is None else f"{scale * value:.{digits}f}")
            rows[group.name] = row
        titles = {"oa": "OA %", "aa": "AA %", "kappa": "kappa", "miou": "mIoU %"}
        head = [f"{titles[score]}{what}" for score in SCORES for what in ("", ", sd over splits", ", sd over seeds")]
        return pd.DataFrame.from_dict(rows, orient="index", columns=["splits", "runs", *head]).rename_axis("group")

    def runs_frame(self) -> pd.DataFrame:
        """One row per configuration and split: its runs, and the mean of the tested score."""
        rows = [
            {
                "group": group.name,
                "split": split[:16],
                self.score: group.scores[split][self.score],
                "runs": ", ".join(runs),
            }
            for group in self.groups
            for split, runs in group.runs.items()
        ]
        return pd.DataFrame(rows)

    def pairs_frame(self) -> pd.DataFrame:
        """One row per pair: n, mean difference, p, and the smallest p that n allows."""
        rows = [
            {
                "first": pair.first,
                "second": pair.second,
                "n (splits)": pair.test.n,
                f"mean {self.score} difference": _value(pair.test.mean_difference),
                "p (Wilcoxon)": p_words(pair.test.p),
                "p (Holm)": p_words(pair.p_holm),
                "smallest p for n": _value(pair.test.smallest_p),
                "note": pair.test.reason,
            }
            for pair in self.pairs
        ]
        return pd.DataFrame(rows, columns=["first", "second"] if not rows else list(rows[0]))


def compare_groups(groups: Mapping[str, Sequence[RunFolder | str]], score: str = "oa") -> GroupComparison:
    """Compare configurations, each with runs over several splits of one scene.

    Runs of a group on the same split (seeds) are averaged first; then splits are pairs, matched by their hash.

    Args:
        groups: Name of each configuration to its runs.
        score: What is tested: `oa`, `aa`, `kappa` or `miou`.

    Raises:
        WorkbenchError: A group is empty, a run is not finished or stands in two groups, or scenes differ (the error
            shows both hashes).
        UnknownNameError: There is no such run or score.
    """
    if score not in SCORES:
        raise UnknownNameError("score", score, SCORES)
    if len(groups) < 2:
        raise WorkbenchError(f"While comparing configurations: two are needed, not {len(groups)}.")
    opened = {name: list({run.id: run for run in map(as_run, runs)}.values()) for name, runs in groups.items()}
    _check(opened)
    made = tuple(_group(name, runs) for name, runs in opened.items())
    pairs, tests, notes = [], [], []
    for first, second in combinations(made, 2):
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
        pairs.append((first.name, second.name))
    corrected = holm([test.p for test in tests])
    least = [test.n for test in tests if test.smallest_p is not None and test.smallest_p > 0.05]
    if least:
        notes.append(
            f"{min(least)} splits cannot reach p = 0.05: the smallest p that n allows is {2.0 ** (1 - min(least)):g}. Six "
            "splits or more can."
        )
    if tests:
        notes.append(
            "Seeds are averaged within a split; splits are the pairs of Wilcoxon's signed rank test. Splits of one scene "
            f"share pixels, so p is a little too small still. Corrected over {len(tests)} pair(s) by Holm."
        )
    scene = next(iter(opened.values()))[0].config.scene
    return GroupComparison(
        scene,
        score,
        made,
        tuple(GroupPair(*pair, test, p) for pair, test, p in zip(pairs, tests, corrected, strict=True)),
        tuple(notes),
    )


def compare_scenes(
    table: pd.DataFrame | Mapping[str, Mapping[str, Sequence[RunFolder | str]]], score: str = "oa", level: float = 0.05
) -> Friedman:
    """Compare models across scenes by Friedman's test; see `workbench.analysis.friedman`.

    Args:
        table: Scores (larger is better), one row per scene and one column per model; or scene to model to its runs on
            it, whose scores are averaged.
        score: Of the runs: `oa`, `aa`, `kappa` or `miou`.
        level: Level of the critical difference.

    Raises:
        WorkbenchError: There are fewer than 2 scenes or 3 models, models differ between scenes, a scene's runs are of
            different scenes, or two rows are of the same scene: splits of one scene are no data sets.
        UnknownNameError: There is no such run or score.
    """
    if isinstance(table, pd.DataFrame):
        return friedman(table.to_numpy(float), list(map(str, table.columns)), list(map(str, table.index)), level)
    if score not in SCORES:
        raise UnknownNameError("score", score, SCORES)
    doing = "While comparing models across scenes"
    models = list(next(iter(table.values()), {}))
    rows: list[list[float]] = []
    seen: dict[str, str] = {}
    for name, runs in table.items():
        if set(runs) != set(models):
            raise WorkbenchError(f"{doing}: {name!r} has the models {sorted(runs)}, the first scene {sorted(models)}.")
        opened = {model: [as_run(run) for run in runs[model]] for model in models}
        _check(opened, alone=True)
        content = next(iter(opened.values()))[0].config.scene_hash
        if content in seen:
            raise WorkbenchError(
                f"{doing}: {seen[content]!r} and {name!r} are the same scene ({content[:16]}). Splits of one scene are no "
                "data sets; compare them by compare_groups."
            )
        seen[content] = name
        rows.append([float(np.mean([_score(run)[score] for run in opened[model]])) for model in models])
    return friedman(np.array(rows).reshape(len(rows), len(models)), models, list(table), level)


def _check(groups: Mapping[str, Sequence[Run]], alone: bool = False) -> None:
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
            advice = "" if alone else " Compare across scenes by compare_scenes."
            raise WorkbenchError(
                f"{doing}: {every[0].id} and {other.id} are on different scenes, {mine[:16]} ({every[0].config.scene}) and "
                f"{theirs[:16]} ({other.config.scene}).{advice}"
            )


def _group(name: str, runs: Sequence[Run]) -> ComparedGroup:
    by_split: dict[str, list[Run]] = {}
    for run in runs:
        by_split.setdefault(run.config.split.hash, []).append(run)
    found = {split: [_score(run) for run in mine] for split, mine in by_split.items()}
    means = {split: {s: float(np.mean([one[s] for one in each])) for s in SCORES} for split, each in found.items()}
    free = sum(len(each) - 1 for each in found.values())
    squares = {s: sum((one[s] - means[split][s]) ** 2 for split, each in found.items() for one in each) for s in SCORES}
    values = {s: [mean[s] for mean in means.values()] for s in SCORES}
    return ComparedGroup(
        name=name,
        runs={split: tuple(run.id for run in mine) for split, mine in by_split.items()},
        scores=means,
        mean={s: float(np.mean(values[s])) for s in SCORES},
        sd_splits={s: float(np.std(values[s], ddof=1)) if len(means) > 1 else None for s in SCORES},
        sd_seeds={s: float(np.sqrt(squares[s] / free)) if free else None for s in SCORES},
    )


def _score(run: Run) -> dict[str, float]:
    test = run.metrics["test"]
    if test is None:
        raise WorkbenchError(f"Run {run.id} has no scores: no test pixel has data in every modality. Leave it out.")
    return {score: float(test[score]) for score in SCORES}


def _value(value: float | None) -> str:
    return DASH if value is None else f"{value:.3g}"
