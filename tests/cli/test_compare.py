"""`workbench compare`: tables, JSON, and what is refused."""

import json
import shutil

from workbench.experiments import open_run, train
from workbench.splits import make_split


def test_compare(small_world, call, tmp_path, monkeypatch):
    # runs of its own: others of the session count on the newest run being on the first split
    shutil.copytree(small_world.root / "runs" / small_world.run, tmp_path / small_world.run)
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path))
    network = open_run(small_world.run)
    other = train(network.scene, "knn", split=network.split, progress=False)
    code, out, err = call("compare", network.id, other.id)
    assert code == 0
    lines = out.splitlines()
    controls = next(k for k, line in enumerate(lines) if line.startswith("control: "))
    assert controls < next(k for k, line in enumerate(lines) if line.startswith("fusatnet"))
    assert "p (McNemar, Holm)" in out
    assert "workbench report compare -p runs=" in err
    code, out, _ = call("compare", network.id, other.id, "--json", "--block-size", 12)
    found = json.loads(out)
    assert (code, found["block_size"], len(found["pairs"])) == (0, 12, 1)

    apart = make_split(network.scene, "blocks", 11, seed=3)
    strange = train(network.scene, "knn", split=apart, progress=False)
    code, out, err = call("compare", network.id, strange.id)
    assert (code, out) == (1, "")
    assert network.split.hash[:16] in err
    assert apart.hash[:16] in err


def test_nothing_to_compare(small_world, call):
    assert call("compare")[0] == 2
    code, _, err = call("compare", "none")
    assert code == 1
    assert "Unknown run 'none'" in err


def test_over_splits_and_scenes(small_world, call, tmp_path, monkeypatch):
    shutil.copytree(small_world.root / "runs" / small_world.run, tmp_path / small_world.run)
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path))
    scene = open_run(small_world.run).scene
    for seed in (3, 4):
        for neighbours in (3, 5):
            train(scene, "knn", split=make_split(scene, "blocks", 11, seed=seed), options={"neighbours": neighbours})
    code, out, err = call("compare", "small-knn-*", "--over", "splits", "--score", "kappa")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("2 configurations on small, 2 splits (blocks). knn, neighbours")
    controls = next(k for k, line in enumerate(lines) if line.startswith("control: "))
    assert controls < next(k for k, line in enumerate(lines) if line.startswith("knn"))
    assert "2 splits cannot reach p = 0.05" in out
    assert "workbench report across -p over=splits" in err
    code, out, _ = call("compare", "small-knn-*", "--over", "splits", "--json")
    assert (code, len(json.loads(out)["pairs"])) == (0, 1)
    code, _, err = call("compare", "small-knn-*", "--over", "scenes")
    assert code == 1
    assert "needs 2 data sets and 3 models" in err


def test_options_of_another_comparison_are_refused(call):
    code, _, err = call("compare", "x", "--score", "oa")
    assert (code, "--score is for" in err) == (2, True)
    code, _, err = call("compare", "x", "--over", "splits", "--block-size", 3)
    assert (code, "--block-size is for" in err) == (2, True)
