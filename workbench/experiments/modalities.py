"""What each modality adds to a network, beside what the trained network loses where it is blanked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.base.errors import WorkbenchError
from workbench.experiments.evaluate import scores_on_test
from workbench.experiments.inputs import resolve_roles
from workbench.experiments.run import Run
from workbench.experiments.summary import Table
from workbench.experiments.train import train
from workbench.models import model_class
from workbench.models.pixels import Roles, load_pixels, modalities_of
from workbench.runs.words import caution, score_words
from workbench.scenes import Collection, Scene, open_scene
from workbench.splits import Split, make_split

ALL = "all"
SCORES = ("oa", "aa", "kappa")
REDUCED = ("retrained", "blanked")

Found = dict[tuple[str, str, str], float]
"""Row, condition and score to its value."""


@dataclass(frozen=True)
class ModalityTable:
    """Two answers for each modality, never to be confused.

    *Retrained without* is a new run with the same seed, recipe and split that never had the modality: only this says
    what the modality adds. *Blanked* is the run that was trained with all, whose modality is replaced by its training
    mean at test time: it says how much that network leans on the modality. It can be far worse, for without modality
    dropout a network is never shown such inputs.

    Attributes:
        frame: One row per modality, after a row `all`. Columns for each score s of `oa`, `aa`, `kappa` (as shares, 1 is
            perfect): `all_s`, `retrained_s`, `blanked_s`, and `retrained_s_points`, `blanked_s_points`, the differences
            to all in points (hundredths). Means over the seeds; each with its sample standard deviation in `..._sd`,
            NaN for one seed, as are the reduced columns of the row `all`.
        caption: What a reader must know.
        runs: By seed, `all` and each modality to the run with all and without it.
    """

    frame: pd.DataFrame
    caption: str
    runs: dict[int, dict[str, Run]]

    def printed(self) -> Table:
        """Head and rows of text: one row per modality and score."""
        words = score_words(self._first.metrics)
        names = {"oa": f"{words.overall} %", "aa": f"{words.average} %", "kappa": "kappa"}
        rows = []
        for name, row in self.frame.iterrows():
            for score, title in names.items():
                scale, digits = (1.0, 3) if score == "kappa" else (100.0, 1)
                cells = [_cell(row, f"{kind}_{score}", scale, digits) for kind in ("all", *REDUCED)]
                points = [_cell(row, f"{kind}_{score}_points", 1.0, 1, "+") for kind in REDUCED]
                rows.append([str(name), title, cells[0], cells[1], points[0], cells[2], points[1]])
        head = ["modality", "score", "with all", "retrained without", "points", "blanked at test", "points"]
        return head, rows

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: caption, rows (None where there is no figure) and run ids."""
        rows = self.frame.astype(object).where(self.frame.notna(), None)
        return {
            "caption": self.caption,
            "rows": [{"modality": name, **row} for name, row in rows.to_dict("index").items()],
            "runs": {str(seed): {name: run.id for name, run in runs.items()} for seed, runs in self.runs.items()},
        }

    @property
    def _first(self) -> Run:
        return next(iter(self.runs.values()))[ALL]


def modality_table(
    scene: Scene | Collection | str | Path,
    model: str = "fusatnet",
    inputs: dict[str, Any] | None = None,
    split: Split | None = None,
    seeds: Sequence[int] = (0,),
    say: Callable[[str], None] = print,
    **options: Any,
) -> ModalityTable:
    """Train a network with all modalities and once without each, and blank each in the network trained with all.

    The runs are ordinary ones: what is there already is not done again. Seeds change weights and sampling, never the
    split. For the roles of the network that is trained without a modality see `roles_without`; where one modality is
    left, that network is trained without modality dropout.

    Args:
        scene: A scene, its name, or a path.
        model: Name of the model.
        inputs: Modalities that play each role with all; see `train`.
        split: The split of all runs; None makes one by `blocks` with the first seed.
        seeds: Seeds of weights and sampling; those of deep ensembles at least `members` apart, so that none share one.
        say: Called with a sentence before each training.
        **options: Passed on to `train`, such as `view`, `width`, `recipe`, `epochs`.

    Raises:
        WorkbenchError: There is one modality only, no seed, or see `train`.
    """
    if not isinstance(scene, Scene | Collection):
        scene = open_scene(scene)
    roles = resolve_roles(scene, model, inputs)
    names = modalities_of(roles)
    if len(names) < 2:
        raise WorkbenchError(
            f"The network is to be trained on {names[0]} alone: what each of several modalities adds is asked. Give its "
            "roles two modalities or more."
        )
    if not seeds or len(set(seeds)) != len(seeds):
        raise WorkbenchError(f"Give one seed or more, each once; got {list(seeds)}.")
    members = options.get("members", 1)
    near = [pair for pair in pairwise(sorted(seeds)) if pair[1] - pair[0] < members]
    if near:
        raise WorkbenchError(
            f"Ensembles of {members} from the seeds {near[0][0]} and {near[0][1]} share members: take seeds {members} apart."
        )
    if split is None:
        split = make_split(scene, "blocks", model_class(model).patch_size, seeds[0])
    plans = {ALL: roles} | {name: roles_without(roles, name) for name in names}
    runs: dict[int, dict[str, Run]] = {}
    found: list[Found] = []
    for seed in seeds:
        mine = runs[seed] = {}
        for name, played in plans.items():
            which = f"all modalities ({', '.join(names)})" if name == ALL else f"without {name}"
            number = (len(runs) - 1) * len(plans) + len(mine) + 1
            say(f"Training {number} of {len(seeds) * len(plans)}: {model}, seed {seed}, {which}.")
            alone = {"modality_dropout": 0.0} if len(modalities_of(played)) == 1 else {}
            mine[name] = train(scene, model, played, split, seed=seed, **(options | alone))
        found.append(_scored(mine, scene, options.get("device", "auto")))
    return ModalityTable(_frame(names, found), _caption(runs, plans), runs)


