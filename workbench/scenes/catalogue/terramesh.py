"""TerraMesh samples: chips of Sentinel-2, Sentinel-1, elevation and a land cover map, each in its own UTM zone.

The labels are a map made from Sentinel-2 itself: a score on them is agreement with that map.
"""

from dataclasses import replace as replace_field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Union

from workbench.scenes.catalogue.entry import CatalogueEntry, Download, Packaging, Progress
from workbench.scenes.catalogue.tiles import Found, find_tiles
from workbench.scenes.classes import ClassEntry, ClassTable, default_color

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from workbench.scenes.catalogue.tiles import TileFiles
    from workbench.scenes.draft import ArrayLike
    from workbench.scenes.readers import Raster
    from workbench.scenes.scene import Collection, Scene

PARTS = {"S2L2A": "s2", "S1RTC": "s1", "DEM": "dem", "LULC": "lulc"}
NAMES = (
    "water", "trees", "flooded vegetation", "crops", "built area", "bare ground", "snow or ice", "clouds", "rangeland"
)  # fmt: skip
CLASSES = ClassTable(ClassEntry(value, name, default_color(value)) for value, name in enumerate(NAMES, 1))
LOOK_UP = {value: value for value in range(len(NAMES) + 1)}
LABELS_ARE = "a map product (Esri land cover, derived from Sentinel-2 itself)"

OFFSET = 1000
"""What Sentinel-2 products add to reflectance x 10000 since processing baseline 04.00, older scenes processed anew included."""
FLOOR = 950
"""With the offset, hardly a value lies below: only noise of dark water does."""
FEW = 1e-3
DARK_ENOUGH = 2000
SWIR = (10, 11)
"""Bands 11 and 12 among the 12 of level 2A: water, shadow and snow are dark there."""

WHAT = "the TerraMesh chips (S2L2A/*.tif, S1RTC/*.tif, DEM/*.tif and LULC/*.tif of the same names)"
NOTE = "Labels are a map product derived from Sentinel-2 itself: scores are agreement with the map, not accuracy."
SAMPLES = "https://raw.githubusercontent.com/IBM/terramind/refs/heads/main/examples"
CHIPS = ("38D_378R_2_3", "282D_485L_3_3", "433D_629L_3_1", "609U_541L_3_0", "637U_59R_1_3")


def recognise(path: PurePosixPath) -> Found | None:
    """A chip's file: the folder says the raster."""
    part = PARTS.get(path.parent.name)
    return None if part is None else Found(part, path.stem)


def has_offset(values: "NDArray[np.integer[Any]]") -> bool | None:
    """Whether the processing offset of 1000 is still in a chip's numbers.

    Surfaces that are dark in the short-wave infrared (water, shadow, snow) stand near 0 without the offset and near
    1000 with it. Files do not say it, so that numbers must.

    Args:
        values: Level 2A numbers (12, rows, cols).

    Returns:
        None where nothing in the chip is dark, such as under dense cloud: then it cannot be told.
    """
    import numpy as np

    measured = values[:, (values > 0).all(0)]
    if np.mean(measured < FLOOR) > FEW / 12 or np.mean(measured < OFFSET) > FEW:
        return False
    return True if measured.size and int(measured[list(SWIR)].min()) <= DARK_ENOUGH else None


class _Lowered:
    """Stored numbers less a constant."""

    def __init__(self, pixels: "ArrayLike", by: int) -> None:
        self._pixels, self._by = pixels, by
        self.shape, self.dtype = tuple(pixels.shape), pixels.dtype

    def __getitem__(self, key: Any) -> "NDArray[Any]":
        import numpy as np

        return (np.asarray(self._pixels[key]).astype(np.int32) - self._by).astype(self.dtype)


def remove_offset(tile: "TileFiles", rasters: dict[str, "Raster"]) -> tuple[dict[str, "Raster"], list[str]]:
    """Take the processing offset out of a chip that still has it, and say so."""
    import numpy as np

    raster = rasters["s2"]
    bands, rows, cols = raster.pixels.shape
    if bands != 12 or np.dtype(raster.pixels.dtype).kind not in "iu":
        return rasters, []  # refused where it is described
    values = np.asarray(raster.pixels[:, slice(0, rows), slice(0, cols)])
    found = has_offset(values)
    if found is None:
        return rasters, [f"{tile.name}: nothing is dark, so whether an offset of 1000 is in the numbers is unknown"]
    if not found or np.dtype(raster.pixels.dtype).kind == "u":
        return rasters, [] if not found else [f"{tile.name}: an offset of 1000 is in the numbers and was left there"]
    lowered = replace_field(raster, pixels=_Lowered(raster.pixels, OFFSET))
    told = (
        f"{tile.name}: the processing offset of 1000 (baseline 04.00) was still in all 12 Sentinel-2 bands (smallest value "
        f"{int(values.min())}, darkest short-wave infrared {int(values[list(SWIR)].min())}); it was subtracted"
    )
    return {**rasters, "s2": lowered}, [told]


def _bring_in(
    entry: CatalogueEntry, source: Path | None, replace: bool, progress: Progress | None
) -> Union["Scene", "Collection"]:
    from workbench.scenes.catalogue import sentinel2
    from workbench.scenes.catalogue.tileset import Labels, TileModality, import_tiles, look_up

    tiles = find_tiles(source, recognise, PARTS.values(), WHAT)
    modalities = {
        "msi": TileModality("s2", bands=12, quantity="reflectance", scale=1e-4, **sentinel2.bands("B10")),  # type: ignore[arg-type]
        "sar": TileModality(
            "s1", bands=2, dtype="float32", quantity="backscatter dB", unit="dB", band_names=("VV", "VH")
        ),
        "dem": TileModality("dem", bands=1, quantity="elevation", unit="m"),
    }
    return import_tiles(
        entry,
        tiles,
        modalities,
        lambda tile, rasters: Labels(look_up(rasters["lulc"], LOOK_UP, tile.files["lulc"])),
        CLASSES,
        replace,
        progress,
        notes=(NOTE, sentinel2.NOTE),
        attrs={"labels_are": LABELS_ARE, "note": NOTE},
        adjust=remove_offset,
    )


ENTRY = CatalogueEntry(
    name="terramesh",
    description="Sample chips of TerraMesh: Sentinel-2, Sentinel-1, elevation, and a land cover map in place of labels.",
    licence="CC BY-SA 4.0",
    citation="Blumenstiel et al., TerraMesh: A Planetary Mosaic of Multimodal Earth Observation Data, 2025",
    how_to_get="`workbench fetch terramesh` downloads five chips (examples of the "
    "TerraMind repository on GitHub); then run `workbench import terramesh --from FOLDER`, with a folder that holds "
    "S2L2A, S1RTC, DEM and LULC. Any number of chips will do.",
    downloads=tuple(
        Download(f"{SAMPLES}/{folder}/{chip}.tif", f"{folder}/{chip}.tif") for folder in PARTS for chip in CHIPS
    ),
    packagings=(
        Packaging(
            name="sample chips",
            files=tuple(f"{folder}/*.tif" for folder in PARTS),
            source="TerraMind examples, GitHub",
            note="Shards of the whole set (tar files of Zarr) are not read.",
        ),
    ),
    classes=CLASSES,
    bring_in=_bring_in,
)
