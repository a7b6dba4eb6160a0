"""Models over scenes."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import friedmanchisquare

from workbench.base.config import write_yaml
from workbench.base.errors import WorkbenchError
from workbench.experiments import compare_across, compare_scenes
from workbench.experiments.run import Run


def test_scenes(forge, run):
    table = pd.DataFrame([[0.9, 0.8, 0.7], [0.6, 0.5, 0.4]], index=["one", "two"], columns=["a", "b", "c"])
    runs = {
        scene: {
            model: [forge(run, f"{scene}{model}", table.loc[scene, model], scene=scene[0] * 64)]
            for model in table.columns
        }
        for scene in table.index
    }
    found = compare_scenes(runs)
    given = compare_scenes(table)
    assert found.test.ranks == given.test.ranks
    assert found.test.average_ranks == (1.0, 2.0, 3.0)
    assert found.test.statistic == pytest.approx(friedmanchisquare(*table.to_numpy().T).statistic)
    json.dumps(found.to_dict(), allow_nan=False)
    json.dumps(given.to_dict(), allow_nan=False)
    frame = found.scores_frame()
    assert frame.loc["a"].tolist() == ["90.0", "60.0", "1.00"]
    assert frame.index[0].startswith("control: ")
    assert (given.scores_frame().index == ["a", "b", "c"]).all()
    assert given.runs_frame()["runs"].tolist() == ["–"] * 6
    assert len(found.pairs_frame()) == 3
    same = {"one": runs["one"], "again": {model: [forge(run, f"x{model}", scene="o" * 64)] for model in table.columns}}
    with pytest.raises(WorkbenchError, match="are the same scene"):
        compare_scenes(same)
    with pytest.raises(WorkbenchError, match="Every scene needs the same models"):
        compare_scenes({"one": runs["one"], "two": {"a": runs["two"]["a"]}})
    with pytest.raises(WorkbenchError, match="needs 2 data sets"):
        compare_scenes(table.iloc[:1])
    other = {model: runs["two"][model] for model in "ab"} | {
        "c": [forge(run, "elsewhere", 0.4, split="5" * 64, scene="t" * 64)]
    }
    with pytest.raises(WorkbenchError, match=rf"different splits, {run.config.split.hash[:16]} and {'5' * 16}"):
        compare_scenes({"one": runs["one"], "two": other})


def test_splits_and_seeds_are_averaged_and_names_are_those_of_a_scene(forge, run):
    runs, wanted = [], []
    rng = np.random.default_rng(1)
    for scene in "ab":
        for model in ("svm", "knn", "random_forest"):
            scores = rng.uniform(0.3, 0.9, 3)
            wanted.append(np.mean([scores[:2].mean(), scores[2]]))
            for k, (split, seed) in enumerate([("5", 0), ("5", 1), ("6", 0)]):
                changes = {"seed": seed, "model": model, "width": 1.0 if scene == "a" else 0.5}
                found = {"coordinates_only": {"oa": 0.5 if split == "5" else 0.1, "aa": 0.0, "kappa": 0.0}}
                name = f"{scene}{model}{k}"
                runs.append(forge(run, name, scores[k], split * 64, scene=scene * 64, controls=found, **changes))
                config = runs[-1].config.model_copy(update={"scene": scene})
                write_yaml(runs[-1].path / "config.yaml", config)
                runs[-1] = Run(runs[-1].path)
    found = compare_across(runs, "scenes")
    assert found.test.models == ("svm", "knn", "random_forest")
    assert np.ravel(found.test.scores) == pytest.approx(wanted)
    assert found.controls["a"]["coordinates_only"] == pytest.approx(0.3)
    assert any("Not trained alike on every scene" in note for note in found.notes)
    assert found.verdict.startswith(f"{found.test.to_frame().index[0]} has the best average rank")
    leaking = [
        forge(run, f"leaking{model}", split="7" * 64, scene="a" * 64, protocol="random", model=model, width=1.0)
        for model in ("svm", "knn", "random_forest")
    ]
    for one in leaking:
        write_yaml(one.path / "config.yaml", one.config.model_copy(update={"scene": "a"}))
    with pytest.raises(WorkbenchError, match="models on 'a': its splits were made by 2 rules"):
        compare_across([*runs, *(Run(one.path) for one in leaking)], "scenes")
    clash = Run(runs[0].path)
    write_yaml(clash.path / "config.yaml", clash.config.model_copy(update={"scene": "b"}))
    with pytest.raises(WorkbenchError, match="'b' names 2 different scenes"):
        compare_across([Run(clash.path), *runs[1:]], "scenes")
