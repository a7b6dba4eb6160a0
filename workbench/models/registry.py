"""Models by name."""

import importlib
import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import TypeVar

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.models.contract import Model

_MODELS: dict[str, type[Model]] = {}
_FILES = (
    "fusatnet", "selfloop", "ammfusenet", "mmrs", "mft",
    "deeplabv3plus", "pspnet", "unet", "segnet", "denseaspp", "danet",
    "svm", "random_forest", "knn",
)  # fmt: skip
"""One file per published system; loading it registers its models."""

Option = bool | int | float | str

Kind = TypeVar("Kind", bound=type[Model])


def register_model(name: str) -> Callable[[Kind], Kind]:
    """Class decorator that files a model under `name`; a name used twice warns and the later one holds."""

    def file(kind: Kind) -> Kind:
        if name in _MODELS:
            warnings.warn(f"Model {name!r} is registered twice; the later one holds.", stacklevel=2)
        _MODELS[name] = kind
        return kind

    return file


def model_class(name: str) -> type[Model]:
    """The class filed under `name`.

    Raises:
        UnknownNameError: There is no such model; the message holds the nearest names.
    """
    _load()
    if name not in _MODELS:
        raise UnknownNameError("model", name, _MODELS, "`workbench models` lists them.")
    return _MODELS[name]


def create_model(name: str, inputs: Mapping[str, int], classes: int, width: float = 1.0, **options: Option) -> Model:
    """Build a network with fresh weights, drawn from torch's global generator, or a pixel model before its fitting.

    Args:
        name: A name of `list_models()`.
        inputs: Number of bands of each role, such as `{"hsi": 144, "aux": 1}`.
        classes: Number of classes.
        width: Factor on hidden channel counts; 1.0 is the published size.
        **options: Of the model, see `resolve_options`.

    Raises:
        UnknownNameError: Unknown model, role or option.
        WorkbenchError: A role is missing, a count is out of range or an option has another type.
    """
    return model_class(name)(inputs, classes, width, **resolve_options(name, options))


def resolve_options(name: str, options: Mapping[str, Option] | None = None) -> dict[str, Option]:
    """All options of a model beside its width: what is given, and the defaults of its constructor for the rest.

    Raises:
        UnknownNameError: There is no such model or option.
        WorkbenchError: An option has another type than its default.
    """
    taken = inspect.signature(model_class(name).__init__).parameters
    found = {key: one.default for key, one in taken.items() if key not in ("self", "inputs", "classes", "width")}
    for key, value in (options or {}).items():
        if key not in found:
            raise UnknownNameError(f"option of model {name!r}", key, found)
        wanted = type(found[key])
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise WorkbenchError(f"The option {key!r} of model {name!r} is {value!r}; {wanted.__name__} is needed.")
        found[key] = wanted(value)
    return found


def list_models() -> dict[str, str]:
    """Names of all models, each with its one-line description."""
    _load()
    return {name: kind.summary for name, kind in sorted(_MODELS.items())}


def self_supervised_models() -> list[str]:
    """Names of the models with a loss that needs no targets."""
    _load()
    return [name for name, kind in sorted(_MODELS.items()) if kind.is_self_supervised()]


def _load() -> None:
    for file in _FILES:
        importlib.import_module(f"workbench.models.{file}")
