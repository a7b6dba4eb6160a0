"""The same network on all modalities and on each alone."""

from collections.abc import Callable
from typing import Any

from workbench.experiments.inputs import resolve_roles
from workbench.experiments.run import Run
from workbench.experiments.train import train
from workbench.models import model_class
from workbench.scenes import Collection, Scene
from workbench.splits import Split, make_split


def compare_modalities(
    scene: Scene | Collection,
    model: str = "fusatnet",
    inputs: dict[str, Any] | None = None,
    split: Split | None = None,
    seed: int = 0,
    say: Callable[[str], None] = print,
    **options: Any,
) -> dict[str, Run]:
    """Train a model with all its modalities, then once with each modality alone, on one split with one recipe.

    Alone, a modality plays every role that the model needs: the network and its training stay the same, only the
    information differs. This is 'retrained without the others', not 'blanked at test time'.

    Args:
        scene: The scene.
        model: Name of the model.
        inputs: Modalities of each role for the fused run; see `train`.
        split: The split; None makes one by `blocks`.
        seed: Seed of split, weights and sampling.
        say: Called with a sentence before each training.
        **options: Passed on to `train`.

    Returns:
        `all`, then each modality's name, to its run.

    Raises:
        WorkbenchError: See `train`.
    """
    roles = resolve_roles(scene, model, inputs)
    if split is None:
        split = make_split(scene, "blocks", model_class(model).patch_size, seed)
    say(str(split.audit()))
    names = list(dict.fromkeys(name for played in roles.values() for name in played))
    plans: dict[str, dict[str, tuple[str, ...]]] = {"all": roles}
    needed = [role for role in roles if role not in model_class(model).spare_roles]
    plans |= {name: dict.fromkeys(needed, (name,)) for name in names}
    runs = {}
    for number, (name, played) in enumerate(plans.items(), 1):
        which = f"all modalities ({', '.join(names)})" if name == "all" else f"{name} alone"
        say(f"Training {number} of {len(plans)}: {model} on {which}.")
        runs[name] = train(scene, model, played, split, seed=seed, say=say, **options)
    return runs
