"""Data sets that the workbench knows by name, one file each."""

from pathlib import Path
from typing import TYPE_CHECKING, Union

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes.catalogue import demo, dfc2020, hunan, idtrees2020, potsdam, terramesh
from workbench.scenes.catalogue.entry import CatalogueEntry, Progress

if TYPE_CHECKING:
    from workbench.scenes.scene import Collection, Scene

__all__ = ["CATALOGUE", "CatalogueEntry", "import_catalogue_entry"]

ENTRIES = (demo, idtrees2020, hunan, potsdam, dfc2020, terramesh)

CATALOGUE: dict[str, CatalogueEntry] = {module.ENTRY.name: module.ENTRY for module in ENTRIES}


def import_catalogue_entry(
    name: str, source: Path | None = None, replace: bool = False, progress: Progress | None = None
) -> Union["Scene", "Collection"]:
    """Bring a scene of the catalogue into the data root.

    Args:
        name: A name of `CATALOGUE`.
        source: Folder of the downloaded data; not needed for ``demo``.
        replace: Whether a scene that is there already may be replaced.
        progress: Called with what is being done and the share done.

    Raises:
        UnknownNameError: The catalogue has no such entry.
        WorkbenchError: The source is missing or unfit, or the scene is there already.
    """
    if name not in CATALOGUE:
        raise UnknownNameError("catalogue entry", name, CATALOGUE)
    entry = CATALOGUE[name]
    if source is None and not entry.made:
        raise WorkbenchError(f"While importing {name!r}: no folder was given. {entry.how_to_get}")
    return entry.bring_in(entry, source, replace, progress)
