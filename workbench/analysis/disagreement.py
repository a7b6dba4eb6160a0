"""How far the members of an ensemble disagree about the same pixels."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError


@dataclass(frozen=True)
class Disagreement:
    """Figures over pixels; entropies are means over the pixels, in nats.

    Attributes:
        members: Members asked.
        pixels: Pixels asked about.
        other_class_share: Share of pixels to which two members give different classes, the mean over pairs of members.
        entropy: Entropy of the mean of the members' probabilities.
        expected_entropy: Mean of the entropies of the members' own probabilities: what they are all unsure of.
        mutual_information: The rest, what they are unsure of among themselves (Depeweg et al. 2018, equation 2). It is
            0 where all say the same.
    """

    members: int
    pixels: int
    other_class_share: float
    entropy: float
    expected_entropy: float
    mutual_information: float

    def to_dict(self) -> dict[str, int | float]:
        """The figures as JSON types."""
        return asdict(self)


def disagreement(answers: Iterable[NDArray[np.float32]]) -> Disagreement:
    """Figures of at least two members.

    Args:
        answers: Class probabilities `(n, K)` of each member on the same pixels; taken one after the other, so that not
            all need be in memory.

    Raises:
        WorkbenchError: There are fewer than two members, no pixels, or the shapes differ.
    """
    count, own = 0, 0.0
    for answer in answers:
        if not count:
            total, votes = np.zeros(answer.shape), np.zeros(answer.shape, np.int64)
        if answer.shape != total.shape or not len(total):
            raise WorkbenchError(
                f"While comparing members of an ensemble: member {count + 1} has probabilities of shape {answer.shape}, "
                f"the first {total.shape}. All must answer about the same pixels, one at least."
            )
        total += answer
        votes[np.arange(len(answer)), answer.argmax(1)] += 1
        own += _entropy(answer.astype(np.float64))
        count += 1
    if count < 2:
        raise WorkbenchError(f"While comparing members of an ensemble: there are {count}, at least 2 are needed.")
    alike = (votes * (votes - 1)).sum() / (count * (count - 1) * len(votes))  # of the ordered pairs of two members
    together, apart = _entropy(total / count), own / count
    return Disagreement(count, len(votes), float(1 - alike), together, apart, together - apart)


def _entropy(probabilities: NDArray[np.float64]) -> float:
    logarithms = np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
    return float(-(probabilities * logarithms).sum(axis=1).mean())