def roles_without(roles: Roles, name: str) -> dict[str, tuple[str, ...]]:
    """The roles of a network that is trained without a modality.

    A role that loses its only modality is played by all that are left, stacked by name: the network stays the same and
    sees all that there is. So one modality that is left plays every role, as in every run on one modality.

    Args:
        roles: The modalities of each role.
        name: The modality that is left out, not the only one.
    """
    rest = tuple(other for other in modalities_of(roles) if other != name)
    return {role: tuple(other for other in played if other != name) or rest for role, played in roles.items()}


def _scored(runs: Mapping[str, Run], scene: Scene | Collection, device: str) -> Found:
    """All figures of one seed."""
    whole = runs[ALL]
    predictor = whole.predictor(device)
    table = load_pixels(scene, predictor.roles, predictor.device, predictor.scaling)
    found: Found = {}
    for name, run in runs.items():
        conditions = {"all": whole.test_scores}
        if name != ALL:
            conditions["retrained"] = run.test_scores
            conditions["blanked"] = scores_on_test(predictor, table.blanked([name]), whole.split)
        for condition, scores in conditions.items():
            for score in SCORES:
                found[name, condition, score] = scores[score]
                if condition != "all":
                    found[name, condition, f"{score}_points"] = 100 * (scores[score] - whole.test_scores[score])
    return found


def _frame(names: Sequence[str], found: Sequence[Found]) -> pd.DataFrame:
    columns = [("all", score) for score in SCORES]
    columns += [(kind, f"{score}{what}") for kind in REDUCED for score in SCORES for what in ("", "_points")]
    rows = {}
    for name in (ALL, *names):
        row = {}
        for kind, score in columns:
            values = [one[name, kind, score] for one in found if (name, kind, score) in one]
            row[f"{kind}_{score}"] = float(np.mean(values)) if values else np.nan
            row[f"{kind}_{score}_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else np.nan
        rows[name] = row
    frame = pd.DataFrame.from_dict(rows, orient="index")
    frame.index.name = "modality"
    return frame


def _caption(runs: Mapping[int, Mapping[str, Run]], plans: Mapping[str, Roles]) -> str:
    mine = next(iter(runs.values()))
    whole, metrics = mine[ALL], mine[ALL].metrics
    config, n = whole.config, len(runs)
    lines = [
        f"{config.model} on test pixels of {config.scene}, {config.split.protocol} split, n = {n} "
        + ("seed." if n == 1 else "seeds: mean ± standard deviation over weights and sampling, on one split."),
        "Only 'retrained without' says what a modality adds: the same network, recipe and seeds, trained without it.",
        "'Blanked' is the network trained with all; the modality is replaced by its training mean at test time. That "
        + "says how much this network leans on it, not what the modality adds.",
        "Points are hundredths of the score, reduced minus all; below zero the network without is worse.",
    ]
    told = ", ".join(f"{name.replace('_', ' ')} {100 * one['oa']:.1f}" for name, one in metrics["controls"].items())
    lines.append(f"Controls on the same test pixels, {score_words(metrics).overall} %: {told}.")
    lines.append(f"{caution(metrics).upper()}." if caution(metrics) else "")
    if config.split.protocol == "random":
        lines.append("RANDOM SPLIT: position alone explains much of the scores.")
    lines.append(score_words(metrics).note)
    if metrics["synthetic"]:
        lines.append("Synthetic scene: fusion wins by construction.")
    for name, played in plans.items():
        lines += [
            f"Trained without {name}, its role {role} is played by {', '.join(others)}."
            for role, others in played.items()
            if plans[ALL][role] == (name,)
        ]
        if len(modalities_of(played)) == 1 and config.recipe.modality_dropout:
            lines.append(f"Trained without {name}, one modality is left: that training has no modality dropout.")
        more = metrics["test_pixels_without_data"] - mine[name].metrics["test_pixels_without_data"]
        if more:
            lines.append(
                f"Trained without {name}, the scores are over {more} test pixel(s) more, where only {name} has no data."
            )
    return "\n".join(line for line in lines if line)


def _cell(row: "pd.Series[float]", key: str, scale: float, digits: int, sign: str = "") -> str:
    if np.isnan(row[key]):
        return ""
    spread = row[f"{key}_sd"]
    text = f"{scale * row[key]:{sign}.{digits}f}"
    return text if np.isnan(spread) else f"{text} ± {scale * spread:.{digits}f}"
