"""What the analysis of a run's errors holds, and its tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.confusions import Confusions
from workbench.analysis.label_errors import LabelErrors
from workbench.analysis.strata import Strata
from workbench.experiments.error_covariates import Covariate
from workbench.experiments.error_modalities import Retrained
from workbench.experiments.error_spectra import PairSpectra

ALL = 0
"""Stands for all classes together, where figures are kept by class value."""
APART = 8
"""Pixels between two of the worst at least, so that one wrong patch does not fill the list."""
VERY_SURE = 0.9
"""Probability from which an answer is called very sure."""


@dataclass(frozen=True, eq=False)
class ErrorAnalysis:
    """Everything the `errors` notebook shows; test pixels only, which the run was not trained on.

    Attributes:
        run: Id of the run.
        names: Class names by value, in the order of the run's classes.
        shown: Class values to look at closely: the one asked for, or the worst.
        pixels: One row per test pixel: tile, row, col, reference, predicted, confidence, wrong, and each covariate.
        confusions: Who is taken for whom.
        covariates: What is known of each pixel, how, or why not; the values are in `pixels`.
        strata: By class value (`ALL` for all) and covariate: errors against it.
        confidence: By class value (`ALL` for all): histogram of the answer's probability, right and wrong.
        spectra: By class value: its commonest mistake in every modality, where it has at least 10 wrong pixels.
        retrained: What the class loses in runs without a modality.
        worst: The most confident wrong pixels of all classes and of those shown, rows of `pixels`, no two within
            `APART` pixels of each other.
        doubted: Labels that are likely wrong; `index` counts rows of `pixels`.
        summary: What fails, where and how sure, by class value (`ALL` for all), a sentence each.
        notes: What a reader must know.
    """

    run: str
    names: dict[int, str]
    shown: tuple[int, ...]
    pixels: pd.DataFrame
    confusions: Confusions
    covariates: Mapping[str, Covariate]
    strata: Mapping[int, Mapping[str, Strata]]
    confidence: Mapping[int, pd.DataFrame]
    spectra: Mapping[int, tuple[PairSpectra, ...]]
    retrained: Retrained
    worst: Mapping[int, pd.DataFrame]
    doubted: LabelErrors
    summary: Mapping[int, tuple[str, ...]]
    notes: tuple[str, ...]

    def title(self, value: int) -> str:
        """A class in words."""
        return "all classes" if value == ALL else f"{value} {self.names[value]}"

    def strata_frame(self, covariate: str) -> pd.DataFrame:
        """Errors against one covariate: a row for each bin of all classes and of each class shown."""
        parts = {self.title(value): self.strata[value][covariate].to_frame(covariate) for value in (ALL, *self.shown)}
        return pd.concat(parts, names=["class"]).reset_index()

    def confidence_frame(self) -> pd.DataFrame:
        """How sure the model is of right and wrong answers, a row per class; a dash where there are no such pixels."""
        rows = {}
        for value in (ALL, *self.names):
            frame = of_class(self.pixels, value)
            sure = [frame[frame["wrong"] == wrong]["confidence"].to_numpy(np.float64) for wrong in (False, True)]
            very = int((sure[1] >= VERY_SURE).sum())
            rows[self.title(value)] = [
                len(sure[0]), len(sure[1]), *(f"{one.mean():.2f}" if len(one) else "–" for one in sure), very,
            ]  # fmt: skip
        head = ["right pixels", "wrong pixels", "mean when right", "mean when wrong", f"wrong at {VERY_SURE:g} or more"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=head).rename_axis("class")

    def worst_frame(self, value: int = ALL) -> pd.DataFrame:
        """The most confident wrong pixels of a class, with where they are and what they were given."""
        found = self.worst[value]
        named = {"label": found["reference"].map(self.names), "mapped as": found["predicted"].map(self.names)}
        places = found[["tile", "row", "col"]].rename(columns={"col": "column"})
        table = places.assign(**named, probability=found["confidence"].astype(float).round(3))
        return table.set_axis(pd.RangeIndex(1, len(table) + 1, name="pixel"))

    def doubted_frame(self, most: int = 50) -> pd.DataFrame:
        """The most doubtful labels: where, the label, the class that is suggested, and the probability of each."""
        chosen = self.doubted.index[:most]
        places = self.pixels.iloc[chosen][["tile", "row", "col", "confidence"]]
        table = places.rename(columns={"col": "column", "confidence": "probability of the suggested class"})
        table.insert(3, "label", [self.names[int(value)] for value in self.doubted.given[:most]])
        table.insert(4, "suggested", [self.names[int(value)] for value in self.doubted.suggested[:most]])
        table["probability of the label"] = self.doubted.probability[:most]
        return table.round(3).set_axis(pd.RangeIndex(1, len(table) + 1, name="rank"))

    def retrained_frame(self) -> pd.DataFrame:
        """Change of each class's producer's accuracy when retrained without a modality, in points: below 0 it loses.

        A dash stands for a class without test pixels.
        """
        columns: dict[str, list[Any]] = {}
        for name, points in self.retrained.points.items():
            found = [points[value] for value in self.names]
            columns[f"without {name}, points"] = [
                "–" if one is None else f"{0.0 - round(one, 1):+.1f}" for one in found
            ]
        return pd.DataFrame(columns, index=pd.Index([self.title(value) for value in self.names], name="class"))

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types, without the table of pixels."""
        return {
            "run": self.run,
            "classes": {str(value): name for value, name in self.names.items()},
            "shown": list(self.shown),
            "test_pixels": len(self.pixels),
            "confusions": self.confusions.to_dict(),
            "covariates": {
                name: {"what": one.what, "unit": one.unit, "how": one.how, "reason": one.reason}
                for name, one in self.covariates.items()
            },
            "strata": {
                str(value): {name: one.to_dict() for name, one in found.items()} for value, found in self.strata.items()
            },
            "confidence": {str(value): frame.to_dict("list") for value, frame in self.confidence.items()},
            "spectra": [pair.to_dict() for found in self.spectra.values() for pair in found],
            "retrained": self.retrained.to_dict(),
            "worst": self.worst_frame().to_dict("records"),
            "doubted": {"labels": len(self.doubted), "most": self.doubted_frame().to_dict("records")},
            "summary": {str(value): list(said) for value, said in self.summary.items()},
            "notes": list(self.notes),
        }


def of_class(pixels: pd.DataFrame, value: int) -> pd.DataFrame:
    """The rows whose label is a class; all of them for `ALL`."""
    return pixels if value == ALL else pixels[pixels["reference"] == value]
