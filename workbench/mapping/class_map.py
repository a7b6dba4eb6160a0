"""A class map in a file, of a run or of anyone, read strip by strip."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes.classes import HIGHEST, ClassEntry, ClassTable, default_color
from workbench.scenes.grid import Grid

STRIP = 256
"""Rows read at a time: memory grows with the width of a map only."""

MOST = 1000
"""More values than these are hardly classes."""


@dataclass(frozen=True)
class ClassMap:
    """A raster of class values; 0 and the file's own no-data value are no data.

    Attributes:
        path: The file.
        grid: Where its pixels lie.
        nodata: The file's no-data value, 0 where it names none.
        names: Class names that the file tells, by value.
        colors: Class colours that the file tells, by value.
    """

    path: Path
    grid: Grid
    nodata: int
    names: dict[int, str]
    colors: dict[int, str]

    @property
    def pixel_area(self) -> float | None:
        """Area of a pixel in square metres of the map's projection; None where the CRS has no metres."""
        from rasterio.crs import CRS

        if self.grid.transform is None or self.grid.crs is None:
            return None
        crs = CRS.from_user_input(self.grid.crs)
        if not crs.is_projected:
            return None
        a, b, _, d, e, _ = self.grid.transform
        return abs(a * e - b * d) * float(crs.linear_units_factor[1]) ** 2

    def strips(self) -> Iterator[tuple[int, NDArray[np.uint16]]]:
        """First row and class values (rows, cols) of each strip, from the top; no data is 0.

        Raises:
            WorkbenchError: The file is damaged, or holds values that are no classes.
        """
        import rasterio
        from rasterio.windows import Window

        rows, cols = self.grid.shape
        with _opened(self.path) as raster:
            for top in range(0, rows, STRIP):
                try:
                    values = raster.read(1, window=Window(0, top, cols, min(STRIP, rows - top)))
                except rasterio.RasterioIOError as error:
                    raise WorkbenchError(
                        f"While reading the class map {self.path}: it is damaged ({error})."
                    ) from error
                values = np.where(values == self.nodata, 0, values)
                if values.min() < 0 or values.max() > HIGHEST:
                    raise WorkbenchError(
                        f"While reading the class map {self.path}: values go from {values.min()} to {values.max()}; "
                        f"classes are 1 to {HIGHEST}, 0 is no data."
                    )
                yield top, values.astype(np.uint16)

    def survey(self) -> tuple[dict[int, int], str]:
        """Pixels of each class that the map shows, by value, and a hash of values and grid.

        The hash is of what the map says, not of the file: it stays the same when overviews or tags are added.

        Raises:
            WorkbenchError: As `strips`, or there are too many values for a map of classes.
        """
        header = f"class map;{self.grid.shape};{self.grid.transform};"
        digest = hashlib.sha256(header.encode())
        counts = np.zeros(HIGHEST + 1, np.int64)
        for _, values in self.strips():
            digest.update(values.astype("<u2").tobytes())
            counts += np.bincount(values.ravel(), minlength=len(counts))
        shown = {int(value): int(counts[value]) for value in np.flatnonzero(counts) if value}
        if len(shown) > MOST:
            raise WorkbenchError(f"{self.path} holds {len(shown)} different values; is it a map of classes?")
        return shown, digest.hexdigest()

    def classes(self, shown: dict[int, int]) -> ClassTable:
        """The classes that the file names and those it shows; without a name they are ``class 3``.

        Args:
            shown: Pixels of each class, of `survey`.
        """
        values = sorted({*self.names, *shown})
        return ClassTable(
            ClassEntry(value, self.names.get(value, f"class {value}"), self.colors.get(value, default_color(place)))
            for place, value in enumerate(values, start=1)
        )


def open_class_map(path: Path) -> ClassMap:
    """Open a GeoTIFF, or any raster that GDAL reads, whose first band holds class values.

    Raises:
        WorkbenchError: The file is missing or no raster, or its first band does not hold whole numbers.
    """
    with _opened(path) as raster:
        if np.dtype(raster.dtypes[0]).kind not in "iu":
            raise WorkbenchError(
                f"While opening the class map {path}: its first band holds {raster.dtypes[0]}; class values are whole "
                "numbers. Is it a map of classes?"
            )
        placed = raster.crs is not None or not raster.transform.is_identity
        transform = tuple(float(part) for part in raster.transform[:6]) if placed else None
        tags = {key.removeprefix("class_"): name for key, name in raster.tags(1).items() if key.startswith("class_")}
        try:
            colormap = raster.colormap(1)
        except ValueError:  # it has none
            colormap = {}
        nodata = raster.nodata
        return ClassMap(
            path=path,
            grid=Grid(raster.shape, transform, raster.crs.to_wkt() if raster.crs else None),  # type: ignore[arg-type]
            nodata=int(nodata) if nodata is not None and np.isfinite(nodata) else 0,
            names={int(value): name for value, name in tags.items() if value.isdecimal() and int(value)},
            colors={value: f"#{red:02x}{green:02x}{blue:02x}" for value, (red, green, blue, _) in colormap.items()},
        )


def _opened(path: Path) -> Any:
    import warnings

    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    if not path.is_file():
        raise WorkbenchError(f"While opening the class map {path}: the file is missing. Check the path.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a map without georeference has rows and columns
            return rasterio.open(path)
    except rasterio.RasterioIOError as error:
        raise WorkbenchError(f"While opening the class map {path}: it is no raster, or damaged ({error}).") from error
