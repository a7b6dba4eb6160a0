"""Which samples make up which batch: pure functions of (seed, epoch, step, rank), so that a resumed run is the same."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.runs import Recipe

Ints = NDArray[np.int64]

TURNS = {"none": 1, "rotations": 4, "dihedral": 8}  # orientations that a draw may get, by kind of augmentation


@dataclass(frozen=True)
class EpochPlan:
    """The draws of one epoch.

    Attributes:
        samples: int64 `(n,)`: index of the training sample of each draw.
        turns: int64 `(n,)`: which of the eight rotations and flips each draw gets (0: none).
        batch: Draws per step over all ranks.
    """

    samples: Ints
    turns: Ints
    batch: int

    def step(self, step: int, rank: int = 0, ranks: int = 1) -> tuple[Ints, Ints]:
        """Samples and turns of one step on one rank."""
        chosen = slice(step * self.batch + rank, (step + 1) * self.batch, ranks)
        return self.samples[chosen], self.turns[chosen]


def blank_draws(count: int, modalities: int, probability: float, seed: int, epoch: int, step: int, rank: int) -> Ints:
    """Which modality of each sample of a step is blanked (modality dropout): at most one, so that never all are.

    Args:
        count: Samples of the step on this rank.
        modalities: Number of modalities that the run uses.
        probability: Of a sample to have one blanked; each is as likely.
        seed: Seed of the run.
        epoch: Epoch from 0.
        step: Step of the epoch, from 0.
        rank: Rank of the process.

    Returns:
        int64 `(count,)`: number of the modality, -1 for none.
    """
    rng = np.random.default_rng([seed, epoch, step, rank, 2])
    hit = rng.random(count) < probability
    return np.where(hit, rng.integers(modalities, size=count), -1)


def check_dropout(probability: float, modalities: int) -> None:
    """Refuse a modality dropout that would leave nothing to see.

    Raises:
        WorkbenchError: The probability is above zero where there is one modality only.
    """
    if probability > 0 and modalities < 2:
        raise WorkbenchError(
            f"Modality dropout blanks one of several modalities, and this training uses {modalities}. Set "
            f"modality_dropout to 0 (it is {probability:g}), or give the roles two modalities or more."
        )


def steps_per_epoch(draws: int, batch: int) -> int:
    """Full batches of an epoch, at least one; a rest below half a batch is left to other epochs' draws."""
    return max(1, round(draws / batch))


def epoch_steps(count: int, recipe: Recipe, view: str) -> int:
    """Steps of one epoch over `count` training pixels in a view."""
    if view == "patch":
        return steps_per_epoch(count * (4 if recipe.augment == "rotations" else 1), recipe.batch_size)
    return steps_per_epoch(tiles_per_epoch(count, recipe), recipe.tile_batch)


def epochs_of(count: int, recipe: Recipe, view: str) -> int:
    """Epochs of a whole training on `count` pixels: those of the recipe, or as many as hold its steps."""
    return recipe.epochs if recipe.steps is None else math.ceil(recipe.steps / epoch_steps(count, recipe, view))


def tiles_per_epoch(count: int, recipe: Recipe) -> int:
    """Tiles that `count` training pixels ask for in the dense view."""
    return max(1, count // recipe.pixels_per_tile)


def patch_plan(count: int, batch: int, augment: str, seed: int, epoch: int) -> EpochPlan:
    """Every sample once per epoch (at all four rotations with `rotations`), in random order.

    Args:
        count: Number of training samples.
        batch: Patches per step.
        augment: `none`, `rotations` or `dihedral`.
        seed: Seed of the run.
        epoch: Epoch from 0.
    """
    rng = np.random.default_rng([seed, epoch, 0])
    if augment == "rotations":
        draws = np.stack(np.meshgrid(np.arange(count), np.arange(4), indexing="ij"), -1).reshape(-1, 2)
        draws = rng.permutation(draws)
    else:
        turns = rng.integers(8, size=count) if augment == "dihedral" else np.zeros(count, dtype=np.int64)
        draws = np.stack([rng.permutation(count), turns], -1)
    total = steps_per_epoch(len(draws), batch) * batch
    draws = np.resize(draws, (total, 2)) if total > len(draws) else draws[:total]
    return EpochPlan(draws[:, 0], draws[:, 1], batch)


def tile_plan(
    labels: NDArray[np.int64], draws: int, batch: int, balance: float, augment: str, seed: int, epoch: int
) -> EpochPlan:
    """Tiles centred on training pixels, a share of them drawn class by class.

    Many small tiles per batch, centred on stratified pixels, trained best in our measurements, as the GS2 sampling
    of FreeNet argues (arXiv 2011.05670, section III).

    Args:
        labels: int64 `(n,)`: class index of each training sample.
        draws: Tiles per epoch.
        batch: Tiles per step.
        balance: Share of tiles whose class is drawn first, uniformly.
        augment: `none`, `rotations` or `dihedral`.
        seed: Seed of the run.
        epoch: Epoch from 0.
    """
    rng = np.random.default_rng([seed, epoch, 1])
    total = steps_per_epoch(draws, batch) * batch
    samples = rng.integers(len(labels), size=total)
    balanced = np.flatnonzero(rng.random(total) < balance)
    members = [np.flatnonzero(labels == value) for value in np.unique(labels)]
    for place, kind in zip(balanced, rng.integers(len(members), size=len(balanced)), strict=True):
        samples[place] = rng.choice(members[kind])
    turns = rng.integers(TURNS[augment], size=total)
    return EpochPlan(samples, turns, batch)


def unlabelled_plan(count: int, steps: int, batch: int, augment: str, seed: int, epoch: int) -> EpochPlan:
    """Pixels drawn alike from all unlabelled ones, with replacement.

    Args:
        count: Number of unlabelled pixels.
        steps: Steps of the epoch.
        batch: Patches or tiles per step.
        augment: `none`, `rotations` (one of four at random) or `dihedral`.
        seed: Seed of the run.
        epoch: Epoch from 0.
    """
    rng = np.random.default_rng([seed, epoch, 2])
    samples = rng.integers(count, size=steps * batch)
    return EpochPlan(samples, rng.integers(TURNS[augment], size=steps * batch), batch)
