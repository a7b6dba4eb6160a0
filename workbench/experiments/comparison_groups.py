"""Configurations over several splits of one scene, by Wilcoxon's test."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.holm import holm
from workbench.analysis.wilcoxon import PairedWilcoxon, paired_wilcoxon
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments.comparison_tables import DASH, p_words
from workbench.experiments.labels import run_labels
from workbench.experiments.run import Run, as_run
from workbench.experiments.split_units import CONTROL_SCORES, split_controls, split_scores, splits_of
from workbench.experiments.spread import SCORES, Line, line
from workbench.runs import RunFolder
from workbench.runs.words import caution, score_words

TITLES = {"oa": "OA %", "aa": "AA %", "kappa": "kappa", "miou": "mIoU %"}


@dataclass(frozen=True, eq=False)
class ComparedGroup:
    """Runs of one configuration.

    Attributes:
        name: Its name.
        caution: What must stand beside its scores, or "".
        runs: By split, the ids of its runs. A split is named by its hash; one in folds by a hash of those of its folds.
        scores: By split and score, the mean over the seeds.
        lines: By score, the mean over the splits and both spreads.
    """

    name: str
    caution: str
    runs: dict[str, tuple[str, ...]]
    scores: dict[str, dict[str, float]]
    lines: dict[str, Line]

    @property
    def title(self) -> str:
        """The name, and its caution where there is one."""
        return f"{self.name} ({self.caution})" if self.caution else self.name


@dataclass(frozen=True, eq=False)
class ComparedControl:
    """A control over the splits.

    Attributes:
        name: Its name.
        protocol: Of the splits; "" where all are of one.
        scores: By split and score, on the splits that have it; of folds their mean.
        lines: By score (`oa`, `aa`, `kappa`), the mean over the splits and their spread.
    """

    name: str
    protocol: str
    scores: dict[str, dict[str, float]]
    lines: dict[str, Line]


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
        about: Facts of the scene: scene, synthetic, labels_are.
        score: What the test is about.
        protocols: Rules of the splits.
        controls: What sees no image, or single spectra only, over the same splits.
        groups: By falling mean of the tested score.
        pairs: All pairs, in the order of the groups.
        notes: What a reader must know.
    """

    about: dict[str, Any]
    score: str
    protocols: tuple[str, ...]
    controls: tuple[ComparedControl, ...]
    groups: tuple[ComparedGroup, ...]
    pairs: tuple[GroupPair, ...]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """The comparison in words."""
        splits = {split for group in self.groups for split in group.runs}
        several = "s" if len(splits) > 1 else ""
        count = f"{len(self.groups)} configuration{'s' if len(self.groups) > 1 else ''}"
        return f"{count} on {self.about['scene']}, {len(splits)} {' and '.join(self.protocols)} split{several}"

    @property
    def verdict(self) -> str:
        """Who has the highest mean, and how many pairs the test tells apart, in a sentence or two."""
        words = score_words(self.about)
        kind = {"oa": words.overall, "aa": words.average, "kappa": "kappa", "miou": "mean IoU"}[self.score]
        best = max(self.groups, key=lambda group: group.lines[self.score].mean)
        text = f"{best.title} has the highest mean {kind}, {_shown(self.score, best.lines[self.score].mean)}"
        text += " %" if self.score != "kappa" else ""
        tested = [pair for pair in self.pairs if pair.p_holm is not None]
        if not tested:
            return f"{text}. No pair could be tested."
        apart = sum(pair.p_holm is not None and pair.p_holm < 0.05 for pair in tested)
        return f"{text}. Wilcoxon's test over splits tells {apart} of {len(tested)} pairs apart at 5 %."

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON types."""
        return {
            **self.about,
            "score": self.score,
            "protocols": list(self.protocols),
            "controls": [asdict(control) for control in self.controls],
            "groups": [asdict(group) for group in self.groups],
            "pairs": [
                {"first": pair.first, "second": pair.second, **pair.test.to_dict(), "p_holm": pair.p_holm}
                for pair in self.pairs
            ],
            "notes": list(self.notes),
        }

    def scores_frame(self, controls: Mapping[str, str] | None = None) -> pd.DataFrame:
        """Controls first, then one row per configuration: mean, and both standard deviations apart; percent.

        Where no configuration has several seeds on a split, there are no columns for their spread.

        Args:
            controls: Words for the controls; their names where not given.
        """
        rows: list[list[str]] = []
        for control in self.controls:
            title = (controls or {}).get(control.name, control.name.replace("_", " "))
            of = f" ({control.protocol} splits)" if control.protocol else ""
            rows.append([f"control: {title}{of}", str(len(control.scores)), DASH, *_cells(control.lines)])
        for group in self.groups:
            runs = sum(map(len, group.runs.values()))
            rows.append([group.title, str(len(group.runs)), str(runs), *_cells(group.lines)])
        head = [f"{TITLES[score]}{what}" for score in SCORES for what in ("", ", sd splits", ", sd seeds")]
        frame = pd.DataFrame(rows, columns=["configuration", "splits", "runs", *head]).set_index("configuration")
        if all(group.lines[self.score].sd_seeds is None for group in self.groups):
            frame = frame.drop(columns=[name for name in head if name.endswith("sd seeds")])
        return frame

    def runs_frame(self) -> pd.DataFrame:
        """One row per configuration and split: its runs, and the mean of the tested score in percent."""
        rows = [
            {
                "configuration": group.title,
                "split": split[:16],
                TITLES[self.score]: _shown(self.score, group.scores[split][self.score]),
                "runs": ", ".join(runs),
            }
            for group in self.groups
            for split, runs in group.runs.items()
        ]
        return pd.DataFrame(rows)

    def pairs_frame(self) -> pd.DataFrame:
        """One row per pair: n, mean difference, p, and the smallest p that n allows."""
        unit = "" if self.score == "kappa" else ", points"
        rows = [
            {
                "first": pair.first,
                "second": pair.second,
                "n (splits)": pair.test.n,
                f"mean {TITLES[self.score].removesuffix(' %')} difference{unit}": _shown(
                    self.score, pair.test.mean_difference, "+"
                ),
                "p (Wilcoxon)": p_words(pair.test.p),
                "p (Holm)": p_words(pair.p_holm),
                "smallest p for n": DASH if pair.test.smallest_p is None else f"{pair.test.smallest_p:.3g}",
                "note": pair.test.reason,
            }
            for pair in self.pairs
        ]
        return pd.DataFrame(rows, columns=["first", "second"] if not rows else list(rows[0]))


def by_configuration(runs: Sequence[RunFolder | str]) -> dict[str, list[Run]]:
    """Runs of one scene by what they share: the model and its settings, whatever split and seed.

    Where runs are on splits of several protocols, the protocol is part of the name: a mean over both would say nothing.

    Args:
        runs: Runs or their ids.

    Returns:
        Names to runs, in the order of the runs.
    """
    opened = [as_run(run) for run in runs]
    labels = run_labels(opened, seeds=False)
    several = len({run.config.split.protocol for run in opened}) > 1
    found: dict[str, list[Run]] = {}
    for run in opened:
        protocol = f", {run.config.split.protocol} splits" if several else ""
        found.setdefault(f"{labels[run.id]}{protocol}", []).append(run)
    return found


def compare_groups(groups: Mapping[str, Sequence[RunFolder | str]], score: str = "oa") -> GroupComparison:
    """Compare configurations, each with runs over several splits of one scene.

    Runs of a group on the same split (seeds) are averaged first; then splits are pairs, matched by their hash. Folds of a
    split are pooled, as in `sweep`: their confusion matrices are summed, and count as one split.

    Args:
        groups: Name of each configuration to its runs; see `by_configuration`.
        score: What is tested: `oa`, `aa`, `kappa` or `miou`.

    Raises:
        WorkbenchError: A group is empty, a run is not finished or stands in two groups, or scenes differ (the error
            shows both hashes).
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
    made = sorted((_group(name, runs) for name, runs in opened.items()), key=lambda one: -one.lines[score].mean)
    every = [run for runs in opened.values() for run in runs]
    protocols = tuple(dict.fromkeys(run.config.split.protocol for run in every))
    pairs, notes = _pairs(made, score)
    metrics = every[0].metrics
    return GroupComparison(
        {key: metrics.get(key) for key in ("scene", "synthetic", "labels_are")},
        score,
        protocols,
        _controls(list(opened.values()), protocols),
        tuple(made),
        pairs,
        (*notes, *said_of(every)),
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


def said_of(runs: Sequence[Run]) -> list[str]:
    """What a reader must know of the scores of runs, each sentence once."""
    notes = []
    for metrics in (run.metrics for run in runs):
        if metrics["protocol"] == "random":
            notes.append("RANDOM SPLIT: position alone explains much of the scores.")
        if caution(metrics):
            notes.append(
                "CHOSEN ON TEST or scaled over the whole scene: marked scores are for comparison with papers only."
            )
        notes.append(score_words(metrics).note)
        notes += ["Synthetic scene: fusion wins by construction."] if metrics["synthetic"] else []
    return [note for note in dict.fromkeys(notes) if note]


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
    least = [test.n for test in tests if test.smallest_p is not None and test.smallest_p > 0.05]
    if least:
        notes.append(
            f"{min(least)} splits cannot reach p = 0.05: the smallest p that n allows is {2.0 ** (1 - min(least)):g}. Six "
            "splits or more can."
        )
    notes.append(
        "Seeds are averaged within a split; splits are the pairs of Wilcoxon's signed rank test. Splits of one scene "
        f"share pixels, so p is a little too small still. Corrected over {len(tests)} pair(s) by Holm."
    )
    pairs = zip(names, tests, corrected, strict=True)
    return tuple(GroupPair(*pair, test, p) for pair, test, p in pairs), notes


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


def _controls(groups: Sequence[Sequence[Run]], protocols: Sequence[str]) -> tuple[ComparedControl, ...]:
    """Each control over the splits, those of each protocol apart; a split counts once."""
    of: dict[str, dict[str, dict[str, dict[str, float]]]] = {protocol: {} for protocol in protocols}
    for runs in groups:
        for split, seeds in splits_of(runs).items():
            every = [run for folds in seeds for run in folds]
            of[every[0].config.split.protocol].setdefault(split, split_controls(every))
    found = []
    for protocol, splits in of.items():
        for name in dict.fromkeys(name for controls in splits.values() for name in controls):
            scores = {split: controls[name] for split, controls in splits.items() if name in controls}
            lines = {key: line([[one[key]] for one in scores.values()]) for key in CONTROL_SCORES}
            found.append(ComparedControl(name, protocol if len(protocols) > 1 else "", scores, lines))
    return tuple(found)


def _cells(lines: Mapping[str, Line]) -> list[str]:
    """Mean and both spreads of each score as text; dashes where there is none."""
    cells = []
    for score in SCORES:
        one = lines.get(score)
        values = (None, None, None) if one is None else (one.mean, one.sd_splits, one.sd_seeds)
        cells += [_shown(score, value) for value in values]
    return cells


def _shown(score: str, value: float | None, sign: str = "") -> str:
    """A score, or a difference of two, as text: percent with one digit, kappa with three."""
    if value is None:
        return DASH
    return f"{value:{sign}.3f}" if score == "kappa" else f"{100 * value:{sign}.1f}"
