"""A class map as a Cloud-Optimised GeoTIFF with CRS, class colours and class names."""

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import zarr
from affine import Affine
from rasterio._err import CPLE_BaseError
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.shutil import copy as copy_raster

from workbench.base.errors import WorkbenchError
from workbench.base.files import atomic_file
from workbench.mapping.stream import WINDOW, MapResult, windows
from workbench.scenes import ClassTable, Scene


def write_class_map(result: MapResult, scene: Scene, classes: ClassTable, path: Path) -> None:
    """Turn a streamed map into a GeoTIFF that GDAL and QGIS draw in the class colours.

    Band 1 holds class values, 0 is no data, the colour table the class colours, band metadata the class names, the
    overviews the mode. GDAL's COG driver buffers what it writes, so a tiled file is streamed first and copied once.
    What was written is read again: on a full disk GDAL may close a damaged file without an error.

    Args:
        result: The streamed map.
        scene: The mapped tile, whose CRS and transform are used.
        classes: The classes of the network that made the map.
        path: Where to write, atomically.

    Raises:
        WorkbenchError: The map cannot be written whole; most likely the disk is full.
    """
    values: Any = zarr.open_array(result.path, mode="r", path="classes")
    top = max(classes.values, default=0)
    kind = np.uint8 if top <= 255 else np.uint16
    profile = {
        "driver": "GTiff",
        "height": scene.shape[0],
        "width": scene.shape[1],
        "count": 1,
        "dtype": kind,
        "nodata": 0,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "deflate",
        "crs": scene.crs,
        "BIGTIFF": "IF_SAFER",
    }
    if scene.transform is not None:
        profile["transform"] = Affine(*scene.transform)
    with (
        atomic_file(path, "writing a class map") as final,
        tempfile.NamedTemporaryFile(prefix=f".{path.stem[:40]}.", suffix=".tif", dir=path.parent) as plain,
        warnings.catch_warnings(),
    ):
        # a scene without georeference gives a map without one; the alignment report of the scene says so
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            with rasterio.open(plain.name, "w", **profile) as out:
                out.write_colormap(1, {entry.value: _rgba(entry.color) for entry in classes} | {0: (0, 0, 0, 0)})
                out.update_tags(1, **{f"class_{entry.value}": entry.name for entry in classes})
                out.set_band_description(1, "class")
                for rows, cols in windows(scene.shape, WINDOW):
                    out.write(np.asarray(values[rows, cols]).astype(kind), 1, window=_window(rows, cols))
            copy_raster(plain.name, final, driver="COG", compress="deflate", overview_resampling="mode", blocksize=256)
            with rasterio.open(final) as raster:
                whole = all(
                    np.array_equal(raster.read(1, window=_window(rows, cols)), values[rows, cols])
                    for rows, cols in windows(scene.shape, WINDOW)
                )
        except (RasterioError, CPLE_BaseError) as error:
            raise WorkbenchError(f"{_unwritten(path)} GDAL says: {error}") from error
        if not whole:
            raise WorkbenchError(_unwritten(path))


def _window(rows: slice, cols: slice) -> Any:
    return rasterio.windows.Window.from_slices(rows, cols)


def _unwritten(path: Path) -> str:
    return (
        f"The class map {path} could not be written whole; most likely the disk is full. Nothing was left half-written; "
        "free some space and run the same command again."
    )


def _rgba(color: str) -> tuple[int, int, int, int]:
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return red, green, blue, 255
