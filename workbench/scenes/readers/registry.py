"""Which reader opens which file, and what every reader returns."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes.draft import ArrayLike
from workbench.scenes.grid import Grid
from workbench.scenes.modality import Quantity

READERS = {
    ".tif": "geotiff", ".tiff": "geotiff", ".mat": "matlab", ".hdr": "envi", ".nc": "netcdf", ".nc4": "netcdf",
    ".h5": "hdf5", ".hdf5": "hdf5", ".he5": "hdf5", ".zarr": "zarr_store", ".npy": "npy", ".npz": "npy",
}  # fmt: skip
"""Suffix to module of this package; whatever has an ENVI header beside it is ENVI.

A module has ``open_raster(path, variable, axes)``, a context manager of a `Raster`.
"""

VARIABLES = {".mat", ".nc", ".nc4", ".h5", ".hdf5", ".he5", ".zarr", ".npz"}
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
        quantity: What the physical values are, where the file says.
        unit: Unit of the physical values, empty where the file does not say.
        wavelengths: Band centres in nm, None where the file does not say.
        wavelength_fault: Why wavelengths that the file holds cannot be used, with what to do; empty if there is none.
        fwhm: Band widths in nm, None where the file does not say.
        band_names: Band names, None where the file does not say.
        bad_bands: Bands, counted from 0, that the file marks as bad.
        date: When it was measured, None where the file does not say.
        class_names: Names by value where the file is a map of classes and says them.
        axes: What the stored axes are, in their order, where the format leaves that open: ``("y", "x", "band")``.
    """

    pixels: ArrayLike
    grid: Grid
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    quantity: Quantity = "unknown"
    unit: str = ""
    wavelengths: tuple[float, ...] | None = None
    wavelength_fault: str = ""
    fwhm: tuple[float, ...] | None = None
    band_names: tuple[str, ...] | None = None
    bad_bands: tuple[int, ...] = ()
    date: str | None = None
    class_names: Mapping[int, str] | None = None
    axes: tuple[str, ...] = ()


def open_raster(
    source: str | Path, axes: str | None = None, expected_shape: tuple[int, int] | None = None
) -> AbstractContextManager[Raster]:
    """Open a raster file.

    Args:
        source: Path; of a file with several arrays, ``path:variable``.
        axes: What the stored axes are, such as ``"band,y,x"``, where the file does not say.
        expected_shape: Rows and columns that it must have.

    Returns:
        A context manager of the `Raster`, whose pixels can be read inside it.

    Raises:
        WorkbenchError: The file is missing, truncated, of a kind that no reader knows, or of another size than
            expected.
    """
    path, variable = split_variable(source)
    module = _module(path)
    if axes is not None and not hasattr(module, "AXES"):
        raise WorkbenchError(f"While opening {path}: its format fixes the axes; leave axes={axes!r} out.")
    return _opened(module.open_raster(path, variable, axes), path, str(source), expected_shape)


@contextmanager
def _opened(
    opening: AbstractContextManager[Raster], path: Path, where: str, expected: tuple[int, int] | None
) -> Iterator[Raster]:
    from workbench.scenes.readers.arrays import check_shape

    with ExitStack() as stack:
        with _explained(path):
            raster = stack.enter_context(opening)
        if expected is not None:
            check_shape(raster.pixels.shape, raster.axes, expected, where)
        yield raster


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say which file is damaged: the libraries behind the readers raise almost anything on flipped or missing bytes."""
    from workbench.scenes.readers.arrays import damaged

    try:
        yield
    except (WorkbenchError, ImportError, MemoryError):
        raise
    except Exception as error:
        raise damaged(path, error) from error


def read_vector(source: str | Path) -> NDArray[np.float64]:
    """Read a list of numbers, such as band centres in nm.

    Args:
        source: A variable of a file, an ENVI header (its wavelengths), or a text file of one number a line.

    Raises:
        WorkbenchError: The file is missing or holds no list of numbers.
    """
    path, variable = split_variable(source)
    if not path.exists():
        raise WorkbenchError(f"While reading a list of numbers from {path}: the file is missing. Check the path.")
    if path.suffix.lower() in READERS:
        module = _module(path)
        if not hasattr(module, "read_numbers"):
            raise WorkbenchError(f"While reading a list of numbers from {path}: it is a raster. Give a text file.")
        with _explained(path):
            values = module.read_numbers(path, variable)
    else:
        try:
            values = np.loadtxt(path, delimiter=",", ndmin=1).ravel()
        except (ValueError, UnicodeDecodeError) as error:
            raise WorkbenchError(f"{path} holds no list of numbers: {error}. Write one number a line.") from error
    return np.asarray(values, np.float64).ravel()


def split_variable(source: str | Path) -> tuple[Path, str | None]:
    """Path and variable of ``path:variable``; other colons, such as a drive's, stay in the path."""
    text = str(source)
    head, colon, tail = text.rpartition(":")
    if colon and tail and Path(head).suffix.lower() in VARIABLES:
        return Path(head).expanduser(), tail
    return Path(text).expanduser(), None


def _module(path: Path) -> Any:
    """The module that reads `path`, which must be there."""
    from workbench.scenes.readers.envi import header_of

    name = READERS.get(path.suffix.lower())
    if name is None and header_of(path) is not None:
        name = "envi"
    if name is None:
        raise WorkbenchError(
            f"While opening {path}: no reader knows the suffix {path.suffix!r}, and no ENVI header ({path.stem}.hdr) "
            f"lies beside it. Rasters are read from {', '.join(sorted(READERS))} and ENVI files of any suffix."
        )
    if not (path.is_dir() if name == "zarr_store" else path.is_file()):
        raise WorkbenchError(
            f"While opening {path}: the {'store' if name == 'zarr_store' else 'file'} is missing. Check the path."
        )
    return import_module(f"workbench.scenes.readers.{name}")
