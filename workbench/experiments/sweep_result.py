"""What runs over splits and seeds came to: seeds averaged within a split, both spreads apart, every run listed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.base.errors import WorkbenchError
from workbench.experiments.spread import SCORES, Line, line, pooled
from workbench.experiments.summary import Table
from workbench.experiments.sweep_notes import sweep_notes
from workbench.runs.words import ScoreWords, caution, score_words

CONTROL_SCORES = ("oa", "aa", "kappa")
DASH = "-"


@dataclass(frozen=True)
class Entry:
    """One run of a sweep.

    Attributes:
        model: Name of the model.
        split_seed: Seed of the split.
        fold: Number of the fold; None where the split has none.
        seed: Seed of weights and sampling; None where no split could be made.
        split_hash: Hash of the split; "" where none could be made.
        run: Its id; None where it failed.
        metrics: Its figures; None where it failed.
        error: Why it failed, or "".
        path: Its folder; None where it failed.
    """

    model: str
    split_seed: int
    fold: int | None
    seed: int | None
    split_hash: str
    run: str | None
    metrics: Mapping[str, Any] | None
    error: str
    path: Path | None


@dataclass(frozen=True)
class Sweep:
    """Scores over splits and seeds. Print it for its tables, or take `to_frame`, `summary_frame` and `to_dict`.

    The standard deviation over splits says how far a score moves with the ground that is tested; it holds what is left of the
    seeds' spread after averaging. The one over seeds says how far it moves with weights and sampling alone. Neither is
    the error of a mean.

    Attributes:
        scene: Name of the scene.
        protocol: Rule of the splits.
        entries: Every run, failed ones too.
        models: By model, the lines of `oa`, `aa`, `kappa` and `miou`; empty for one that never succeeded.
        splits: By model, the number of splits with at least one complete seed.
        seeds: By model, the most seeds that a split has.
        controls: By control, the lines of `oa`, `aa` and `kappa`.
        notes: What a reader must know.
        words: What the scores are called.
        told: By model, a caution that stands beside its scores; empty but for the publications' habits.
    """

    scene: str
    protocol: str
    entries: tuple[Entry, ...]
    models: dict[str, dict[str, Line]]
    splits: dict[str, int]
    seeds: dict[str, int]
    controls: dict[str, dict[str, Line]]
    notes: tuple[str, ...]
    words: ScoreWords
    told: dict[str, str]

    @classmethod
    def of(
        cls, scene: str, protocol: str, names: Sequence[str], entries: Sequence[Entry], notes: Sequence[str]
    ) -> "Sweep":
        """Put the runs together.

        Args:
            scene: Name of the scene.
            protocol: Rule of the splits.
            names: The models in order.
            entries: Every run.
            notes: What the planning has to say.

        Raises:
            WorkbenchError: No run succeeded.
        """
        done = [entry for entry in entries if entry.metrics is not None and entry.metrics["test"] is not None]
        if not done:
            first = next((entry.error for entry in entries if entry.error), "no test pixel has data")
            raise WorkbenchError(f"None of the {len(entries)} runs of the sweep succeeded. The first: {first}")
        found = {name: _by_split([entry for entry in entries if entry.model == name]) for name in names}
        metrics = done[0].metrics
        assert metrics is not None
        return cls(
            scene,
            protocol,
            tuple(entries),
            {name: _lines(splits) for name, splits in found.items()},
            {name: len(splits) for name, splits in found.items()},
            {name: max(map(len, splits.values()), default=0) for name, splits in found.items()},
            _controls(done),
            (*notes, *sweep_notes(protocol, entries, done)),
            score_words(metrics),
            {entry.model: caution(entry.metrics or {}) for entry in done if caution(entry.metrics or {})},
        )

    @property
    def title(self) -> str:
        """A line above the summary."""
        tag = "".join(f" ({told.upper()})" for told in dict.fromkeys(self.told.values()))
        return (
            f"{self.scene}: {self.words.kind} on test pixels, {self.protocol} splits{tag}. Means over splits of the means "
            "over seeds; sd splits is the spread of the splits' means, sd seeds that of the seeds within a split."
        )

    def __str__(self) -> str:
        text = []
        for head, rows in (self.printed_runs(), self.printed()):
            frame = pd.DataFrame(rows, columns=head)
            text.append(frame.to_string(index=False))
        return "\n\n".join([text[0], f"{self.title}\n{text[1]}", *self.notes])

    def to_frame(self) -> pd.DataFrame:
        """One row per run: model, split_seed, fold, split_hash, seed, run, oa, aa, kappa, miou (shares), error.

        Scores of a failed run are None.
        """
        rows = []
        for entry in self.entries:
            test = (entry.metrics or {}).get("test") or {}
            row: dict[str, Any] = {"model": entry.model, "split_seed": entry.split_seed, "fold": entry.fold}
            row |= {"split_hash": entry.split_hash, "seed": entry.seed, "run": entry.run}
            rows.append(row | {key: test.get(key) for key in SCORES} | {"error": entry.error})
        return pd.DataFrame(rows, dtype=object)

    def summary_frame(self) -> pd.DataFrame:
        """One row per control, then per model: n_splits, n_seeds, and for each score its mean, sd_splits and sd_seeds."""
        rows = []
        for name, lines in self.controls.items():
            having = {
                entry.split_seed
                for entry in self.entries
                if entry.metrics is not None and entry.metrics["test"] is not None and name in entry.metrics["controls"]
            }
            rows.append({"name": name, "kind": "control", "n_splits": len(having), **_flat(lines)})
        for name, lines in self.models.items():
            counts = {"n_splits": self.splits[name], "n_seeds": self.seeds[name]}
            rows.append({"name": name, "kind": "model", **counts, **_flat(lines)})
        frame = pd.DataFrame(rows, dtype=object)
        return frame.where(frame.notna(), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: scene, protocol, caution, notes, summary rows, and every run."""
        return {
            "scene": self.scene,
            "protocol": self.protocol,
            "cautions": self.told,
            "notes": list(self.notes),
            "summary": self.summary_frame().to_dict("records"),
            "runs": self.to_frame().to_dict("records"),
        }

    def printed(self) -> Table:
        """Head and rows of text: the controls on top, then each model; mean, and the two spreads apart."""
        head = ["", "splits", "seeds"]
        for title in (f"{self.words.overall} %", f"{self.words.average} %", "kappa", "mean IoU %"):
            head += [title, "sd splits", "sd seeds"]
        rows = []
        for row in self.summary_frame().to_dict("records"):
            control = row["kind"] == "control"
            title = f"control: {row['name'].replace('_', ' ')}" if control else self._named(row["name"])
            cells = [title, str(row["n_splits"]), DASH if control else str(row["n_seeds"])]
            for key in SCORES:
                scale, digits = (1.0, 3) if key == "kappa" else (100.0, 1)
                values = [row.get(f"{key}_{part}") for part in ("mean", "sd_splits", "sd_seeds")]
                cells += [DASH if value is None else f"{scale * value:.{digits}f}" for value in values]
            rows.append(cells)
        return head, rows

    def printed_runs(self) -> Table:
        """Head and rows of text: every run with its split, its seed and its scores, or why it failed."""
        head = ["run", "model", "split seed", "split", "seed", "OA %", "AA %", "kappa", "mean IoU %"]
        rows = []
        for row in self.to_frame().to_dict("records"):
            seed = str(row["split_seed"]) + ("" if row["fold"] is None else f" fold {row['fold']}")
            place = [
                self._named(row["model"]),
                seed,
                row["split_hash"][:12] or DASH,
                DASH if row["seed"] is None else str(row["seed"]),
            ]
            if row["run"] is None or row["oa"] is None:
                rows.append([f"failed: {row['error'] or 'no test pixel has data'}", *place, *[DASH] * 4])
                continue
            kappa = f"{row['kappa']:.3f}"
            rows.append(
                [
                    row["run"],
                    *place,
                    *(f"{100 * row[key]:.1f}" for key in ("oa", "aa")),
                    kappa,
                    f"{100 * row['miou']:.1f}",
                ]
            )
        return head, rows

    def _named(self, model: str) -> str:
        """A model with its caution, as every table has it."""
        return f"{model} ({self.told[model]})" if model in self.told else model


