"""The notebooks there are, what parameters they take, and reading parameters that a user wrote."""

import ast
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.base.errors import UnknownNameError, WorkbenchError

HIDDEN = ("interactive", "output")
"""Parameters that the runner sets; users do not."""

KINDS: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool, "list": list}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a notebook.

    Attributes:
        name: Its name.
        kind: `str`, `int`, `float`, `bool` or `list`.
        default: Its value where none is given.
        help: What it means, in one line.
    """

    name: str
    kind: str
    default: Any
    help: str


def notebook_folder() -> Path:
    """Where the notebooks lie: inside the installed package, or beside it in a checkout.

    Raises:
        WorkbenchError: They are in neither place.
    """
    import workbench

    package = Path(workbench.__file__).parent
    for folder in (package / "reports" / "notebooks", package.parent / "notebooks"):
        if any(folder.glob("*.ipynb")):
            return folder
    raise WorkbenchError(f"The notebooks of the workbench are not beside {package}. Install the workbench again.")


def list_notebooks() -> list[str]:
    """Names of the notebooks."""
    return sorted(path.stem for path in notebook_folder().glob("*.ipynb"))


def notebook_path(name: str) -> Path:
    """The file of a notebook; raises `UnknownNameError` for a name that is not there."""
    names = list_notebooks()
    if name not in names:
        raise UnknownNameError("report", name, names)
    return notebook_folder() / f"{name}.ipynb"


def notebook_parameters(name: str) -> dict[str, Parameter]:
    """The parameters that a user may give to a notebook, in the notebook's order.

    Raises:
        UnknownNameError: There is no such notebook.
    """
    return {key: value for key, value in all_parameters(name).items() if key not in HIDDEN}


def all_parameters(name: str) -> dict[str, Parameter]:
    """Every parameter of a notebook, with those that the runner sets."""
    path = notebook_path(name)
    return _inspect(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _inspect(path: Path, changed: int) -> dict[str, Parameter]:
    import papermill

    del changed  # part of the key: an edited notebook is read again
    found = {}
    for key, told in papermill.inspect_notebook(papermill_path(path)).items():
        kind = str(told["inferred_type_name"]).partition("[")[0]
        if kind not in KINDS:
            raise WorkbenchError(f"Notebook {path.name}: parameter {key!r} has the type {kind!r}, not {_or(KINDS)}.")
        found[key] = Parameter(key, kind, ast.literal_eval(told["default"]), str(told["help"]).strip())
    return found


def check_parameters(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a notebook, typed, with defaults filled in.

    Args:
        name: The notebook.
        values: Typed values, or text as written in a terminal, which is read by the type that the notebook gives:
            ``"5"``, ``"true"``; lists are JSON or words with commas.

    Raises:
        WorkbenchError: A value is ill-typed.
        UnknownNameError: The notebook has no such parameter.
    """
    known = notebook_parameters(name)
    found = {key: told.default for key, told in known.items()}
    for key, value in values.items():
        if key not in known:
            raise UnknownNameError(f"parameter of report {name!r}", key, known)
        typed = _read(name, known[key], value) if isinstance(value, str) else value
        if not _fits(typed, known[key].kind):
            raise _ill_typed(name, known[key], value)
        found[key] = float(typed) if known[key].kind == "float" else typed
    return found


def papermill_path(path: Path) -> str:
    """A path as papermill takes it: it fills in {placeholders}."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _read(name: str, parameter: Parameter, text: str) -> Any:
    text = text.strip() if parameter.kind != "str" else text
    try:
        if parameter.kind == "str":
            return text
        if parameter.kind == "bool":
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        if parameter.kind == "list":
            return _read_list(text)
        return KINDS[parameter.kind](text)
    except (KeyError, ValueError) as error:
        raise _ill_typed(name, parameter, text) from error


def _read_list(text: str) -> list[Any]:
    if text.startswith("["):
        value = json.loads(text)
        if not isinstance(value, list):
            raise ValueError(text)
        return value
    return [word.strip() for word in text.split(",") if word.strip()]


def _fits(value: Any, kind: str) -> bool:
    if kind == "float":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "list":
        return isinstance(value, list) and _is_plain(value)
    return isinstance(value, KINDS[kind])


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, str | int | float | bool)


def _ill_typed(name: str, parameter: Parameter, value: Any) -> WorkbenchError:
    example = {
        "int": "such as 5",
        "float": "such as 0.5",
        "bool": "true or false",
        "str": "text",
        "list": "such as [1, 2]",
    }
    return WorkbenchError(
        f"Parameter {parameter.name!r} of report {name!r} must be {parameter.kind} ({example[parameter.kind]}), not "
        f"{value!r}. {parameter.help[:1].upper()}{parameter.help[1:]}."
    )


def _or(names: Iterable[str]) -> str:
    return " or ".join(names)
