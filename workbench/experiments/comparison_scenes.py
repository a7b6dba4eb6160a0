"""Models over several scenes, by Friedman's test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.friedman import Friedman, friedman
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments.comparison_groups import refuse_mixed, refuse_unlike, warnings_of
from workbench.experiments.comparison_groups_result import TITLES
from workbench.experiments.comparison_tables import DASH
from workbench.experiments.labels import run_labels
from workbench.experiments.run import Run, as_run
from workbench.experiments.split_units import CONTROL_SCORES, split_controls, split_scores, splits_of
from workbench.experiments.spread import SCORES
from workbench.runs import RunFolder

DOING = "While comparing models across scenes"


@dataclass(frozen=True, eq=False)
class SceneComparison:
    """Models over scenes.

    Attributes:
        score: What is ranked: `oa`, `aa`, `kappa` or `miou`.
        test: Friedman's test, with the ranks and the critical difference.
        controls: By scene, what sees no image, or single spectra only: its score, the mean over the splits; empty where
            scores were given instead of runs, and for `miou`, which controls do not have.
        runs: By scene and model, the ids of its runs; empty where scores were given.
        warnings: What must not be overlooked in the scores, with its level (`red`, `amber` or "").
        notes: What is to be said of the test.
    """

    score: str
    test: Friedman
    controls: dict[str, dict[str, float]]
    runs: dict[str, dict[str, tuple[str, ...]]]
    warnings: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """The comparison in words."""
        return f"{len(self.test.models)} models on {len(self.test.data_sets)} scenes"

    @property
    def verdict(self) -> str:
        """Which model ranks best, and whether the test tells the models apart, in a sentence or two."""
        test = self.test
        best = min(range(len(test.models)), key=lambda number: test.average_ranks[number])
        text = f"{test.models[best]} has the best average rank, {test.average_ranks[best]:.2f} of {len(test.models)}"
        p = test.p if test.f_p is None else test.f_p
        if p >= test.level:
            return f"{text}. Friedman's test does not tell the models apart (p = {p:.3g})."
        alike = next((clique for clique in test.cliques if best in clique), ())
        others = [test.models[number] for number in alike if number != best]
        end = f"not told apart from {', '.join(others)}" if others else "apart from every other model"
        return f"{text}. The models differ (Friedman, p = {p:.3g}); by Nemenyi's critical difference it is {end}."

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON types."""
        runs = {scene: {model: list(ids) for model, ids in found.items()} for scene, found in self.runs.items()}
        return {
            "score": self.score,
            **self.test.to_dict(),
            "controls": self.controls,
            "runs": runs,
            "warnings": [text for text, _ in self.warnings],
            "notes": list(self.notes),
        }

    def scores_frame(self, controls: Mapping[str, str] | None = None) -> pd.DataFrame:
        """Controls first, then the models by their average rank; a column per scene, percent, and the average rank.

        Args:
            controls: Words for the controls; their names where not given.
        """
        test = self.test
        names = list(dict.fromkeys(name for found in self.controls.values() for name in found))
        rows = []
        for name in names:
            title = (controls or {}).get(name, name.replace("_", " "))
            found = [self.controls[scene].get(name) for scene in test.data_sets]
            rows.append([f"control: {title}", *map(self._shown, found), DASH])
        for number in sorted(range(len(test.models)), key=lambda number: test.average_ranks[number]):
            column = [row[number] for row in test.scores]
            rows.append([test.models[number], *map(self._shown, column), f"{test.average_ranks[number]:.2f}"])
        return pd.DataFrame(rows, columns=["model", *test.data_sets, "average rank"]).set_index("model")

    def runs_frame(self) -> pd.DataFrame:
        """One row per model and scene: its runs, and the mean of their score."""
        rows = [
            {
                "model": model,
                "scene": scene,
                TITLES[self.score]: self._shown(row[number]),
                "runs": ", ".join(self.runs.get(scene, {}).get(model, ())) or DASH,
            }
            for number, model in enumerate(self.test.models)
            for scene, row in zip(self.test.data_sets, self.test.scores, strict=True)
        ]
        return pd.DataFrame(rows)

    def pairs_frame(self) -> pd.DataFrame:
        """One row per pair: the difference of the average ranks, and whether it exceeds the critical difference."""
        test = self.test
        order = sorted(range(len(test.models)), key=lambda number: test.average_ranks[number])
        rows = []
        for place, first in enumerate(order):
            for second in order[place + 1 :]:
                apart = test.average_ranks[second] - test.average_ranks[first]
                rows.append(
                    {
                        "first": test.models[first],
                        "second": test.models[second],
                        "difference of average ranks": f"{apart:.2f}",
                        "critical difference": f"{test.critical_difference:.2f}",
                        "by Nemenyi": "told apart" if apart >= test.critical_difference else "not told apart",
                    }
                )
        return pd.DataFrame(rows)

    def _shown(self, value: float | None) -> str:
        if value is None:
            return DASH
        return f"{value:.3f}" if self.score == "kappa" else f"{100 * value:.1f}"


