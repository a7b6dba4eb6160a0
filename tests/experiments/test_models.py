"""Every registered model through the verbs: train, keep, open again, map; and options of models."""

import numpy as np
import pytest
import rasterio

from tests.experiments.conftest import OPTIONS
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments import map_scene, open_run, train
from workbench.models import list_models, model_class
from workbench.runs import list_runs

CASES = [(name, view) for name in sorted(list_models()) for view in model_class(name).views]
PIXEL = {"random_forest": {"trees": 20}}  # options of pixel models, which know nothing of epochs and tiles


@pytest.mark.parametrize(("name", "view"), CASES)
def test_a_model_is_trained_kept_and_maps_as_it_predicts(scene, name, view):
    network = {**OPTIONS, "view": view, "epochs": 1}
    run = train(scene, name, **(network if view != "pixel" else {"options": PIXEL.get(name), "progress": False}))
    again = open_run(run.id)
    assert 0 <= again.metrics["test"]["oa"] <= 1
    assert np.isfinite(again.history["train_loss"]).all()
    with rasterio.open(next(iter(map_scene(again).values()))) as file:
        mapped = file.read(1)
    kept = again.predictions
    same = mapped[kept["row"], kept["col"]] == kept["predicted"]
    assert same.mean() > 0.999  # sums of floats in another order may turn a tie


def test_options_belong_to_the_run(scene):
    plain = train(scene, "selfloop", **{**OPTIONS, "epochs": 1})
    more = train(scene, "selfloop", options={"loops": 2}, **{**OPTIONS, "epochs": 1})
    assert plain.id != more.id
    assert plain.config.options == {"loops": 1, "released": False}
    assert open_run(more.id).predictor().model.loops == 2
    assert more.metrics["training"]["receptive_field"] == [32, 32]


def test_what_a_network_says_of_itself_is_in_the_history(scene):
    history = train(scene, "selfloop", **{**OPTIONS, "epochs": 1}).history
    assert (history["reconstruct_hsi"] > 0).all()
    assert history["clipped_hsi"].between(0, 0.5).all()


@pytest.mark.parametrize(
    ("options", "error"),
    [({"loop": 2}, UnknownNameError), ({"loops": 1.5}, WorkbenchError), ({"loops": 0}, WorkbenchError)],
)
def test_a_wrong_option_leaves_no_run(scene, options, error):
    before = {run.id for run in list_runs() if run.finished}
    with pytest.raises(error, match="loop"):
        train(scene, "selfloop", options=options, **{**OPTIONS, "epochs": 1})
    assert {run.id for run in list_runs() if run.finished} == before


def test_a_model_trains_in_its_first_view_unless_told(scene):
    run = train(scene, "unet", **{key: value for key, value in {**OPTIONS, "epochs": 1}.items() if key != "view"})
    assert run.config.view == "dense"
    with pytest.raises(WorkbenchError, match="UNet has no attention"):
        run.attention(row=10, col=10)
    with pytest.raises(UnknownNameError, match="view of unet"):
        train(scene, "unet", **{**OPTIONS, "view": "patch"})


def test_what_cannot_be_compiled_is_refused(scene):
    with pytest.raises(WorkbenchError, match=r"MMRS .* not compiled"):
        train(scene, "mmrs", compile=True, **{**OPTIONS, "epochs": 1})


def test_quick_differs_where_a_network_needs_it():
    from workbench.training.recipes import QUICK, recipe

    assert recipe("fusatnet", "quick") == QUICK
    assert recipe("selfloop", "quick") == QUICK.model_copy(update={"scaling": "minmax"})
    assert (recipe("unet", "quick").tile, recipe("unet", "quick").schedule) == (64, QUICK.schedule)
