"""GeoTIFF and Cloud-Optimised GeoTIFF, through rasterio, window by window."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes.grid import Grid
from workbench.scenes.readers.arrays import check_real
from workbench.scenes.readers.registry import Raster
from workbench.scenes.readers.units import FACTORS

DESCRIBED = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(nm|nanomet(?:er|re)s|um|µm|micromet(?:er|re)s)\b", re.IGNORECASE)


@contextmanager
def open_raster(path: Path, variable: str | None, axes: str | None = None) -> Iterator[Raster]:
    """Open a GeoTIFF; see `workbench.scenes.readers.open_raster`."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # said in the alignment report instead
            file = rasterio.open(path)
    except RasterioError as error:
        raise _damaged(path, error) from error
    with file:
        for kind in file.dtypes:
            check_real(kind, f"{path}: it")
        wavelengths, fault = _wavelengths(file, path)
        placed = not file.transform.is_identity
        if not placed and file.gcps[0]:
            raise WorkbenchError(
                f"While opening {path}: it is georeferenced by ground control points, not by a grid. "
                "Warp it to a grid first, for example with gdalwarp."
            )
        converts = _needs_conversion(file)
        yield Raster(
            pixels=_Pixels(file, path, converts),
            grid=Grid(
                (file.height, file.width),
                tuple(file.transform)[:6] if placed else None,
                file.crs.to_wkt() if file.crs and placed else None,
            ),
            nodata=None if converts else file.nodata,
            scale=1.0 if converts else float(file.scales[0]),
            offset=0.0 if converts else float(file.offsets[0]),
            unit=_shared(file.units) or "",
            wavelengths=wavelengths,
            wavelength_fault=fault,
            fwhm=_imagery(file, "FWHM_UM"),
            band_names=tuple(file.descriptions) if all(file.descriptions) else None,
            date=file.tags(ns="IMAGERY").get("ACQUISITIONDATETIME"),
        )


class _Pixels:
    """Windows of an open file.

    Args:
        file: The open dataset.
        path: For error messages.
        converts: Whether to give physical float32 values with NaN, for what one scale and one no-data value cannot
            say: scales that differ by band, or a mask.
    """

    def __init__(self, file: Any, path: Path, converts: bool) -> None:
        self._file, self._path, self._converts = file, path, converts
        self.shape: tuple[int, int, int] = (file.count, file.height, file.width)
        kinds = {np.dtype(kind) for kind in file.dtypes}
        self.dtype: np.dtype[Any] = np.dtype(np.float32) if converts else np.result_type(*kinds)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        from rasterio.errors import RasterioError

        _, rows, cols = key
        window = ((rows.start, rows.stop), (cols.start, cols.stop))
        try:
            if not self._converts:
                return np.asarray(self._file.read(window=window))
            values = self._file.read(window=window, masked=True)
        except RasterioError as error:
            raise _damaged(self._path, error) from error
        scales, offsets = (np.array(given)[:, None, None] for given in (self._file.scales, self._file.offsets))
        physical: NDArray[np.float32] = (values.data * scales + offsets).astype(np.float32)
        physical[np.ma.getmaskarray(values)] = np.nan
        return physical


def _needs_conversion(file: Any) -> bool:
    from rasterio.enums import MaskFlags

    masked = any(flags == [MaskFlags.per_dataset] for flags in file.mask_flag_enums)
    return masked or len(set(file.scales)) > 1 or len(set(file.offsets)) > 1


def _wavelengths(file: Any, path: Path) -> tuple[tuple[float, ...] | None, str]:
    """Band centres in nm where every band's metadata says one, and why they cannot be used where the unit is unknown."""
    told = _imagery(file, "CENTRAL_WAVELENGTH_UM")
    if told is not None:
        return told, ""
    found = []
    units = set()
    for band in range(1, file.count + 1):
        tags = {key.lower(): value for key, value in file.tags(band).items()}
        described = DESCRIBED.search(file.descriptions[band - 1] or "")
        if _number(tags.get("wavelength")):
            unit = tags.get("wavelength_units", "").strip()
            units |= {unit} if unit.lower() not in FACTORS else set()
            found.append(float(tags["wavelength"]) * FACTORS.get(unit.lower(), 1.0))
        elif described:
            found.append(float(described[1]) * FACTORS[described[2].lower()])
        else:
            return None, ""
    if units:
        return None, (
            f"While reading wavelengths from {path}: their unit must be nanometers or micrometers, and "
            f"{', '.join(sorted(units)) or 'none'!r} was found (first value {found[0]:g}). Give the wavelengths in nm yourself."
        )
    return tuple(found), ""


def _imagery(file: Any, key: str) -> tuple[float, ...] | None:
    """A value in micrometres that GDAL keeps for every band in its IMAGERY domain, in nm."""
    told = [file.tags(band, ns="IMAGERY").get(key) for band in range(1, file.count + 1)]
    return tuple(float(value) * 1e3 for value in told) if all(_number(value) for value in told) else None


def _number(text: str | None) -> bool:
    try:
        return text is not None and float(text) > 0
    except ValueError:
        return False


def _shared(values: tuple[str | None, ...]) -> str | None:
    return values[0] if len(set(values)) == 1 else None


def _damaged(path: Path, error: Exception) -> WorkbenchError:
    cause = error.__cause__ or error
    return WorkbenchError(
        f"While reading {path}: the file is truncated, damaged or no GeoTIFF ({cause}). Copy or download it again."
    )
