"""DFC2020: Sentinel-1 and Sentinel-2 patches of the IEEE GRSS Data Fusion Contest 2020, with two label layers.

``dfc2020`` has the contest's labels (10 m, semi-manual); ``dfc2020@lc`` has MODIS land cover of 500 m, mapped from the
IGBP legend to the contest's ten classes, which published segmentation scores on these patches often stand for.
"""

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Union

from workbench.scenes.catalogue.entry import CatalogueEntry, Packaging, Progress
from workbench.scenes.catalogue.tiles import Found, check_counts, find_tiles
from workbench.scenes.classes import ClassEntry, ClassTable

if TYPE_CHECKING:
    from workbench.scenes.scene import Collection, Scene

TILES = {"training": 986, "test": 5128}
CLASSES = ClassTable(
    (
        ClassEntry(1, "forest", "#009900"),
        ClassEntry(2, "shrubland", "#c6b044"),
        ClassEntry(3, "savanna", "#fbff13"),
        ClassEntry(4, "grassland", "#b6ff05"),
        ClassEntry(5, "wetland", "#27ff87"),
        ClassEntry(6, "cropland", "#c24f44"),
        ClassEntry(7, "urban", "#a5a5a5"),
        ClassEntry(8, "snow and ice", "#69fff8"),
        ClassEntry(9, "barren", "#f9ffa4"),
        ClassEntry(10, "water", "#1c0dff"),
    )
)
DFC = {value: value for value in range(11)}
IGBP = {0: 0, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 2, 7: 2, 8: 3, 9: 3, 10: 4, 11: 5, 12: 6, 13: 7, 14: 6, 15: 8, 16: 9,
        17: 10, 255: 0}  # fmt: skip
"""Class value by number of the IGBP legend; 0 and 255 are unclassified there."""

MODIS = "a map product (MODIS land cover, 500 m)"
LAYER = {
    "labels_are": MODIS,
    "note": "Labels are MODIS land cover of 500 m pixels (IGBP legend, mapped to the contest's ten classes), not the "
    "contest's own 10 m labels.",
}
NOTES = (
    "Labels are the contest's own (10 m). Savanna (3) and snow and ice (8) are in its scheme and do not occur in them.",
    "MODIS labels (500 m) are the label layer 'lc': open dfc2020@lc. The two are never mixed.",
    "Official split: patches of the contest's validation phase (ROIs0000_validation) train, those of its test phase "
    + "(ROIs0000_test) test. GFM-Bench does the opposite: it tests on the patches of the validation phase.",
    "Sentinel-2 values are top-of-atmosphere reflectance x 10000 (13 bands, band 10 among them).",
)
NAME = re.compile(r"ROIs0000_(validation|test)_(s1|s2|lc|dfc)_(.+)", re.IGNORECASE)
SIDES = {"validation": "training", "test": "test"}
WHAT = "the DFC2020 patches (ROIs0000_validation/s2_validation/*_s2_*.tif, ROIs0000_test/s2_0/*_s2_*.tif, ...)"


def recognise(path: PurePosixPath) -> Found | None:
    """A patch's file: its name says the contest's phase, the raster and the patch."""
    named = NAME.fullmatch(path.stem)
    if named is None:
        return None
    phase = named[1].lower()
    return Found(named[2].lower(), f"{phase}_{named[3]}", SIDES[phase])


def _bring_in(
    entry: CatalogueEntry, source: Path | None, replace: bool, progress: Progress | None
) -> Union["Scene", "Collection"]:
    from workbench.scenes.catalogue import sentinel2
    from workbench.scenes.catalogue.tileset import Labels, TileModality, import_tiles, look_up

    tiles = find_tiles(source, recognise, ("s2", "s1", "lc", "dfc"), WHAT)
    notes = check_counts(tiles, TILES, "DFC2020")
    modalities = {
        "msi": TileModality("s2", bands=13, quantity="reflectance", scale=1e-4, **sentinel2.bands()),  # type: ignore[arg-type]
        "sar": TileModality(
            "s1", bands=2, dtype="float32", quantity="backscatter dB", unit="dB", band_names=("VV", "VH")
        ),
    }
    return import_tiles(
        entry,
        tiles,
        modalities,
        lambda tile, rasters: Labels(
            look_up(rasters["dfc"], DFC, tile.files["dfc"]),
            {"lc": look_up(rasters["lc"], IGBP, tile.files["lc"])},  # the first of four bands is IGBP
        ),
        CLASSES,
        replace,
        progress,
        notes=(*notes, *NOTES, sentinel2.NOTE),
        layer_classes={"lc": CLASSES},
        layer_attrs={"lc": LAYER},
    )


ENTRY = CatalogueEntry(
    name="dfc2020",
    description="Land cover of the Data Fusion Contest 2020: 6,114 patches of Sentinel-1 and Sentinel-2, 10 classes.",
    licence="CC BY 4.0",
    citation="IEEE GRSS Data Fusion Contest 2020, IEEE DataPort, doi 10.21227/rha7-m332",
    how_to_get="IEEE DataPort (doi 10.21227/rha7-m332) hands it out after a free "
    "login. Unpack the archives into one folder, then run `workbench import dfc2020 --from FOLDER`.",
    packagings=(
        Packaging(
            name="contest",
            files=(
                "ROIs0000_validation/{s1,s2,lc,dfc}_validation/ROIs0000_validation_{s1,s2,lc,dfc}_*.tif",
                "ROIs0000_test/{s1,s2,lc,dfc}_0/ROIs0000_test_{s1,s2,lc,dfc}_*.tif",
            ),
            source="IEEE DataPort",
        ),
    ),
    classes=CLASSES,
    bring_in=_bring_in,
)
