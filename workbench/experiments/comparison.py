"""Finished runs on the same split of the same scene, held against each other on the same test pixels."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from workbench.analysis import Scores, confusion_matrix, scores
from workbench.analysis.blocks import grid_blocks
from workbench.analysis.bootstrap import BlockBootstrap, block_bootstrap
from workbench.analysis.holm import holm
from workbench.analysis.mcnemar import McNemar, mcnemar
from workbench.base.errors import WorkbenchError
from workbench.experiments.labels import run_labels
from workbench.experiments.run import Run, as_run
from workbench.runs import RunFolder
from workbench.runs.words import paper_words, score_words

LEVEL = 0.05
PIXEL = ["tile", "row", "col"]
ABOUT = ("scene", "synthetic", "labels_are", "protocol", "classes", "bayes")
"""What `metrics` of a run say that holds for all runs on its split."""


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """One of the runs.

    Attributes:
        run: Its id.
        label: A short name: the model, and in what it differs from the others.
        group: The name without the seed; runs that share it are repetitions.
        model: Name of the model.
        scores: On the pixels that all runs answered.
        ece: Expected calibration error as trained, on the run's own test pixels; None where it was not measured.
        left_out: Its test pixels that another run has no data for.
        parameters: Trainable parameters; None for models that have none.
        seconds: Time of the training.
        samples_per_second: Of the training: pixels, patches or tiles.
        peak_memory: Bytes; None where it was not recorded.
    """

    run: str
    label: str
    group: str
    model: str
    scores: Scores
    ece: float | None
    left_out: int
    parameters: int | None
    seconds: float | None
    samples_per_second: float | None
    peak_memory: int | None


@dataclass(frozen=True, eq=False)
class ComparedPair:
    """Two runs on the same pixels; differences are first minus second.

    Attributes:
        first: Label of the run with the higher overall accuracy.
        second: Label of the other.
        pixels: McNemar's test, which takes pixels as independent.
        pixels_p: Its p-value after Holm's correction over all pairs.
        blocks: Intervals of the differences, from resampled blocks of ground.
        blocks_p: Of the difference in overall accuracy, after Holm's correction; None where there is no interval.
    """

    first: str
    second: str
    pixels: McNemar
    pixels_p: float
    blocks: BlockBootstrap
    blocks_p: float | None

    @property
    def told_apart(self) -> bool | None:
        """Whether the blocks tell the two apart at 5 %, over all pairs; None where they cannot say."""
        return None if self.blocks_p is None else self.blocks_p < LEVEL


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs on one split beside each other.

    Attributes:
        about: Facts that hold for all: scene, synthetic, labels_are, protocol, classes, bayes.
        scene_hash: Content of the scene.
        split_hash: The split.
        controls: Scores that need no image, or only the spectrum, on all test pixels of the split: name to `oa`, `aa`,
            `kappa`.
        runs: By falling overall accuracy.
        pairs: All pairs, in the order of the runs.
        pixels: Test pixels that all runs answered.
        block_size: Side of the resampled blocks, pixels.
        banners: What the audit warns of, with its level and the runs whose view it is about.
        notes: What a reader must know.
    """

    about: dict[str, Any]
    scene_hash: str
    split_hash: str
    controls: dict[str, dict[str, float]]
    runs: tuple[ComparedRun, ...]
    pairs: tuple[ComparedPair, ...]
    pixels: int
    block_size: int
    banners: tuple[tuple[str, str, tuple[str, ...]], ...]
    notes: tuple[str, ...]

    def pair(self, first: str, second: str) -> tuple[ComparedPair, int]:
        """The pair of two labels, and 1, or -1 where its differences are second minus first."""
        for pair in self.pairs:
            if (pair.first, pair.second) == (first, second):
                return pair, 1
            if (pair.first, pair.second) == (second, first):
                return pair, -1
        raise WorkbenchError(f"While looking up a pair of runs: {first!r} and {second!r} were not compared.")

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON types."""
        named = ("scene_hash", "split_hash", "controls", "pixels", "block_size")
        return {
            **self.about,
            **{name: getattr(self, name) for name in named},
            "runs": [{**vars(run), "scores": run.scores.to_dict()} for run in self.runs],
            "pairs": [
                {
                    "first": pair.first,
                    "second": pair.second,
                    "mcnemar": asdict(pair.pixels) | {"p_holm": pair.pixels_p},
                    "blocks": pair.blocks.to_dict() | {"oa_p_holm": pair.blocks_p},
                }
                for pair in self.pairs
            ],
            "banners": [{"text": text, "level": level, "runs": list(runs)} for text, level, runs in self.banners],
            "notes": list(self.notes),
        }


def compare_runs(runs: Sequence[RunFolder | str], block_size: int | None = None) -> Comparison:
    """Hold finished runs against each other, on the test pixels that all of them answered.

    Args:
        runs: Runs or their ids, each counted once; all on one split of one scene.
        block_size: Side of the blocks of ground that are resampled, pixels; None is that of the split where it was made
            by blocks, else three windows.

    Raises:
        WorkbenchError: No run is given, one is not finished, they are on different scenes or splits (the error shows
            the hashes), or share no test pixel.
        UnknownNameError: There is no such run.
    """
    opened = list({run.id: run for run in map(as_run, runs)}.values())
    if not opened:
        raise WorkbenchError("While comparing runs: give the ids of two runs or more. `workbench runs` lists them.")
    _refuse_unlike(opened)
    metrics = {run.id: run.metrics for run in opened}  # refuses runs that are not finished
    pixels, answers = _common(opened)
    split = opened[0].split
    labels, groups = run_labels(opened), run_labels(opened, seeds=False)
    reference = pixels["reference"].to_numpy()
    compared = []
    for run in opened:
        found = scores(confusion_matrix(reference, answers[run.id], split.classes), split.classes)
        compared.append(_facts(run, metrics[run.id], found, labels[run.id], groups[run.id], len(pixels)))
    compared.sort(key=lambda one: -one.scores.oa)
    size = block_size or split.parameters.get("block_size") or 3 * split.patch_size
    tile, row, col = (pixels[name].to_numpy() for name in PIXEL)
    blocks = grid_blocks(tile, row, col, size, [one.shape for one in split.tiles])
    ordered = [answers[one.run] for one in compared]
    pairs = _pairs([one.label for one in compared], reference, ordered, blocks, split.classes)
    controls = {name: score for run in reversed(opened) for name, score in metrics[run.id]["controls"].items()}
    return Comparison(
        about={name: metrics[opened[0].id].get(name) for name in ABOUT},
        scene_hash=opened[0].config.scene_hash,
        split_hash=opened[0].config.split.hash,
        controls=controls,
        runs=tuple(compared),
        pairs=pairs,
        pixels=len(pixels),
        block_size=int(size),
        banners=_banners(compared, metrics),
        notes=_notes(compared, pairs, opened, int(size)),
    )


def _refuse_unlike(runs: Sequence[Run]) -> None:
    """Refuse runs whose scores are not of the same pixels, with both hashes."""
    first = runs[0]
    again = (
        "Train both with one protocol, split seed and parameters, or compare configurations that share several splits by "
        "`workbench compare --over splits` (compare_across)."
    )
    for other in runs[1:]:
        for what, mine, theirs, advice in (
            (
                "scenes",
                first.config.scene_hash,
                other.config.scene_hash,
                "Compare models across scenes by `workbench compare --over scenes` (compare_across).",
            ),
            ("splits", first.config.split.hash, other.config.split.hash, again),
        ):
            if mine != theirs:
                raise WorkbenchError(
                    f"While comparing runs: {first.id} and {other.id} are on different {what}, {mine[:16]} ({_told(first)}) "
                    f"and {theirs[:16]} ({_told(other)}). Their scores are not of the same test pixels. {advice}"
                )


def _told(run: Run) -> str:
    config = run.config
    return f"{config.scene}, {config.split.protocol}, seed {config.split.seed}, window {config.split.patch_size}"


def _common(runs: Sequence[Run]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Test pixels that all runs answered (tile, row, col, reference), and each run's answers in their order."""
    joined: pd.DataFrame | None = None
    for run in runs:
        table = run.predictions
        mine = table.loc[table["set"] == "test", [*PIXEL, "reference", "predicted"]]
        mine = mine.rename(columns={"predicted": run.id})
        joined = mine if joined is None else joined.merge(mine, on=[*PIXEL, "reference"], how="inner")
    assert joined is not None  # there is one run at least
    if not len(joined):
        raise WorkbenchError(
            f"While comparing runs: no test pixel was answered by all of {', '.join(run.id for run in runs)}. Their "
            "modalities have no common ground on the test side."
        )
    joined = joined.sort_values(PIXEL, ignore_index=True)
    return joined[[*PIXEL, "reference"]], {run.id: joined[run.id].to_numpy() for run in runs}


