"""Train a model on a scene: from the request to a finished run folder, or back to the run that is there already."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from workbench import models, training
from workbench.base.config import write_yaml
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.base.files import atomic_file, explained, remove_left_files, write_json
from workbench.base.roots import runs_root
from workbench.experiments.devices import cpu_threads, resolve_device
from workbench.experiments.environment import environment
from workbench.experiments.evaluate import evaluate_predictor
from workbench.experiments.inputs import RunInputs, band_counts, resolve_roles
from workbench.experiments.run import WEIGHTS, Run
from workbench.experiments.starting import starting_weights
from workbench.jobs import device_lock, file_lock
from workbench.mapping import Predictor
from workbench.models import create_model, model_class, resolve_options
from workbench.models.blocks import count_parameters
from workbench.models.initial import InitialWeights
from workbench.models.pixels import PixelTable, load_pixels, valid_positions
from workbench.runs import Recipe, RunConfig, SplitConfig, run_id
from workbench.runs.status import write_status
from workbench.scenes import Collection, Scene, open_scene
from workbench.splits import Split, make_split
from workbench.training.fit import fit
from workbench.training.recipes import recipe as find_recipe
from workbench.training.recorder import BEST, CHECKPOINT, save_weights
from workbench.training.task import Samples

RESULT_VERSION = 1
"""Raised when a change in this room changes the figures of a run."""

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


def train(
    scene: Scene | Collection | str | Path,
    model: str = "fusatnet",
    inputs: dict[str, Any] | None = None,
    split: Split | None = None,
    view: Literal["patch", "dense"] | None = None,
    recipe: str = "quick",
    width: float = 1.0,
    seed: int = 0,
    device: str = "auto",
    precision: Precision = "32-true",
    compile: bool = False,
    threads: int | None = None,
    progress: bool = True,
    options: dict[str, Any] | None = None,
    init: str | Path | None = None,
    say: Callable[[str], None] = print,
    **changes: Any,
) -> Run:
    """Train, evaluate and keep a run.

    The same request gives the same run: a finished one is returned at once, one that was stopped or killed continues
    from its last epoch to the same result as if it had not been.

    Args:
        scene: A scene, its name, or a path.
        model: Name of the model.
        inputs: Modalities that play each role, such as `{"hsi": ["hsi"], "aux": ["lidar"]}`.
        split: The split; None makes one by `blocks` with the model's patch size and `seed`.
        view: `patch` or `dense`; None is the model's first, as published.
        recipe: `quick`, `common` (the same for every model), or one of the model's own such as `published`.
        width: Factor on hidden channels.
        seed: Seed of weights, sampling and, where none is given, the split.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `32-true`, `bf16-mixed` or `16-mixed`.
        compile: Whether to use `torch.compile`.
        threads: Threads of the CPU; None takes torch's choice.
        progress: Whether to show a progress bar.
        options: Further options of the model, such as `{"loops": 2}` of `selfloop`.
        init: What the weights start from: id of a run of the same model, width and options, or path of a safetensors file
            with ImageNet weights of a ResNet-50 in torchvision's naming, for networks with such encoders at width 1.
            Layers of other bands or classes stay fresh and are named. None (or "") are fresh weights.
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
    roles = resolve_roles(scene, model, inputs)
    if split is None:
        split = make_split(scene, "blocks", kind.patch_size, seed)
    if not isinstance(split, Split):
        raise WorkbenchError(f"A split is what `make_split` gives, such as make_split(scene, 'blocks'); got {split!r}.")
    if split.scene_hash != scene.content_hash:
        raise WorkbenchError(f"The split was made for another scene than {scene.name!r} as it is now. Make it again.")
    changed = find_recipe(model, recipe, changes)
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
            "device": resolve_device(device),
            "precision": precision,
            "compile": compile,
            "threads": torch.get_num_threads() if threads is None else threads,
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
    folder = runs_root() / run_id(config)
    if Run(folder).complete and not (folder / CHECKPOINT).exists():
        return Run(folder)  # without a lock: a folder that is only to be read may hold it
    with explained("making a run folder", folder):
        folder.mkdir(parents=True, exist_ok=True)
    lock = contextlib.nullcontext() if config.device == "cpu" else device_lock(config.device)
    with file_lock(folder / ".lock", f"run {folder.name}"), lock:
        run = Run(folder)
        if run.complete:
            _remove_checkpoints(folder)  # should a kill at the very end have left them
            return run
        remove_left_files(folder)
        epochs = config.recipe.epochs if config.recipe.steps is None else None  # None: known once pixels are counted
        write_yaml(folder / "config.yaml", config)
        split.save(folder / "split.npz")
        write_status(folder, "running", None if (folder / CHECKPOINT).is_file() else 0, epochs, "preparing")
        try:
            with cpu_threads(config.threads):
                _work(folder, config, scene, split, progress, start, say)
        except BaseException as error:
            stopped = not isinstance(error, Exception)  # an interrupt, or the system asked the process to end
            with contextlib.suppress(WorkbenchError, OSError):  # the disk may be full: the first error counts
                if stopped:
                    write_status(folder, "interrupted", None, epochs, "stopped; the same command continues it")
                else:
                    write_status(folder, "failed", None, epochs, str(error))
            raise
    return run


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


