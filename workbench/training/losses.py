"""Classification losses on patches and tiles, in which some pixels do not count and classes may weigh more than others."""

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch.nn import functional

from workbench.runs import Recipe

IGNORE = -1  # class index of pixels that do not count


def class_weights(targets: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """Weights by the inverse of each class's share of the training pixels.

    Those of scikit-learn's `balanced`, divided by their mean, so that the loss of an even batch keeps its size.

    Args:
        targets: int64 `(n,)`: class index of each training pixel.
        classes: Number of classes K.

    Returns:
        float32 `(K,)`, 1 on average over the classes present; 0 for a class without training pixels.
    """
    present = np.unique(targets)
    balanced = compute_class_weight("balanced", classes=present, y=targets)
    weights = np.zeros(classes, np.float32)
    weights[present] = balanced / balanced.mean()
    return weights


class ClassificationLoss:
    """The loss of a recipe, called with logits and targets.

    A batch in which no pixel counts has the loss 0. Nothing here waits for an accelerator.

    Args:
        recipe: Its `loss`, `focal_gamma` and `class_weights` count.
        targets: int64 `(n,)`: class indices of the training pixels, which `balanced` weights follow from.
        classes: Number of classes K.
    """

    def __init__(self, recipe: Recipe, targets: NDArray[np.int64], classes: int) -> None:
        self.kind, self.gamma = recipe.loss, recipe.focal_gamma
        balanced = recipe.class_weights == "balanced"
        self._weights = torch.from_numpy(class_weights(targets, classes)) if balanced else None

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The loss of a batch.

        Args:
            logits: `(B, K)` or `(B, K, H, W)`.
            targets: int64 `(B,)` or `(B, H, W)`: class indices; -1 does not count.

        Returns:
            A scalar.
        """
        if self._weights is not None:  # moves twice an epoch: validation is scored on the CPU
            self._weights = self._weights.to(logits.device)
        if self.kind == "focal":
            return focal(logits, targets, self.gamma, self._weights)
        if self.kind == "dice":
            return dice(logits, targets, self._weights)
        loss = cross_entropy(logits, targets, self._weights)
        return loss + dice(logits, targets, self._weights) if self.kind == "cross_entropy_dice" else loss


def cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean cross entropy over the pixels that count, weighed by their classes' weights; 0 where none counts.

    torch's own mean is NaN where none counts.

    Args:
        logits: `(B, K)` or `(B, K, H, W)`.
        targets: int64 `(B,)` or `(B, H, W)`; -1 does not count.
        weights: float32 `(K,)`.
    """
    total = functional.cross_entropy(logits, targets, weights, ignore_index=IGNORE, reduction="sum")
    return total / _mass(targets, weights)


def focal(logits: Tensor, targets: Tensor, gamma: float, weights: Tensor | None = None) -> Tensor:
    """Cross entropy times `(1 - p) ** gamma`, p the probability of the pixel's class: sure pixels count less.

    Lin, Goyal, Girshick, He, Dollar, "Focal Loss for Dense Object Detection", ICCV 2017, equation 5, over classes by a
    softmax; the class weights are its alpha, and the mean is that of `cross_entropy`, which gamma 0 gives.

    Args:
        logits: `(B, K)` or `(B, K, H, W)`.
        targets: int64 `(B,)` or `(B, H, W)`; -1 does not count.
        gamma: From 0.
        weights: float32 `(K,)`.
    """
    logits = logits.float()
    surprise = functional.cross_entropy(logits, targets, ignore_index=IGNORE, reduction="none")  # -log p; 0 if ignored
    # without the floor, the slope of a power below 1 is infinite where p is 1
    doubt = (-torch.expm1(-surprise)).clamp_min(1e-8) ** gamma
    return (doubt * surprise * _share(targets, weights)).sum() / _mass(targets, weights)


def dice(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """One minus the soft Dice coefficient, averaged over the classes that the batch holds; 0 where no pixel counts.

    Of a class, `2 sum(p y) / (sum(p) + sum(y))` over all pixels of the batch that count, y being 1 in its pixels, as in
    Drozdzal, Vorontsov, Chartrand, Kadoury, Pal, "The Importance of Skip Connections in Biomedical Image
    Segmentation", 2016. A class that the batch does not hold would score 0 whatever the network answers, so it is
    left out.

    Args:
        logits: `(B, K)` or `(B, K, H, W)`.
        targets: int64 `(B,)` or `(B, H, W)`; -1 does not count.
        weights: float32 `(K,)`: weigh the classes in the average.
    """
    pixels = [axis for axis in range(logits.dim()) if axis != 1]
    kinds = torch.arange(logits.shape[1], device=logits.device).view(1, -1, *[1] * (logits.dim() - 2))
    mine = targets.unsqueeze(1) == kinds  # nowhere for ignored pixels
    found = logits.float().softmax(1)
    counts = mine.sum(pixels).float()
    shared = (found * mine).sum(pixels)
    answered = (found * (targets != IGNORE).unsqueeze(1)).sum(pixels)
    present = (counts > 0).float() if weights is None else (counts > 0) * weights
    coefficients = 2 * shared / (answered + counts).clamp_min(1e-8)
    return ((1 - coefficients) * present).sum() / present.sum().clamp_min(1e-8)


def _share(targets: Tensor, weights: Tensor | None) -> Tensor:
    """What each pixel counts: its class's weight, or 1; 0 for those that do not count."""
    counted = targets != IGNORE
    return counted.float() if weights is None else weights[targets.clamp_min(0)] * counted


def _mass(targets: Tensor, weights: Tensor | None) -> Tensor:
    """Sum of what the pixels count, never 0."""
    return _share(targets, weights).sum().clamp_min(1e-8)
