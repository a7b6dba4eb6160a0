"""Train a model on a scene: from the request to a finished run folder, or back to the run that is there already."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch

from workbench import models, training
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments.devices import resolve_device
from workbench.experiments.ensemble import member_configs
from workbench.experiments.inputs import band_counts, resolve_roles
from workbench.experiments.paper import PAPER, paper_split
from workbench.experiments.run import Run
from workbench.experiments.starting import starting_weights
from workbench.experiments.work import Work
from workbench.experiments.working import finished_run
from workbench.models import model_class, resolve_options
from workbench.models.pixels import modalities_of
from workbench.runs import RunConfig, SplitConfig
from workbench.scenes import Collection, Scene, open_scene
from workbench.splits import Split, make_split
from workbench.training.recipes import recipe as find_recipe
from workbench.training.sampling import check_dropout

RESULT_VERSION = 2
"""Raised when a change in this room changes the figures of a run."""

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


def train(
    scene: Scene | Collection | str | Path,
    model: str = "fusatnet",
    inputs: dict[str, Any] | None = None,
    split: Split | None = None,
    view: Literal["patch", "dense", "pixel"] | None = None,
    recipe: str = "quick",
    width: float = 1.0,
    seed: int = 0,
    device: str = "auto",
    precision: Precision = "32-true",
    compile: bool = False,
    threads: int | None = None,
    progress: bool = True,
    options: dict[str, Any] | None = None,
    members: int = 1,
    tta: bool = False,
    init: str | Path | None = None,
    protocol: str | None = None,
    say: Callable[[str], None] = print,
    **changes: Any,
) -> Run:
    """Train, evaluate and keep a run.

    The same request gives the same run: a finished one is returned at once, one that was stopped or killed continues
    from its last epoch to the same result as if it had not been.

    Pixel models (`svm`, `random_forest`, `knn`) run on the CPU, have the view `pixel`, do without `aux` if told so, and
    know nothing of width, precision, compiling and recipes but for the scaling.

    Args:
        scene: A scene, its name, or a path.
        model: Name of the model.
        inputs: Modalities that play each role, such as `{"hsi": ["hsi"], "aux": ["lidar"]}`.
        split: The split; None makes one by `protocol` with the model's patch size and `seed`.
        view: `patch`, `dense` or `pixel`; None is the model's first, as published.
        recipe: `quick`, `common` (the same for every model), or one of the model's own such as `published`.
        width: Factor on hidden channels.
        seed: Seed of weights, sampling and, where none is given, the split.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `32-true`, `bf16-mixed` or `16-mixed`.
        compile: Whether to use `torch.compile`.
        threads: Threads of the CPU; None takes torch's choice.
        progress: Whether to show a progress bar.
        options: Further options of the model, such as `{"loops": 2}` of `selfloop`.
        members: Networks of a deep ensemble. More than one are trained as runs of their own from `seed`, `seed` + 1, ...
            on the same split, then kept together as one run that answers with the mean of their probabilities.
        tta: Whether the run answers by the mean over the eight turns of the square (test-time augmentation): its scores
            and maps then take eight times the arithmetic. The training is the same; a run that is there is asked so by
            `evaluate` and `map_scene`.
        init: What the weights start from: id of a run of the same model, width and options, or path of a safetensors file
            with ImageNet weights of a ResNet-50 in torchvision's naming, for networks with such encoders at width 1.
            Layers of other bands or classes stay fresh and are named. None (or "") are fresh weights.
        protocol: Rule of the split where none is given; None is `blocks`. `paper` are the publications' habits, for
            comparison with published figures only: the split of `paper_split` (or the one given) without validation,
            scaling over the whole scene, and the epoch that scores best on *test*, chosen after the training. Every
            table says so.
        say: Called with a sentence on what is taken from `init`, before the training.
        **changes: Fields of `Recipe` to change, such as `epochs=50`, `steps=500` or `loss="focal"`.

    Raises:
        WorkbenchError: The request does not fit the scene, the loss is not finite, or the disk is full.
        UnknownNameError: Unknown model, scene, role, modality, view, recipe or device.
        KeyboardInterrupt: The user stopped it.
    """
    if not isinstance(scene, Scene | Collection):
        scene = open_scene(scene)
    kind = model_class(model)
    view = view or kind.views[0]
    if view not in kind.views:
        raise UnknownNameError(f"view of {model}", str(view), kind.views)
    kind.check_settings(width=width, precision=precision, compile=compile, members=members, tta=tta, init=init or None)
    roles = resolve_roles(scene, model, inputs)
    paper = protocol == PAPER
    if split is None:
        rule = protocol or "blocks"
        split = paper_split(scene, kind.patch_size, seed) if paper else make_split(scene, rule, kind.patch_size, seed)
    if not isinstance(split, Split):
        raise WorkbenchError(f"A split is what `make_split` gives, such as make_split(scene, 'blocks'); got {split!r}.")
    if split.scene_hash != scene.content_hash:
        raise WorkbenchError(f"The split was made for another scene than {scene.name!r} as it is now. Make it again.")
    if protocol not in (None, PAPER, split.protocol):
        raise WorkbenchError(
            f"The split was made by the protocol {split.protocol!r}, and the training is asked by {protocol!r}. Leave the "
            "protocol out where a split is given."
        )
    if paper:
        changes = _as_published(changes, members, tta)
    changed = find_recipe(model, recipe, changes)
    check_dropout(changed.modality_dropout, len(modalities_of(roles)))
    config = RunConfig.build(
        {
            "scene": scene.name,
            "scene_hash": scene.content_hash,
            "model": model,
            "inputs": roles,
            "view": view,
            "width": width,
            "options": model_options(model, options, changed.tile),
            "split": SplitConfig(
                protocol=split.protocol,
                seed=split.seed,
                patch_size=split.patch_size,
                parameters=split.parameters,
                hash=split.hash,
            ),
            "recipe_name": recipe,
            "recipe": changed,
            "seed": seed,
            "device": resolve_device(device, kind.devices),
            "precision": precision,
            "compile": compile,
            "threads": torch.get_num_threads() if threads is None else threads,
            "members": members,
            "tta": tta,
            "chosen_on": "test" if paper else "validation",
            "versions": {
                "models": models.RESULT_VERSION,
                "training": training.RESULT_VERSION,
                "experiments": RESULT_VERSION,
            },
        },
        "configuring a training",
    )
    start = None
    if init:
        bands = band_counts(scene, config.inputs)
        source, start = starting_weights(str(init), model, bands, len(split.classes), config.width, config.options)
        config = config.model_copy(update={"init": source})
    member_configs(config)  # refused now, before a folder is made
    return finished_run(Work(config, scene, split, start, progress, say))


def _as_published(changes: dict[str, Any], members: int, tta: bool) -> dict[str, Any]:
    """Changes of the recipe under the publications' habits."""
    unfit = {"scaling_from": changes.get("scaling_from") not in (None, "scene"), "members": members > 1, "tta": tta}
    unfit["patience"] = changes.get("patience") is not None
    named = [name for name, refused in unfit.items() if refused]
    if named:
        raise WorkbenchError(
            f"The protocol 'paper' scales over the whole scene, has no validation to stop by, and trains one network that "
            f"is asked plainly: leave {', '.join(named)} out, or choose another protocol."
        )
    return changes | {"scaling_from": "scene"}


def model_options(model: str, given: dict[str, Any] | None, tile: int) -> dict[str, Any]:
    """All options of a model; windows that prediction blends are as large as the tiles of training, if not given."""
    asked = dict(given or {})
    if "window" in resolve_options(model) and "window" not in asked:
        if tile < 8 or tile % 2:
            raise WorkbenchError(
                f"{model} answers on windows as large as its training tiles, of an even number of pixels from 8; tile is "
                f"{tile}. Choose another tile, or give the window as an option of the model."
            )
        asked["window"] = tile
    return resolve_options(model, asked)
