"""MATLAB files: version 5 through scipy, version 7.3 (HDF5, whose axes are reversed) through h5py.

A variable may be a path into structures and cells, counted from 0: ``hsi.Data``, ``hsi.Lidar[0].z``.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes.grid import Grid
from workbench.scenes.readers.arrays import Oriented, check_real, choose, damaged, find_axes
from workbench.scenes.readers.registry import Raster

AXES = True
STEP = re.compile(r"\.?([A-Za-z]\w*)|\[(\d+)\]")
SHOWN = ("y", "x", "band")


@contextmanager
def open_raster(path: Path, variable: str | None, axes: str | None = None) -> Iterator[Raster]:
    """Open an array of rows x columns (x bands); see `workbench.scenes.readers.open_raster`.

    Version 5 arrays are loaded whole; version 7.3 arrays are read in windows. `axes` are in the order in which MATLAB
    shows them.
    """
    import h5py

    if not h5py.is_hdf5(path):
        there = _listed(path)
        array = _load(path, variable if _is_path(variable) else choose(path, there, variable))
        yield _raster(array, path, variable, axes, reverse=False)
        return
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise damaged(path, error) from error
    with file:
        if _is_path(variable):
            item = _walk(file, str(variable), path, _step_hdf5)
        else:
            there = {
                name: (_kind(item), tuple(reversed(getattr(item, "shape", ()))))
                for name, item in file.items()
                if name[0] != "#"
            }
            item = file[choose(path, there, variable)]
        yield _raster(item, path, variable, axes, reverse=True)


def read_numbers(path: Path, variable: str | None) -> NDArray[Any]:
    """All numbers of a variable."""
    with open_raster(path, variable) as raster:
        rows, cols = raster.grid.shape
        return np.asarray(raster.pixels[:, slice(0, rows), slice(0, cols)]).ravel()


def _raster(item: Any, path: Path, variable: str | None, declared: str | None, reverse: bool) -> Raster:
    """The raster of an array in NumPy's or, reversed, in HDF5's order of axes."""
    what = f"{path}: {variable or 'the array'!r}"
    kind = _kind(item)
    check_real(kind, what)
    shape = tuple(item.shape[::-1] if reverse else item.shape)
    if len(shape) == 1:  # written by another program than MATLAB, which has no such thing
        shown: tuple[str, ...] = ("y",)
        item, shape = np.asarray(item)[:, None], (shape[0], 1)
        reverse = False
    if len(shape) not in (2, 3) or 0 in shape or "MATLAB_empty" in getattr(item, "attrs", {}):
        raise WorkbenchError(
            f"While opening {what} holds an array of shape {shape}; real numbers of rows x columns (x bands) are needed."
        )
    shown = SHOWN[: len(shape)] if declared is None else find_axes(shape, None, declared, what)
    pixels = Oriented(item, shown[::-1] if reverse else shown, path)
    return Raster(pixels=pixels, grid=Grid(pixels.shape[1:]), axes=shown)


def _listed(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    from scipy.io import whosmat

    try:
        return {name: (kind, shape) for name, shape, kind in whosmat(path)}
    except Exception as error:  # a damaged file makes scipy raise almost anything
        raise damaged(path, error) from error


def _load(path: Path, variable: str | None) -> Any:
    """An array of a version 5 file; structures become objects with fields, cells arrays of objects."""
    from scipy.io import loadmat

    root = re.split(r"[.\[]", str(variable), maxsplit=1)[0]
    if root not in (there := _listed(path)):
        raise UnknownNameError(f"variable of {path.name}", root, there)
    try:
        loaded = loadmat(path, variable_names=[root], struct_as_record=False)
    except Exception as error:
        raise damaged(path, error) from error
    return _walk(loaded, str(variable), path, _step_v5)


def _is_path(variable: str | None) -> bool:
    return variable is not None and ("." in variable or "[" in variable)


def _walk(item: Any, variable: str, path: Path, step: Any) -> Any:
    """Follow ``a.b[0].c`` from the file's root."""
    if "".join(match[0] for match in STEP.finditer(variable)) != variable:
        raise WorkbenchError(
            f"While opening {path}: {variable!r} is no path into its variables. Write fields as hsi.Data and cells, "
            "counted from 0, as hsi.Lidar[0].z."
        )
    done = ""
    for match in STEP.finditer(variable):
        item = step(item, match[1], None if match[2] is None else int(match[2]), path, done)
        done += match[0]
    return item


