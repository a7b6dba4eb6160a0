import math

import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.splits import Split, make_split, sampled_accuracy
from workbench.splits.probability import stratified_accuracy
from workbench.splits.units import units_of


def test_the_worked_example_of_olofsson():
    """Olofsson et al. 2014, table 8: strata of 200,000, 150,000, 3,200,000 and 6,450,000 pixels; OA 0.95 +- 0.02 at 95 %."""
    population = {1: 200_000, 2: 150_000, 3: 3_200_000, 4: 6_450_000}
    found = stratified_accuracy(population, {1: (66, 75), 2: (55, 75), 3: (153, 165), 4: (313, 325)})
    assert round(found.oa, 2) == 0.95
    assert round(1.96 * found.oa_error, 2) == 0.02
    users = (66 / 75, 55 / 75, 153 / 165, 313 / 325)
    by_hand = sum(
        (share / 1e7) ** 2 * right * (1 - right) / (many - 1)
        for share, right, many in zip(population.values(), users, (75, 75, 165, 325), strict=True)
    )  # equation 5, without the finite population correction, which is nothing here
    assert found.oa_error == pytest.approx(math.sqrt(by_hand), rel=1e-3)
    assert found.aa == pytest.approx(np.mean(users))


def test_standard_errors_are_those_of_repeated_sampling(farmland):
    """Answers that are right with another chance in each class: over seeds, estimates scatter by their standard error."""
    labels = farmland.scenes[0].read_labels()
    random = np.random.default_rng(0)
    answers = np.where(random.random(labels.shape) < 0.5 + 0.08 * labels, labels, labels % 6 + 1)
    truth = (answers == labels)[labels > 0].mean()
    found = []
    for seed in range(200):
        split = make_split(farmland, "probability", seed=seed, test_per_class=60)
        found.append(sampled_accuracy(split, split.test.labels, answers[tuple(split.test.positions[:, 1:].T)]))
    estimates, errors = (np.array([getattr(one, key) for one in found]) for key in ("oa", "oa_error"))
    assert estimates.mean() == pytest.approx(truth, abs=4 * estimates.std() / math.sqrt(200))
    assert np.sqrt((errors**2).mean()) == pytest.approx(estimates.std(ddof=1), rel=0.15)
    averages, errors = (np.array([getattr(one, key) for one in found]) for key in ("aa", "aa_error"))
    assert np.sqrt((errors**2).mean()) == pytest.approx(averages.std(ddof=1), rel=0.15)


def test_population_and_sample_are_kept_with_the_split(farmland, tmp_path):
    split = make_split(farmland, "probability", test_fraction=0.1)
    labels = farmland.scenes[0].read_labels()
    for value in split.classes:
        assert split.parameters["population"][str(value)] == (labels == value).sum()
        assert split.parameters["sample"][str(value)] == split.test.count(value)
        assert split.test.count(value) == round(0.1 * (labels == value).sum())
    split.save(tmp_path / "split.npz")
    again = Split.load(tmp_path / "split.npz")
    assert again.hash == split.hash
    right = sampled_accuracy(again, again.test.labels, again.test.labels)
    assert (right.oa, right.oa_error, right.aa) == (1, 0, 1)


def test_the_audit_says_that_it_answers_another_question(farmland):
    split = make_split(farmland, "probability", test_per_class=40)
    audit = split.audit()
    assert audit.banner_level == "amber"
    text = str(audit)
    assert "how accurate a map of this ground is" in text
    assert "not how the model does on new ground" in text
    assert "estimated from the sample: OA" in text
    assert audit.sampling.oa > 0.9
    assert audit.to_dict()["sampling"]["oa"] == audit.sampling.oa
    assert units_of(split, split.train.positions) is None


def test_few_pixels(scene, tile, fields):
    labels = fields((60, 60), 15, 4, 1.0)
    labels[0, :5] = [5, 5, 6, 6, 6]
    split = make_split(scene(tile(labels)), "probability", test_fraction=0.1)
    assert "2 must be sampled and one must train" in split.dropped[5]
    assert (split.train.count(6), split.test.count(6)) == (1, 2)


def test_a_sample_smaller_than_asked_is_told(scene, tile, fields):
    labels = fields((60, 60), 15, 4, 1.0)
    labels[0, :10] = 5
    split = make_split(scene(tile(labels)), "probability", test_per_class=30)
    assert (split.train.count(5), split.test.count(5)) == (1, 9)
    assert "fewer than 30 pixels could be sampled: 9 of kind 5; one must train" in split.notes
    assert not any("fewer than" in note for note in make_split(scene(tile(labels)), "probability").notes)


def test_two_sizes_of_a_sample_are_refused(farmland):
    with pytest.raises(WorkbenchError, match=r"test_fraction=0\.2 has no effect beside test_per_class=30"):
        make_split(farmland, "probability", test_fraction=0.2, test_per_class=30)


def test_what_cannot_be_estimated_is_told():
    lone = stratified_accuracy({1: 100, 2: 100}, {1: (5, 10), 2: (1, 1)})
    assert (lone.oa, lone.aa, lone.oa_error) == (0.75, 0.75, None)
    assert lone.reason == "a stratum has one sampled pixel"
    unmet = stratified_accuracy({1: 100, 2: 300}, {1: (5, 10), 2: (0, 0)})
    assert (unmet.oa, unmet.aa_error, unmet.reason) == (0.5, None, "1 strata have no sampled pixel")
    census = stratified_accuracy({1: 10, 2: 10}, {1: (5, 10), 2: (7, 10)})
    assert (census.oa, census.oa_error) == (0.6, 0)
    with pytest.raises(WorkbenchError, match="empty"):
        stratified_accuracy({1: 10}, {1: (0, 0)})


def test_what_does_not_fit_is_refused(farmland):
    split = make_split(farmland, "probability")
    with pytest.raises(WorkbenchError, match="one length"):
        sampled_accuracy(split, [1, 2], [1])
    with pytest.raises(WorkbenchError, match=r"classes \[9\] are not in the split"):
        sampled_accuracy(split, [9], [1])
    with pytest.raises(WorkbenchError, match="no probability sample"):
        sampled_accuracy(make_split(farmland, "random"), [1], [1])
