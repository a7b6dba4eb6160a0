"""Configurations over splits of one scene."""

import json

import numpy as np
import pytest
from scipy.stats import wilcoxon

from workbench.analysis.holm import holm
from workbench.base.config import write_yaml
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.base.files import write_json
from workbench.experiments import compare_across, compare_groups
from workbench.experiments.comparison_groups import _out_of_reach
from workbench.experiments.run import Run
from workbench.runs.words import PAPER_HABITS


def test_groups_pair_splits_and_average_seeds(forge, run):
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.6, 0.9, (2, 6, 2)).round(3)  # configuration, split, seed
    groups = {
        name: [
            forge(run, f"{name}{split}{seed}", scores[k, split, seed], str(split) * 64, seed=seed)
            for split in range(6)
            for seed in range(2)
        ]
        for k, name in enumerate("ab")
    }
    found = compare_groups(groups)
    first, second = scores.mean(2)
    assert [group.name for group in found.groups] == sorted("ab", key=lambda name: -scores["ab".index(name)].mean())
    a = next(group for group in found.groups if group.name == "a")
    assert a.lines["oa"].sd_splits == pytest.approx(np.std(first, ddof=1))
    assert a.lines["oa"].sd_seeds == pytest.approx(np.sqrt(scores[0].var(axis=1, ddof=1).mean()))
    (pair,) = found.pairs
    assert pair.test.p == pytest.approx(wilcoxon(first, second).pvalue)
    assert (pair.test.n, pair.test.smallest_p) == (6, 0.03125)
    assert len(found.runs_frame()) == 12
    json.dumps(found.to_dict(), allow_nan=False)

    few = compare_groups({name: [run for run in runs if run.config.split.hash < "5"] for name, runs in groups.items()})
    assert few.pairs_frame()["smallest p for n"].tolist() == ["0.0625"]
    assert any("5 splits cannot reach" in note for note in few.notes)
    lone = compare_groups({"a": groups["a"][:1], "b": groups["b"][2:]})
    assert lone.pairs[0].test.p is None
    assert lone.pairs_frame()["p (Wilcoxon)"].tolist() == ["–"]
    assert lone.scores_frame().loc["a", "OA %, sd splits"] == "–"
    assert "each over its own splits. No pair could be tested" in lone.verdict
    assert any("share no split" in note and "0" * 16 in note and "2" * 16 in note for note in lone.notes)


def test_groups_that_cannot_be_compared(forge, run):
    other = forge(run, "other", scene="6" * 64)
    with pytest.raises(WorkbenchError, match="different scenes"):
        compare_groups({"a": [run], "b": [other]})
    with pytest.raises(WorkbenchError, match="stands in two"):
        compare_groups({"a": [run], "b": [run]})
    with pytest.raises(WorkbenchError, match="the group 'b' has no run"):
        compare_groups({"a": [run], "b": []})
    with pytest.raises(UnknownNameError, match="oa"):
        compare_groups({"a": [run]}, score="accuracy")
    with pytest.raises(WorkbenchError, match=r"two are needed, not 1 \(a\)"):
        compare_groups({"a": [run]})
    with pytest.raises(WorkbenchError, match="give the ids"):
        compare_across([])
    with pytest.raises(WorkbenchError, match="different scenes"):
        compare_across([run, other])
    with pytest.raises(UnknownNameError, match="way to compare"):
        compare_across([run], "seeds")


def test_controls_stand_on_top_once_per_split(forge, run):
    positions = {"5" * 64: 0.25, "6" * 64: 0.75}
    runs = [
        forge(run, f"{seed}{split[:3]}{width}", split=split, seed=seed, width=width, controls=_position(oa))
        for split, oa in positions.items()
        for seed in (0, 1)
        for width in (0.5, 0.25)
    ]
    found = compare_across(runs)
    assert {group.name for group in found.groups} == {"fusatnet, width 0.5", "fusatnet, width 0.25"}
    frame = found.scores_frame()
    count = len(run.metrics["controls"])
    assert all(name.startswith("control: ") for name in frame.index[:count])
    assert not any(name.startswith("control: ") for name in frame.index[count:])
    row = frame.loc["control: coordinates only"]
    assert row.tolist()[:5] == ["2", "–", "50.0", f"{100 * np.std([0.25, 0.75], ddof=1):.1f}", "–"]
    assert frame.loc["fusatnet, width 0.5"].tolist()[:2] == ["2", "4"]
    assert found.warnings == tuple(one for one in found.warnings if one[0].startswith("Audit, "))