def by_scene(runs: Sequence[RunFolder | str]) -> dict[str, dict[str, list[Run]]]:
    """Runs by scene and configuration.

    Within a scene, a configuration is named by its model, and by those settings in which runs of this model differ there:
    a model has other modalities, and may have another width, on every scene.

    Args:
        runs: Runs or their ids.

    Returns:
        Scene to configuration to runs, in the order of the runs.

    Raises:
        WorkbenchError: Two scenes have one name.
    """
    scenes: dict[str, list[Run]] = {}
    for run in map(as_run, runs):
        scenes.setdefault(run.config.scene, []).append(run)
    found: dict[str, dict[str, list[Run]]] = {}
    for scene, mine in scenes.items():
        hashes = {run.config.scene_hash[:16] for run in mine}
        if len(hashes) > 1:
            raise WorkbenchError(
                f"{DOING}: {scene!r} names {len(hashes)} different scenes ({', '.join(sorted(hashes))}). Leave out the runs "
                "of the older ones."
            )
        labels = run_labels(mine, seeds=False)
        found[scene] = {}
        for run in mine:
            found[scene].setdefault(labels[run.id], []).append(run)
    return found


def compare_scenes(
    table: pd.DataFrame | Mapping[str, Mapping[str, Sequence[RunFolder | str]]], score: str = "oa", level: float = 0.05
) -> SceneComparison:
    """Compare models across scenes by Friedman's test; see `workbench.analysis.friedman`.

    Args:
        table: Scores (larger is better), one row per scene and one column per model; or scene to model to its runs on
            it, whose scores are averaged over seeds, then over splits. See `by_scene`.
        score: Of the runs: `oa`, `aa`, `kappa` or `miou`.
        level: Level of the critical difference.

    Raises:
        WorkbenchError: There are fewer than 2 scenes or 3 models, models differ between scenes, a scene's runs are of
            different scenes, models of a scene have different splits (the error shows both hashes) or splits of several rules, or two rows are of
            the same scene: splits of one scene are no data sets.
        UnknownNameError: There is no such run or score.
    """
    if score not in SCORES:
        raise UnknownNameError("score", score, SCORES)
    if isinstance(table, pd.DataFrame):
        given = friedman(table.to_numpy(float), list(map(str, table.columns)), list(map(str, table.index)), level)
        return SceneComparison(score, given, {}, {}, (), given.notes)
    models = list(next(iter(table.values()), {}))
    opened: dict[str, dict[str, list[Run]]] = {}
    seen: dict[str, str] = {}
    for name, runs in table.items():
        if set(runs) != set(models):
            raise WorkbenchError(
                f"{DOING}: {name!r} has {', '.join(sorted(runs))}; {next(iter(table))!r} has {', '.join(sorted(models))}. "
                "Every scene needs the same models: train the missing ones, or leave the others out."
            )
        opened[name] = {model: [as_run(run) for run in runs[model]] for model in models}
        refuse_unlike(opened[name], "A row of the table is one scene.")
        _refuse_other_splits(name, opened[name])
        refuse_mixed([run for each in opened[name].values() for run in each], f"models on {name!r}")
        content = next(iter(opened[name].values()))[0].config.scene_hash
        if content in seen:
            raise WorkbenchError(
                f"{DOING}: {seen[content]!r} and {name!r} are the same scene ({content[:16]}). Splits of one scene are no "
                "data sets; compare them by `workbench compare --over splits` (compare_groups)."
            )
        seen[content] = name
    rows = [[_mean(runs[model], score) for model in models] for runs in opened.values()]
    found = friedman(np.array(rows).reshape(len(rows), len(models)), models, list(table), level)
    every = [run for runs in opened.values() for each in runs.values() for run in each]
    return SceneComparison(
        score,
        replace(found, notes=()),
        {name: _controls(runs, score) for name, runs in opened.items()},
        {name: {model: tuple(run.id for run in runs[model]) for model in models} for name, runs in opened.items()},
        warnings_of(every),
        (*found.notes, *_unlike_settings(opened, models)),
    )


def _refuse_other_splits(scene: str, runs: Mapping[str, Sequence[Run]]) -> None:
    """Refuse models of a scene whose scores are not of the same test pixels."""
    splits = {model: dict.fromkeys(run.config.split.hash for run in each) for model, each in runs.items()}
    first = next(iter(splits))
    for model, mine in splits.items():
        if set(mine) != set(splits[first]):
            told = (", ".join(split[:16] for split in of) for of in (splits[first], mine))
            raise WorkbenchError(
                f"{DOING}: on {scene!r}, {first} and {model} are on different splits, {' and '.join(told)}. Their scores are "
                "not of the same test pixels. Train both on the same splits, such as by `workbench train SCENE --model A,B "
                "--splits 10`, or leave runs out."
            )


def _mean(runs: Sequence[Run], score: str) -> float:
    """Mean over the splits of the means over the seeds."""
    by_split = [split_scores(seeds) for seeds in splits_of(runs).values()]
    return float(np.mean([np.mean([one[score] for one in each]) for each in by_split]))


def _controls(runs: Mapping[str, Sequence[Run]], score: str) -> dict[str, float]:
    """Mean of each control over the splits."""
    if score not in CONTROL_SCORES:
        return {}
    first = next(iter(runs.values()))  # all models are on the same splits
    found: dict[str, list[float]] = {}
    for seeds in splits_of(first).values():
        for name, scores in split_controls([run for folds in seeds for run in folds]).items():
            found.setdefault(name, []).append(scores[score])
    return {name: float(np.mean(values)) for name, values in found.items()}


def _unlike_settings(scenes: Mapping[str, Mapping[str, Sequence[Run]]], models: Sequence[str]) -> list[str]:
    """Names of models whose settings are not the same on every scene."""
    unlike = []
    for model in models:
        kept = {
            run.config.model_dump_json(include={"model", "options", "recipe", "width", "view", "chosen_on"})
            for runs in scenes.values()
            for run in runs[model]
        }
        unlike += [model] if len(kept) > 1 else []
    if not unlike:
        return []
    return [f"Not trained alike on every scene (recipe, width, view or options differ): {', '.join(unlike)}."]
