"""Data sets that the workbench knows by name, one file each."""

from pathlib import Path
from typing import TYPE_CHECKING, Union

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.base.roots import data_root
from workbench.scenes.catalogue import (
    augsburg,
    berlin,
    demo,
    dfc2020,
    houston2013,
    houston2018,
    hunan,
    idtrees2020,
    muufl,
    potsdam,
    terramesh,
    trento,
)
from workbench.scenes.catalogue.entry import CatalogueEntry, Progress

if TYPE_CHECKING:
    from workbench.scenes.scene import Collection, Scene

__all__ = ["CATALOGUE", "CatalogueEntry", "import_catalogue_entry"]

ENTRIES = (
    demo, houston2013, houston2018, trento, muufl, augsburg, berlin, idtrees2020, hunan, potsdam, dfc2020, terramesh
)  # fmt: skip

CATALOGUE: dict[str, CatalogueEntry] = {module.ENTRY.name: module.ENTRY for module in ENTRIES}


def downloads_folder(name: str) -> Path:
    """Where `workbench fetch` puts the files of an entry where no folder is named."""
    return data_root() / "downloads" / name


def import_catalogue_entry(
    name: str,
    source: Path | None = None,
    replace: bool = False,
    progress: Progress | None = None,
    grid: str | None = None,
) -> Union["Scene", "Collection"]:
    """Bring a scene of the catalogue into the data root.

    Args:
        name: A name of `CATALOGUE`.
        source: Folder of the downloaded data; None takes what `workbench fetch` brought. Not needed for ``demo``.
        replace: Whether a scene that is there already may be replaced.
        progress: Called with what is being done and the share done.
        grid: Which of the files' grids the scene gets, where they have several (`CatalogueEntry.grids`); None for
            the usual one.

    Raises:
        UnknownNameError: The catalogue has no such entry, or the entry no such grid.
        WorkbenchError: The source is missing or unfit, or the scene is there already.
    """
    if name not in CATALOGUE:
        raise UnknownNameError("catalogue entry", name, CATALOGUE)
    entry = CATALOGUE[name]
    if source is None and downloads_folder(name).is_dir():
        source = downloads_folder(name)
    if source is None and not entry.made:
        raise WorkbenchError(f"While importing {name!r}: no folder was given. {entry.how_to_get}")
    if grid is not None and not entry.grids:
        raise WorkbenchError(f"While importing {name!r}: all its files are on one grid; leave out grid={grid!r}.")
    if grid is not None and grid not in entry.grids:
        raise UnknownNameError(f"grid of {name}", grid, entry.grids)
    bring_in = entry.bring_in if grid is None else entry.grids[grid]
    return bring_in(entry, source, replace, progress)
