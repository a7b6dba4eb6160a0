"""Which samples make up which batch."""

import subprocess
import sys

import numpy as np
import pytest

from workbench.training.sampling import blank_draws, patch_plan, steps_per_epoch, tile_plan, unlabelled_plan

LABELS = np.repeat([0, 1, 2], [900, 90, 10])


def patches(seed=1, epoch=2, count=100, batch=10, augment="dihedral"):
    return patch_plan(count, batch, augment, seed, epoch)


def tiles(seed=1, epoch=2, draws=600, batch=20, balance=0.5, augment="dihedral", labels=LABELS):
    return tile_plan(labels, draws, batch, balance, augment, seed, epoch)


def unlabelled(seed=1, epoch=2, count=100, steps=30, batch=20, augment="dihedral"):
    return unlabelled_plan(count, steps, batch, augment, seed, epoch)


def drawn(plan):
    """All draws as pairs of sample and turn."""
    return np.stack([plan.samples, plan.turns], -1).tolist()


@pytest.mark.parametrize("make", [patches, tiles, unlabelled])
def test_a_plan_follows_from_seed_and_epoch_alone(make):
    np.random.seed(0)  # noqa: NPY002 (the global generator must not matter)
    one = drawn(make())
    np.random.seed(1)  # noqa: NPY002
    assert drawn(make()) == one
    assert drawn(make(seed=2)) != one
    assert drawn(make(epoch=3)) != one
    # seed and epoch are not merely added
    assert drawn(make(seed=2, epoch=1)) != one


def test_a_plan_is_the_same_in_another_process():
    code = "from workbench.training.sampling import *; print(patch_plan(100, 10, 'dihedral', 1, 2).samples.tolist())"
    other = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert other.stdout.strip() == str(patches().samples.tolist())


@pytest.mark.parametrize("make", [patches, tiles, unlabelled])
@pytest.mark.parametrize("ranks", [1, 2, 3, 7])
def test_ranks_share_out_each_batch(make, ranks):
    plan = make()
    for step in range(3):
        whole = list(zip(*plan.step(step), strict=True))
        parts = [list(zip(*plan.step(step, rank, ranks), strict=True)) for rank in range(ranks)]
        assert len(whole) == plan.batch
        assert sorted(pair for part in parts for pair in part) == sorted(whole)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_steps_follow_each_other_without_gap_or_overlap():
    plan = patches()
    assert np.concatenate([plan.step(step)[0] for step in range(10)]).tolist() == plan.samples.tolist()


@pytest.mark.parametrize("augment", ["none", "dihedral"])
def test_each_patch_comes_once_per_epoch(augment):
    plan = patches(augment=augment)
    assert sorted(plan.samples.tolist()) == list(range(100))
    assert plan.samples.tolist() != list(range(100))
    assert set(plan.turns.tolist()) == (set(range(8)) if augment == "dihedral" else {0})


def test_rotations_give_each_patch_at_all_four_rotations():
    plan = patches(augment="rotations")
    assert sorted(map(tuple, drawn(plan))) == [(sample, turn) for sample in range(100) for turn in range(4)]
    first = plan.step(0)[0]
    assert len(set(first.tolist())) > len(first) // 2  # shuffled, not four of a kind in a row


@pytest.mark.parametrize(
    ("draws", "batch", "steps"), [(100, 10, 10), (104, 10, 10), (106, 10, 11), (3, 10, 1), (0, 10, 1)]
)
def test_an_epoch_has_full_batches_only(draws, batch, steps):
    assert steps_per_epoch(draws, batch) == steps
    if draws:
        plan = patches(count=draws, batch=batch)
        assert len(plan.samples) == len(plan.turns) == steps * batch
        assert set(plan.samples.tolist()) <= set(range(draws))
        times = np.bincount(plan.samples, minlength=draws)
        assert times.max() - times.min() <= 1


def test_tiles_are_drawn_class_by_class_in_the_given_share():
    """Against the expected shares of the three classes, of 90, 9 and 1 per cent; five standard deviations of chance."""
    count = 6000
    for balance in (0.0, 0.5, 1.0):
        shares = np.bincount(LABELS[tiles(draws=count, balance=balance).samples], minlength=3) / count
        expected = balance / 3 + (1 - balance) * np.array([0.9, 0.09, 0.01])
        assert np.abs(shares - expected).max() < 5 * np.sqrt(0.25 / count)


def test_within_a_class_all_samples_are_drawn():
    plan = tiles(draws=3000, balance=1.0)
    rare = plan.samples[LABELS[plan.samples] == 2]
    assert set(rare.tolist()) == set(range(990, 1000))


def test_unlabelled_pixels_are_drawn_alike():
    """600 draws of each pixel are expected; five standard deviations of chance."""
    plan = unlabelled(steps=3000)
    times = np.bincount(plan.samples, minlength=100)
    assert np.abs(times - 600).max() < 5 * np.sqrt(600)
    assert set(plan.turns.tolist()) == set(range(8))
    assert not unlabelled(augment="none").turns.any()


@pytest.mark.parametrize(("augment", "turns"), [("none", 1), ("rotations", 4), ("dihedral", 8)])
def test_tiles_are_turned(augment, turns):
    plan = tiles(augment=augment)
    assert set(plan.turns.tolist()) == set(range(turns))
    assert len(plan.samples) == steps_per_epoch(600, 20) * 20


def test_a_class_may_be_absent_from_training():
    plan = tiles(labels=np.array([0, 0, 2, 2]), draws=40, balance=1.0)
    assert set(plan.samples.tolist()) == {0, 1, 2, 3}


def blanks(count=4000, modalities=3, probability=0.3, seed=1, epoch=2, step=3, rank=0):
    return blank_draws(count, modalities, probability, seed, epoch, step, rank)


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("modalities", [2, 3])
def test_modalities_are_blanked_at_the_rate_asked_for_and_alike(probability, modalities):
    drawn = blanks(modalities=modalities, probability=probability)
    assert set(drawn) <= {-1, *range(modalities)}
    for number in range(modalities):  # five standard deviations of a share of 4000
        assert abs((drawn == number).mean() - probability / modalities) <= 5 * 0.5 / 4000**0.5 * (probability > 0)


def test_what_is_blanked_follows_from_seed_epoch_step_and_rank_alone():
    np.random.seed(0)  # noqa: NPY002 (the global generator must not matter)
    one = blanks().tolist()
    np.random.seed(1)  # noqa: NPY002
    assert blanks().tolist() == one
    others = [{"seed": 2}, {"epoch": 3}, {"step": 4}, {"rank": 1}, {"epoch": 3, "step": 2}]
    drawn = [one, *(blanks(**other).tolist() for other in others)]
    assert len({tuple(draws) for draws in drawn}) == len(drawn)
