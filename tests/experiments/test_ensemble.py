"""Deep ensembles and test-time augmentation through the verbs: train, score, map, attend, continue."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from safetensors.numpy import load_file

from tests.experiments.conftest import OPTIONS, SHAPE, point
from workbench.base.errors import WorkbenchError
from workbench.experiments import evaluate, map_scene, open_run, train
from workbench.experiments.ensemble import ensemble_figures, member_configs
from workbench.experiments.summary import ensemble_lines, score_table
from workbench.mapping.stream import predict_window
from workbench.models.pixels import load_pixels
from workbench.models.predict import logits_at
from workbench.models.turned import Turned
from workbench.runs import list_runs, run_id
from workbench.runs.folder import probability_column
from workbench.splits import make_split

SHORT = OPTIONS | {"epochs": 2}


@pytest.fixture(scope="module")
def ensemble(roots, scene):
    with pytest.MonkeyPatch.context() as patch:
        point(patch, roots)
        return train(scene, seed=20, members=3, **SHORT)


@pytest.fixture(scope="module")
def members(roots, ensemble):
    with pytest.MonkeyPatch.context() as patch:
        point(patch, roots)
        return [open_run(one["run"]) for one in ensemble.metrics["ensemble"]["members"]]


@pytest.fixture(scope="module")
def turned(roots, scene):
    with pytest.MonkeyPatch.context() as patch:
        point(patch, roots)
        return train(scene, tta=True, **OPTIONS)


def all_logits(predictor, scene):
    table = load_pixels(scene, predictor.roles, "cpu", predictor.scaling)
    positions = np.array([(0, row, col) for row in range(SHAPE[0]) for col in range(SHAPE[1])], np.int32)
    return logits_at(predictor.model, predictor.model, table, positions, predictor.view)


def softmax(logits):
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def test_members_are_ordinary_runs_on_one_split(ensemble, members, scene):
    assert [member.config.seed for member in members] == [20, 21, 22]
    assert {member.config.split.hash for member in members} == {ensemble.config.split.hash}
    split = make_split(scene, "blocks", 11, 20)
    assert train(scene, split=split, seed=21, **SHORT).path == members[1].path
    for number, member in enumerate(members):
        for name, value in load_file(member.path / "model.safetensors").items():
            kept = load_file(ensemble.path / "model.safetensors")[f"members.{number}.{name}"]
            np.testing.assert_array_equal(kept, value)


def test_the_run_keeps_what_a_run_keeps(ensemble, members):
    assert ensemble.complete
    assert "-fusatnet_x3-dense-blocks-" in ensemble.id
    assert (ensemble.status["epoch"], ensemble.status["epochs"]) == (6, 6)
    assert ensemble.history[["member", "epoch"]].to_numpy().tolist() == [[m, e] for m in (1, 2, 3) for e in (1, 2)]
    training, one = ensemble.metrics["training"], members[0].metrics["training"]
    assert training["steps"] == sum(member.metrics["training"]["steps"] for member in members)
    assert (training["epochs"], training["parameters"]) == (6, 3 * one["parameters"])
    assert training["receptive_field"] == one["receptive_field"]
    assert ensemble.metrics["tta"] is False
    assert next(row for row in list_runs() if row.id == ensemble.id).summary()["overall"] is not None


def test_its_answers_are_the_mean_of_its_members(ensemble, members, scene):
    mean = np.mean([softmax(all_logits(member.predictor("cpu"), scene)) for member in members], axis=0)
    found = softmax(all_logits(ensemble.predictor("cpu"), scene))
    np.testing.assert_allclose(found, mean, atol=1e-5)
    kept = ensemble.predictions
    expected = mean.reshape(*SHAPE, -1)[kept["row"], kept["col"]]
    np.testing.assert_allclose(kept["confidence"], expected.max(1), atol=1e-5)
    columns = [probability_column(value) for value in ensemble.split.classes]
    np.testing.assert_allclose(kept[columns], expected, atol=1e-5)
    mapped = ensemble.predict()["tiny"]
    assert (mapped[kept["row"], kept["col"]] == kept["predicted"]).mean() > 0.999


def test_scores_of_members_stand_beside(ensemble, members):
    figures = ensemble.metrics["ensemble"]
    for row, member in zip(figures["members"], members, strict=True):
        assert (row["run"], row["seed"]) == (member.id, member.config.seed)
        assert row["oa"] == pytest.approx(member.metrics["test"]["oa"])
        assert row["aa"] == pytest.approx(member.metrics["test"]["aa"])
    given = [member.predictions.query("set == 'test'")["predicted"].to_numpy() for member in members]
    pairs = [(given[i] != given[j]).mean() for i, j in ((0, 1), (0, 2), (1, 2))]
    found = figures["disagreement"]
    assert found["other_class_share"] == pytest.approx(np.mean(pairs), abs=1e-3)
    assert 0 < found["mutual_information"] < found["entropy"]
    titles = [row[0] for row in score_table(ensemble.metrics)[1]]
    assert titles[-3:] == ["member: seed 20", "member: seed 21", "member: seed 22"]
    assert "two of the 3 members" in ensemble_lines(ensemble.metrics)[0]
    assert ensemble_lines(members[0].metrics) == []


def test_evaluating_again_gives_the_same(ensemble):
    again = evaluate(ensemble.id)
    for key in ("test", "ensemble", "tile_without_halo", "audit"):
        assert again[key] == ensemble.metrics[key]


def test_attention_is_the_mean_of_the_members(ensemble, members):
    found = ensemble.attention(row=20, col=30)
    parts = [member.attention(row=20, col=30) for member in members]
    for name, mask in found.maps.items():
        np.testing.assert_allclose(mask, np.mean([part.maps[name] for part in parts], axis=0), atol=1e-4)
    np.testing.assert_allclose(found.probabilities, np.mean([part.probabilities for part in parts], 0), atol=1e-5)


def test_it_is_not_done_twice_and_shares_its_members_with_others(ensemble, members, scene, monkeypatch):
    monkeypatch.setattr(sys.modules["workbench.experiments.single"], "fit", lambda *_: pytest.fail("it trained"))
    split = ensemble.split
    assert train(scene, split=split, seed=20, members=3, **SHORT).path == ensemble.path
    two = train(scene, split=split, seed=21, members=2, tta=True, **SHORT)
    assert two.metrics["tta"] is True
    assert isinstance(two.predictor("cpu").model, Turned)
    rows = two.metrics["ensemble"]["members"]
    assert [row["run"] for row in rows] == [member.id for member in members[1:]]
    # the members are asked as the ensemble is
    assert rows[0]["oa"] == pytest.approx(evaluate(members[1], tta=True)["test"]["oa"])


def test_a_damaged_ensemble_is_put_together_again(ensemble, scene, roots, tmp_path, monkeypatch):
    import shutil

    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    shutil.copytree(roots / "runs", tmp_path / "runs")
    copied = open_run(ensemble.id)
    (copied.path / "model.safetensors").write_bytes(b"{}")
    assert not copied.complete
    monkeypatch.setattr(sys.modules["workbench.experiments.single"], "fit", lambda *_: pytest.fail("it trained"))
    mended = train(scene, split=ensemble.split, seed=20, members=3, **SHORT)
    assert mended.path == copied.path
    assert (mended.path / "model.safetensors").read_bytes() == (ensemble.path / "model.safetensors").read_bytes()


SCRIPT = """
import os, signal
from workbench.experiments import train
from workbench.scenes import open_scene
from workbench.training.task import FusionTask
plain = FusionTask.training_step
def dying(self, batch, batch_idx):
    if self.seed == 21 and self.current_epoch == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(self, batch, batch_idx)
