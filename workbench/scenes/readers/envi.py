"""ENVI files, through `spectral`: a text header beside raw numbers, band by band (BSQ), line (BIL) or pixel (BIP).

The header is checked against the file before a number is read. Keys as in NV5's "ENVI Header Files" reference.
"""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes.grid import Grid
from workbench.scenes.readers.arrays import damaged
from workbench.scenes.readers.envi_header import Header, georeference, numbers_of, text_of, wavelengths_of
from workbench.scenes.readers.registry import Raster

SUFFIXES = ("", ".img", ".dat", ".raw", ".bin", ".bsq", ".bil", ".bip", ".hyspex", ".int", ".rad", ".ref")
"""Suffixes of data files, tried in this order when only the header is named."""

MAPPED_ROWS = 16
TURNED = 256  # columns

SIDE_FILES = {".hdr", ".xml", ".ovr", ".enp", ".sta", ".txt", ".png", ".jpg", ".roi", ".prj", ".wld"}


def header_of(path: Path) -> Path | None:
    """The ENVI header beside a data file, ``cube.hdr`` or ``cube.img.hdr``, or None."""
    if not path.name:
        return None
    for name in (f"{path.name}.hdr", f"{path.stem}.hdr", f"{path.name}.HDR", f"{path.stem}.HDR"):
        header = path.with_name(name)
        if header != path and header.is_file() and header.read_bytes()[:4] == b"ENVI":
            return header
    return None


@contextmanager
def open_raster(path: Path, variable: str | None, axes: str | None = None) -> Iterator[Raster]:
    """Open an ENVI raster by its header or its data file; see `workbench.scenes.readers.open_raster`."""
    header_path, data_path = _both(path)
    header = read_header(header_path)
    image = _open(header_path, data_path, header)
    bands, rows, cols = (header.count(key, header_path) for key in ("bands", "lines", "samples"))
    transform, crs = georeference(header, header_path)
    wavelengths, fault = wavelengths_of(header, "wavelength", header_path)
    fwhm = wavelengths_of(header, "fwhm", header_path)[0]
    nodata = numbers_of(header, "data ignore value", header_path)
    scale, offset, reflectance = _scaling(header, bands, header_path)
    names = header.get("band names")
    bad = numbers_of(header, "bbl", header_path) or ()
    if len(bad) not in (0, bands):
        raise _lies(header_path, f"bbl has {len(bad)} entries for {bands} bands")
    classes = header.get("class names") if "classification" in text_of(header, "file type").lower() else None
    try:
        yield Raster(
            pixels=_Pixels(image, data_path, (bands, rows, cols)),
            grid=Grid((rows, cols), transform, crs),
            nodata=nodata[0] if nodata else None,
            scale=scale,
            offset=offset,
            quantity="reflectance" if reflectance else "unknown",
            unit=text_of(header, "data units"),
            wavelengths=wavelengths,
            wavelength_fault=fault,
            fwhm=fwhm,
            band_names=tuple(names) if isinstance(names, list) and len(names) == bands and all(names) else None,
            bad_bands=tuple(band for band, good in enumerate(bad) if good == 0),
            date=text_of(header, "acquisition time") or None,
            class_names=None if classes is None else {i: name for i, name in enumerate(classes) if i > 0},
        )
    finally:
        image.fid.close()


def read_numbers(path: Path, variable: str | None) -> NDArray[np.float64]:
    """Wavelengths in nm that a header gives.

    Raises:
        WorkbenchError: It gives none, or their unit is unknown.
    """
    header_path = path if path.suffix.lower() == ".hdr" else header_of(path)
    assert header_path is not None  # the registry found it
    wavelengths, fault = wavelengths_of(read_header(header_path), "wavelength", header_path)
    if wavelengths is None:
        raise WorkbenchError(fault or f"While reading wavelengths from {header_path}: it gives none.")
    return np.array(wavelengths)


def read_header(path: Path) -> Header:
    """Read a header.

    Raises:
        WorkbenchError: It is missing or no ENVI header.
    """
    from spectral.io.envi import EnviException, read_envi_header

    if not path.is_file():
        raise WorkbenchError(f"While opening {path}: the header is missing. Check the path.")
    try:
        with warnings.catch_warnings(), _as_utf8(path) as readable:
            warnings.simplefilter("ignore")  # keys in capitals, which are taken as lower case
            return Header({key.lower(): value for key, value in read_envi_header(str(readable)).items()})
    except (EnviException, IndexError, ValueError) as error:
        raise WorkbenchError(
            f"While opening {path}: it is no ENVI header, or a damaged one ({type(error).__name__}: {error}). "
            "It is a text file whose first line is ENVI; copy it again with its data file."
        ) from error


class _Pixels:
    """Windows of an open file.

    Each few rows map the file anew: pages of a mapping that stays count as this process's memory.
    """

    def __init__(self, image: Any, path: Path, shape: tuple[int, int, int]) -> None:
        self._image, self._path = image, path
        self.shape = shape
        self.dtype: np.dtype[Any] = np.dtype(image.dtype)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        _, rows, cols = key
        values = np.empty((self.shape[0], rows.stop - rows.start, cols.stop - cols.start), self.dtype)
        for row in range(rows.start, rows.stop, MAPPED_ROWS):
            mapped = self._image.open_memmap(interleave="bsq")
            if mapped is None:
                raise damaged(self._path, OSError("it has become shorter"))
            part = slice(row, min(row + MAPPED_ROWS, rows.stop))
            wanted, taken = values[:, row - rows.start : part.stop - rows.start], mapped[:, part, cols]
            if mapped.strides[0] < mapped.strides[2]:  # by pixel: turned in pieces that stay in the processor's cache
                for line in range(taken.shape[1]):
                    for start in range(0, taken.shape[2], TURNED):
                        piece = slice(start, start + TURNED)
                        wanted[:, line, piece] = taken[:, line, piece]
            else:
                wanted[...] = taken
        return values


