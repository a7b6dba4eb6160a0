"""Recipes by name: `published` belongs to each model, `quick` and `common` are ours for all."""

from typing import Any

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.models import model_class
from workbench.models.registry import self_supervised_models
from workbench.runs import Recipe

QUICK = Recipe(
    epochs=20,
    batch_size=64,
    optimizer="adamw",
    learning_rate=3e-3,
    weight_decay=0.3,
    schedule="onecycle",
    scaling="standard",
    scaling_from="training",
    augment="dihedral",
    norm_momentum=0.1,
    tile=24,
    tile_batch=16,
    pixels_per_tile=4,
)
"""Converges in minutes: AdamW with a one-cycle schedule, standard scaling from training pixels. Ours; no source but trial on
the synthetic scene. Smaller tiles in the dense view train faster but show more padding that mapping never shows: with
12 x 12 tiles up to 13 % of training pixels (58 % with LiDAR alone) change their class once the halo is there."""

COMMON = Recipe(
    epochs=20,
    steps=500,
    batch_size=64,
    optimizer="adamw",
    learning_rate=1e-3,
    weight_decay=0.05,
    schedule="onecycle",
    scaling="standard",
    scaling_from="training",
    augment="dihedral",
    norm_momentum=0.1,
    tile=64,
    tile_batch=8,
    pixels_per_tile=4,
)
"""The same for every network, for comparing them: optimiser, schedule, scaling, augmentation, tiles, and 500 steps of
the optimiser, however many training pixels there are and however a view draws them; no early stopping. What still
differs: a step holds 64 patches in the patch view, 8 tiles of 64 x 64 in the dense view; networks add further losses of
their own, and those with adversaries give these a step after each of theirs. One exception: the self-loop CNN is scaled
to [0, 1], for its reconstruction can answer nothing else. Ours: rate and decay are those that trained the
segmentation networks on the synthetic scene, no network's best. `epochs` asked for counts epochs instead of steps."""


def recipe(model: str, name: str, changes: dict[str, Any] | None = None) -> Recipe:
    """A recipe of a model, with changes.

    Args:
        model: Name of the model.
        name: `quick`, `common`, or one of the model's own such as `published`.
        changes: Fields of `Recipe` to set; None values are passed over. `epochs` takes the place of the recipe's `steps`.

    Raises:
        UnknownNameError: No such model or recipe.
        WorkbenchError: A change is unknown or ill-typed, means nothing to the model, asks for a self-supervised loss that
            the model lacks, or two exclude each other.
    """
    kind = model_class(model)
    known = {
        "quick": QUICK.model_copy(update={**kind.quick, **kind.needs}),
        "common": COMMON.model_copy(update=kind.needs),
        **kind.recipes,
    }
    if name not in known:
        raise UnknownNameError(f"recipe of {model}", name, known)
    asked = {key: value for key, value in (changes or {}).items() if value is not None}
    doing = f"changing the recipe {name!r} of {model}"
    for key, value in asked.items():
        if key in Recipe.model_fields and key not in kind.recipe_fields and value != getattr(known[name], key):
            raise WorkbenchError(
                f"{key} = {value!r} means nothing to {model}: of a recipe only {', '.join(kind.recipe_fields)} count for "
                "it. Leave it out; `--option` (in Python `options`) sets what belongs to a model."
            )
    if {"epochs", "steps"} <= set(asked):
        raise WorkbenchError(
            f"While {doing}: epochs = {asked['epochs']} and steps = {asked['steps']} both say how long to train. Give one."
        )
    counted = {"steps": None} if "epochs" in asked else {}
    changed = Recipe.build({**known[name].model_dump(), **counted, **asked}, doing)
    if asked.get("kernel_l2") and changed.optimizer != "nadam":
        raise WorkbenchError(
            f"While {doing}: kernel_l2 = {changed.kernel_l2:g} is of nadam only, and the optimiser is {changed.optimizer}. Give "
            "weight_decay, or leave it out."
        )
    if asked.get("weight_decay") and changed.optimizer == "nadam":
        raise WorkbenchError(
            f"While {doing}: weight_decay = {changed.weight_decay:g} means nothing to nadam. Give kernel_l2, another "
            "optimizer, or leave it out."
        )
    if "focal_gamma" in asked and changed.loss != "focal":
        raise WorkbenchError(
            f"While {doing}: focal_gamma = {changed.focal_gamma:g} is of the focal loss, and the loss is {changed.loss}. "
            "Set loss=focal as well."
        )
    if changed.unlabelled != "none" and not kind.is_self_supervised():
        raise WorkbenchError(
            f"While configuring a training of {model} with unlabelled={changed.unlabelled}: it has no self-supervised "
            f"loss. Set unlabelled=none, or choose a model that has one: {', '.join(self_supervised_models())}."
        )
    return changed
