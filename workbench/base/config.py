"""Strict configuration: unknown keys, duplicate keys and ill-typed values are errors with line and column."""

from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.base.errors import WorkbenchError, nearest
from workbench.base.files import write_text


class StrictModel(BaseModel):
    """A frozen pydantic model that forbids unknown keys and does not coerce types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @classmethod
    def build(cls, values: dict[str, Any], doing: str) -> Self:
        """Validate `values`.

        Args:
            values: Keys and values, already parsed.
            doing: Words for the error message, such as ``"configuring a training"``.

        Raises:
            WorkbenchError: A key is unknown (with the nearest), missing, or a value is ill-typed.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise WorkbenchError(f"While {doing}: {'; '.join(describe(cls, error))}.") from error


Model = TypeVar("Model", bound=StrictModel)


def describe(model: type[BaseModel], error: ValidationError) -> list[str]:
    """One plain sentence for each fault that pydantic found."""
    sentences = []
    for fault in error.errors():
        key = ".".join(str(part) for part in fault["loc"])
        said = fault["msg"].removeprefix("Value error, ")
        said = said[:1].lower() + said[1:]  # names in it keep their case
        if fault["type"] == "extra_forbidden":
            fields = _fields(model, fault["loc"][:-1])
            near = nearest(str(fault["loc"][-1]), fields)
            known = near or sorted(fields)
            sentences.append(f"unknown parameter {key!r} ({'nearest' if near else 'known'}: {', '.join(known)})")
        elif fault["type"] == "missing":
            sentences.append(f"parameter {key!r} is missing")
        else:
            sentences.append(f"parameter {key!r} = {fault['input']!r}: {said}" if key else said)
    return sentences


def _fields(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Parameters that the model at `location` inside `model` knows; those of the outermost known one otherwise."""
    for part in location:
        inner = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        model = inner
    return list(model.model_fields)


def read_yaml(path: Path, model: type[Model]) -> Model:
    """Read a YAML 1.2 file into a strict model.

    Raises:
        WorkbenchError: The file is missing, is not YAML, holds a key twice, or does not fit `model`; the message
            holds line and column.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise WorkbenchError(f"{path} is missing while reading a configuration.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise WorkbenchError(f"{path} cannot be read as a configuration: {error}.") from error
    try:
        tree = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "unknown place"
        raise WorkbenchError(f"{path}, {where}: {error.problem}.") from error
    except YAMLError as error:  # such as characters that YAML does not allow
        raise WorkbenchError(f"{path} is not YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(tree, dict):
        raise WorkbenchError(f"{path} holds no mapping of keys to values.")
    try:
        return model.model_validate_json(_as_json(tree))
    except ValidationError as error:
        sentences = []
        for fault, sentence in zip(error.errors(), describe(model, error), strict=True):
            line, column = _place(tree, fault["loc"])
            sentences.append(f"line {line}, column {column}: {sentence}")
        raise WorkbenchError(f"{path}: {'; '.join(sentences)}.") from error


def write_yaml(path: Path, model: StrictModel) -> None:
    """Write a strict model as YAML, atomically."""
    import io
    import json

    from ruamel.yaml import YAML

    stream = io.StringIO()
    YAML().dump(json.loads(model.model_dump_json()), stream)
    write_text(path, stream.getvalue(), "writing a configuration")


def _as_json(tree: Any) -> str:
    """YAML's round-trip types as JSON text, so that pydantic's strict JSON rules (lists for tuples) apply."""
    import json

    return json.dumps(_plain(tree), default=str)


def _plain(node: Any) -> Any:
    """A YAML tree in Python's own types: keys as text, and a boolean with an anchor is no number."""
    from ruamel.yaml.scalarbool import ScalarBoolean

    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return bool(node) if isinstance(node, ScalarBoolean) else node


def _place(tree: Any, location: tuple[int | str, ...]) -> tuple[int, int]:
    """Line and column (from 1) of the deepest part of `location` that the YAML tree holds."""
    line, column, node = 1, 1, tree
    for part in location:
        marks = getattr(node, "lc", None)
        try:
            if marks is not None:
                row, col = marks.key(part) if isinstance(node, dict) else marks.item(part)
                line, column = row + 1, col + 1
            node = node[part]
        except (KeyError, IndexError, TypeError):
            break
    return line, column