def _both(path: Path) -> tuple[Path, Path]:
    """Header and data file, given either."""
    if path.suffix.lower() != ".hdr":
        header = header_of(path)
        assert header is not None  # the registry found it
        return header, path
    bare = path.with_suffix("")
    fixed = [bare.with_name(bare.name + suffix) for suffix in (*SUFFIXES, *(s.upper() for s in SUFFIXES[1:]))]
    there = [file for file in fixed if file.is_file()]
    there = there or [
        file
        for file in sorted(path.parent.iterdir())
        if file.stem == bare.name and file.suffix.lower() not in SIDE_FILES and file.is_file()
    ]
    if not there:
        raise WorkbenchError(
            f"While opening {path}: no data file lies beside the header. Expected {bare.name} with any suffix or none, "
            f"such as {bare.name}.img. Put it there, or name the data file."
        )
    if len(there) > 1:
        raise WorkbenchError(
            f"While opening {path}: several files could hold its data: {', '.join(file.name for file in there)}. "
            "Name the data file instead of the header."
        )
    return path, there[0]


def _open(header_path: Path, data_path: Path, header: Header) -> Any:
    """The data file opened through `spectral`, once the header proves true."""
    from spectral.io import envi

    missing = [
        key for key in ("samples", "lines", "bands", "data type", "interleave", "byte order") if key not in header
    ]
    if missing:
        raise _lies(header_path, f"{', '.join(map(repr, missing))} must be given and is missing")
    if "spectral library" in text_of(header, "file type").lower():
        raise WorkbenchError(f"While opening {header_path}: it is a spectral library; a raster is needed.")
    code = text_of(header, "data type")
    if code not in envi.envi_to_dtype:
        known = ", ".join(sorted(envi.envi_to_dtype, key=int))
        raise _lies(header_path, f"data type is one of {known}, and {code!r} was found")
    if code in ("6", "9"):
        raise WorkbenchError(
            f"While opening {header_path}: it holds complex numbers (data type {code}); real numbers are needed. "
            "Save amplitude and phase, or intensity, as bands of real numbers."
        )
    for key, allowed in (("interleave", ("bsq", "bil", "bip")), ("byte order", ("0", "1"))):
        if text_of(header, key).lower() not in allowed:
            raise _lies(header_path, f"{key} is one of {', '.join(allowed)}, and {text_of(header, key)!r} was found")
    if text_of(header, "file compression") not in ("", "0"):
        raise WorkbenchError(f"While opening {header_path}: the data are compressed; save them uncompressed.")
    counts = [header.count(key, header_path) for key in ("samples", "lines", "bands")]
    offset = header.count("header offset", header_path, least=0)
    size = int(np.dtype(envi.envi_to_dtype[code]).itemsize)
    declared, actual = offset + size * int(np.prod(counts, dtype=object)), data_path.stat().st_size
    if declared != actual:
        kind = "shorter" if actual < declared else "longer"
        told = "Copy or download it again." if actual < declared else "Correct the header, or find the one that fits."
        raise WorkbenchError(
            f"While opening {data_path}: it is {kind} than {header_path.name} declares. Expected {declared} bytes "
            f"({counts[1]} lines x {counts[0]} samples x {counts[2]} bands x {size} bytes + header offset {offset}), "
            f"found {actual} ({actual / declared:.1%}). {told}"
        )
    try:
        with warnings.catch_warnings(), _as_utf8(header_path) as readable:
            warnings.simplefilter("ignore")
            return envi.open(str(readable), str(data_path.resolve()))
    except (envi.EnviException, ValueError, TypeError, OSError) as error:
        raise damaged(data_path, error) from error


def _scaling(header: Header, bands: int, path: Path) -> tuple[float, float, bool]:
    """Factor and offset to physical values, and whether these are reflectances from 0 to 1."""
    found = {}
    for key, neutral in (("data gain values", 1.0), ("data offset values", 0.0)):
        values = numbers_of(header, key, path) or (neutral,)
        if len(set(values)) > 1:
            raise WorkbenchError(
                f"While opening {path}: {key} differ between bands ({values[0]:g} to {values[-1]:g}), and one factor "
                "is kept for a modality. Apply them first, and write the result as 32-bit floats."
            )
        found[key] = values[0]
    gain, offset = found["data gain values"], found["data offset values"]
    factor = numbers_of(header, "reflectance scale factor", path)
    if factor is None:
        return gain, offset, False
    if factor[0] <= 0:
        raise _lies(path, f"reflectance scale factor is above 0, and {factor[0]:g} was found")
    if (gain, offset) != (1.0, 0.0):
        raise WorkbenchError(
            f"While opening {path}: it has a reflectance scale factor and data gain values, which contradict each "
            "other. Remove the wrong one from the header."
        )
    return 1 / factor[0], 0.0, True


@contextmanager
def _as_utf8(path: Path) -> Iterator[Path]:
    """The header itself, or a copy in UTF-8 where it is in Latin-1 (a micro sign, an accent in the description)."""
    raw = path.read_bytes()
    if raw.isascii():
        yield path.resolve()
        return
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy.hdr")
        copy.write_text(text.replace("µ", "u").replace("μ", "u").encode("ascii", "replace").decode(), encoding="ascii")
        yield copy


def _lies(path: Path, what: str) -> WorkbenchError:
    return WorkbenchError(f"While opening {path}: the header is wrong: {what}. Correct it, or copy it again.")
