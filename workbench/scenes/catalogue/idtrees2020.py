"""IDTReeS 2020: the catalogue's entry; `workbench.scenes.idtrees` makes the collection."""

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.scenes.catalogue.entry import CatalogueEntry, Download, Packaging, Progress

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
    how_to_get="`workbench fetch idtrees2020` gets the IDTReeS 2020 training data "
    "from Zenodo; then run `workbench import idtrees2020 --from FOLDER`, where FOLDER holds HSI, CHM, RGB, ITC and Field.",
    downloads=(
        Download(
            "https://zenodo.org/record/3934932/files/IDTREES_competition_train_v2.zip?download=1",
            "IDTREES_competition_train_v2.zip",
            "md5:5ddfa76240b4bb6b4a7861d1d31c299c",
            unpack=True,
        ),
    ),
    packagings=(
        Packaging(
            name="training data",
            files=("HSI/*.tif", "CHM/*.tif", "RGB/*.tif", "ITC/*.shp", "Field/*.csv"),
            source="Zenodo",
            note="In its archive they lie below train/, the rasters below train/RemoteSensing/.",
        ),
    ),
    bring_in=_bring_in,
)
