"""What configurations over several splits came to: controls on top, both spreads apart, every run listed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from workbench.analysis.wilcoxon import PairedWilcoxon
from workbench.experiments.comparison_tables import DASH
from workbench.experiments.spread import SCORES, Line
from workbench.runs.words import score_words

LEVEL = 0.05
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
        return f"{self.name} ({self.caution})" if self.caution and self.caution not in self.name else self.name


@dataclass(frozen=True, eq=False)
class ComparedControl:
    """A control over the splits.

    Attributes:
        name: Its name.
        rule: By which the splits were made; "" where all are of one.
        scores: By split and score, on the splits that have it; of folds their mean.
        lines: By score (`oa`, `aa`, `kappa`), the mean over the splits and their spread.
    """

    name: str
    rule: str
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
        rules: By which the splits were made.
        controls: What sees no image, or single spectra only, over the same splits.
        groups: By falling mean of the tested score.
        pairs: All pairs, in the order of the groups.
        warnings: What must not be overlooked in the scores, with its level (`red`, `amber` or "").
        notes: What is to be said of the tests.
    """

    about: dict[str, Any]
    score: str
    rules: tuple[str, ...]
    controls: tuple[ComparedControl, ...]
    groups: tuple[ComparedGroup, ...]
    pairs: tuple[GroupPair, ...]
    warnings: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """The comparison in words."""
        splits = {split for group in self.groups for split in group.runs}
        several = "s" if len(splits) > 1 else ""
        count = f"{len(self.groups)} configuration{'s' if len(self.groups) > 1 else ''}"
        return f"{count} on {self.about['scene']}, {len(splits)} split{several} ({'; '.join(self.rules)})"

    @property
    def verdict(self) -> str:
        """Who has the highest mean, and how many pairs the test tells apart, in a sentence or two."""
        tested = [pair for pair in self.pairs if pair.p_holm is not None]
        if not tested:
            told = "No pair could be tested: the configurations share fewer than two splits"
        else:
            apart = sum(pair.p_holm is not None and pair.p_holm < LEVEL for pair in tested)
            told = f"Wilcoxon's test over splits tells {apart} of {len(tested)} pairs apart at 5 %"
        if len(self.rules) > 1:
            return f"{told}. Scores on splits of different rules do not rank: compare rows of one rule, under its controls."
        words = score_words(self.about)
        kind = {"oa": words.overall, "aa": words.average, "kappa": "kappa", "miou": "mean IoU"}[self.score]
        best = self.groups[0]
        unit = "" if self.score == "kappa" else " %"
        highest = f"{_shown(self.score, best.lines[self.score].mean)}{unit}"
        own = (
            "" if all(group.runs.keys() == best.runs.keys() for group in self.groups) else ", each over its own splits"
        )
        return f"{best.title} has the highest mean {kind}, {highest}{own}. {told}."

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON types."""
        return {
            **self.about,
            "score": self.score,
            "rules": list(self.rules),
            "controls": [asdict(control) for control in self.controls],
            "groups": [asdict(group) for group in self.groups],
            "pairs": [
                {"first": pair.first, "second": pair.second, **pair.test.to_dict(), "p_holm": pair.p_holm}
                for pair in self.pairs
            ],
            "warnings": [text for text, _ in self.warnings],
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
            of = f" ({control.rule} splits)" if control.rule else ""
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
                "p (Wilcoxon)": _p(pair.test.p),
                "p (Holm)": _p(pair.p_holm),
                "smallest p for n": _p(pair.test.smallest_p),
                "note": pair.test.reason,
            }
            for pair in self.pairs
        ]
        return pd.DataFrame(rows, columns=["first", "second"] if not rows else list(rows[0]))


def _cells(lines: Mapping[str, Line]) -> list[str]:
    """Mean and both spreads of each score as text; dashes where there is none."""
    cells = []
    for score in SCORES:
        one = lines.get(score)
        values = (None, None, None) if one is None else (one.mean, one.sd_splits, one.sd_seeds)
        cells += [_shown(score, value) for value in values]
    return cells


def _p(value: float | None) -> str:
    """A p-value with three digits, so that one beside the smallest there can be shows whether it is that."""
    return DASH if value is None else "< 0.001" if value < 0.001 else f"{value:.3g}"


def _shown(score: str, value: float | None, sign: str = "") -> str:
    """A score, or a difference of two, as text: percent with one digit, kappa with three."""
    if value is None:
        return DASH
    return f"{value:{sign}.3f}" if score == "kappa" else f"{100 * value:{sign}.1f}"
