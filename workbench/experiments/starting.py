"""What a training starts from: fresh weights, those of another run, or a file of encoder weights."""

import torch

from workbench.base.errors import WorkbenchError
from workbench.base.hashing import hash_file
from workbench.experiments.run import open_run
from workbench.models import FusionModel, create_model
from workbench.models.initial import InitialWeights, from_network, from_resnet, weights_path
from workbench.runs import InitConfig


def starting_weights(
    source: str,
    model: str,
    bands: dict[str, int],
    classes: int,
    width: float,
    options: dict[str, bool | int | float | str],
) -> tuple[InitConfig, InitialWeights]:
    """Find the weights that a training shall start from, and hold them against its network.

    Args:
        source: Id of a run (or its beginning), or path of a safetensors file with the weights of a ResNet-50.
        model: Name of the model to train.
        bands: Bands of each role.
        classes: Number of classes.
        width: Factor on hidden channels.
        options: All options of the model.

    Returns:
        What the configuration records, and what goes where.

    Raises:
        UnknownNameError: There is no such run.
        WorkbenchError: The weights are of another model, width or options, damaged, or not of a kind that is read.
    """
    path = weights_path(source)
    with torch.random.fork_rng():
        network = create_model(model, bands, classes, width, **options)
    assert isinstance(network, FusionModel)  # others refuse to start from weights
    if path is not None:
        return InitConfig(source=str(path), hash=hash_file(path)), from_resnet(path, network, model)
    return _of_run(source, network, model, width, options)


def _of_run(
    source: str, network: FusionModel, model: str, width: float, options: dict[str, bool | int | float | str]
) -> tuple[InitConfig, InitialWeights]:
    run = open_run(source)
    path = run.kept
    if not (run.finished and path.is_file()):
        raise WorkbenchError(f"A training cannot start from this run. {run.lacks('trained network')}")
    theirs, mine = (_words(*facts) for facts in (
        (run.config.model, run.config.width, run.config.options), (model, width, options),
    ))  # fmt: skip
    if theirs != mine:
        raise WorkbenchError(
            f"Run {run.id} is of {theirs}; this training is of {mine}. Weights go from one network to another of the same "
            "model, width and options only."
        )
    return InitConfig(source=run.id, hash=hash_file(path)), from_network(path, network)


def _words(model: str, width: float, options: dict[str, bool | int | float | str]) -> str:
    """What shapes a network, in words; the window of prediction does not."""
    shaping = {key: value for key, value in sorted(options.items()) if key != "window"}
    told = ", ".join(f"{key}={value}" for key, value in shaping.items())
    return f"model {model!r} at width {width:g}{f' with {told}' if told else ''}"
