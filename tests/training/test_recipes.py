"""Recipes by name, with changes."""

import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.training.recipes import QUICK, recipe


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
