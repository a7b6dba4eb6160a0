"""MATLAB files: version 5 through scipy, version 7.3 (HDF5, whose axes are transposed) through h5py."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes.grid import Grid
from workbench.scenes.readers.registry import Raster

NUMBERS = {"double", "single", "logical", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}


@contextmanager
def open_raster(path: Path, variable: str | None) -> Iterator[Raster]:
    """Open an array of rows x columns (x bands); see `workbench.scenes.readers.open_raster`.

    Version 5 arrays are loaded whole; version 7.3 arrays are read in windows.
    """
    import h5py

    if not h5py.is_hdf5(path):
        yield _raster(_load(path, _choose(path, _listed(path), variable)))
        return
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise _damaged(path, error) from error
    with file:
        shapes = {
            name: (_kind(item), tuple(reversed(item.shape)))
            for name, item in file.items()
            if isinstance(item, h5py.Dataset)
        }
        shapes |= {
            name: ("struct", ()) for name, item in file.items() if isinstance(item, h5py.Group) and name[0] != "#"
        }
        yield _raster(_Transposed(file[_choose(path, shapes, variable)], path))


class _Transposed:
    """Windows of a version 7.3 array, whose file holds (bands, columns, rows).

    Args:
        data: The open HDF5 dataset, of two or three axes.
        path: For error messages.
    """

    def __init__(self, data: Any, path: Path) -> None:
        self._data, self._path = data, path
        bands = data.shape[0] if len(data.shape) == 3 else 1
        self.shape: tuple[int, int, int] = (bands, data.shape[-1], data.shape[-2])
        self.dtype: np.dtype[Any] = data.dtype

    def __getitem__(self, key: Any) -> NDArray[Any]:
        _, rows, cols = key
        try:
            window = self._data[..., cols, rows]
        except OSError as error:
            raise _damaged(self._path, error) from error
        return np.asarray(window).reshape(self.shape[0], *window.shape[-2:]).swapaxes(1, 2)


def _raster(pixels: Any) -> Raster:
    return Raster(pixels=pixels, grid=Grid((pixels.shape[1], pixels.shape[2])))


def _listed(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    from scipy.io import whosmat

    try:
        return {name: (kind, shape) for name, shape, kind in whosmat(path)}
    except Exception as error:  # a damaged file makes scipy raise almost anything
        raise _damaged(path, error) from error


def _load(path: Path, variable: str) -> NDArray[Any]:
    from scipy.io import loadmat

    try:
        array = np.asarray(loadmat(path, variable_names=[variable])[variable])
    except Exception as error:
        raise _damaged(path, error) from error
    if array.dtype.kind not in "iufb":
        _refuse(path, variable, "complex numbers" if array.dtype.kind == "c" else f"{array.dtype} values")
    plane = array if array.ndim == 3 else array[:, :, None]
    return np.moveaxis(plane.view(np.uint8) if plane.dtype == bool else plane, 2, 0)


def _choose(path: Path, shapes: dict[str, tuple[str, tuple[int, ...]]], variable: str | None) -> str:
    """The variable asked for, or the only one that can be a raster."""
    if variable is not None:
        if variable not in shapes:
            raise UnknownNameError(f"variable of {path.name}", variable, shapes)
        kind, shape = shapes[variable]
        if kind not in NUMBERS:
            _refuse(path, variable, f"{kind} values")
        if len(shape) not in (2, 3) or 0 in shape:
            _refuse(path, variable, f"an array of shape {shape}")
        return variable
    fits = [name for name, (kind, shape) in shapes.items() if kind in NUMBERS and _is_raster(shape)]
    if len(fits) == 1:
        return fits[0]
    there = ", ".join(f"{name} ({kind}, {' x '.join(map(str, shape))})" for name, (kind, shape) in shapes.items())
    raise WorkbenchError(
        f"While opening {path}: it holds {'several arrays' if fits else 'no raster'}: {there or 'nothing'}. "
        f"Say which one, as {path.name}:VARIABLE."
    )


def _is_raster(shape: tuple[int, ...]) -> bool:
    return len(shape) in (2, 3) and min(shape[:2]) > 1


def _kind(data: Any) -> str:
    told = data.attrs.get("MATLAB_class", b"")
    name = told.decode() if isinstance(told, bytes) else str(told)
    if data.dtype.names:
        return "complex"
    if name:
        return name
    return {"f8": "double", "f4": "single"}.get(data.dtype.str[1:], str(data.dtype.name))


def _refuse(path: Path, variable: str, what: str) -> NoReturn:
    raise WorkbenchError(
        f"While opening {path}: {variable!r} holds {what}; real numbers of rows x columns (x bands) are needed."
    )


def _damaged(path: Path, error: Exception) -> WorkbenchError:
    return WorkbenchError(
        f"While reading {path}: the file is truncated, damaged or no MATLAB file ({type(error).__name__}: {error}). "
        "Copy or download it again."
    )
