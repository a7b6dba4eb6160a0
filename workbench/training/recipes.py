"""Recipes by name: `published` belongs to each model, `quick` is ours for all."""

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


def recipe(model: str, name: str, changes: dict[str, Any] | None = None) -> Recipe:
    """A recipe of a model, with changes.

    Args:
        model: Name of the model.
        name: `quick`, or one of the model's own such as `published`.
        changes: Fields of `Recipe` to set; None values are passed over.

    Raises:
        UnknownNameError: No such model or recipe.
        WorkbenchError: A change is unknown or ill-typed, means nothing to the model, or asks for a self-supervised loss
            that the model lacks.
    """
    kind = model_class(model)
    known = {"quick": QUICK.model_copy(update=kind.quick), **kind.recipes}
    if name not in known:
        raise UnknownNameError(f"recipe of {model}", name, known)
    asked = {key: value for key, value in (changes or {}).items() if value is not None}
    for key, value in asked.items():
        if key in Recipe.model_fields and key not in kind.recipe_fields and value != getattr(known[name], key):
            raise WorkbenchError(
                f"{key} = {value!r} means nothing to {model}: of a recipe only {', '.join(kind.recipe_fields)} count for "
                "it. Leave it out; `--option` (in Python `options`) sets what belongs to a model."
            )
    made = Recipe.build({**known[name].model_dump(), **asked}, f"changing the recipe {name!r} of {model}")
    if made.unlabelled != "none" and not kind.is_self_supervised():
        raise WorkbenchError(
            f"While configuring a training of {model} with unlabelled={made.unlabelled}: it has no self-supervised loss. "
            f"Set unlabelled=none, or choose a model that has one: {', '.join(self_supervised_models())}."
        )
    return made
