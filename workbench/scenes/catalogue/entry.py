"""What the catalogue says of a data set: where it comes from, how it is packed, and how it becomes a scene."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Union

from workbench.scenes.classes import ClassTable

if TYPE_CHECKING:
    from workbench.scenes.scene import Collection, Scene

Progress = Callable[[str, float], None]
"""Called with what is being done and the share done, 0 to 1."""

BringIn = Callable[["CatalogueEntry", Path | None, bool, Progress | None], Union["Scene", "Collection"]]
"""Makes the scene: of an entry, from a folder, whether a scene that is there may be replaced, telling its progress."""


@dataclass(frozen=True)
class Download:
    """A file that its provider lets anybody download.

    Args:
        url: Where from.
        file: Name to store it under.
        checksum: ``"sha256:..."`` or ``"md5:..."``; None where none is published.
        unpack: Whether it is an archive to unpack.
        note: What to know before.
    """

    url: str
    file: str
    checksum: str | None = None
    unpack: bool = False
    note: str = ""


@dataclass(frozen=True)
class Packaging:
    """One form in which a data set is handed around.

    Args:
        name: What messages call it.
        files: File names (globs), those that hold several arrays with ``:variable``.
        source: Who hands it around.
        note: What to know of it.
    """

    name: str
    files: tuple[str, ...]
    source: str
    note: str = ""


@dataclass(frozen=True)
class CatalogueEntry:
    """A scene known by name.

    Args:
        name: What `open_scene` takes once it is there.
        description: One sentence.
        licence: Licence of the data.
        citation: Whom to credit.
        how_to_get: What to do to have it, as a sentence.
        bring_in: Makes the scene under the data root.
        downloads: Files that can be downloaded without further ado.
        packagings: Forms that are recognised.
        classes: The class table; None where the files say it.
        made: Whether the workbench makes it, so that no folder is needed.
        grids: Where the files have several grids: makes the scene on one of them, by its name.
    """

    name: str
    description: str
    licence: str
    citation: str
    how_to_get: str
    bring_in: BringIn
    downloads: tuple[Download, ...] = ()
    packagings: tuple[Packaging, ...] = ()
    classes: ClassTable | None = None
    made: bool = False
    grids: Mapping[str, BringIn] = field(default_factory=dict)