def _facts(run: Run, metrics: dict[str, Any], found: Scores, label: str, group: str, common: int) -> ComparedRun:
    training = metrics.get("training") or {}
    calibration = (metrics.get("calibration") or {}).get("before") or {}
    return ComparedRun(
        run=run.id,
        label=label,
        group=group,
        model=run.config.model,
        scores=found,
        ece=calibration.get("ece"),
        left_out=sum(metrics["test"]["support"]) - common,
        parameters=training.get("parameters"),
        seconds=training.get("seconds"),
        samples_per_second=training.get("samples_per_second"),
        peak_memory=training.get("peak_memory"),
    )


def _pairs(
    labels: Sequence[str], reference: Any, answers: Sequence[Any], blocks: Any, classes: Sequence[int]
) -> tuple[ComparedPair, ...]:
    if len(labels) < 2:
        return ()
    ground = block_bootstrap(reference, answers, blocks, classes)
    every = list(combinations(range(len(labels)), 2))
    tests = [mcnemar(answers[i] == reference, answers[j] == reference) for i, j in every]
    by_pixels = holm([test.p for test in tests])
    by_blocks = holm([ground[pair]["oa"].p for pair in every])
    return tuple(
        ComparedPair(labels[i], labels[j], test, float(p or 0.0), ground[i, j], corrected)
        for (i, j), test, p, corrected in zip(every, tests, by_pixels, by_blocks, strict=True)
    )