def _step_v5(item: Any, field: str | None, index: int | None, path: Path, done: str) -> Any:
    if isinstance(item, np.ndarray) and item.dtype == object and (field is not None or index is not None):
        if field is not None and item.size != 1:
            raise _several(path, done, item.size)
        place = 0 if index is None else index
        if place >= item.size:
            raise _several(path, done, item.size)
        item = item.ravel(order="F")[place]
        if index is not None:
            return item
    if field is None:
        if index == 0:  # the only element of what is no cell
            return item
        raise _several(path, done, 1)
    fields = item.keys() if isinstance(item, dict) else getattr(item, "_fieldnames", [])
    if field not in fields:
        raise UnknownNameError(f"field of {done or path.name}", field, fields)
    return item[field] if isinstance(item, dict) else getattr(item, field)


def _step_hdf5(item: Any, field: str | None, index: int | None, path: Path, done: str) -> Any:
    import h5py

    references = isinstance(item, h5py.Dataset) and item.dtype == h5py.ref_dtype
    if references:
        cells = np.asarray(item[()]).ravel()  # HDF5 has the axes reversed, so this is MATLAB's order
        place = 0 if index is None else index
        if place >= cells.size or (index is None and cells.size != 1):
            raise _several(path, done, cells.size)
        item = item.file[cells[place]]
        if index is not None:
            return item
    if isinstance(item, dict):  # one element of an array of structures
        if field not in item:
            raise UnknownNameError(f"field of {done}", str(field), item)
        return item[field]
    if field is None:
        return item if index == 0 and not _is_structures(item) else _element(item, index, path, done)
    fields = [name for name in item if name[0] != "#"] if isinstance(item, h5py.Group) else []
    if field not in fields:
        raise UnknownNameError(f"field of {done or path.name}", field, fields)
    return item[field]


def _is_structures(item: Any) -> bool:
    """Whether a group holds an array of structures: references in every field, which are no cells."""
    import h5py

    return isinstance(item, h5py.Group) and all(
        isinstance(data, h5py.Dataset) and data.dtype == h5py.ref_dtype and "MATLAB_class" not in data.attrs
        for data in item.values()
    )


def _element(item: Any, index: int | None, path: Path, done: str) -> dict[str, Any]:
    """One element of an array of structures, whose fields are arrays of references."""
    import h5py

    fields = {name: data for name, data in item.items() if isinstance(data, h5py.Dataset)}
    sizes = {data.size for data in fields.values() if data.dtype == h5py.ref_dtype}
    if index is None or len(sizes) != 1 or index >= next(iter(sizes)):
        raise _several(path, done, next(iter(sizes), 1))
    return {name: item.file[np.asarray(data[()]).ravel()[index]] for name, data in fields.items()}


def _several(path: Path, done: str, size: int) -> WorkbenchError:
    return WorkbenchError(
        f"While opening {path}: {done!r} has {size} element{'s' if size != 1 else ''}. Say which one, counted from 0, "
        f"as {done}[0]."
    )


def _kind(data: Any) -> str:
    """MATLAB's class of an array of either version, or what it is in words."""
    dtype = getattr(data, "dtype", None)
    if dtype is None or data.__class__.__name__ == "Group":
        return "struct"
    if dtype.names:
        return "complex"
    told = data.attrs.get("MATLAB_class", b"") if hasattr(data, "attrs") else b""
    name = told.decode() if isinstance(told, bytes) else str(told)
    if name:
        return name
    if dtype.kind == "O":  # of scipy: a cell or a structure
        return "struct" if hasattr(data, "flat") and data.size and hasattr(data.flat[0], "_fieldnames") else "cell"
    return "text" if dtype.kind in "US" else str(dtype.name)