def _work(
    folder: Path,
    config: RunConfig,
    scene: Scene | Collection,
    split: Split,
    progress: bool,
    start: InitialWeights | None,
    say: Callable[[str], None],
) -> None:
    write_json(folder / "environment.json", environment(config.device), "recording the environment")
    table, scaling_positions = _load(config, scene, split)
    inputs = RunInputs(
        modalities={name: scene.info(name) for name in table.bands},
        scaling={name: band.to_json() for name, band in table.scaling.items()},
        address=scene.address,
    )
    inputs.save(folder)
    training, validation, _ = (_samples(table, split, side) for side in split.sides)  # a test without data is told now
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        bands = band_counts(scene, config.inputs)
        model = create_model(config.model, bands, len(split.classes), config.width, **config.options)
        if start is not None and config.init is not None and not (folder / CHECKPOINT).is_file():
            say(f"Starts from {config.init.source}: {start}.")
            start.load(model)
        result = fit(
            model,
            table,
            training,
            validation,
            config.recipe,
            config.view,
            config.seed,
            folder,
            config.device,
            config.precision,
            config.compile,
            progress,
        )
    save_weights(model, folder / WEIGHTS)
    classes = np.array(split.classes, np.uint16)
    predictor = Predictor(model, config.inputs, table.scaling, classes, config.view, config.precision)
    metrics, predictions = evaluate_predictor(predictor, table, scene, split, config.recipe.tile)
    with atomic_file(folder / "predictions.parquet", "keeping the predictions") as path:
        predictions.to_parquet(path)
    metrics |= {
        "model": config.model,
        "inputs": {role: list(names) for role, names in config.inputs.items()},
        "seed": config.seed,
        "scaling_from": f"{config.recipe.scaling} over {config.recipe.scaling_from} pixels ({scaling_positions})",
        "training": {
            "epochs": result.epochs,
            "steps": result.steps,
            "init": start and config.init and {**config.init.model_dump(), **start.told()},
            "best_epoch": result.best_epoch,
            "stopped_early": result.stopped_early,
            "seconds": result.seconds,
            "samples_per_second": result.samples_per_second,
            "parameters": count_parameters(model),
            "receptive_field": list(model.receptive_field(config.view)),
        },
    }
    write_json(folder / "metrics.json", metrics, "keeping the scores")
    write_status(folder, "finished", result.epochs, None)
    _remove_checkpoints(folder)


def _remove_checkpoints(folder: Path) -> None:
    for name in (CHECKPOINT, BEST):
        (folder / name).unlink(missing_ok=True)


def _load(config: RunConfig, scene: Scene | Collection, split: Split) -> tuple[PixelTable, int]:
    recipe: Recipe = config.recipe
    positions: NDArray[np.int32] | None = split.train.positions if recipe.scaling_from == "training" else None
    table = load_pixels(scene, config.inputs, config.device, fit=(recipe.scaling, positions))
    return table, len(positions) if positions is not None else table.valid.numel()


def _samples(table: PixelTable, split: Split, side: str) -> Samples:
    """Pixels of one side with data, with class indices instead of class values."""
    sample = split.sides[side]
    chosen = valid_positions(table, sample.positions)
    labels = sample.labels[chosen]
    missing = [split.names[value] for value in split.classes if not (labels == value).any()]
    if side == "train" and missing:
        raise WorkbenchError(
            f"These classes have no training pixel with data in every modality, so they cannot be learnt: "
            f"{', '.join(missing)}. Leave the modality with the no-data out, or label other pixels."
        )
    if side == "test" and not len(labels):
        raise WorkbenchError(
            f"None of the {len(sample)} test pixels has data in every modality, so nothing can be scored. Leave the "
            "modality with the no-data out, or split in another way."
        )
    return Samples(sample.positions[chosen], np.searchsorted(split.classes, labels).astype(np.int64))
