"""The publications' habits: chosen on test afterwards, said everywhere, and never learnt from."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.experiments.conftest import OPTIONS, draft, point
from workbench.base.errors import WorkbenchError
from workbench.experiments import evaluate, open_run, train
from workbench.experiments.paper import kept_every, paper_split
from workbench.experiments.summary import score_table, score_title, split_lines
from workbench.runs import RunConfig, list_runs, run_id
from workbench.scenes import ClassTable, write_scene
from workbench.splits import Sample
from workbench.training.task import FusionTask

SHORT = OPTIONS | {"epochs": 4, "learning_rate": 5e-3}


@pytest.fixture(scope="module")
def paper(roots, scene):
    """A run whose test scores of each epoch are kept beside it."""
    with pytest.MonkeyPatch.context() as patch:
        point(patch, roots)
        split = paper_split(scene, 11, 0, test_fraction=0.5)
        return train(scene, split=split, protocol="paper", **SHORT)


def test_the_epoch_is_the_one_that_scores_best_on_test(paper):
    found = paper.metrics["paper"]
    scores = [row["oa"] for row in found["epochs"]]
    assert [row["epoch"] for row in found["epochs"]] == [1, 2, 3, 4]
    assert found["oa"] == max(scores) == paper.metrics["test"]["oa"]
    assert found["epoch"] == scores.index(max(scores)) + 1 == paper.metrics["training"]["best_epoch"]
    assert (found["last_epoch"], found["last_oa"]) == (4, scores[-1])
    assert len(set(scores)) > 1
    assert not (paper.path / "epochs").exists()


def test_it_is_trained_as_the_publications_do(paper):
    assert len(paper.split.validation) == 0
    assert paper.config.recipe.scaling_from == "scene"
    assert "over scene pixels" in paper.metrics["scaling_from"]
    assert "-paper-" in paper.id
    assert paper.history["validation_aa"].isna().all()


def test_every_table_says_so(paper):
    told = "chosen on test: comparison with publications only"
    assert told.upper() in score_title("x", paper.metrics)
    assert score_table(paper.metrics)[1][0][0] == f"this run ({told})"
    (line,) = [line for line in split_lines(paper.metrics) if "last epoch" in line]
    assert f"{100 * paper.metrics['paper']['oa']:.1f} %, last epoch (4) " in line
    (row,) = [run.summary() for run in list_runs() if run.id == paper.id]
    assert row["protocol"] == "random, chosen on test"
    again = evaluate(paper.id)
    assert again["test"] == paper.metrics["test"]
    assert again["paper"] == paper.metrics["paper"]
    assert again["chosen_on"] == "test"


SCRIPT = """
import os, signal, sys
from workbench.experiments import paper, train
from workbench.scenes import open_scene
from workbench.training.task import FusionTask
when, options = eval(sys.argv[1])
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
plain = FusionTask.training_step
def dying(self, batch, batch_idx):
    return die() if self.current_epoch == 2 else plain(self, batch, batch_idx)
if when == "training":
    FusionTask.training_step = dying
else:
    paper.scores_on_test = die
