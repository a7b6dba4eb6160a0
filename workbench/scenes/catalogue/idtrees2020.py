"""IDTReeS 2020: the catalogue's entry; `workbench.scenes.idtrees` makes the collection."""

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.scenes.catalogue.entry import CatalogueEntry, Packaging, Progress

if TYPE_CHECKING:
    from workbench.scenes.scene import Collection


def _bring_in(entry: CatalogueEntry, source: Path | None, replace: bool, progress: Progress | None) -> "Collection":
    from workbench.scenes.idtrees import import_idtrees

    assert source is not None  # `import_catalogue_entry` saw to it
    return import_idtrees(source, {"licence": entry.licence, "citation": entry.citation}, replace, progress)


ENTRY = CatalogueEntry(
    name="idtrees2020",
    description="Tree species of two forests in the USA: 85 tiles of hyperspectral, canopy height and RGB.",
    licence="CC BY 4.0",
    citation="Graves et al., IDTReeS 2020 Competition Data, Zenodo (IDTReeS 2020)",
    how_to_get="It is in the catalogue but not imported: get the IDTReeS 2020 training data from Zenodo, then "
    "run `workbench import idtrees2020 --from FOLDER`, where FOLDER holds HSI, CHM, RGB, ITC and Field.",
    packagings=(
        Packaging(
            name="training data",
            files=("HSI/*.tif", "CHM/*.tif", "RGB/*.tif", "ITC/*.shp", "Field/*.csv"),
            source="Zenodo",
        ),
    ),
    bring_in=_bring_in,
)
