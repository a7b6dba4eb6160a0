"""Why classes fail: one analysis of a finished run's test pixels, from its predictions and its scene."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.confusions import Confusions, confusions
from workbench.analysis.error_summary import FEW, ClassFacts, Place, class_sentences, run_sentences
from workbench.analysis.label_errors import label_errors
from workbench.analysis.metrics import confusion_matrix
from workbench.analysis.strata import Strata, strata
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments.error_analysis import ALL, APART, VERY_SURE, ErrorAnalysis, of_class
from workbench.experiments.error_covariates import Covariate, covariates
from workbench.experiments.error_modalities import retrained_without
from workbench.experiments.error_spectra import PairSpectra, between, pair_spectra
from workbench.experiments.run import Run, as_run
from workbench.models.pixels import modalities_of
from workbench.runs import RunFolder
from workbench.runs.folder import probability_column
from workbench.runs.words import score_words
from workbench.scenes import Collection, Scene

SHOWN = 3
"""Classes that are shown where none is named."""
CONFIDENCES = np.linspace(0, 1, 11)


def analyse_errors(
    run: RunFolder | str, class_name: str = "", compare: Sequence[RunFolder | str] = (), worst: int = 8
) -> ErrorAnalysis:
    """Say what a finished run gets wrong, where, and how sure it was.

    Args:
        run: A run or its id.
        class_name: The class to look at closely, by name; empty takes the worst three.
        compare: Runs of the same model on the same split with fewer modalities; none looks for them.
        worst: How many of the most confident wrong pixels are kept, of all classes and of each class shown.

    Raises:
        WorkbenchError: The run is not finished, has no test pixel with data, keeps no probabilities, or a run to compare
            with is on another scene or split.
        UnknownNameError: There is no such run or class.
    """
    run = as_run(run)
    metrics = run.metrics
    names = {int(entry["value"]): str(entry["name"]) for entry in metrics["classes"]}
    chosen = [value for value, name in names.items() if name.lower() == class_name.lower()]
    if class_name and not chosen:
        raise UnknownNameError(f"class of run {run.id}", class_name, names.values())
    frame = run.predictions
    pixels = frame[frame["set"] == "test"].reset_index(drop=True)
    doing = f"While analysing the errors of run {run.id}"
    if not len(pixels):
        raise WorkbenchError(f"{doing}: it has no test pixel with data in every modality. Train on another split.")
    columns = [probability_column(value) for value in names]
    if set(columns) - set(pixels.columns):
        raise WorkbenchError(
            f"{doing}: its predictions hold no probabilities, as an earlier version wrote them. Train again."
        )
    pixels["wrong"] = pixels["reference"] != pixels["predicted"]
    pairs = confusions(confusion_matrix(pixels["reference"], pixels["predicted"], list(names)), list(names))
    doubted = label_errors(pixels["reference"], pixels[columns].to_numpy(), list(names))
    scene, notes = _scene(run)
    known = covariates(scene, run.split, pixels)
    pixels = pixels.drop(columns=columns).assign(**{name: one.values for name, one in known.items()})
    groups = {value: of_class(pixels, value) for value in (ALL, *names)}
    found = {value: {name: _strata(group, name, one) for name, one in known.items()} for value, group in groups.items()}
    spectra = {value: _spectra(scene, pixels, pairs, value) for value in names}
    retrained = retrained_without(run, pixels, compare)
    shown = tuple(chosen) or pairs.worst(SHOWN)
    words = "gets the class of the map in" if score_words(metrics).note else "is found in"
    summary = {ALL: run_sentences(pairs, names, len(doubted))}
    for value, group in groups.items():
        if value == ALL:
            continue
        wrong, right = (group[group["wrong"] == bad]["confidence"].to_numpy(np.float64) for bad in (True, False))
        facts = ClassFacts(
            value=value,
            confusions=pairs,
            names=names,
            places=[Place(one.what, one.unit, found[value][name]) for name, one in known.items()],
            sure=(float(wrong.mean()) if len(wrong) else None, float(right.mean()) if len(right) else None),
            very_sure=int((wrong >= VERY_SURE).sum()),
            between=between(spectra[value], modalities_of(run.config.inputs)),
            helped=retrained.of(value),
            words=words,
        )
        summary[value] = class_sentences(facts)
    return ErrorAnalysis(
        run=run.id,
        names=names,
        shown=shown,
        pixels=pixels,
        confusions=pairs,
        covariates=known,
        strata=found,
        confidence={value: _histogram(group) for value, group in groups.items()},
        spectra={value: one for value, one in spectra.items() if one},
        retrained=retrained,
        worst={value: _worst(groups[value], worst) for value in (ALL, *shown)},
        doubted=doubted,
        summary=summary,
        notes=(*notes, *doubted.notes, *retrained.notes),
    )


def _scene(run: Run) -> tuple[Scene | Collection | None, tuple[str, ...]]:
    try:
        return run.scene, ()
    except WorkbenchError as error:
        return None, (f"What needs the scene is left out. {error}",)


def _strata(group: pd.DataFrame, name: str, covariate: Covariate) -> Strata:
    if covariate.reason:
        return Strata((), 0, 0, len(group), None, covariate.reason)
    return strata(group[name], group["wrong"], covariate.edges, covariate.names)


def _spectra(
    scene: Scene | Collection | None, pixels: pd.DataFrame, pairs: Confusions, value: int
) -> tuple[PairSpectra, ...]:
    """The commonest mistake of a class; nothing where it has too few pixels."""
    most = pairs.of(value)[:1]
    if scene is None or not most or most[0].pixels < FEW:
        return ()
    return pair_spectra(scene, pixels, value, most[0].mapped)


def _histogram(group: pd.DataFrame) -> pd.DataFrame:
    counts: dict[str, NDArray[np.int64]] = {}
    for name, wrong in (("right", False), ("wrong", True)):
        counts[name] = np.histogram(group[group["wrong"] == wrong]["confidence"], CONFIDENCES)[0]
    return pd.DataFrame({"from": CONFIDENCES[:-1].round(1), "to": CONFIDENCES[1:].round(1), **counts})


def _worst(group: pd.DataFrame, most: int) -> pd.DataFrame:
    """The most confident wrong pixels, no two of a tile close to each other."""
    wrong = group[group["wrong"]].sort_values(
        ["confidence", "tile", "row", "col"], ascending=[False, True, True, True], kind="stable"
    )
    places = wrong[["tile", "row", "col"]].to_numpy(np.int64)
    free = np.ones(len(wrong), bool)
    kept: list[int] = []
    while len(kept) < most and free.any():
        at = int(free.argmax())
        kept.append(at)
        away = np.abs(places[:, 1:] - places[at, 1:]).max(axis=1)
        free &= (places[:, 0] != places[at, 0]) | (away > APART)
    return wrong.iloc[kept]
