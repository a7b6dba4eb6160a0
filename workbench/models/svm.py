"""Support vector machine with a Gaussian kernel on the scaled bands."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.base.errors import WorkbenchError
from workbench.models.pixel_model import Floats, Ints, PixelModel
from workbench.models.registry import register_model

COSTS = (1.0, 10.0, 100.0, 1000.0)
GAMMAS = (0.015625, 0.0625, 0.25, 1.0, 4.0)  # times 1 / (bands x variance), scikit-learn's `scale`
SEARCHED = 2000  # training pixels at most on which the grid is searched
FOLDS = 5
FEWEST = 10  # pixels of a class that thinning leaves

Fold = tuple[Ints, Ints]
"""Indices that fit and indices that score."""


@register_model("svm")
class SVM(PixelModel):
    """SVM-RBF, one against one (scikit-learn's `SVC`), with probabilities by temperature.

    `c` and `gamma` that are 0 are chosen on a grid by the balanced accuracy of a cross-validation among the training
    pixels, on at most 2,000 of them; folds keep the blocks or groups of the split together where every class lies in
    several, else single pixels are dealt out. The grid is ours. The scores are the one-against-rest decision values,
    whose largest names the class; one factor, fitted to the cross-validated values of all training pixels, makes
    probabilities of them (`CalibratedClassifierCV(method="temperature")`), and changes no answer.

    Time grows with the square of the training pixels: more than `at_most` are thinned, class by class in proportion,
    and the run's figures say so.

    Args:
        inputs: Bands of `hsi`, and of `aux` if it has one.
        classes: Number of classes.
        width: 1.0.
        c: Cost of a wrong training pixel; 0 chooses it.
        gamma: Inverse squared width of the kernel in the space of the scaled bands; 0 chooses it.
        at_most: Training pixels that are used.

    Raises:
        WorkbenchError: An option is out of range.
    """

    summary = "support vector machine, Gaussian kernel, on single pixels (scikit-learn): a baseline"
    made_by = "CalibratedClassifierCV"
    trusted = ("sklearn.calibration._CalibratedClassifier", "sklearn.calibration._TemperatureScaling")

    def __init__(
        self,
        inputs: Mapping[str, int],
        classes: int,
        width: float = 1.0,
        c: float = 0.0,
        gamma: float = 0.0,
        at_most: int = 20_000,
    ) -> None:
        super().__init__(inputs, classes, width, c=c, gamma=gamma, at_most=at_most)
        if c < 0 or gamma < 0 or at_most < 1:
            raise WorkbenchError(
                f"SVM: c and gamma must be above 0, or 0 to be chosen, and at_most at least 1; got {c}, {gamma} and "
                f"{at_most}."
            )

    def fitted(self, features: Floats, targets: Ints, seed: int, units: Ints | None) -> Any:
        """Choose `c` and `gamma`, then fit on all pixels.

        Raises:
            WorkbenchError: A class has a single training pixel.
        """
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.svm import SVC

        used = thinned(targets, int(self.options["at_most"]), seed)
        features, targets = features[used], targets[used]
        units = None if units is None else units[used]
        with warnings.catch_warnings():  # of classes that a fold does not score
            warnings.filterwarnings("ignore", module="sklearn")
            cost, gamma = self._choose(features, targets, seed, units)
            found, kept_together = folds(targets, seed, units)
            # ties of votes are broken by the decision values, so that the largest of these is what is predicted
            machine = SVC(C=cost, gamma=gamma, break_ties=True)
            fitted = CalibratedClassifierCV(machine, method="temperature", cv=found, ensemble=False)
            fitted.fit(features, targets)
        fitted.set_params(cv=None)  # the folds are not kept
        inner = fitted.calibrated_classifiers_[0].estimator
        self.told["classifier"] |= {
            "training_pixels_used": len(used),
            "c": cost,
            "gamma": gamma,
            "support_vectors": len(inner.support_),
            "folds": len(found),
            "folds_keep_units": kept_together,
        }
        return fitted

    def _choose(self, features: Floats, targets: Ints, seed: int, units: Ints | None) -> tuple[float, float]:
        """The options, or the best of the grid for those that are 0."""
        from sklearn.model_selection import GridSearchCV
        from sklearn.svm import SVC

        scale = 1.0 / (features.shape[1] * max(float(features.var(dtype=np.float64)), 1e-12))
        costs = [float(self.options["c"])] if self.options["c"] else list(COSTS)
        gammas = [float(self.options["gamma"])] if self.options["gamma"] else [factor * scale for factor in GAMMAS]
        if len(costs) == len(gammas) == 1:
            return costs[0], gammas[0]
        some = thinned(targets, SEARCHED, seed)
        found, _ = folds(targets[some], seed, None if units is None else units[some])
        grid = {"C": costs, "gamma": gammas}
        search = GridSearchCV(SVC(break_ties=True), grid, scoring="balanced_accuracy", cv=found, refit=False)
        best = search.fit(features[some], targets[some]).best_params_
        return float(best["C"]), float(best["gamma"])


def thinned(targets: Ints, most: int, seed: int) -> Ints:
    """Indices of about `most` pixels, sorted: every class in proportion, but ten of a class at least where it has them.

    Args:
        targets: int64 `(n,)`: class indices.
        most: All are taken where there are no more.
        seed: Seed of the draw.
    """
    if len(targets) <= most:
        return np.arange(len(targets))
    rng = np.random.default_rng([seed, 2])
    chosen = []
    for value in np.unique(targets):
        mine = np.flatnonzero(targets == value)
        many = max(FEWEST, round(len(mine) * most / len(targets)))
        chosen.append(rng.permutation(mine)[:many])
    return np.sort(np.concatenate(chosen))


def folds(targets: Ints, seed: int, units: Ints | None) -> tuple[list[Fold], bool]:
    """Folds of a cross-validation in which every class is always there to learn from.

    Args:
        targets: int64 `(n,)`: class indices.
        seed: Seed of the draw.
        units: int64 `(n,)`: block or group of each pixel.

    Returns:
        The folds, five or fewer, and whether units were kept together.

    Raises:
        WorkbenchError: A class has one pixel.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    counts = np.unique(targets, return_counts=True)[1]
    if counts.min() < 2:
        raise WorkbenchError(
            "A class has a single training pixel: the SVM cannot be cross-validated, which sets its probabilities. "
            "Label more, leave the class out, or take random_forest or knn."
        )
    empty = np.zeros((len(targets), 1))
    many = 0 if units is None else len(np.unique(units))
    for number in range(min(FOLDS, many), 1, -1):
        dealt = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
        found = list(dealt.split(empty, targets, units))
        if all(len(score) and len(np.unique(targets[learn])) == len(counts) for learn, score in found):
            return found, True
    number = int(min(FOLDS, counts.min()))
    return list(StratifiedKFold(number, shuffle=True, random_state=seed).split(empty, targets)), False
