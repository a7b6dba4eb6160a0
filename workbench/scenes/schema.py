"""What the root `zarr.json` of a stored scene says: everything that opening needs, so that opening reads one file."""

import json
import math
import re
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from workbench.base.config import StrictModel, describe
from workbench.base.errors import WorkbenchError
from workbench.scenes.modality import ModalityInfo

FORMAT = "fusion-workbench scene"
SCHEMA = 1
CHUNK = 64
"""Rows and columns of a chunk; it holds all bands, so that a spectrum and a window both cost one or few chunks."""
PLANE_CHUNK = 512
"""Rows and columns of a chunk of labels and other planes of one band."""
OVERVIEW_SIDE = 512
SUFFIX = ".zarr"
KEPT_NAMES = {"labels", "layers", "overview", "reference", "splits"}

Transform = tuple[float, float, float, float, float, float]


class PlaneRecord(StrictModel):
    """One tile's share of a label layer.

    Attributes:
        path: Group of its array ``labels`` inside the tile.
        dtype: NumPy name of the stored type.
        digest: Hash of its values.
    """

    path: str
    dtype: str
    digest: str


class TileRecord(StrictModel):
    """One tile as the root says it.

    Attributes:
        name: Group of the tile inside the store.
        shape: Rows and columns.
        transform: Affine coefficients a, b, c, d, e, f (x = a col + b row + c; y = d col + e row + f) or None.
        crs: Index into the root's list of coordinate reference systems, or None.
        group: Split group, "" for none.
        labels: NumPy name of the stored label type, None without labels.
        reference: Names of the extra class maps.
        splits: Names of the stored splits.
        layers: Further label layers by name; their content is not part of `content_hash`.
        content_hash: Of arrays, grid and modality descriptions.
    """

    name: str
    shape: tuple[int, int]
    transform: Transform | None
    crs: int | None
    group: str
    labels: str | None
    reference: tuple[str, ...]
    splits: tuple[str, ...] = ()
    layers: dict[str, PlaneRecord] = Field(default_factory=dict)
    content_hash: str


class ClassRecord(StrictModel):
    """One row of the class table."""

    value: int
    name: str
    color: str


class LayerRecord(StrictModel):
    """A further label layer: its own class table, and what is said of it in place of the scene's attributes."""

    classes: tuple[ClassRecord, ...]
    attrs: dict[str, Any] = Field(default_factory=dict)


class RootRecord(StrictModel):
    """The attributes of the root group."""

    format: str
    schema_version: int
    tiles: tuple[TileRecord, ...]
    modalities: tuple[ModalityInfo, ...]
    classes: tuple[ClassRecord, ...]
    crs: tuple[str, ...]
    content_hash: str
    attrs: dict[str, Any]
    layers: dict[str, LayerRecord] = Field(default_factory=dict)


def overview_stride(shape: tuple[int, int]) -> int:
    """Pixels per overview pixel: the smallest that brings the longest side to at most 512."""
    return math.ceil(max(shape) / OVERVIEW_SIDE)


def parse_root(text: bytes, where: str) -> RootRecord:
    """Read the root `zarr.json`.

    Raises:
        WorkbenchError: It is truncated, is another kind of Zarr store, or was written by a newer workbench.
    """
    again = "Import the scene again."
    try:
        attributes = json.loads(text)["attributes"]
    except (ValueError, KeyError, TypeError) as error:
        raise WorkbenchError(f"While opening {where}: its zarr.json is truncated or damaged. {again}") from error
    if not isinstance(attributes, dict) or attributes.get("format") != FORMAT:
        raise WorkbenchError(
            f"While opening {where}: it is a Zarr store, but no scene of the workbench. "
            "Make one from its files with `workbench import`."
        )
    version = attributes.get("schema_version")
    if version != SCHEMA:
        raise WorkbenchError(
            f"While opening {where}: it has the storage version {version}, and this workbench reads {SCHEMA}. {again}"
        )
    try:
        return RootRecord.model_validate_json(json.dumps(attributes))
    except ValidationError as error:
        faults = "; ".join(describe(RootRecord, error)[:3])
        raise WorkbenchError(f"While opening {where}: its description is damaged ({faults}). {again}") from error


def read_root(address: str) -> RootRecord:
    """Read the root of the store at a folder or fsspec URL.

    Raises:
        WorkbenchError: There is nothing there, it cannot be reached, or it is no scene.
    """
    if not is_url(address):
        try:
            return parse_root((Path(address) / "zarr.json").read_bytes(), address)
        except (FileNotFoundError, NotADirectoryError) as error:
            told = "it holds no zarr.json, so its import was cut short" if Path(address).exists() else "it is not there"
            raise WorkbenchError(f"While opening the scene {address}: {told}. Import it again.") from error
        except OSError as error:
            raise WorkbenchError(f"While opening the scene {address}: {error.strerror}.") from error
    import fsspec  # type: ignore[import-untyped]

    try:
        with fsspec.open(f"{address.rstrip('/')}/zarr.json", "rb") as file:
            return parse_root(file.read(), address)
    except WorkbenchError:
        raise
    except Exception as error:  # every fsspec backend has its own errors
        raise WorkbenchError(
            f"While opening the scene at {address}: {type(error).__name__}: {error}. "
            "Check the address and that its access package (such as s3fs for s3://) is installed."
        ) from error


def is_url(address: str) -> bool:
    """Whether `address` is an fsspec URL and not a path."""
    return re.match(r"^[A-Za-z][A-Za-z0-9+.-]+://|^[a-z]+::", address) is not None


def check_name(name: str, what: str) -> str:
    """`name`, if it can be a folder of a store.

    Raises:
        WorkbenchError: It is empty or long, kept for the store, or has other characters than letters, digits, _ . -
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", name) or name in KEPT_NAMES or name == "zarr.json":
        raise WorkbenchError(
            f"{name!r} cannot name a {what}: use up to 100 letters, digits, '_', '.' and '-', starting with a letter or digit"
            f"{' (this word is kept for the store)' if name in KEPT_NAMES else ''}."
        )
    return name
