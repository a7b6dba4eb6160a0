"""HDF5, by the path of a data set: ``file.h5:group/cube``; through h5py, in windows.

What its attributes say is taken where they follow NetCDF's names; its axes are told by dimension labels and scales, or
declared.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes.readers.arrays import Oriented, choose, damaged, find_axes
from workbench.scenes.readers.cf import WAVELENGTHS, bare_raster
from workbench.scenes.readers.registry import Raster
from workbench.scenes.readers.units import to_nanometres

AXES = True


@contextmanager
def open_raster(path: Path, variable: str | None, axes: str | None = None) -> Iterator[Raster]:
    """Open a data set; see `workbench.scenes.readers.open_raster`."""
    name = choose(path, list_arrays(path), None if variable is None else variable.strip("/"))
    with _open(path) as file:
        data = file[name]
        what = f"{path}: {name!r}"
        attrs = {key: _plain(value) for key, value in data.attrs.items()}
        names = [_label(dim) for dim in data.dims]
        order = find_axes(data.shape, names if any(names) else None, axes, what)
        pixels = Oriented(data, order, path)
        wavelengths, fault = _wavelengths(data, order, path)
        yield bare_raster(pixels, attrs, order, what, wavelengths=wavelengths, wavelength_fault=fault)


def read_numbers(path: Path, variable: str | None) -> NDArray[Any]:
    """All numbers of a data set."""
    if variable is None:
        raise WorkbenchError(f"While reading numbers from {path}: say which array, as {path.name}:PATH.")
    there = list_arrays(path)
    name = variable.strip("/")
    if name not in there or len(there[name][1]) != 1:
        choose(path, there, name)
    with _open(path) as file:
        return np.asarray(file[name][()])


def list_arrays(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of every data set, by its path.

    Raises:
        WorkbenchError: The file is damaged or no HDF5 file.
    """
    import h5py

    found: dict[str, tuple[str, tuple[int, ...]]] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            kind = "complex numbers" if item.dtype.names and set(item.dtype.names) == {"r", "i"} else item.dtype.name
            found[name] = (kind, tuple(item.shape or ()))

    with _open(path) as file:
        try:
            file.visititems(note)
        except (OSError, RuntimeError, KeyError) as error:
            raise damaged(path, error) from error
    return found


def _open(path: Path) -> Any:
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise damaged(path, error) from error


def _label(dim: Any) -> str:
    """Name of a dimension: its label, or that of the scale attached to it."""
    if dim.label:
        return str(dim.label)
    return str(dim[0].name or "").rsplit("/", 1)[-1] if len(dim) else ""


def _wavelengths(data: Any, order: tuple[str, ...], path: Path) -> tuple[tuple[float, ...] | None, str]:
    """Wavelengths in nm of a scale attached to the bands, and why there are none though it holds some."""
    if "band" not in order:
        return None, ""
    dim = data.dims[order.index("band")]
    for scale in (dim[i] for i in range(len(dim))):
        name = str(scale.name or "").rsplit("/", 1)[-1]
        if name.lower() in WAVELENGTHS and scale.dtype.kind in "iuf":
            unit = str(_plain(scale.attrs.get("units", "")))
            found = to_nanometres(np.asarray(scale[()]).tolist(), unit)
            fault = (
                f"While reading wavelengths from {path}: the unit of {name!r} must be nm or um, and {unit or 'none'!r} was "
                "found. Give the wavelengths in nm yourself."
            )
            return found, "" if found is not None else fault
    return None, ""


def _plain(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