def test_folds_of_a_split_are_one_split(forge, run):
    matrix = np.array(run.metrics["test"]["confusion"])
    runs = []
    for width in (0.5, 0.25):
        for fold in (0, 1):
            one = forge(run, f"{width}{fold}", split=str(fold) * 64, width=width, controls=_position(0.2 + 0.4 * fold))
            split = one.config.split.model_copy(update={"parameters": {"folds": 2, "fold": fold}})
            write_yaml(one.path / "config.yaml", one.config.model_copy(update={"split": split}))
            right = np.diag(matrix.sum(1)) if fold else matrix
            found = one.metrics["test"] | {"confusion": right.tolist()}
            write_json(one.path / "metrics.json", one.metrics | {"test": found})
            runs.append(Run(one.path))
    found = compare_across(runs)
    assert [len(group.runs) for group in found.groups] == [1, 1]
    assert found.groups[0].lines["oa"].mean == pytest.approx((np.trace(matrix) / matrix.sum() + 1) / 2)
    assert found.pairs[0].test.n == 1
    assert found.scores_frame().loc["control: coordinates only"].tolist()[:3] == ["1", "–", "40.0"]
    # a configuration that lacks a fold is not on the same split
    assert compare_across(runs[:3]).pairs[0].test.n == 0


def test_rules_of_splits_are_not_averaged(forge, run):
    runs = [
        forge(run, "a", 0.9, "5" * 64, protocol="random", controls=_position(0.95)),
        forge(run, "b", 0.6, "6" * 64, controls=_position(0.2)),
        forge(run, "c", 0.7, "7" * 64, controls=_position(0.4)),
    ]
    split = runs[2].config.split
    bare = split.model_copy(update={"parameters": {**split.parameters, "buffer": 0}})
    write_yaml(runs[2].path / "config.yaml", runs[2].config.model_copy(update={"split": bare}))
    runs[2] = Run(runs[2].path)
    found = compare_across(runs)
    usual = f"{split.protocol}, buffer {split.parameters['buffer']}"
    assert set(found.rules) == {"random", usual, f"{split.protocol}, buffer 0"}
    frame = found.scores_frame()
    for rule, score, position in (
        ("random", "90.0", "95.0"), (usual, "60.0", "20.0"), (f"{split.protocol}, buffer 0", "70.0", "40.0"),
    ):  # fmt: skip
        assert frame.loc[f"control: coordinates only ({rule} splits)", "OA %"] == position
        assert frame.loc[f"fusatnet, {rule} splits", "OA %"] == score
    assert {pair.test.p for pair in found.pairs} == {None}
    assert "do not rank" in found.verdict
    assert "highest" not in found.verdict
    assert any(text.startswith("RANDOM SPLIT") and level == "red" for text, level in found.warnings)
    with pytest.raises(WorkbenchError, match="the configuration 'all': its splits were made by 3 rules"):
        compare_groups({"all": runs, "other": [forge(run, "d", split="8" * 64)]})


def test_audits_warn_beside_the_scores(forge, run):
    runs = [forge(run, f"{width}", split="5" * 64, width=width) for width in (0.5, 0.25)]
    for one in runs:
        write_json(one.path / "metrics.json", one.metrics | {"audit": one.metrics["audit"] | {"banner": "9 % overlap"}})
    assert f"Audit, {run.config.split.protocol} split: 9 % overlap." in dict(compare_across(runs).warnings)


@pytest.mark.parametrize(
    ("pairs", "splits", "told"), [(1, 5, "0.0625; 6"), (3, 6, "0.0938; 7"), (10, 9, ""), (1, 6, "")]
)
def test_what_holm_cannot_reach_is_told(pairs, splits, told):
    """Against the correction itself: all differences of one sign, as far apart as can be."""
    least = holm([wilcoxon(np.arange(1, splits + 1)).pvalue] * pairs)[0]
    notes = _out_of_reach([splits] * pairs)
    assert bool(notes) == (least > 0.05)
    if told:
        assert f"{told} or more can" in notes[0]
        enough = int(told.rsplit(" ", 1)[1])
        assert holm([wilcoxon(np.arange(1, enough + 1)).pvalue] * pairs)[0] <= 0.05


def test_what_was_chosen_on_test_says_so_in_the_table(forge, run):
    found = compare_across([forge(run, "a", split="5" * 64), forge(run, "b", split="5" * 64, width=0.5)])
    assert not any("comparison with publications" in name for name in found.scores_frame().index)
    flattered = forge(run, "c", split="5" * 64, width=0.25)
    metrics = flattered.metrics | {"chosen_on": "test"}
    write_json(flattered.path / "metrics.json", metrics)
    found = compare_across([forge(run, "d", split="5" * 64), flattered])
    assert [name for name in found.scores_frame().index if "comparison with publications" in name] == [
        f"fusatnet, width 0.25 ({PAPER_HABITS})"
    ]
    assert any(text.startswith("PUBLICATIONS' HABITS") and level == "red" for text, level in found.warnings)


def _position(oa):
    return {"coordinates_only": {"oa": oa, "aa": oa, "kappa": 0.0}}