scene = open_scene("tiny")
train(scene, split=paper.paper_split(scene, 11, 0, test_fraction=0.5), protocol="paper", **options)
"""


def test_stopped_and_continued_it_chooses_the_same(paper, scene, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    plain = FusionTask.training_step

    def stopping(self, batch, batch_idx):
        if self.current_epoch == 2:
            raise KeyboardInterrupt
        return plain(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(FusionTask, "training_step", stopping)
        with pytest.raises(KeyboardInterrupt):
            train(scene, split=paper.split, protocol="paper", **SHORT)
    assert len(list((tmp_path / "runs" / paper.id / "epochs").glob("*.safetensors"))) == 2
    again = train(scene, split=paper.split, protocol="paper", **SHORT)
    assert again.metrics["paper"] == paper.metrics["paper"]
    assert not (again.path / "epochs").exists()


@pytest.mark.long
@pytest.mark.parametrize("when", ["training", "choosing"])
def test_killed_and_continued_it_chooses_the_same(paper, scene, tmp_path, monkeypatch, when):
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    asked = repr((when, SHORT))
    killed = subprocess.run([sys.executable, "-c", SCRIPT, asked], check=False, capture_output=True, env=os.environ)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    kept = 2 if when == "training" else 4
    assert len(list((tmp_path / "runs" / paper.id / "epochs").glob("*.safetensors"))) == kept
    steps = []
    plain = FusionTask.training_step
    monkeypatch.setattr(FusionTask, "training_step", lambda *args: steps.append(1) or plain(*args))
    again = train(scene, split=paper.split, protocol="paper", **SHORT)
    assert again.id == paper.id
    assert bool(steps) == (when == "training")
    assert again.metrics["paper"] == paper.metrics["paper"]
    one, other = (load_file(run.path / "model.safetensors") for run in (again, paper))
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert not (again.path / "epochs").exists()


def test_test_labels_touch_the_choice_alone(paper, roots, tmp_path, monkeypatch):
    """Other labels at the test pixels give the same history, epoch by epoch."""
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    split = paper.split
    changed = draft(name="elsewise")
    positions = split.test.positions
    changed.labels[positions[:, 1], positions[:, 2]] = 4 - split.test.labels
    classes = ClassTable.from_names(["low", "high", "bright"])
    other = write_scene(roots / "data" / "elsewise.zarr", [changed], classes)
    theirs = replace(split, scene_hash=other.content_hash, test=Sample(positions, 4 - split.test.labels))
    again = train(other, split=theirs, protocol="paper", **SHORT)
    assert again.history.drop(columns="seconds").equals(paper.history.drop(columns="seconds"))
    assert again.metrics["paper"] != paper.metrics["paper"]
    shutil.rmtree(roots / "data" / "elsewise.zarr")


def test_a_model_without_epochs_has_nothing_to_choose(scene):
    run = train(scene, "knn", split=paper_split(scene, 11, 0, test_fraction=0.5), protocol="paper", progress=False)
    assert run.metrics["paper"] is None
    assert "publications' habits: comparison with publications only" in score_table(run.metrics)[1][0][0]


def test_the_published_split_is_taken_where_there_is_one(roots):
    made = draft(name="withmasks")
    plane = np.zeros(made.labels.shape, np.uint8)
    plane[:30], plane[42:] = 1, 3
    plane[made.labels == 0] = 0
    made.splits["official"] = plane
    scene = write_scene(roots / "data" / "withmasks.zarr", [made], ClassTable.from_names(["low", "high", "bright"]))
    split = paper_split(scene)
    assert (split.protocol, len(split.validation)) == ("official", 0)
    assert len(split.train) == np.count_nonzero(made.labels[:30])
    shutil.rmtree(roots / "data" / "withmasks.zarr")


def test_without_one_a_share_is_drawn(scene):
    split = paper_split(scene)
    assert (split.protocol, len(split.validation)) == ("random", 0)
    assert len(split.test) / (len(split.test) + len(split.train)) == pytest.approx(0.95, abs=0.005)


def test_at_most_fifty_epochs_are_looked_at():
    assert [kept_every(epochs) for epochs in (1, 50, 51, 1000)] == [1, 1, 2, 20]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"members": 2}, "members"), ({"tta": True}, "tta"), ({"scaling_from": "training"}, "scaling_from"),
        ({"patience": 3}, "patience"), ({"protocol": "blocks"}, "made by the protocol 'random'.*'blocks'"),
    ],
)  # fmt: skip
def test_what_does_not_go_with_it_is_refused(paper, scene, asked, told):
    with pytest.raises(WorkbenchError, match=told):
        train(scene, **({"split": paper.split, "protocol": "paper"} | SHORT | asked))
    with pytest.raises(WorkbenchError, match="has no validation"):
        paper_split(scene, validation_fraction=0.2)


def test_runs_from_before_there_was_a_choice_keep_their_ids(run):
    old = run.config.model_dump(exclude={"chosen_on"})
    assert run_id(RunConfig.model_validate(old)) == run.id
    assert run_id(run.config.model_copy(update={"chosen_on": "test"})) != run.id
    assert open_run(run.id).config.chosen_on == "validation"
