"""Recipes by name, with changes."""

import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.models import FusionModel, list_models, model_class
from workbench.training.recipes import COMMON, QUICK, recipe


def test_the_published_recipe_is_the_papers():
    """Figures from the released script of FusAtNet."""
    published = recipe("fusatnet", "published")
    assert (published.epochs, published.batch_size, published.learning_rate) == (1000, 64, 2e-5)
    assert (published.optimizer, published.kernel_l2, published.schedule) == ("nadam", 0.01, "constant")
    assert (published.scaling, published.scaling_from, published.augment) == ("minmax", "scene", "rotations")


def test_changes_change_what_they_name_only():
    changed = recipe("fusatnet", "quick", {"epochs": 3, "patience": 2, "learning_rate": None})
    assert changed == QUICK.model_copy(update={"epochs": 3, "patience": 2})
    assert recipe("fusatnet", "quick") == QUICK


def test_unknown_names_come_with_the_nearest():
    with pytest.raises(UnknownNameError, match="published"):
        recipe("fusatnet", "publishd")
    with pytest.raises(UnknownNameError, match="fusatnet"):
        recipe("fusanet", "quick")
    with pytest.raises(WorkbenchError, match=r"'learning_rat' \(nearest: learning_rate"):
        recipe("fusatnet", "quick", {"learning_rat": 1.0})


@pytest.mark.parametrize(
    "change", [{"epochs": "3"}, {"epochs": 0}, {"learning_rate": float("inf")}, {"augment": "mixup"}]
)
def test_impossible_changes_are_refused(change):
    with pytest.raises(WorkbenchError, match=f"recipe 'quick' of fusatnet.*{next(iter(change))}"):
        recipe("fusatnet", "quick", change)


@pytest.mark.parametrize("unlabelled", ["before", "beside"])
def test_only_networks_with_a_loss_of_their_own_train_without_labels(unlabelled):
    assert recipe("selfloop", "quick", {"unlabelled": unlabelled}).unlabelled == unlabelled
    with pytest.raises(WorkbenchError, match=rf"fusatnet with unlabelled={unlabelled}.* that has one: .*selfloop"):
        recipe("fusatnet", "quick", {"unlabelled": unlabelled})


NAMES = sorted(name for name in list_models() if issubclass(model_class(name), FusionModel))


@pytest.mark.parametrize("model", NAMES)
def test_the_common_recipe_is_the_same_for_every_network(model):
    """But for the one exception: the self-loop CNN's reconstruction answers in [0, 1]."""
    scaling = "minmax" if model == "selfloop" else "standard"
    assert recipe(model, "common") == COMMON.model_copy(update={"scaling": scaling})


def test_epochs_asked_for_take_the_place_of_steps():
    assert recipe("fusatnet", "common").steps == COMMON.steps
    changed = recipe("fusatnet", "common", {"epochs": 3})
    assert (changed.epochs, changed.steps) == (3, None)
    assert recipe("fusatnet", "quick", {"steps": 7}).steps == 7


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"epochs": 3, "steps": 7}, "epochs = 3 and steps = 7 both say how long"),
        ({"steps": 0}, "'steps' = 0"),
        ({"steps": 7.5}, "'steps' = 7.5"),
        ({"loss": "hinge"}, "'loss' = 'hinge'"),
        ({"loss": "focal", "focal_gamma": -1.0}, "'focal_gamma' = -1.0"),
        ({"focal_gamma": 1.0}, "focal_gamma = 1 is of the focal loss, and the loss is cross_entropy"),
        ({"class_weights": "inverse"}, "'class_weights' = 'inverse'"),
        ({"optimizer": "adamw", "kernel_l2": 0.1}, "kernel_l2 = 0.1 is of nadam only, and the optimiser is adamw"),
        ({"optimizer": "nadam", "weight_decay": 0.1}, "weight_decay = 0.1 means nothing to nadam"),
    ],
)
def test_changes_that_exclude_each_other_are_refused(changes, told):
    with pytest.raises(WorkbenchError, match=f"changing the recipe 'quick' of fusatnet.*{told}"):
        recipe("fusatnet", "quick", changes)
