"""Weights that a training starts from: those of a trained network, or an ImageNet ResNet-50 for its encoders."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from workbench.base.errors import WorkbenchError
from workbench.models.contract import FusionModel
from workbench.models.registry import list_models
from workbench.models.resnet import ResNet50

Shapes = dict[str, tuple[int, ...]]
"""Shape of each tensor, by name."""


@dataclass(frozen=True)
class InitialWeights:
    """Which tensors of a file go where in a network.

    Attributes:
        path: The safetensors file.
        names: Name in the file of each tensor of the network that is taken from it.
        fresh: Layers that keep fresh weights, for their shapes differ.
        into: Parts of the network that are filled; all else stays fresh. Empty: the whole network.
    """

    path: Path
    names: dict[str, str]
    fresh: tuple[str, ...]
    into: tuple[str, ...] = ()

    def load(self, model: FusionModel) -> None:
        """Put the weights into the network, in place."""
        state = model.state_dict()
        with torch.no_grad(), safe_open(self.path, "pt") as file:
            for name, stored in self.names.items():
                state[name].copy_(file.get_tensor(stored))

    def told(self) -> dict[str, int | list[str]]:
        """What `metrics.json` keeps."""
        return {"tensors": len(self.names), "fresh": list(self.fresh), "into": list(self.into)}

    def __str__(self) -> str:
        fresh = f"fresh, for their shapes differ: {', '.join(self.fresh)}" if self.fresh else "no layer of other shape"
        rest = f"; fresh as well: all outside {' and '.join(self.into)}" if self.into else ""
        return f"{len(self.names)} tensors; {fresh}{rest}"


def weights_path(source: str) -> Path | None:
    """The file that `source` names, or None where it is the id of a run.

    Raises:
        WorkbenchError: The file is not there, or is no safetensors file.
    """
    path = Path(source).expanduser()
    if not (path.suffix or len(path.parts) > 1 or path.is_file()):
        return None
    if path.is_dir():
        raise WorkbenchError(f"{path} is a folder. To start from a run, give its id; else a safetensors file.")
    if path.suffix != ".safetensors":
        raise WorkbenchError(
            f"Weights are read from safetensors files only, and {path} is none: .pth, .pt and .ckpt files are pickles, "
            "which can run any code when they are opened. Convert one that you trust: "
            'python -c "import torch, safetensors.torch as s; '
            f"s.save_file({{k: v.contiguous() for k, v in torch.load('{path}', weights_only=True).items()}}, "
            f"'{path.with_suffix('.safetensors')}')\""
        )
    if not path.is_file():
        raise WorkbenchError(f"There is no file of weights {path}. Give a safetensors file, or the id of a run.")
    return path.absolute()


def from_network(path: Path, model: FusionModel) -> InitialWeights:
    """Weights of a network of the same model, width and options, perhaps of other bands or classes.

    A layer of another shape keeps all of its fresh weights, its bias too.

    Args:
        path: The safetensors file.
        model: The network to fill.

    Raises:
        WorkbenchError: The file is damaged, or its layers have other names.
    """
    stored, mine = _shapes(path), _own_shapes(model)
    if set(stored) != set(mine):
        only = ", ".join(sorted(set(stored) - set(mine))[:3]) or "nothing"
        lacks = ", ".join(sorted(set(mine) - set(stored))[:3]) or "nothing"
        raise WorkbenchError(
            f"{path} holds the weights of another network than {type(model).__name__}: beyond it, it has {only}; of it, it "
            f"lacks {lacks}. Start from a run of the same model and version."
        )
    fresh = {_layer(name) for name, shape in mine.items() if stored[name] != shape}
    return InitialWeights(path, {name: name for name in mine if _layer(name) not in fresh}, tuple(sorted(fresh)))


def from_resnet(path: Path, model: FusionModel, name: str) -> InitialWeights:
    """Weights of a ResNet-50 in torchvision's naming for each encoder of a network.

    A stem of other bands than the file's stays fresh. `fc.*` is passed over.

    Args:
        path: The safetensors file.
        model: The network to fill.
        name: Name of its model.

    Raises:
        WorkbenchError: The file is damaged or no ResNet-50, or the network has no such encoder or another width.
    """
    encoders = {key: part for key, part in model.named_modules() if isinstance(part, ResNet50)}
    stored = {key: shape for key, shape in _shapes(path).items() if not key.startswith("fc.")}
    if not encoders:
        having = ", ".join(key for key, text in list_models().items() if "ResNet-50" in text)
        raise WorkbenchError(
            f"{path} is to fill a ResNet-50 encoder, and model {name!r} has none; {having} have. To start {name!r} from "
            "trained weights, give the id of a run of it."
        )
    names: dict[str, str] = {}
    fresh = []
    for prefix, encoder in encoders.items():
        mine = _own_shapes(encoder)
        missing = [key for key in mine if key not in stored and not key.endswith("num_batches_tracked")]
        more = [key for key in stored if key not in mine]
        if missing or more:
            raise WorkbenchError(
                f"{path} is no ResNet-50 in torchvision's naming, as the encoders of {name!r} are: it lacks "
                f"{', '.join(missing[:3]) or 'nothing'}, and has {', '.join(more[:3]) or 'nothing'} beyond it."
            )
        for key, shape in mine.items():
            if key not in stored:
                continue
            if stored[key] == shape:
                names[f"{prefix}.{key}"] = key
            elif key == "conv1.weight" and stored[key][:1] + stored[key][2:] == shape[:1] + shape[2:]:
                fresh.append(f"{prefix}.conv1")
            else:
                raise WorkbenchError(
                    f"{path} holds {key} of shape {stored[key]}, and the {prefix} of {name!r} at width {model.width:g} "
                    f"needs {shape}. Weights of a ResNet-50 fit at width 1 only."
                )
    return InitialWeights(path, names, tuple(fresh), tuple(encoders))


def _shapes(path: Path) -> Shapes:
    try:
        with safe_open(path, "pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError) as error:
        raise WorkbenchError(f"{path} is damaged or no safetensors file: {error}.") from error


def _own_shapes(module: torch.nn.Module) -> Shapes:
    state: Mapping[str, torch.Tensor] = module.state_dict()
    return {name: tuple(value.shape) for name, value in state.items()}


def _layer(name: str) -> str:
    """The layer of a tensor; a tensor of the network itself is its own."""
    return name.rpartition(".")[0] or name
