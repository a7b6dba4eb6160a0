"""Potsdam: true orthophotos of 5 cm and a surface model, the ISPRS 2D semantic labelling benchmark."""

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Union

from workbench.base.errors import WorkbenchError
from workbench.scenes.catalogue.entry import CatalogueEntry, Download, Packaging, Progress
from workbench.scenes.catalogue.tiles import Found, check_counts, find_tiles
from workbench.scenes.classes import ClassEntry, ClassTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from workbench.scenes.readers import Raster
    from workbench.scenes.scene import Collection, Scene

TRAIN = [
    *("2_10", "2_11", "2_12", "3_10", "3_11", "3_12", "4_10", "4_11", "4_12", "5_10", "5_11", "5_12"),
    *("6_7", "6_8", "6_9", "6_10", "6_11", "6_12", "7_7", "7_8", "7_9", "7_10", "7_11", "7_12"),
]
TEST = ["2_13", "2_14", "3_13", "3_14", "4_13", "4_14", "4_15", "5_13", "5_14", "5_15", "6_13", "6_14", "6_15", "7_13"]
SIDES = dict.fromkeys(TRAIN, "training") | dict.fromkeys(TEST, "test")
"""The contest's split."""
TILES = {"training": len(TRAIN), "test": len(TEST)}

CLASSES = ClassTable(
    (
        ClassEntry(1, "clutter", "#ff0000"),
        ClassEntry(2, "impervious surface", "#ffffff"),
        ClassEntry(3, "building", "#0000ff"),
        ClassEntry(4, "low vegetation", "#00ffff"),
        ClassEntry(5, "tree", "#00ff00"),
        ClassEntry(6, "car", "#ffff00"),
    )
)
NAMES = {
    "rgbir": re.compile(r"top_potsdam_0*(\d+)_0*(\d+)_RGBIR", re.IGNORECASE),
    "label": re.compile(r"top_potsdam_0*(\d+)_0*(\d+)_label", re.IGNORECASE),
    "dsm": re.compile(r"dsm_potsdam_0*(\d+)_0*(\d+)", re.IGNORECASE),
}
"""The surface models are numbered with leading zeros (02_10) and the orthophotos without (2_10)."""

NOTES = (
    "Tile 7_10 is known for wrong labels; it is kept as published.",
    "Clutter is a class of its own here and is scored; papers differ in that.",
)
WHAT = "the Potsdam tiles (top_potsdam_2_10_RGBIR.tif, top_potsdam_2_10_label.tif, dsm_potsdam_02_10.tif, ...)"
STRIP = 64
"""Rows of a label image that are read at a time."""


def recognise(path: PurePosixPath) -> Found | None:
    """A tile's orthophoto, labels or surface model; other products (RGB, IRRG, eroded labels) are passed over."""
    for part, pattern in NAMES.items():
        if named := pattern.fullmatch(path.stem):
            tile = f"{named[1]}_{named[2]}"
            return Found(part, tile, SIDES[tile]) if tile in SIDES else None
    return None


def class_colours(raster: "Raster", file: Any) -> "NDArray[np.uint8]":
    """Class values of a label image whose colours are classes.

    Args:
        raster: Red, green and blue.
        file: Its path, for error messages.

    Returns:
        Class values (y, x).

    Raises:
        WorkbenchError: A pixel has a colour that is no class, such as one blurred by lossy compression.
    """
    import numpy as np

    if raster.pixels.shape[0] not in (3, 4):
        raise WorkbenchError(f"{file} has {raster.pixels.shape[0]} bands; labels of Potsdam are colours in 3 bands.")
    codes = np.array([int(entry.color[1:], 16) for entry in CLASSES], np.uint32)
    order = np.argsort(codes)
    values = np.array(CLASSES.values, np.uint8)[order]
    codes = codes[order]
    rows, cols = raster.grid.shape
    plane = np.zeros((rows, cols), np.uint8)
    for start in range(0, rows, STRIP):
        strip = slice(start, min(start + STRIP, rows))
        red, green, blue = np.asarray(raster.pixels[:, strip, slice(0, cols)])[:3].astype(np.uint32)
        colour = (red << 16) | (green << 8) | blue
        index = np.searchsorted(codes, colour).clip(0, len(codes) - 1)
        wrong = codes[index] != colour
        if wrong.any():
            row, col = (int(places[0]) for places in np.nonzero(wrong))
            found = int(colour[row, col])
            told = ", ".join(f"{tuple(bytes.fromhex(entry.color[1:]))} {entry.name}" for entry in CLASSES)
            raise WorkbenchError(
                f"While reading the labels {file}: the colour {(found >> 16, (found >> 8) & 255, found & 255)} at row "
                f"{start + row}, column {col} is no class (classes: {told}). The file was re-coloured or saved with "
                "losses; unpack it again from 5_Labels_all.zip."
            )
        plane[strip] = values[index]
    return plane


def _bring_in(
    entry: CatalogueEntry, source: Path | None, replace: bool, progress: Progress | None
) -> Union["Scene", "Collection"]:
    from workbench.scenes.catalogue.tileset import Labels, TileModality, import_tiles

    tiles = find_tiles(source, recognise, ("rgbir", "dsm", "label"), WHAT)
    notes = check_counts(tiles, TILES, "Potsdam")
    modalities = {
        "rgb": TileModality(
            "rgbir", bands=4, quantity="digital number", band_names=("red", "green", "blue", "near infrared")
        ),
        "dsm": TileModality("dsm", bands=1, dtype="float32", quantity="elevation", unit="m"),
    }
    return import_tiles(
        entry,
        tiles,
        modalities,
        lambda tile, rasters: Labels(class_colours(rasters["label"], tile.files["label"])),
        CLASSES,
        replace,
        progress,
        notes=(*notes, *NOTES),
    )


ENTRY = CatalogueEntry(
    name="potsdam",
    description="Urban objects of Potsdam at 5 cm: 38 tiles of red, green, blue, infrared and surface height, 6 classes.",
    licence="research use, with acknowledgement of ISPRS and BSF Swissphoto",
    citation="ISPRS 2D semantic labelling benchmark, doi 10.5194/isprsannals-I-3-293-2012",
    how_to_get="The ISPRS benchmark pages of working group II/4 (UrbanSemLab) "
    "name the share at Leibniz University Hannover and its password. Get the archives named below, then run "
    "`workbench import potsdam --from FOLDER`.",
    downloads=(
        Download("", "4_Ortho_RGBIR.zip", "md5:c4a8f7d8c7196dd4eba4addd0aae10c1", unpack=True, note="orthophotos"),
        Download("", "5_Labels_all.zip", None, unpack=True, note="labels of all 38 tiles"),
        Download("", "1_DSM.zip", None, unpack=True, note="surface models, not the normalised ones"),
    ),
    packagings=(
        Packaging(
            name="ISPRS archives",
            files=("top_potsdam_R_C_RGBIR.tif", "top_potsdam_R_C_label.tif", "dsm_potsdam_RR_CC.tif"),
            source="ISPRS",
            note="The surface models are numbered with leading zeros.",
        ),
    ),
    classes=CLASSES,
    bring_in=_bring_in,
)
