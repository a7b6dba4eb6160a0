"""The synthetic scene, which the workbench makes itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Union

from workbench.base.errors import WorkbenchError
from workbench.scenes.catalogue.entry import CatalogueEntry, Progress

if TYPE_CHECKING:
    from workbench.scenes.scene import Collection, Scene


def _make(
    entry: CatalogueEntry, source: Path | None, replace: bool, progress: Progress | None
) -> Union["Scene", "Collection"]:
    from workbench.scenes.store import scene_path, write_scene
    from workbench.scenes.synthetic import make_demo

    path = scene_path(entry.name)
    if path.exists() and not replace:
        raise WorkbenchError(f"The demo scene exists already ({path}). Say to replace it, to make it again.")
    tiles, classes, attrs = make_demo()
    return write_scene(path, tiles, classes, attrs, replace, progress)


ENTRY = CatalogueEntry(
    name="demo",
    description="Synthetic scene, made in seconds: hyperspectral, LiDAR and SAR; fusion wins by construction.",
    licence="CC0-1.0",
    citation="none: made by the workbench",
    how_to_get="It is made when it is first opened.",
    bring_in=_make,
    made=True,
)
