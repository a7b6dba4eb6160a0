"""Models over splits and seeds: where the split falls matters more than the weights' seed, so the two are told apart."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from workbench.base.errors import WorkbenchError
from workbench.experiments.paper import PAPER, paper_split
from workbench.experiments.reach import receptive_field_of
from workbench.experiments.sweep_result import Entry, Sweep
from workbench.experiments.train import model_options, train
from workbench.models import model_class
from workbench.runs import Recipe
from workbench.scenes import Collection, Scene, open_scene
from workbench.splits import Split, make_split
from workbench.training.recipes import recipe as find_recipe

SEEDLESS = "its result does not depend on the seed, so it was trained once on each split"


def sweep(
    scene: Scene | Collection | str | Path,
    models: str | Sequence[str] = "fusatnet",
    splits: int = 10,
    seeds: int = 3,
    protocol: str = "blocks",
    parameters: dict[str, Any] | None = None,
    split_seed: int = 0,
    seed: int = 0,
    inputs: dict[str, Any] | None = None,
    say: Callable[[str], None] = print,
    **options: Any,
) -> Sweep:
    """Train models on several splits, each with several seeds, and say how much either matters.

    The runs are ordinary ones: what is there already is not done again, so that the same request goes on where it was
    stopped, and tries again what failed. A run that fails is listed with its error and does not stop the others. All
    models are trained on the same splits, made for the largest of their patches. A model whose result does not depend on
    the seed is trained once on each split; split seeds that give a split that was there already are passed over. Both
    are told in the notes.

    Args:
        scene: A scene, its name, or a path.
        models: Name of a model, or several.
        splits: Number of splits, from `split_seed` on.
        seeds: Number of seeds of weights and sampling on each split, from `seed` on; those of deep ensembles lie so far
            apart that no two share a member.
        protocol: Rule of the splits; `paper` for the publications' habits, see `train`.
        parameters: Of the protocol. With `folds` but no `fold`, each split is all its folds: their confusion matrices
            are summed, and count as one split. `buffer="view"` keeps the widest view of the models apart.
        split_seed: First seed of the splits.
        seed: First seed of weights and sampling.
        inputs: Modalities that play each role; see `train`.
        say: Called with a sentence before each training.
        **options: Passed on to `train`, fields of `Recipe` among them.

    Raises:
        WorkbenchError: A number is below 1, a model is named twice, or no run at all succeeded.
        UnknownNameError: There is no such scene or model.
        KeyboardInterrupt: The user stopped it.
    """
    names = [models] if isinstance(models, str) else list(models)
    for what, number in (("splits", splits), ("seeds", seeds), ("models", len(names))):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise WorkbenchError(f"While planning a sweep: {what} = {number!r}; at least one is needed.")
    if len(set(names)) < len(names):
        raise WorkbenchError(f"While planning a sweep: the models are {', '.join(names)}; name each once.")
    kinds = {name: model_class(name) for name in names}
    if not isinstance(scene, Scene | Collection):
        scene = open_scene(scene)
    patch_size = max(kind.patch_size for kind in kinds.values())
    settings = dict(parameters or {})
    if settings.get("buffer") == "view":
        settings.setdefault("receptive_field", _widest(scene, names, inputs, options))
    entries: list[Entry] = []
    notes = [f"{name}: {SEEDLESS}." for name, kind in kinds.items() if not kind.seeded and seeds > 1]
    plans: list[tuple[int, int | None, Split]] = []
    there: dict[tuple[str, ...], int] = {}
    for number in range(split_seed, split_seed + splits):
        try:
            folds = _folds(scene, protocol, patch_size, number, settings)
        except WorkbenchError as error:
            entries += [Entry(name, number, None, None, "", None, None, str(error), None) for name in names]
            continue
        hashes = tuple(split.hash for split in folds.values())
        if hashes in there:
            notes.append(f"Split seed {number} gives the split of seed {there[hashes]}: it was passed over.")
            continue
        there[hashes] = number
        plans += [(number, fold, split) for fold, split in folds.items()]
    if len(there) > 1 and protocol == "official":
        notes.append("The published test pixels are the same in every split: only validation differs.")
    members = options.get("members", 1)
    apart = members if isinstance(members, int) and members > 1 else 1
    asked = [
        (*plan, name, weights)
        for plan in plans
        for name, kind in kinds.items()
        for weights in range(seed, seed + apart * (seeds if kind.seeded else 1), apart)
    ]
    for position, (number, fold, split, name, weights) in enumerate(asked, 1):
        which = "" if fold is None else f", fold {fold}"
        say(f"Training {position} of {len(asked)}: {name}, split seed {number}{which}, seed {weights}.")
        place = (name, number, fold, weights, split.hash)
        try:
            habits = PAPER if protocol == PAPER else None
            run = train(scene, name, inputs, split, seed=weights, protocol=habits, say=say, **options)
            entries.append(Entry(*place, run.id, run.metrics, "", run.path))
        except Exception as error:  # noqa: BLE001  # one failing run must not cost a night's others
            say(f"It failed: {error}")
            entries.append(Entry(*place, None, None, _told(error), None))
    return Sweep.of(scene.name, protocol, names, entries, notes)


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {error}"


def _folds(
    scene: Scene | Collection, protocol: str, patch_size: int, seed: int, parameters: dict[str, Any]
) -> dict[int | None, Split]:
    """The split of a seed, or all its folds by their number."""
    if protocol == PAPER:
        return {None: paper_split(scene, patch_size, seed, **parameters)}
    folds = parameters.get("folds")
    if not isinstance(folds, int) or folds < 1 or parameters.get("fold") is not None:  # `make_split` judges the number
        return {None: make_split(scene, protocol, patch_size, seed, **parameters)}
    return {
        fold: make_split(scene, protocol, patch_size, seed, **(parameters | {"fold": fold})) for fold in range(folds)
    }


def _widest(
    scene: Scene | Collection, models: Sequence[str], inputs: dict[str, Any] | None, options: dict[str, Any]
) -> tuple[int, int]:
    """Pixels before and after a centre that a model sees at most."""
    changes = {key: value for key, value in options.items() if key in Recipe.model_fields}
    seen = []
    for name in models:
        tile = find_recipe(name, options.get("recipe", "quick"), changes).tile
        own = model_options(name, options.get("options"), tile)
        seen.append(receptive_field_of(scene, name, inputs, options.get("view"), own))
    return max(before for before, _ in seen), max(after for _, after in seen)