Seeds = dict[int, dict[str, float]]
"""Scores by seed of weights."""


def _by_split(entries: Sequence[Entry]) -> dict[int, Seeds]:
    """Scores of one model by split seed and seed, the folds of both pooled; what lacks a fold is left out."""
    parts: dict[tuple[int, int], list[Entry]] = {}
    for entry in entries:
        if entry.seed is not None:
            parts.setdefault((entry.split_seed, entry.seed), []).append(entry)
    found: dict[int, Seeds] = {}
    for (split, seed), folds in parts.items():
        tests = [(entry.metrics or {}).get("test") for entry in folds]
        if all(test is not None for test in tests):
            found.setdefault(split, {})[seed] = pooled([test for test in tests if test is not None])
    return found


def _lines(splits: Mapping[int, Seeds]) -> dict[str, Line]:
    if not splits:
        return {}
    return {key: line([[one[key] for one in seeds.values()] for seeds in splits.values()]) for key in SCORES}


def _controls(done: Sequence[Entry]) -> dict[str, dict[str, Line]]:
    """Each control over the splits: one value per split, the mean over its folds."""
    by_split: dict[int, dict[int | None, Mapping[str, Any]]] = {}
    for entry in done:
        assert entry.metrics is not None
        by_split.setdefault(entry.split_seed, {}).setdefault(entry.fold, entry.metrics["controls"])
    names = list(dict.fromkeys(name for folds in by_split.values() for controls in folds.values() for name in controls))
    found: dict[str, dict[str, Line]] = {}
    for name in names:
        having = [[one[name] for one in folds.values() if name in one] for folds in by_split.values()]
        found[name] = {
            key: line([[float(np.mean([one[key] for one in folds]))] for folds in having if folds])
            for key in CONTROL_SCORES
        }
    return found


def _flat(lines: Mapping[str, Line]) -> dict[str, float | None]:
    return {
        f"{key}_{part}": getattr(one, part) for key, one in lines.items() for part in ("mean", "sd_splits", "sd_seeds")
    }
