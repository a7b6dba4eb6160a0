"""Random forest on the scaled bands."""

from collections.abc import Mapping
from typing import Any

import torch

from workbench.base.errors import WorkbenchError
from workbench.models.pixel_model import Floats, Ints, PixelModel
from workbench.models.registry import register_model


@register_model("random_forest")
class RandomForest(PixelModel):
    """Trees on bootstrap samples, each split looking at the square root of the bands (Breiman 2001, scikit-learn's).

    Class probabilities are the mean of the trees' class shares. Trees are fitted and asked by as many threads as torch
    uses; the result does not depend on how many.

    Args:
        inputs: Bands of `hsi`, and of `aux` if it has one.
        classes: Number of classes.
        width: 1.0.
        trees: Number of trees.
        leaf: Fewest training pixels of a leaf; more makes smaller, smoother forests.

    Raises:
        WorkbenchError: An option is below 1.
    """

    summary = "random forest on single pixels (scikit-learn): a baseline"
    made_by = "RandomForestClassifier"
    trusted = ("sklearn.tree._tree.Tree",)

    def __init__(
        self, inputs: Mapping[str, int], classes: int, width: float = 1.0, trees: int = 500, leaf: int = 1
    ) -> None:
        super().__init__(inputs, classes, width, trees=trees, leaf=leaf)
        if trees < 1 or leaf < 1:
            raise WorkbenchError(f"RandomForest: trees and leaf must be at least 1, got {trees} and {leaf}.")

    def fitted(self, features: Floats, targets: Ints, seed: int, units: Ints | None) -> Any:
        """Grow the trees."""
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(
            n_estimators=int(self.options["trees"]),
            min_samples_leaf=int(self.options["leaf"]),
            random_state=seed,
            n_jobs=torch.get_num_threads(),
        ).fit(features, targets)
        forest.n_jobs = None  # when asked, threads share the pixels
        self.told["classifier"]["nodes"] = sum(tree.tree_.node_count for tree in forest.estimators_)
        return forest
