"""Protocol `probability`: a stratified random sample tests, for the question how accurate a map of this ground is.

Wadoux, Heuvelink, de Bruin and Brus (Ecological Modelling 457, 2021): for the accuracy of one map, a probability sample
is unbiased, and pixels around it may train. That is another question than how the model does on new ground, which the
other protocols ask.

The population is the labelled pixels, its strata are the classes, drawn without replacement; a pixel of a class is in
the sample with probability n_h / N_h. Estimators of stratified sampling: Cochran, Sampling Techniques (1977), chapter 5;
without the finite population correction they are equation 5 of Olofsson et al. (Remote Sensing of Environment 148, 2014).
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, model_validator

from workbench.base.errors import WorkbenchError
from workbench.splits.parameters import SplitParameters
from workbench.splits.pool import Pool
from workbench.splits.sides import TEST, TRAIN, VALIDATION, Assigned
from workbench.splits.split import Split

NAME = "probability"
LEAST = 2  # sampled pixels of a class: with one, nothing tells how far they scatter


class ProbabilityParameters(SplitParameters):
    """Parameters of `probability`; see `make_split`."""

    test_fraction: float = Field(default=0.5, gt=0, lt=1)
    test_per_class: int | None = Field(default=None, ge=LEAST)

    @model_validator(mode="after")
    def _of_effect(self) -> Self:
        """Refuse two sizes of the sample; the default passes, for a split records it."""
        usual = type(self).model_fields["test_fraction"].default
        if self.test_per_class is not None and self.test_fraction != usual:
            raise ValueError(
                f"test_fraction={self.test_fraction:g} has no effect beside test_per_class={self.test_per_class}: leave one "
                "of them out"
            )
        return self


def assign_probability(pool: Pool, parameters: ProbabilityParameters, patch_size: int, seed: int) -> Assigned:
    """Draw the sample of each class; the others train and validate. Population and sample of each class are recorded."""
    random = np.random.default_rng(seed)
    side = np.full(len(pool.labels), TRAIN, np.int8)
    dropped, population, sample, short = {}, {}, {}, []
    for value in pool.values:
        mine = random.permutation(np.flatnonzero(pool.labels == value))
        if mine.size <= LEAST:
            dropped[int(value)] = f"{mine.size} labelled pixels; {LEAST} must be sampled and one must train"
            continue
        wanted = parameters.test_per_class or round(parameters.test_fraction * mine.size)
        tests = int(np.clip(wanted, LEAST, mine.size - 1))
        rest = mine.size - tests
        side[mine[:tests]] = TEST
        side[mine[tests : tests + min(round(parameters.validation_fraction * rest), rest - 1)]] = VALIDATION
        population[str(value)], sample[str(value)] = int(mine.size), tests
        if parameters.test_per_class and tests < parameters.test_per_class:
            short.append(f"{tests} of {pool.names[int(value)]}")
    notes = ["the sample stands for the labelled pixels of this scene; of unlabelled ground it says nothing"]
    if short:
        notes.append(
            f"fewer than {parameters.test_per_class} pixels could be sampled: {', '.join(short)}; one must train"
        )
    return Assigned(side, dropped=dropped, notes=tuple(notes), resolved={"population": population, "sample": sample})


@dataclass(frozen=True)
class SampledAccuracy:
    """Accuracy estimated from a stratified sample.

    Attributes:
        oa: Overall accuracy, 0 to 1: strata weigh as many pixels as they stand for.
        oa_error: Its standard error; None where it cannot be estimated.
        aa: Average accuracy: mean over the strata.
        aa_error: Its standard error; None where it cannot be estimated.
        reason: Why there is no standard error, or "".
    """

    oa: float
    oa_error: float | None
    aa: float
    aa_error: float | None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return asdict(self)


def sampled_accuracy(split: Split, reference: ArrayLike, predicted: ArrayLike) -> SampledAccuracy:
    """Accuracy with standard errors from the test pixels of a split by `probability`.

    Args:
        split: The split.
        reference: Classes of test pixels, (n,); pixels without data may be missing.
        predicted: What the map says there, (n,).

    Raises:
        WorkbenchError: The split is of another protocol, or the arrays do not fit it.
    """
    if split.protocol != NAME:
        raise WorkbenchError(
            f"While estimating accuracy from a sample: the split is by {split.protocol!r}, whose test pixels are no "
            "probability sample. Make one by the protocol 'probability'."
        )
    reference, predicted = np.asarray(reference), np.asarray(predicted)
    if reference.shape != predicted.shape or reference.ndim != 1 or not reference.size:
        raise WorkbenchError(
            f"While estimating accuracy from a sample: reference {reference.shape} and prediction {predicted.shape} must "
            "be of one length, at least 1."
        )
    strange = sorted(set(np.unique(reference).tolist()) - set(split.classes))
    if strange:
        raise WorkbenchError(f"While estimating accuracy from a sample: classes {strange} are not in the split.")
    right = {value: (predicted == value)[reference == value] for value in split.classes}
    return stratified_accuracy(
        {value: int(split.parameters["population"][str(value)]) for value in split.classes},
        {value: (int(found.sum()), found.size) for value, found in right.items()},
    )


def stratified_accuracy(population: Mapping[int, int], sample: Mapping[int, tuple[int, int]]) -> SampledAccuracy:
    """Overall and average accuracy from right answers in each stratum, with the finite population correction.

    Args:
        population: Pixels of each stratum.
        sample: How many of the sampled pixels of each stratum are right, and how many there are.

    Raises:
        WorkbenchError: Nothing is sampled.
    """
    met = [stratum for stratum in population if sample[stratum][1]]
    if not met:
        raise WorkbenchError("While estimating accuracy from a sample: it is empty.")
    # A stratum that is not met weighs nothing: the figure is of those that are.
    size = sum(population[stratum] for stratum in met)
    oa = oa_variance = aa_variance = 0.0
    shares = []
    unmet = len(population) - len(met)
    reason = f"{unmet} strata have no sampled pixel" if unmet else ""
    for stratum in met:
        right, many = sample[stratum]
        share, weight = right / many, population[stratum] / size
        oa += weight * share
        shares.append(share)
        if many < LEAST:
            reason = "a stratum has one sampled pixel"
            continue
        variance = (1 - many / population[stratum]) * share * (1 - share) / (many - 1)
        oa_variance += weight**2 * variance
        aa_variance += variance / len(met) ** 2
    aa = math.fsum(shares) / len(shares)
    if reason:
        return SampledAccuracy(oa, None, aa, None, reason)
    return SampledAccuracy(oa, math.sqrt(oa_variance), aa, math.sqrt(aa_variance))
