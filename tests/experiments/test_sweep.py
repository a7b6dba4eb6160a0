"""Sweeps: every run listed, seeds averaged within a split, failures told, nothing trained twice."""

import json
import sys

import numpy as np
import pytest

from tests.experiments.conftest import OPTIONS
from workbench.base.errors import WorkbenchError
from workbench.experiments import open_run, sweep
from workbench.experiments.sweep_result import Entry, Sweep
from workbench.splits import make_split

TRAIN = sys.modules["workbench.experiments.sweep"]  # the package has a function of that name
SHORT = OPTIONS | {"epochs": 1, "learning_rate": 0.0011}  # a rate of its own: no other test has these runs


@pytest.fixture(scope="module")
def pair(roots, scene):
    """Two networks' runs on two splits, and a model without seeds beside them; one training breaks."""
    from tests.experiments.conftest import point

    said = []
    plain = TRAIN.train

    def breaking(*args, **more):
        if args[1] == "fusatnet" and (args[3].seed, more["seed"]) == (1, 1):
            raise RuntimeError("CUDA out of memory")
        return plain(*args, **more)

    with pytest.MonkeyPatch.context() as patch:
        point(patch, roots)
        patch.setattr(TRAIN, "train", breaking)
        whole = sweep(scene, ["knn"], 2, 3, say=said.append, progress=False)
        nets = sweep(scene, "fusatnet", 2, 2, say=said.append, **SHORT)
    return whole, nets, said


def test_seeds_are_averaged_within_a_split_and_both_spreads_told(pair):
    _, found, _ = pair
    frame = found.to_frame()
    assert frame["split_seed"].tolist() == [0, 0, 1, 1]
    assert frame["seed"].tolist() == [0, 1, 0, 1]
    by_hand = [np.mean(frame["oa"][:2].astype(float)), float(frame["oa"][2])]
    (row,) = [row for row in found.summary_frame().to_dict("records") if row["kind"] == "model"]
    assert row["oa_mean"] == pytest.approx(np.mean(by_hand))
    assert row["oa_sd_splits"] == pytest.approx(np.std(by_hand, ddof=1))
    assert row["oa_sd_seeds"] == pytest.approx(np.std(frame["oa"][:2].astype(float), ddof=1))
    assert (row["n_splits"], row["n_seeds"]) == (2, 2)
    for run, oa in zip(frame["run"][:3], frame["oa"][:3], strict=True):
        assert open_run(run).metrics["test"]["oa"] == oa


def test_a_failing_run_is_listed_and_costs_no_other(pair):
    _, found, said = pair
    failed = found.to_frame().iloc[3]
    assert failed["run"] is None
    assert failed["error"] == "RuntimeError: CUDA out of memory"
    assert "1 of 4 runs failed" in " ".join(found.notes)
    assert any("failed: RuntimeError: CUDA out of memory" in row[0] for row in found.printed_runs()[1])
    assert "It failed: CUDA out of memory" in said


def test_it_goes_on_with_what_is_missing(pair, scene, monkeypatch):
    from workbench.experiments import single

    trained = []
    fit = single.fit
    monkeypatch.setattr(single, "fit", lambda *args: trained.append(args[6]) or fit(*args))
    again = sweep(scene, "fusatnet", 2, 2, say=lambda _: None, **SHORT)
    assert trained == [1]
    assert again.to_frame()["run"].notna().all()


def test_controls_stand_on_top_with_their_spread(pair, scene):
    found, _, _ = pair
    rows = found.printed()[1]
    assert [row[0] for row in rows] == [
        "control: coordinates only", "control: spectrum only", "control: majority class", "knn",
    ]  # fmt: skip
    audits = [make_split(scene, "blocks", 11, seed).audit().coordinates_only["oa"] for seed in (0, 1)]
    line = found.controls["coordinates_only"]["oa"]
    assert line.mean == pytest.approx(np.mean(audits))
    assert line.sd_splits == pytest.approx(np.std(audits, ddof=1))
    assert line.sd_seeds is None
    assert rows[0][-1] == "-"


def test_a_model_without_seeds_is_trained_once_on_each_split(pair):
    found, _, _ = pair
    assert found.to_frame()["seed"].tolist() == [0, 0]
    assert any("does not depend on the seed" in note for note in found.notes)
    assert found.models["knn"]["oa"].sd_seeds is None


