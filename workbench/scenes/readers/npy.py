"""NumPy's ``.npy`` (mapped, read in windows) and ``.npz`` (unpacked to a temporary file first); nothing is unpickled."""

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import MAGIC_PREFIX
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes.grid import Grid
from workbench.scenes.readers.arrays import Oriented, check_real, choose, damaged, find_axes
from workbench.scenes.readers.registry import Raster

AXES = True
PICKLE = b"\x80"  # how pickles begin


@contextmanager
def open_raster(path: Path, variable: str | None, axes: str | None = None) -> Iterator[Raster]:
    """Open an array, whose axes must be declared if there are three; see `workbench.scenes.readers.open_raster`."""
    with _unpacked(path, variable) as (file, name):
        data = _Mapped(file, path)
        check_real(data.dtype.name, f"{path}: {name!r}" if name else f"{path}: it")
        order = find_axes(data.shape, None, axes, f"{path}: {name!r}" if name else str(path))
        pixels = Oriented(data, order, path)
        yield Raster(pixels=pixels, grid=Grid(pixels.shape[1:]), axes=order)


def read_numbers(path: Path, variable: str | None) -> NDArray[Any]:
    """All numbers of an array."""
    with _unpacked(path, variable) as (file, name):
        data = _Mapped(file, path)
        check_real(data.dtype.name, f"{path}: {name or 'it'!r}")
        return np.array(data[...])


class _Mapped:
    """An array on disk, mapped anew for each window: pages of a mapping that stays count as this process's memory."""

    def __init__(self, file: Path, path: Path) -> None:
        mapped = _load(file, path)
        self._file, self._offset = file, mapped.offset
        self._order = "F" if mapped.flags.f_contiguous and not mapped.flags.c_contiguous else "C"
        self.shape, self.dtype = mapped.shape, mapped.dtype

    def __getitem__(self, key: Any) -> NDArray[Any]:
        mapped = np.memmap(self._file, self.dtype, "r", self._offset, self.shape, self._order)  # type: ignore[call-overload]
        return np.array(mapped[key])


def _load(file: Path, path: Path) -> Any:
    try:
        loaded = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        begins = _begins(file)
        if begins and not begins.startswith((MAGIC_PREFIX, PICKLE)):
            # NumPy takes whatever is no array for a pickle, and says so
            raise WorkbenchError(
                f"While opening {path}: it is no NumPy array, whatever its name; it begins with {begins!r}. A table of numbers "
                "as text becomes one by numpy.save(file, numpy.loadtxt(table)); name other files by what they are (.mat, "
                ".tif, .img)."
            ) from error
        if "pickle" in str(error).lower() or "python objects" in str(error).lower():
            raise WorkbenchError(
                f"While opening {path}: it holds Python objects; real numbers are needed. Objects run code when they are "
                "loaded, so they never are; save it again as an array of numbers."
            ) from error
        raise damaged(path, error) from error
    if not isinstance(loaded, np.memmap):
        raise WorkbenchError(f"While opening {path}: it holds no array. Rename it by what it is, such as .npz.")
    return loaded


def _begins(file: Path) -> bytes:
    """The first bytes of a file, as many as name a NumPy array; none where it cannot be read."""
    try:
        with file.open("rb") as opened:
            return opened.read(len(MAGIC_PREFIX))
    except OSError:
        return b""


@contextmanager
def _unpacked(path: Path, variable: str | None) -> Iterator[tuple[Path, str]]:
    """The ``.npy`` file to map, and the array's name in an ``.npz``."""
    if path.suffix.lower() == ".npy":
        yield path, ""
        return
    try:
        with zipfile.ZipFile(path) as archive:
            there = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            headers = {name: _header(archive, info, path) for name, info in there.items()}
            name = choose(path, headers, variable) if variable not in there else str(variable)
            check_real(headers[name][0], f"{path}: {name!r}")
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder, "array.npy")
                with archive.open(there[name]) as source, file.open("wb") as target:
                    while piece := source.read(2**20):
                        target.write(piece)
                yield file, name
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
        raise damaged(path, error) from error


def _header(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> tuple[str, tuple[int, ...]]:
    """Type and shape of a member, by its first bytes; checked against the size that it declares."""
    try:
        with archive.open(info) as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file)
            start = file.tell()
    except (ValueError, EOFError) as error:
        raise damaged(path, error) from error
    expected = start + int(np.prod(shape, dtype=object)) * dtype.itemsize
    if not dtype.hasobject and info.file_size != expected:
        raise WorkbenchError(
            f"While opening {path}: {info.filename} declares {expected} bytes and holds {info.file_size}. It is damaged; "
            "copy or download it again."
        )
    return dtype.name, shape
