"""Runs that train on pixels without their labels too."""

import pytest

from tests.experiments.conftest import OPTIONS, SHAPE
from workbench.base.errors import WorkbenchError
from workbench.experiments import open_run, train
from workbench.splits import make_split


@pytest.mark.parametrize("when", ["before", "beside"])
def test_the_run_says_which_pixels_trained_without_labels(scene, when):
    run = train(scene, "selfloop", unlabelled=when, unlabelled_epochs=2, unlabelled_batch=3, **OPTIONS)
    told = run.metrics["training"]["unlabelled"]
    assert (told["when"], told["epochs"], told["batch"], told["reach"]) == (when, 2 if when == "before" else 3, 3, 10)
    assert told["pixels"] + sum(told["left_out"].values()) == SHAPE[0] * SHAPE[1]
    assert told["left_out"]["without_data"] == 1
    assert told["seeing_test_share"] == 0
    assert (run.path / "metrics.json").is_file()
    assert not (run.path / "unlabelled.ckpt").exists()
    history = open_run(run.id).history
    assert history["epoch"].tolist() == ([-1, 0, 1, 2, 3] if when == "before" else [1, 2, 3])
    assert history["unlabelled_reconstruct_hsi"].count() == told["epochs"]
    assert run.metrics["training"]["epochs"] == 3
    assert train(scene, "selfloop", unlabelled=when, unlabelled_epochs=2, unlabelled_batch=3, **OPTIONS).id == run.id


def test_tiles_wider_than_the_buffer_see_test_pixels_and_the_run_says_so(scene):
    run = train(scene, "selfloop", unlabelled="beside", unlabelled_batch=2, **OPTIONS | {"tile": 24, "epochs": 1})
    assert 0 < run.metrics["training"]["unlabelled"]["seeing_test_share"] < 1


def test_an_ordinary_run_has_none(run):
    assert run.metrics["training"]["unlabelled"] is None
    assert run.config.recipe.unlabelled == "none"


def test_the_course_of_the_training_is_drawn_with_its_stage(scene):
    from workbench.views.training import training_curves

    run = train(scene, "selfloop", unlabelled="before", unlabelled_epochs=2, unlabelled_batch=3, **OPTIONS)
    picture = training_curves(run.history, run.metrics["training"]["best_epoch"], run.metrics)
    assert "The first 2, up to epoch 0, are of the stage without labels." in picture.description


def test_a_network_without_such_a_loss_is_refused_and_nothing_is_written(scene, roots):
    before = set((roots / "runs").glob("*"))
    with pytest.raises(WorkbenchError, match=r"fusatnet with unlabelled=before.*selfloop"):
        train(scene, "fusatnet", unlabelled="before", **OPTIONS)
    assert set((roots / "runs").glob("*")) == before


def test_test_pixels_all_over_leave_none(scene):
    split = make_split(scene, "random", 11, 0)
    with pytest.raises(WorkbenchError, match="No pixel is left to train without its label"):
        train(scene, "selfloop", split=split, unlabelled="beside", **OPTIONS)
