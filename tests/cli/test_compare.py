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
