"""Which reader opens which suffix, and what every reader returns."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes.draft import ArrayLike
from workbench.scenes.grid import Grid

READERS = {".tif": "geotiff", ".tiff": "geotiff", ".mat": "matlab"}
"""Suffix to module of this package. A module has ``open_raster(path, variable)``, a context manager of a `Raster`."""

VARIABLES = {".mat"}
"""Suffixes of files that hold several arrays, chosen as ``file.mat:variable``."""


@dataclass(frozen=True)
class Raster:
    """A raster file as its reader found it: nothing here is guessed.

    Args:
        pixels: Stored values (band, y, x), read in windows when asked.
        grid: Size and georeference.
        nodata: Stored value that means no-data.
        scale: Factor from stored to physical values.
        offset: Added after scaling.
        unit: Unit of the physical values, empty where the file does not say.
        wavelengths: Band centres in nm, None where the file does not say.
        fwhm: Band widths in nm, None where the file does not say.
        band_names: Band names, None where the file does not say.
        date: When it was measured, None where the file does not say.
    """

    pixels: ArrayLike
    grid: Grid
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    wavelengths: tuple[float, ...] | None = None
    fwhm: tuple[float, ...] | None = None
    band_names: tuple[str, ...] | None = None
    date: str | None = None


def open_raster(source: str | Path) -> AbstractContextManager[Raster]:
    """Open a raster file.

    Args:
        source: Path; of a file with several arrays, ``path:variable``.

    Returns:
        A context manager of the `Raster`, whose pixels can be read inside it.

    Raises:
        WorkbenchError: The file is missing, truncated, or of a kind that no reader knows.
    """
    path, variable = split_variable(source)
    if path.suffix.lower() not in READERS:
        raise WorkbenchError(
            f"While opening {path}: no reader knows the suffix {path.suffix!r}. "
            f"Rasters are read from {', '.join(sorted(READERS))}."
        )
    if not path.is_file():
        raise WorkbenchError(f"While opening {path}: the file is missing. Check the path.")
    reader: Callable[[Path, str | None], AbstractContextManager[Raster]] = _module(path).open_raster
    return reader(path, variable)


def read_vector(source: str | Path) -> NDArray[np.float64]:
    """Read a list of numbers, such as band centres: a variable of a file, or a text file of one number a line.

    Raises:
        WorkbenchError: The file is missing or holds no list of numbers.
    """
    path = split_variable(source)[0]
    if not path.is_file():
        raise WorkbenchError(f"While reading a list of numbers from {path}: the file is missing. Check the path.")
    if path.suffix.lower() in VARIABLES:
        with open_raster(source) as raster:
            rows, cols = raster.grid.shape
            values = np.asarray(raster.pixels[:, slice(0, rows), slice(0, cols)]).ravel()
    else:
        try:
            values = np.loadtxt(path, delimiter=",", ndmin=1).ravel()
        except (ValueError, UnicodeDecodeError) as error:
            raise WorkbenchError(f"{path} holds no list of numbers: {error}. Write one number a line.") from error
    return np.asarray(values, np.float64)


def split_variable(source: str | Path) -> tuple[Path, str | None]:
    """Path and variable of ``path:variable``; other colons, such as a drive's, stay in the path."""
    text = str(source)
    head, colon, tail = text.rpartition(":")
    if colon and tail and Path(head).suffix.lower() in VARIABLES:
        return Path(head).expanduser(), tail
    return Path(text).expanduser(), None


def _module(path: Path) -> Any:
    return import_module(f"workbench.scenes.readers.{READERS[path.suffix.lower()]}")