FusionTask.training_step = dying
train(open_scene("tiny"), seed=20, members=3, **{options!r})
"""


def test_a_killed_ensemble_goes_on_at_the_unfinished_member(ensemble, scene, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(options=SHORT)], check=False, env=os.environ)
    assert done.returncode == -signal.SIGKILL
    killed = next(run for run in list_runs() if run.config.members == 3)
    assert (killed.status["state"], killed.status["epoch"]) == ("interrupted", 2)
    steps = []
    module = sys.modules["workbench.experiments.single"]
    fit = module.fit
    monkeypatch.setattr(module, "fit", lambda *args: steps.append(args[6]) or fit(*args))
    again = train(scene, seed=20, members=3, **SHORT)
    assert steps == [21, 22]
    assert again.id == ensemble.id
    one, other = (load_file(run.path / "model.safetensors") for run in (again, ensemble))
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert again.metrics["test"] == ensemble.metrics["test"]
    assert again.metrics["ensemble"] == ensemble.metrics["ensemble"]


def test_requests_that_cannot_be_met_leave_nothing(scene, roots):
    before = set((roots / "runs").iterdir())
    split = make_split(scene, "blocks", 11, 0)
    for told, asked in [
        ("members", {"members": 0}), ("members", {"members": True}), ("tta", {"tta": "yes"}),
        ("member 2 of 2 .*seed", {"members": 2, "seed": 2**63 - 1}),
    ]:  # fmt: skip
        with pytest.raises(WorkbenchError, match=told):
            train(scene, split=split, **(SHORT | asked))
    assert set((roots / "runs").iterdir()) == before


def test_only_an_ensemble_has_members(run, scene):
    predictor = run.predictor("cpu")
    table = load_pixels(scene, predictor.roles, "cpu", predictor.scaling)
    with pytest.raises(WorkbenchError, match="FusAtNet were asked for"):
        ensemble_figures(predictor, table, run.split, run.config)
    assert [run_id(one) for one in member_configs(run.config)] == [run.id]


# ---- test-time augmentation


def test_a_run_asked_with_tta_is_another_run_with_the_same_weights(run, turned):
    assert turned.id != run.id
    assert "-fusatnet_tta-dense-" in turned.id
    one, other = (load_file(folder.path / "model.safetensors") for folder in (run, turned))
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert (run.metrics["tta"], turned.metrics["tta"]) == (False, True)
    assert run.metrics["training"]["receptive_field"] == turned.metrics["training"]["receptive_field"]


def test_any_run_is_scored_with_or_without_tta(run, turned):
    plainly, by_turns = evaluate(turned, tta=False), evaluate(run, tta=True)
    assert (plainly["tta"], by_turns["tta"]) == (False, True)
    assert plainly["test"] == run.metrics["test"]
    assert by_turns["test"] == turned.metrics["test"]
    field = {(leak["before"], leak["after"]) for leak in by_turns["audit"]["leaks"]}
    assert (30, 30) in field  # the audit counts what the turns reach
    kept, other = run.predictions["confidence"], turned.predictions["confidence"]
    assert np.abs(kept - other).max() > 1e-3


def test_maps_with_tta_have_files_of_their_own(run, turned, scene):
    plain, by_turns = map_scene(run)["tiny"], map_scene(run, tta=True)["tiny"]
    assert (plain.name, by_turns.name) == ("tiny.tif", "tiny+tta.tif")
    assert map_scene(run, tta=False)["tiny"] == plain
    assert [json.loads(path.with_suffix(".json").read_text())["tta"] for path in (plain, by_turns)] == [False, True]
    assert map_scene(turned)["tiny"] == turned.map_path("tiny")
    assert map_scene(turned, tta=False)["tiny"].name == "tiny+plain.tif"
    arrays = []
    for path in (plain, by_turns, map_scene(turned)["tiny"], map_scene(turned, tta=False)["tiny"]):
        with rasterio.open(path) as raster:
            arrays.append(raster.read(1))
    assert np.array_equal(arrays[0], arrays[3])
    assert np.array_equal(arrays[1], arrays[2])
    assert not np.array_equal(arrays[0], arrays[1])
    kept = turned.predictions
    assert (arrays[1][kept["row"], kept["col"]] == kept["predicted"]).mean() > 0.999
    assert np.array_equal(run.predict(tta=True)["tiny"], arrays[1])


def test_windows_do_not_show_with_tta(run, scene):
    predictor = run.predictor("cpu", tta=True)
    whole = predict_window(predictor, scene, slice(0, SHAPE[0]), slice(0, SHAPE[1]))
    for rows, cols in ((slice(30, 37), slice(40, 60)), (slice(0, 9), slice(80, 96))):
        for all_of, part in zip(whole, predict_window(predictor, scene, rows, cols), strict=True):
            assert np.abs(all_of[rows, cols].astype(int) - part).max() <= 1


def test_a_whole_tile_network_is_turned_as_well(scene):
    run = train(scene, "unet", tta=True, members=2, **{**OPTIONS, "epochs": 1})
    kept, mapped = run.predictions, run.predict()["tiny"]
    assert (mapped[kept["row"], kept["col"]] == kept["predicted"]).mean() > 0.999
    assert run.metrics["seam_disagreement"]["window"] == OPTIONS["tile"]
