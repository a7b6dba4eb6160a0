"""How far a model will see, known before it is trained: for splits that keep whole views apart."""

from collections.abc import Mapping
from typing import Any

import torch

from workbench.base.errors import UnknownNameError
from workbench.experiments.inputs import band_counts, resolve_roles
from workbench.models import create_model, model_class
from workbench.scenes import Collection, Scene


def receptive_field_of(
    scene: Scene | Collection,
    model: str,
    inputs: dict[str, Any] | None = None,
    view: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[int, int]:
    """Pixels before and after a centre that can change a model's answer: what `make_split` takes for ``buffer="view"``.

    Args:
        scene: The scene that it will be trained on.
        model: Name of the model.
        inputs: Modalities that play each role, as of `train`.
        view: The view to be trained; None is the model's first.
        options: Further options of the model, `window` among them where it answers on windows.

    Raises:
        UnknownNameError: Unknown model, view, role, modality or option.
        WorkbenchError: A role has no modality.
    """
    kind = model_class(model)
    if view is not None and view not in kind.views:
        raise UnknownNameError(f"view of {model}", view, kind.views)
    bands = band_counts(scene, resolve_roles(scene, model, inputs))
    with torch.device("meta"):  # no weights are drawn: how far a network sees does not hang on them
        made = create_model(model, bands, max(len(scene.classes), 2), **dict(options or {}))
    return made.receptive_field(view or kind.views[0])
