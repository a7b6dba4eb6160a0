"""Arrays inside files: which of them is meant, which axis is which, and windows of it as (band, y, x)."""

from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import UnknownNameError, WorkbenchError

Axes = tuple[str, ...]
"""What each axis of a stored array is, in its own order: ``y``, ``x``, ``band``, or empty for one of length 1 to skip."""

NAMES = {
    "y": {"y", "row", "rows", "line", "lines", "lat", "latitude", "northing", "downtrack", "ydim", "height", "nrows"},
    "x": {"x", "col", "cols", "column", "columns", "sample", "samples", "lon", "longitude", "easting", "crosstrack",
          "xdim", "width", "ncols"},
    "band": {"band", "bands", "wavelength", "wavelengths", "wl", "channel", "channels", "spectral", "lambda", "layer",
             "feature", "nbands", "spectral_band", "wavelength_nm"},
}  # fmt: skip


class Oriented:
    """Windows of a stored array, axes in the workbench's order.

    Args:
        data: The open array: ``shape``, ``dtype`` and basic slicing.
        axes: What its axes are.
        path: For error messages.
    """

    def __init__(self, data: Any, axes: Axes, path: Path) -> None:
        self._data, self._axes, self._path = data, axes, path
        sizes = dict(zip(axes, data.shape, strict=True))
        self.shape: tuple[int, int, int] = (sizes.get("band", 1), sizes["y"], sizes["x"])
        kind = np.dtype(data.dtype)
        self.dtype: np.dtype[Any] = np.dtype(np.uint8) if kind == bool else kind

    def __getitem__(self, key: Any) -> NDArray[Any]:
        wanted = {"band": slice(None), "y": key[1], "x": key[2], "": 0}
        try:
            values = np.asarray(self._data[tuple(wanted[axis] for axis in self._axes)])
        except Exception as error:  # HDF5, Zarr and their codecs raise almost anything on damage
            raise damaged(self._path, error) from error
        left = [axis for axis in self._axes if axis]
        order = [left.index(axis) for axis in ("band", "y", "x") if axis in left]
        turned = values.transpose(order).view(np.uint8 if values.dtype == bool else values.dtype)
        return turned if "band" in left else turned[None]


def find_axes(shape: Sequence[int], names: Sequence[str] | None, declared: str | None, what: str) -> Axes:
    """Which axis is which, by declaration or by the names of dimensions.

    Args:
        shape: Sizes of the stored array.
        names: Names of its dimensions, None where it has none.
        declared: Such as ``"y,x,band"``, in the stored order; goes before `names`.
        what: The array in words, for error messages.

    Raises:
        WorkbenchError: The declaration does not fit, or there is no telling; the message says what to give.
    """
    if declared is not None:
        return _declared(shape, declared, what)
    if names is not None:
        told = [_meaning(name) for name in names]
        axes = tuple("" if size == 1 and not axis else axis for axis, size in zip(told, shape, strict=True))
        if _complete(axes) and all(axis or size == 1 for axis, size in zip(told, shape, strict=True)):
            return axes
    long = [size for size in shape if size > 1]
    if len(shape) == 2 and not any(_meaning(name) for name in names or ()):
        return ("y", "x")  # a plane is rows x columns wherever arrays are printed
    if len(shape) not in (2, 3, 4) or len(long) > 3:
        raise WorkbenchError(
            f"While opening {what}: it has the shape {_sizes(shape)}{_named(names)}; a raster has rows and columns, "
            "and bands if there are several. Cut one raster out of it first."
        )
    example = ",".join(("band", "y", "x") if len(shape) == 3 else ("time", "band", "y", "x")[-len(shape) :])
    raise WorkbenchError(
        f"While opening {what}: its axes are {_sizes(shape)}{_named(names)}, which does not tell which are rows (y), "
        f"columns (x) and bands. Say it in the stored order, such as axes='{example}'."
    )


def check_shape(shape: Sequence[int], axes: Axes, expected: tuple[int, int], where: str | Path) -> None:
    """Refuse a raster of another size than expected, and say so where its axes are only swapped.

    Args:
        shape: Bands, rows and columns as read.
        axes: The stored axes as they were taken; empty where the format fixes them.
        expected: Rows and columns that it should have.
        where: The file, for the message.

    Raises:
        WorkbenchError: The size differs.
    """
    if tuple(shape[1:]) == expected:
        return
    found = f"{shape[1]} rows x {shape[2]} columns x {shape[0]} bands"
    sizes = dict(zip(("band", "y", "x"), shape, strict=True))
    stored = [axis for axis in axes if axis]
    told = ""
    if not stored and tuple(shape[1:]) == expected[::-1]:
        told = " Its rows and columns are swapped: transpose the file first."
    for order in permutations(stored) if stored else ():
        as_read = dict(zip(order, (sizes[axis] for axis in stored), strict=True))
        if (as_read["y"], as_read["x"]) == expected:
            told = (
                f" Its axes are transposed: the sizes fit when the stored axes are taken as {', '.join(order)}. "
                f"Read it with axes='{','.join(order)}' if that is so."
            )
            break
    raise WorkbenchError(
        f"While opening {where}: {expected[0]} rows x {expected[1]} columns were expected and {found} were found."
        f"{told or ' Check that it is the right file of the right packaging.'}"
    )


