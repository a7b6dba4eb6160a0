"""k nearest neighbours in the space of the scaled bands."""

from collections.abc import Mapping
from typing import Any

import torch

from workbench.base.errors import WorkbenchError
from workbench.models.pixel_model import Floats, Ints, PixelModel
from workbench.models.registry import register_model


@register_model("knn")
class KNN(PixelModel):
    """The classes of the nearest training pixels vote (scikit-learn's `KNeighborsClassifier`, Euclidean).

    The search is by brute force, which is exact, and quicker than trees for spectra, on as many threads as torch uses;
    among equal votes the first class wins. The run keeps the training pixels' features themselves.

    Args:
        inputs: Bands of `hsi`, and of `aux` if it has one.
        classes: Number of classes.
        width: 1.0.
        neighbours: How many vote.
        weighted: Whether a vote weighs the inverse of its distance.

    Raises:
        WorkbenchError: `neighbours` is below 1.
    """

    summary = "k nearest neighbours on single pixels (scikit-learn): a baseline"
    made_by = "KNeighborsClassifier"
    seeded = False

    def __init__(
        self,
        inputs: Mapping[str, int],
        classes: int,
        width: float = 1.0,
        neighbours: int = 5,
        weighted: bool = False,
    ) -> None:
        super().__init__(inputs, classes, width, neighbours=neighbours, weighted=weighted)
        if neighbours < 1:
            raise WorkbenchError(f"KNN: neighbours must be at least 1, got {neighbours}.")

    def fitted(self, features: Floats, targets: Ints, seed: int, units: Ints | None) -> Any:
        """Keep the pixels.

        Raises:
            WorkbenchError: There are fewer pixels than neighbours.
        """
        from sklearn.neighbors import KNeighborsClassifier

        wanted = int(self.options["neighbours"])
        if wanted > len(targets):
            raise WorkbenchError(
                f"KNN was told to ask {wanted} neighbours, but there are {len(targets)} training pixels. Ask fewer: "
                "--option neighbours=1."
            )
        weights = "distance" if self.options["weighted"] else "uniform"
        return KNeighborsClassifier(wanted, weights=weights, algorithm="brute").fit(features, targets)

    def probabilities(self, features: Floats) -> Any:
        """Shares of the votes, `(n, K')`; scikit-learn's search has threads of its own: as many as torch."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(torch.get_num_threads()):
            return self.classifier.predict_proba(features)
