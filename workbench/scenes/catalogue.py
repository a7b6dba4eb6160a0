"""Scenes that the workbench knows by name."""

from dataclasses import dataclass


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
            licence="Apache-2.0, as the workbench",
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
