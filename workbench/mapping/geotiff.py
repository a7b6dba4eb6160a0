"""A class map as a Cloud-Optimised GeoTIFF with CRS, class colours and class names."""

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import zarr
from affine import Affine
from rasterio.errors import NotGeoreferencedWarning
from rasterio.shutil import copy as copy_raster

from workbench.base.files import atomic_file
from workbench.mapping.stream import WINDOW, MapResult, windows
from workbench.scenes import Scene


def write_class_map(result: MapResult, scene: Scene, path: Path) -> None:
    """Turn a streamed map into a GeoTIFF that GDAL and QGIS draw in the class colours.

    Band 1 holds class values, 0 is no data, the colour table the scene's class colours, band metadata the class
    names, the overviews the mode. GDAL's COG driver buffers what it writes, so a tiled file is streamed first and
    copied once.

    Args:
        result: The streamed map.
        scene: The mapped tile, whose CRS, transform and class table are used.
        path: Where to write, atomically.

    Raises:
        WorkbenchError: The disk is full.
    """
    classes: Any = zarr.open_array(result.path, mode="r", path="classes")
    top = max(scene.classes.values, default=0)
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
        tempfile.TemporaryDirectory(dir=path.parent) as folder,
        warnings.catch_warnings(),
    ):
        # a scene without georeference gives a map without one; the alignment report of the scene says so
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        plain = Path(folder) / "plain.tif"
        with rasterio.open(plain, "w", **profile) as out:
            out.write_colormap(1, {entry.value: _rgba(entry.color) for entry in scene.classes} | {0: (0, 0, 0, 0)})
            out.update_tags(1, **{f"class_{entry.value}": entry.name for entry in scene.classes})
            out.set_band_description(1, "class")
            for rows, cols in windows(scene.shape, WINDOW):
                block = np.asarray(classes[rows, cols]).astype(kind)
                out.write(block, 1, window=rasterio.windows.Window.from_slices(rows, cols))
        copy_raster(plain, final, driver="COG", compress="deflate", overview_resampling="mode", blocksize=256)


def _rgba(color: str) -> tuple[int, int, int, int]:
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return red, green, blue, 255