def test_plain_values_and_words_hold_no_nan(pair):
    for found in pair[:2]:
        text = json.dumps(found.to_dict(), allow_nan=False)
        assert json.loads(text)["summary"][0]["kind"] == "control"
        assert "nan" not in str(found).lower().replace("nanometre", "")
    assert "sd splits" in str(found)


def test_splits_that_cannot_be_made_or_come_twice_are_told(scene, monkeypatch):
    plain = TRAIN.make_split

    def making(scene, protocol, patch_size, seed, **more):
        if seed == 1:
            raise WorkbenchError("no class is on both sides")
        return plain(scene, protocol, patch_size, 0, **more)

    monkeypatch.setattr(TRAIN, "make_split", making)
    found = sweep(scene, "knn", 3, say=lambda _: None, progress=False)
    assert found.to_frame()["error"].tolist() == ["no class is on both sides", ""]
    assert found.printed_runs()[1][0][3:5] == ["-", "-"]
    assert "Split seed 2 gives the split of seed 0: it was passed over." in found.notes


def test_folds_are_pooled_into_one_split(scene, monkeypatch):
    """The folds are scripted: each tests the other's half."""
    plain = TRAIN.make_split
    asked = []

    def making(scene, protocol, patch_size, seed, folds=None, fold=None):
        asked.append(fold)
        return plain(scene, protocol, patch_size, 10 * seed + fold)

    monkeypatch.setattr(TRAIN, "make_split", making)
    found = sweep(scene, "knn", 2, parameters={"folds": 2}, say=lambda _: None, progress=False)
    assert asked == [0, 1, 0, 1]
    frame = found.to_frame()
    assert frame["fold"].tolist() == [0, 1, 0, 1]
    tests = [entry.metrics["test"] for entry in found.entries]
    pooled = [
        sum(np.trace(test["confusion"]) for test in part) / sum(np.sum(test["confusion"]) for test in part)
        for part in (tests[:2], tests[2:])
    ]
    assert found.models["knn"]["oa"].mean == pytest.approx(np.mean(pooled))
    assert found.splits["knn"] == 2


def test_the_number_of_folds_is_judged_by_the_protocol(scene, monkeypatch):
    asked = []
    monkeypatch.setattr(TRAIN, "make_split", lambda *_, **more: asked.append(more))
    for parameters in ({"folds": 0}, {"folds": -1}, {"folds": 2, "fold": 1}, {"folds": 2, "fold": None}):
        TRAIN._folds(scene, "blocks", 11, 0, parameters)
    assert asked == [
        {"folds": 0}, {"folds": -1}, {"folds": 2, "fold": 1}, {"folds": 2, "fold": 0}, {"folds": 2, "fold": 1},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("models", "options", "widest"),
    [(["mft", "fusatnet"], {}, (30, 27)), (["fusatnet", "unet"], {"tile": 32}, (31, 31))],
)
def test_a_buffer_of_the_view_is_that_of_the_widest_model(scene, monkeypatch, models, options, widest):
    asked = []

    def making(*_, **more):
        asked.append(more)
        raise WorkbenchError("enough")

    monkeypatch.setattr(TRAIN, "make_split", making)
    with pytest.raises(WorkbenchError, match="enough"):
        sweep(scene, models, 1, parameters={"buffer": "view"}, say=lambda _: None, view="dense", **options)
    assert asked == [{"buffer": "view", "receptive_field": widest}]


def test_ensembles_of_different_seeds_share_no_member(scene, monkeypatch):
    asked = []

    def training(*_, seed, members=1, **more):
        asked.append((seed, members))
        raise WorkbenchError("enough")

    monkeypatch.setattr(TRAIN, "train", training)
    for options in ({"members": 4}, {}):
        with pytest.raises(WorkbenchError, match="enough"):
            sweep(scene, "fusatnet", 1, 3, seed=2, say=lambda _: None, **options)
    assert asked == [(2, 4), (6, 4), (10, 4), (2, 1), (3, 1), (4, 1)]