def choose(path: Path, there: Mapping[str, tuple[str, tuple[int, ...]]], variable: str | None) -> str:
    """The array asked for, or the only one that can be a raster.

    Args:
        path: The file.
        there: Type in words and shape of every array in it; types of numbers are NumPy's or MATLAB's names.
        variable: What was asked for.

    Raises:
        WorkbenchError: It is not there, it is no array of real numbers, or several could be meant.
    """
    if variable is not None:
        if variable not in there:
            raise UnknownNameError(f"variable of {path.name}", variable, there)
        kind, shape = there[variable]
        check_real(kind, f"{path}: {variable!r}")
        if 0 in shape or len(shape) < 2:
            raise WorkbenchError(
                f"While opening {path}: {variable!r} holds an array of shape {_sizes(shape)}; "
                "real numbers of rows x columns (x bands) are needed."
            )
        return variable
    fits = [name for name, (kind, shape) in there.items() if is_real(kind) and _is_raster(shape)]
    if len(fits) == 1:
        return fits[0]
    listed = ", ".join(f"{name} ({kind}, {_sizes(shape)})" for name, (kind, shape) in list(there.items())[:20])
    more = f" and {len(there) - 20} more" if len(there) > 20 else ""
    raise WorkbenchError(
        f"While opening {path}: it holds {'several arrays' if fits else 'no raster'}: {listed or 'nothing'}{more}. "
        f"Say which one, as {path.name}:VARIABLE."
    )


def is_real(kind: str) -> bool:
    """Whether a type's name means real numbers or truth values."""
    return kind.removesuffix(" array") in REAL


def check_real(kind: str, what: str) -> None:
    """Refuse complex numbers, objects, text and structures.

    Raises:
        WorkbenchError: `kind` is none of real numbers.
    """
    if is_real(kind):
        return
    if kind.startswith("complex"):
        advice = "Save its real and imaginary part, or amplitude and phase, as two arrays of real numbers."
    elif kind == "object":
        advice = "Objects run code when they are loaded; save it again as an array of numbers."
    else:
        advice = "Name the array inside it, or save it as an array of numbers."
    name = "complex numbers" if kind.startswith("complex") else f"{kind} values"
    raise WorkbenchError(
        f"While opening {what} holds {name}; real numbers of rows x columns (x bands) are needed. {advice}"
    )


def damaged(path: Path, error: Exception) -> WorkbenchError:
    """The error for a file that cannot be read to its end."""
    if isinstance(error, WorkbenchError):
        return error
    cause = f"{type(error).__name__}: {str(error)[:200]}"
    return WorkbenchError(
        f"While reading {path}: the file is truncated, damaged or no {path.suffix or 'raster'} file ({cause}). "
        "Copy or download it again."
    )


REAL = {"double", "single", "logical", "bool", "float16", "float32", "float64"}
REAL |= {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}


def _declared(shape: Sequence[int], declared: str, what: str) -> Axes:
    words = [word.strip() for word in declared.replace(" x ", ",").split(",")]
    told = [_meaning(word) for word in words]
    axes = tuple("" if size == 1 and not axis else axis for axis, size in zip(told, shape, strict=False))
    unknown = [word for word, axis, size in zip(words, told, shape, strict=False) if not axis and size != 1]
    if len(words) != len(shape) or unknown or not _complete(axes):
        raise WorkbenchError(
            f"While opening {what}: axes={declared!r} does not describe an array of {_sizes(shape)}. Name each of its "
            f"{len(shape)} axes once, in the stored order: y, x{' and band' if len(shape) > 2 else ''}."
        )
    return axes


def _meaning(name: str) -> str:
    plain = name.rsplit("/", 1)[-1].strip().lower()
    return next((axis for axis, names in NAMES.items() if plain in names), "")


def _complete(axes: Axes) -> bool:
    kept = [axis for axis in axes if axis]
    return sorted(kept) in (["x", "y"], ["band", "x", "y"])


def _is_raster(shape: tuple[int, ...]) -> bool:
    return 2 <= len(shape) <= 4 and sum(size > 1 for size in shape) in (2, 3) and min(shape) > 0


def _sizes(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "()"


def _named(names: Sequence[str] | None) -> str:
    return f" ({', '.join(names)})" if names else ""