def _banners(
    runs: Sequence[ComparedRun], metrics: dict[str, dict[str, Any]]
) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Warnings of the audits, each once: views differ in what they see of the test side."""
    found: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        audit = metrics[run.run].get("audit") or {}
        if audit.get("banner"):
            found.setdefault((audit["banner"], audit.get("banner_level", "")), []).append(run.label)
    return tuple((text, level, tuple(labels)) for (text, level), labels in found.items())


def _notes(
    runs: Sequence[ComparedRun], pairs: Sequence[ComparedPair], opened: Sequence[Run], size: int
) -> tuple[str, ...]:
    metrics = opened[0].metrics
    notes = list(dict.fromkeys(paper_words(run.metrics) for run in opened))
    left = [f"{run.label}: {run.left_out}" for run in runs if run.left_out]
    if left:
        notes.append(
            f"Test pixels that another run has no data for are left out ({', '.join(left)}); the controls are over all."
        )
    if pairs:
        ground = pairs[0].blocks
        if ground.reason:
            notes.append(
                f"No interval from blocks of {size} x {size} pixels: {ground.reason}. Give a smaller --block-size."
            )
        else:
            notes.append(
                f"Intervals are from {ground.blocks} blocks of {size} x {size} pixels with test pixels, resampled "
                f"{ground.draws:,} times; the largest holds {100 * ground.largest_block:.0f} % of them. They hold where a "
                "block is several times wider than errors are alike."
            )
        notes += [f"{ground.caution}."] if ground.caution else []
        notes.append(
            "McNemar's test takes neighbouring pixels as independent and finds differences where there are none; the "
            f"blocks decide. P-values are corrected over {len(pairs)} pair(s) by Holm."
        )
    else:
        notes.append(
            "One run, however often it was named: there is nothing to compare it with. Name a second one on the same split."
        )
    unsaid = {run.label: run.scores.kappa_reason for run in runs if run.scores.kappa_reason}
    if unsaid:
        reason = next(iter(unsaid.values()))
        notes.append(f"Kappa is a dash where {reason}; in differences it counts as 0: {'; '.join(unsaid)}.")
    if metrics["protocol"] == "random":
        notes.append("RANDOM SPLIT: position alone explains much of the scores.")
    notes.append(score_words(metrics).note)
    if metrics["synthetic"]:
        notes.append("Synthetic scene: fusion wins by construction.")
    return tuple(note for note in notes if note)