def test_a_control_that_a_split_lacks_counts_fewer_splits():
    test = {"classes": [1, 2], "confusion": [[3, 1], [0, 4]]}
    score = {"oa": 0.5, "aa": 0.5, "kappa": 0.0}
    both = {"test": test, "controls": {"majority_class": score, "spectrum_only": score}, "synthetic": False}
    one = both | {"controls": {"majority_class": score}}
    entries = [Entry("knn", 0, None, 0, "a", "a", both, "", None), Entry("knn", 1, None, 0, "b", "b", one, "", None)]
    rows = Sweep.of("tiny", "blocks", ["knn"], entries, []).summary_frame().set_index("name")
    assert rows["n_splits"].to_dict() == {"majority_class": 2, "spectrum_only": 1, "knn": 2}


def test_the_audits_of_the_splits_are_told(pair, scene):
    for found in pair[:2]:
        (line,) = [note for note in found.notes if note.startswith("Audit, patch of 11 x 11")]
        assert line.endswith(": 0.0 % of test centres lie inside a training window, 0.0 % of test windows overlap one.")
    (line,) = [note for note in pair[1].notes if note.startswith("Audit, view of 58 x 58 (-30 to +27)")]
    leaks = [make_split(scene, "blocks", 11, seed).audit((30, 27)).leak("receptive field") for seed in (0, 1)]
    low, high = sorted(100 * leak.overlap for leak in leaks)
    assert line.endswith(
        f" {low:.1f} to {high:.1f} % of test windows overlap one."
        if low < high
        else f" {low:.1f} % of test windows overlap one."
    )


def test_a_random_split_is_warned_of_whatever_asked_for_it():
    test = {"classes": [1, 2], "confusion": [[3, 1], [0, 4]]}
    for under, warned in (("random", True), ("official", False)):
        metrics = {"test": test, "controls": {}, "synthetic": False, "protocol": under}
        found = Sweep.of("tiny", "paper", ["knn"], [Entry("knn", 0, None, 0, "a", "a", metrics, "", None)], [])
        assert any("RANDOM SPLIT" in note for note in found.notes) == warned


def test_a_fold_that_failed_leaves_its_split_out():
    test = {"classes": [1, 2], "confusion": [[3, 1], [0, 4]]}
    metrics = {"test": test, "controls": {}, "synthetic": False}
    entries = [
        Entry("knn", 0, 0, 0, "a", "run-a", metrics, "", None), Entry("knn", 0, 1, 0, "b", None, None, "broke", None),
        Entry("knn", 1, 0, 0, "c", "run-c", metrics, "", None), Entry("knn", 1, 1, 0, "d", "run-d", metrics, "", None),
    ]  # fmt: skip
    found = Sweep.of("tiny", "blocks", ["knn", "svm"], entries, [])
    assert found.splits == {"knn": 1, "svm": 0}
    assert found.models["svm"] == {}
    assert found.printed()[1][-1] == ["svm", "0", "0", *["-"] * 12]


def test_the_publications_habits_are_said_of_each_model():
    test = {"classes": [1, 2], "confusion": [[3, 1], [0, 4]]}
    test |= {"oa": 0.875, "aa": 0.875, "kappa": 0.75, "miou": 0.775}
    plain = {"test": test, "controls": {}, "synthetic": False, "chosen_on": "test", "paper": None}
    chosen = plain | {"paper": {"oa": 0.9, "last_oa": 0.8}}
    entries = [
        Entry("knn", 0, None, 0, "a", "run-a", plain, "", None), Entry("unet", 0, None, 0, "a", "run-b", chosen, "", None),
    ]  # fmt: skip
    found = Sweep.of("tiny", "paper", ["knn", "unet"], entries, [])
    told = [
        "knn (publications' habits: comparison with publications only)",
        "unet (chosen on test: comparison with publications only)",
    ]
    assert [row[0] for row in found.printed()[1]] == [row[1] for row in found.printed_runs()[1]] == told
    assert "unet: chosen on test 90.0 %, last epoch 80.0 % (means over the runs)." in found.notes
    assert "CHOSEN ON TEST" in found.title


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"splits": 0}, "splits = 0"), ({"seeds": True}, "seeds = True"), ({"models": []}, "models = 0"),
        ({"models": ["knn", "knn"]}, "name each once"), ({"models": "kn"}, "knn"), ({"protocol": "block"}, "blocks"),
        ({"parameters": {"validation_fraction": 2}}, "None of the 10 runs .*validation_fraction"),
    ],
)  # fmt: skip
def test_bad_requests_are_refused(scene, asked, told):
    with pytest.raises(WorkbenchError, match=told):
        sweep(scene, **({"models": "knn"} | asked), say=lambda _: None)
