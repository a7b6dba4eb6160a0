"""Hunan: Sentinel-2, Sentinel-1 and SRTM tiles of 2017 with labelled land cover, as published with DKDFN.

Labels, names and colours: the look-up that AMM-FuseNet uses, with its numbers one higher (0 is unlabelled here).
"""

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Union

from workbench.scenes.catalogue.entry import CatalogueEntry, Packaging, Progress
from workbench.scenes.catalogue.tiles import Found, check_counts, find_tiles, side_of
from workbench.scenes.classes import ClassEntry, ClassTable

if TYPE_CHECKING:
    from workbench.scenes.scene import Collection, Scene

TILES = {"training": 400, "validation": 50, "test": 50}
CLASSES = ClassTable(
    (
        ClassEntry(1, "cropland", "#c55a11"),
        ClassEntry(2, "forest", "#338258"),
        ClassEntry(3, "grassland", "#b2ce3d"),
        ClassEntry(4, "wetland", "#e55460"),
        ClassEntry(5, "water", "#5b9bd7"),
        ClassEntry(6, "unused land", "#f0a002"),
        ClassEntry(7, "built-up area", "#e2af6e"),
    )
)
LOOK_UP = {0: 0, 1: 1, 2: 2, 3: 3, 4: 2, 5: 4, 6: 5, 7: 7, 8: 7, 9: 6, 10: 7, 11: 0, 255: 0}
"""Class value by number in the file. 11 has no class: the published look-up gives it one that does not exist, and
training on it would fail; here it is unlabelled, as 0 and 255 are."""

NAME = re.compile(r"(s1|s2|topo|lc)_(.+)", re.IGNORECASE)
NOTES = (
    "Only the first band of the topography files is stored, elevation: the training tiles alone carry a second one, a "
    + "ruggedness index made from it.",
    "The files do not say what the Sentinel numbers are (a yearly composite), so their quantity stays unknown.",
    "Label number 11 has no class in the published look-up and is unlabelled.",
)
WHAT = "the Hunan tiles (s2_*.tif, s1_*.tif, topo_*.tif and lc_*.tif in folders called train, val and test)"


def recognise(path: PurePosixPath) -> Found | None:
    """A tile's file in either layout: the name says the raster, a folder on the way says the side."""
    named = NAME.fullmatch(path.stem)
    side = side_of(path)
    if named is None or not side:
        return None
    return Found(named[1].lower(), f"{side}_{named[2]}", side)


def _bring_in(
    entry: CatalogueEntry, source: Path | None, replace: bool, progress: Progress | None
) -> Union["Scene", "Collection"]:
    from workbench.scenes.catalogue import sentinel2
    from workbench.scenes.catalogue.tileset import Labels, TileModality, import_tiles, look_up

    tiles = find_tiles(source, recognise, ("s2", "s1", "topo", "lc"), WHAT)
    notes = check_counts(tiles, TILES, "Hunan")
    modalities = {
        "msi": TileModality("s2", bands=13, **sentinel2.bands()),  # type: ignore[arg-type]
        "sar": TileModality("s1", bands=2),
        "dem": TileModality(
            "topo", keep=(0,), dtype="float32", quantity="elevation", unit="m", note="first band of the file"
        ),
    }
    return import_tiles(
        entry,
        tiles,
        modalities,
        lambda tile, rasters: Labels(look_up(rasters["lc"], LOOK_UP, tile.files["lc"])),
        CLASSES,
        replace,
        progress,
        notes=(*notes, *NOTES, sentinel2.NOTE),
    )


ENTRY = CatalogueEntry(
    name="hunan",
    description="Land cover of Hunan, China: 500 tiles of Sentinel-2, Sentinel-1 and elevation, 7 classes.",
    licence="not stated",
    citation="DKDFN: Domain Knowledge-Guided Deep Collaborative Fusion Network, ISPRS Journal, 2022",
    how_to_get="The README of the repository HunanMultimodalDataset on GitHub "
    "(DKDFN) links one Google Drive archive, which only a browser can get. Unpack it, then run "
    "`workbench import hunan --from FOLDER`.",
    packagings=(
        Packaging(
            name="original archive",
            files=("train/s2_*.tif", "train/s1_*.tif", "train/topo_*.tif", "train/lc_*.tif", "val/...", "test/..."),
            source="DKDFN, Google Drive",
            note="The files may lie deeper in the folders train, val and test.",
        ),
        Packaging(
            name="AMM-FuseNet",
            files=(
                "s2_dir/train/s2_*.tif",
                "s1_dir/train/s1_*.tif",
                "dem_dir/train/topo_*.tif",
                "ann_dir/train/lc_*.tif",
            ),
            source="AMM-FuseNet, data/myhunan",
        ),
    ),
    classes=CLASSES,
    bring_in=_bring_in,
)
