"""Scenes that the workbench knows by name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.base.errors import UnknownNameError, WorkbenchError

if TYPE_CHECKING:
    from workbench.scenes.scene import Collection, Scene


@dataclass(frozen=True)
class CatalogueEntry:
    """A scene known by name.

    Args:
        name: What `open_scene` takes once it is there.
        description: One sentence.
        licence: Licence of the data.
        citation: Whom to credit.
        how_to_get: What to do to have it, as a sentence.
    """

    name: str
    description: str
    licence: str
    citation: str
    how_to_get: str


CATALOGUE = {
    entry.name: entry
    for entry in (
        CatalogueEntry(
            name="demo",
            description="Synthetic scene, made in seconds: hyperspectral, LiDAR and SAR; fusion wins by construction.",
            licence="CC0-1.0",
            citation="none: made by the workbench",
            how_to_get="It is made when it is first opened.",
        ),
        CatalogueEntry(
            name="idtrees2020",
            description="Tree species of two forests in the USA: 85 tiles of hyperspectral, canopy height and RGB.",
            licence="CC BY 4.0",
            citation="Graves et al., IDTReeS 2020 Competition Data, Zenodo (IDTReeS 2020)",
            how_to_get="It is in the catalogue but not imported: get the IDTReeS 2020 training data from Zenodo, then "
            "run `workbench import idtrees2020 --from FOLDER`, where FOLDER holds HSI, CHM, RGB, ITC and Field.",
        ),
    )
}


def import_catalogue_entry(
    name: str,
    source: Path | None = None,
    replace: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> "Scene | Collection":
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
    if name == "demo":
        from workbench.scenes.store import scene_path, write_scene
        from workbench.scenes.synthetic import make_demo

        path = scene_path(name)
        if path.exists() and not replace:
            raise WorkbenchError(f"The demo scene exists already ({path}). Say to replace it, to make it again.")
        tiles, classes, attrs = make_demo()
        return write_scene(path, tiles, classes, attrs, replace, progress)
    if source is None:
        raise WorkbenchError(f"While importing {name!r}: no folder was given. {entry.how_to_get}")
    from workbench.scenes.idtrees import import_idtrees

    return import_idtrees(source, {"licence": entry.licence, "citation": entry.citation}, replace, progress)
