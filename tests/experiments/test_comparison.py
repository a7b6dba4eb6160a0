"""Finished runs on one split beside each other."""

import json

import pytest
from statsmodels.stats.contingency_tables import mcnemar as oracle
from statsmodels.stats.proportion import proportion_confint

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.base.files import write_json
from workbench.experiments import compare_runs, open_run, train
from workbench.experiments.comparison_tables import classes_frame, cost_frame, groups_frame, pairs_frame, scores_frame
from workbench.experiments.labels import run_labels
from workbench.experiments.run import Run
from workbench.runs.words import PAPER_HABITS


@pytest.fixture(scope="module")
def pixel_runs(roots, scene, run):
    """A k-NN on both modalities and one on the height alone, on the split of the network's run."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("data", "runs", "reports"):
            patch.setenv(f"WORKBENCH_{name.upper()}", str(roots / name))
        return [
            train(scene, "knn", split=run.split, progress=False),
            train(scene, "knn", {"hsi": ["lidar"]}, split=run.split, progress=False),
        ]


@pytest.fixture(scope="module")
def compared(run, pixel_runs):
    return compare_runs([run, *pixel_runs])


def test_runs_stand_under_their_controls_by_falling_accuracy(compared, run, pixel_runs):
    frame = scores_frame(compared)
    controls = len(run.metrics["controls"])
    assert all(name.startswith("control: ") for name in frame.index[:controls])
    assert frame["overall accuracy %"].iloc[controls:].astype(float).is_monotonic_decreasing
    by_run = {one.run: one for one in compared.runs}
    for one in (run, pixel_runs[0]):
        assert by_run[one.id].scores.oa == pytest.approx(one.metrics["test"]["oa"])
        assert by_run[one.id].left_out == 0
    # the spectra have a hole that the height does not have
    more = run.metrics["test_pixels_without_data"]
    assert by_run[pixel_runs[1].id].left_out == more
    assert not more or any(f"knn, lidar alone: {more}" in note for note in compared.notes)
    assert {one.label for one in compared.runs} == {"fusatnet", "knn, hsi + lidar", "knn, lidar alone"}
    assert not frame.isna().any().any()


def test_pairs_are_those_of_statsmodels(compared):
    tables = {
        one.label: open_run(one.run).predictions.query("set == 'test'").set_index(["tile", "row", "col"])
        for one in compared.runs
    }
    common = tables["fusatnet"].index
    right = {name: (table["reference"] == table["predicted"])[common].to_numpy() for name, table in tables.items()}
    for pair in compared.pairs:
        first, second = right[pair.first], right[pair.second]
        table = [[(first & second).sum(), (first & ~second).sum()], [(~first & second).sum(), (~first & ~second).sum()]]
        wanted = oracle(table, exact=pair.pixels.method == "exact", correction=True)
        assert pair.pixels.p == pytest.approx(wanted.pvalue)
        assert pair.blocks["oa"].difference == pytest.approx(first.mean() - second.mean())
        assert pair.pixels_p >= pair.pixels.p
    assert len(compared.pairs) == len(pairs_frame(compared)) == 3


def test_per_class_intervals_are_those_of_statsmodels(compared):
    frame = classes_frame(compared)
    assert len(frame) == 3 * len(compared.about["classes"])
    for row in frame.to_dict("records"):
        hits = round(row["producers"] * row["reference pixels"])
        wanted = proportion_confint(hits, row["reference pixels"], method="wilson")
        assert (row["producers_low"], row["producers_high"]) == pytest.approx(wanted)


def test_cost_and_json(compared):
    frame = cost_frame(compared)
    assert frame.loc["knn, lidar alone", "parameters"] == "none"
    assert frame.loc["fusatnet", "parameters"] != "none"
    recorded = [run.peak_memory for run in compared.runs]
    assert recorded == [open_run(run.run).metrics["training"]["peak_memory"] for run in compared.runs]
    assert frame["peak memory, MiB"].tolist() == [
        "not recorded" if peak is None else f"{peak / 2**20:,.0f}" for peak in recorded
    ]
    json.dumps(compared.to_dict(), allow_nan=False)


def test_pixels_that_one_run_lacks_are_left_out_of_all(forge, run, pixel_runs):
    less = forge(pixel_runs[0], "less", drop=40, seed=7)
    found = compare_runs([run, less])
    whole = sum(run.metrics["test"]["support"])
    assert found.pixels == whole - 40
    assert sum(found.runs[0].scores.support) == found.pixels
    assert any("fusatnet: 40" in note for note in found.notes)


def test_seeds_are_repetitions(forge, run):
    frame = groups_frame(compare_runs([run, forge(run, "one", seed=1), forge(run, "two", seed=2, width=0.5)]))
    assert frame["seeds"].tolist() == [2, 1]
    assert "±" in frame["OA %"].iloc[0]
    assert "±" not in frame["OA %"].iloc[1]


def test_labels_tell_what_differs(forge, run):
    twins = [forge(run, f"x{seed}-{n}", versions={"models": n}, seed=seed) for n in (1, 2) for seed in (0, 1)]
    other = forge(run, "y-3", recipe=run.config.recipe.model_copy(update={"learning_rate": 0.5}), tta=True)
    plain = "no test-time augmentation, learning rate " + f"{run.config.recipe.learning_rate:g}"
    assert run_labels([run, other]) == {
        run.id: f"fusatnet, {plain}",
        other.id: "fusatnet, test-time augmentation, learning rate 0.5",
    }
    with_seeds = run_labels(twins)
    assert len(set(with_seeds.values())) == 4
    without = [run_labels(twins, seeds=False)[one.id] for one in twins]
    assert without[0] == without[1] != without[2] == without[3]


def test_another_split_or_scene_is_refused_with_both_hashes(forge, run):
    hashes = (run.config.split.hash[:16], "5" * 16)
    with pytest.raises(WorkbenchError, match=rf"different splits, {hashes[0]} .* and {hashes[1]}"):
        compare_runs([run, forge(run, "other", split="5" * 64)])
    with pytest.raises(WorkbenchError, match=rf"different scenes, {run.config.scene_hash[:16]} .* and {'6' * 16}"):
        compare_runs([run, forge(run, "gone", scene="6" * 64)])


def test_one_run_none_and_no_common_pixel(forge, run):
    alone = compare_runs([run, run.id])
    assert (len(alone.runs), alone.pairs) == (1, ())
    assert "nothing to compare" in " ".join(alone.notes)
    with pytest.raises(WorkbenchError, match="give the ids"):
        compare_runs([])
    with pytest.raises(UnknownNameError):
        compare_runs(["no such run"])
    with pytest.raises(WorkbenchError, match="no test pixel was answered by all"):
        compare_runs([run, forge(run, "empty", drop=10**6)])


def test_habits_stand_in_every_table(forge, run, pixel_runs):
    habits = forge(run, "habits", chosen_on="test")
    write_json(habits.path / "metrics.json", habits.metrics | {"chosen_on": "test", "paper": None})
    found = compare_runs([habits, run, pixel_runs[0]])
    named = f"fusatnet ({PAPER_HABITS})"
    for frame in (scores_frame(found), cost_frame(found)):
        assert named in frame.index
        assert "fusatnet" in frame.index
    assert named in pairs_frame(found)["first"].tolist() + pairs_frame(found)["second"].tolist()
    assert any(note.startswith("Publications' habits") for note in found.notes)
    assert not any("chosen on validation" in name for name in scores_frame(found).index)


def test_kappa_of_one_class_alone_is_a_dash_with_its_reason(forge, run, pixel_runs):
    runs = [forge(one, f"lone{k}") for k, one in enumerate((run, pixel_runs[0]))]
    for one in runs:
        table = one.predictions
        lone = table[(table["set"] == "test") & (table["reference"] == 1)].assign(predicted=1)
        (one.path / "predictions.parquet").unlink()
        lone.to_parquet(one.path / "predictions.parquet")
    found = compare_runs([Run(one.path) for one in runs])
    assert scores_frame(found)["kappa"].tolist()[-2:] == ["–", "–"]
    assert any("Kappa is a dash where reference and map hold one class only" in note for note in found.notes)
    json.dumps(found.to_dict(), allow_nan=False)
