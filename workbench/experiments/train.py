"""Train a model on a scene: from the request to a finished run folder, or back to the run that is there already."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
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
from workbench.experiments.ensemble import ensemble_figures, joined_history, joined_training, member_configs
from workbench.experiments.environment import environment
from workbench.experiments.evaluate import evaluate_predictor
from workbench.experiments.inputs import RunInputs, band_counts, resolve_roles
from workbench.experiments.run import Run
from workbench.experiments.starting import starting_weights
from workbench.jobs import device_lock, file_lock
from workbench.mapping import Predictor
from workbench.models import FusionModel, create_model, model_class, resolve_options
from workbench.models.ensemble import Ensemble
from workbench.models.initial import InitialWeights
from workbench.models.pixel_model import PixelModel
from workbench.models.pixels import PixelTable, load_pixels, modalities_of, valid_positions
from workbench.models.turned import Turned
from workbench.runs import Recipe, RunConfig, SplitConfig, run_id
from workbench.runs.status import write_status
from workbench.scenes import Collection, Scene, open_scene
from workbench.splits import Split, make_split
from workbench.splits.units import units_of
from workbench.training.fit import FitResult, fit
from workbench.training.pixel_fit import fit_pixels
from workbench.training.pretraining import PRETRAINED
from workbench.training.recipes import recipe as find_recipe
from workbench.training.recorder import BEST, CHECKPOINT
from workbench.training.sampling import check_dropout
from workbench.training.task import Samples
from workbench.training.unlabelled import Unlabelled, unlabelled_pixels

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
        split: The split; None makes one by `blocks` with the model's patch size and `seed`.
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
    if split is None:
        split = make_split(scene, "blocks", kind.patch_size, seed)
    if not isinstance(split, Split):
        raise WorkbenchError(f"A split is what `make_split` gives, such as make_split(scene, 'blocks'); got {split!r}.")
    if split.scene_hash != scene.content_hash:
        raise WorkbenchError(f"The split was made for another scene than {scene.name!r} as it is now. Make it again.")
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
    return _run(config, scene, split, progress, start, say)


def _run(
    config: RunConfig,
    scene: Scene | Collection,
    split: Split,
    progress: bool,
    start: InitialWeights | None,
    say: Callable[[str], None],
) -> Run:
    """The finished run of a configuration: the one that is there, or one trained now."""
    single = config.members == 1
    members = [] if single else member_configs(config)
    folder = runs_root() / run_id(config)
    if Run(folder).complete and not (folder / CHECKPOINT).exists():
        return Run(folder)  # without a lock: a folder that is only to be read may hold it
    with explained("making a run folder", folder):
        folder.mkdir(parents=True, exist_ok=True)
    # an ensemble's members take their turns at the device themselves
    lock = contextlib.nullcontext() if config.device == "cpu" or not single else device_lock(config.device)
    with file_lock(folder / ".lock", f"run {folder.name}"), lock:
        run = Run(folder)
        if run.complete:
            _remove_checkpoints(folder)  # should a kill at the very end have left them
            return run
        remove_left_files(folder)
        # None: known once pixels are counted
        epochs = config.recipe.epochs * config.members if config.recipe.steps is None else None
        write_yaml(folder / "config.yaml", config)
        split.save(folder / "split.npz")
        write_status(folder, "running", None if (folder / CHECKPOINT).is_file() else 0, epochs, "preparing")
        try:
            with cpu_threads(config.threads):
                if single:
                    _work(folder, config, scene, split, progress, start, say)
                else:
                    _work_together(folder, config, members, scene, split, progress, start, say)
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
    unlabelled = None
    if config.recipe.unlabelled != "none":
        window = model_class(config.model).patch_size if config.view == "patch" else config.recipe.tile
        unlabelled = unlabelled_pixels(table, split, window)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        bands = band_counts(scene, config.inputs)
        model = create_model(config.model, bands, len(split.classes), config.width, **config.options)
        if isinstance(model, PixelModel):
            result = fit_pixels(
                model, table, training, validation, units_of(split, training.positions), config.seed, folder
            )
        else:
            assert isinstance(model, FusionModel)
            if (
                start is not None
                and config.init is not None
                and not any((folder / name).is_file() for name in (CHECKPOINT, PRETRAINED))
            ):
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
                None if unlabelled is None else unlabelled.positions,
            )
    model.save(folder / model.kept_as)
    classes = np.array(split.classes, np.uint16)
    answering = Turned(model) if config.tta and isinstance(model, FusionModel) else model
    predictor = Predictor(answering, config.inputs, table.scaling, classes, config.view, config.precision)
    more = {
        "scaling_from": f"{config.recipe.scaling} over {config.recipe.scaling_from} pixels ({scaling_positions})",
        "training": {
            "epochs": result.epochs,
            "steps": result.steps,
            "init": start and config.init and {**config.init.model_dump(), **start.told()},
            "best_epoch": result.best_epoch,
            "stopped_early": result.stopped_early,
            "seconds": result.seconds,
            "samples_per_second": result.samples_per_second,
            "receptive_field": list(model.receptive_field(config.view)),
            **model.facts(),
            "unlabelled": None if unlabelled is None else _unlabelled_facts(unlabelled, config.recipe, result),
        },
    }
    _score(folder, config, predictor, table, scene, split, more)
    write_status(folder, "finished", result.epochs, None)
    _remove_checkpoints(folder)


def _work_together(
    folder: Path,
    config: RunConfig,
    members: Sequence[RunConfig],
    scene: Scene | Collection,
    split: Split,
    progress: bool,
    start: InitialWeights | None,
    say: Callable[[str], None],
) -> None:
    """Train the members of an ensemble that are not there yet, and keep all their weights together."""
    write_json(folder / "environment.json", environment(config.device), "recording the environment")
    runs: list[Run] = []
    epochs, total = 0, config.recipe.epochs * len(members) if config.recipe.steps is None else None
    for number, one in enumerate(members, 1):
        note = f"training member {number} of {len(members)}, run {run_id(one)}"
        write_status(folder, "running", epochs, total, note)
        runs.append(_run(one, scene, split, progress, start, say))
        epochs += runs[-1].metrics["training"]["epochs"]
    with device_lock(config.device):
        predictors = [run.predictor(config.device) for run in runs]
        model = Ensemble([one.model for one in predictors if isinstance(one.model, FusionModel)])
        RunInputs.load(runs[0].path).save(folder)  # the same scaling for all: it follows from scene and split
        model.save(folder / model.kept_as)
        with atomic_file(folder / "history.parquet", "keeping the training history") as path:
            joined_history(runs).to_parquet(path)
        table = load_pixels(scene, config.inputs, config.device, predictors[0].scaling)
        predictor = replace(predictors[0], model=Turned(model) if config.tta else model)
        more = {
            "scaling_from": runs[0].metrics["scaling_from"],
            "training": joined_training(runs),
            "ensemble": ensemble_figures(predictor, table, split, config),
        }
        _score(folder, config, predictor, table, scene, split, more)
    write_status(folder, "finished", epochs, total)


def _score(
    folder: Path,
    config: RunConfig,
    predictor: Predictor,
    table: PixelTable,
    scene: Scene | Collection,
    split: Split,
    more: dict[str, Any],
) -> None:
    """Keep predictions and scores, with what else `metrics.json` shall say."""
    metrics, predictions = evaluate_predictor(predictor, table, scene, split, config.recipe.tile)
    with atomic_file(folder / "predictions.parquet", "keeping the predictions") as path:
        predictions.to_parquet(path)
    metrics |= {
        "model": config.model,
        "inputs": {role: list(names) for role, names in config.inputs.items()},
        "seed": config.seed,
        **more,
    }
    write_json(folder / "metrics.json", metrics, "keeping the scores")


def _unlabelled_facts(unlabelled: Unlabelled, recipe: Recipe, result: FitResult) -> dict[str, Any]:
    """Which pixels trained without their labels, and for how long; `beside`, the time is part of the training's."""
    before = recipe.unlabelled == "before"
    return {
        "when": recipe.unlabelled,
        "epochs": recipe.unlabelled_epochs if before else result.epochs,
        "batch": recipe.unlabelled_batch,
        "seconds": result.unlabelled_seconds if before else None,
        **unlabelled.to_dict(),
    }


def _remove_checkpoints(folder: Path) -> None:
    for name in (CHECKPOINT, BEST, PRETRAINED):
        (folder / name).unlink(missing_ok=True)


def _load(config: RunConfig, scene: Scene | Collection, split: Split) -> tuple[PixelTable, int]:
    recipe: Recipe = config.recipe
    positions: NDArray[np.int32] | None = split.train.positions if recipe.scaling_from == "training" else None
    table = load_pixels(
        scene, config.inputs, config.device, fit=(recipe.scaling, positions), training=split.train.positions
    )
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
