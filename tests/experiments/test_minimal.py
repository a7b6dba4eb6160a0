"""Minimal supervision: parts, steps, scores over seeds, and runs that are kept."""

import numpy as np
import pytest

from tests.experiments.conftest import OPTIONS
from workbench.base.errors import WorkbenchError
from workbench.experiments import minimal_supervision, open_run, train
from workbench.experiments.minimal import equal_steps, minimal_table
from workbench.runs import Recipe
from workbench.runs.words import ScoreWords
from workbench.splits import make_split
from workbench.training.sampling import epoch_steps

SHORT = OPTIONS | {"epochs": 2}


def quiet(_):
    pass


@pytest.fixture(scope="module")
def split(scene):
    return make_split(scene, "random", 11, 0)


@pytest.fixture
def made(scene, split):
    return minimal_supervision(scene, fractions=(0.25, 1), seeds=2, split=split, say=quiet, **SHORT)


def test_scores_are_means_over_the_runs_seeds(made, scene, split):
    assert made["fraction"].tolist() == [1, 0.25]
    runs = [[open_run(name) for name in names] for names in made["runs"]]
    for row, mine in zip(made.to_dict("records"), runs, strict=True):
        assert [run.config.seed for run in mine] == [0, 1]
        assert len(mine[0].split.train) == row["train_pixels"]
        assert mine[0].metrics["training"]["epochs"] == row["epochs"]
        for name in ("oa", "aa", "miou"):
            scores = [run.metrics["test"][name] for run in mine]
            assert row[f"{name}_mean"] == pytest.approx(np.mean(scores))
            assert row[f"{name}_sd"] == pytest.approx(np.std(scores, ddof=1))
            assert row[f"{name}_drop"] == pytest.approx(made[f"{name}_mean"][0] - row[f"{name}_mean"])
        control = np.mean([run.metrics["controls"]["coordinates_only"]["oa"] for run in mine])
        assert row["coordinates_only"] == pytest.approx(control)
    whole, part = (mine[0].split for mine in runs)
    assert whole.hash == split.hash
    assert part.parameters["subset_fraction"] == 0.25
    assert runs[1][0].split.hash != runs[1][1].split.hash  # each seed draws its own part
    assert np.array_equal(part.test.positions, split.test.positions)
    assert made["steps"][1] == made["steps"][0]
    assert train(scene, split=split, **SHORT).id == runs[0][0].id  # full supervision is an ordinary run


def test_it_is_not_done_twice(made, scene, split, monkeypatch):
    from workbench.training.task import FusionTask

    monkeypatch.setattr(FusionTask, "training_step", lambda *_: pytest.fail("a step was taken"))
    again = minimal_supervision(scene, fractions=(1, 0.25), seeds=2, split=split, say=quiet, **SHORT)
    assert again.equals(made)


def test_the_table_shows_spread_drop_and_controls(made):
    head, rows = minimal_table(made, ScoreWords())
    assert head[4:6] == ["overall accuracy %", "drop"]
    assert "control: coordinates only %" in head
    assert rows[0][4] == f"{100 * made['oa_mean'][0]:.1f} ± {100 * made['oa_sd'][0]:.1f}"
    assert rows[0][5] == "0.0"
    assert all(len(row) == len(head) for row in rows)


@pytest.mark.parametrize("view", ["patch", "dense"])
@pytest.mark.parametrize("augment", ["rotations", "dihedral"])
def test_steps_are_equal(view, augment):
    random = np.random.default_rng(0)
    for _ in range(200):
        full = int(random.integers(50, 20000))
        part = max(1, int(full * random.uniform(0.01, 1)))
        recipe = Recipe(
            epochs=int(random.integers(1, 50)), learning_rate=1.0, augment=augment, unlabelled="before",
            batch_size=int(random.integers(2, 100)), pixels_per_tile=int(random.integers(1, 50)),
        )  # fmt: skip
        found = equal_steps(recipe, view, full, part)
        one, each = epoch_steps(part, recipe, view), epoch_steps(full, recipe, view)
        assert found["steps"] == recipe.epochs * each
        before = found["unlabelled_epochs"]
        assert before == 1 or abs(before * one - recipe.unlabelled_epochs * each) <= one / 2
        counted = recipe.model_copy(update={"unlabelled": "none", "steps": 77})
        assert equal_steps(counted, view, full, part) == {"steps": 77}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"fractions": (0.5, 0.1)}, "full supervision"), ({"fractions": (1, 0.5, 0.5)}, "once"), ({"seeds": 0}, "0 seeds"),
        ({"seeds": 1.5}, r"1\.5 seeds"), ({"seeds": True}, "True seeds"),
        ({"fractions": (1, 2)}, "at most 1"), ({"patience": 3}, "patience = 3"), ({"unit": "polygons"}, "regions"),
        ({"model": "fusatne"}, "fusatnet"),
    ],
)  # fmt: skip
def test_bad_requests_are_refused_before_any_training(scene, roots, split, changes, told):
    before = set((roots / "runs").glob("*"))
    with pytest.raises(WorkbenchError, match=told):
        minimal_supervision(scene, **({"split": split, "say": quiet} | SHORT | changes))
    assert set((roots / "runs").glob("*")) == before
