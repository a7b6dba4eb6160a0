"""Arrays that follow the CF conventions, opened lazily by xarray: what their attributes and coordinates say.

https://cfconventions.org: ``scale_factor``, ``add_offset``, ``_FillValue``, ``units``, ``grid_mapping``, and the
standard names of wavelengths.
"""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes.grid import Grid
from workbench.scenes.modality import QUANTITIES, Quantity
from workbench.scenes.readers.arrays import Axes, Oriented, check_real, find_axes
from workbench.scenes.readers.registry import Raster
from workbench.scenes.readers.units import to_nanometres

if TYPE_CHECKING:
    import xarray as xr

WAVELENGTHS = {"wavelength", "wavelengths", "wl", "wvl", "lambda", "central_wavelength", "band_wavelength", "centers",
               "band_center", "center_wavelength", "wavelength_nm"}  # fmt: skip
WIDTHS = {"fwhm", "bandwidth", "band_width", "full_width_half_max"}
STANDARD = {"radiation_wavelength", "sensor_band_central_radiation_wavelength"}
UNEVEN = 1e-3
"""Pixel centres may be this share of a pixel off their even places: files round coordinates, some to float32."""


class LazyVariable:
    """A variable of xarray as an array that reads what is asked for."""

    def __init__(self, variable: "xr.Variable") -> None:
        self._variable = variable
        self.shape, self.dtype = variable.shape, np.dtype(variable.dtype)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        return np.asarray(self._variable[key].values)


def bare_raster(pixels: Oriented, attrs: Mapping[str, Any], axes: Axes, what: str, **more: Any) -> Raster:
    """The raster of an array without dimensions' coordinates: no place, and what its attributes say of its values."""
    return Raster(
        pixels=pixels,
        grid=Grid(pixels.shape[1:]),
        nodata=nodata_of(attrs, what),
        scale=scalar_of(attrs, "scale_factor", 1.0, what),
        offset=scalar_of(attrs, "add_offset", 0.0, what),
        unit=str(attrs.get("units", "")),
        axes=axes,
        **more,
    )


def cf_raster(dataset: "xr.Dataset", name: str, path: Path, declared: str | None) -> Raster:
    """The raster of a variable that was opened without decoding (``mask_and_scale=False``).

    Args:
        dataset: Its dataset.
        name: The variable.
        path: For error messages.
        declared: The axes as the user says them.

    Raises:
        WorkbenchError: Its type, axes or attributes do not make a raster.
    """
    crs = crs_variable(dataset[name])
    array = dataset.set_coords(crs)[name] if crs in dataset.variables else dataset[name]
    what = f"{path}: {name!r}"
    check_real(np.dtype(array.dtype).name, what)
    names = [str(dim) for dim in array.dims]
    axes = find_axes(array.shape, names, declared, what)
    dims = {axis: dim for axis, dim in zip(axes, array.dims, strict=True) if axis}
    pixels = Oriented(LazyVariable(array.variable), axes, path)
    attrs = array.attrs
    if str(attrs.get("_Unsigned", "")).lower() == "true":
        raise WorkbenchError(f"While opening {what} holds unsigned numbers kept as signed; save them as unsigned.")
    wavelengths, fault = _lengths(dataset, dims.get("band"), WAVELENGTHS, path)
    unit = str(attrs.get("units", ""))
    return Raster(
        pixels=pixels,
        grid=_grid(array, dims["y"], dims["x"], pixels.shape[1:], what),
        nodata=nodata_of(attrs, what),
        scale=scalar_of(attrs, "scale_factor", 1.0, what),
        offset=scalar_of(attrs, "add_offset", 0.0, what),
        quantity=_quantity(attrs),
        unit="" if unit == "1" else unit,
        wavelengths=wavelengths,
        wavelength_fault=fault,
        fwhm=_lengths(dataset, dims.get("band"), WIDTHS, path)[0],
        band_names=_names(dataset, dims.get("band")),
        date=_date(dataset, array),
        axes=axes,
    )


def crs_variable(array: "xr.DataArray") -> str:
    """Name of the variable that holds the CRS, empty if there is none; ``crs: x y`` names coordinates as well."""
    return str(array.attrs.get("grid_mapping", "")).partition(":")[0].strip()


def scalar_of(attrs: Any, key: str, otherwise: float, what: str) -> float:
    """A numeric attribute.

    Raises:
        WorkbenchError: It holds text or one number per band.
    """
    if key not in attrs:
        return otherwise
    try:
        values = np.unique(np.asarray(attrs[key], np.float64))
    except (TypeError, ValueError):
        values = np.empty(0)
    if len(values) != 1:
        raise WorkbenchError(
            f"While opening {what} has the attribute {key} = {attrs[key]!r}; one number is needed. "
            "Apply it first, and save the result as 32-bit floats."
        )
    return float(values[0])


def nodata_of(attrs: Any, what: str) -> float | None:
    """The value that means no-data, by ``_FillValue`` or ``missing_value``.

    Raises:
        WorkbenchError: There are several.
    """
    found = {scalar_of(attrs, key, np.nan, what) for key in ("_FillValue", "missing_value") if key in attrs}
    values = sorted(value for value in found if not np.isnan(value))
    if len(values) > 1:
        raise WorkbenchError(
            f"While opening {what} has the two no-data values {values[0]:g} and {values[1]:g}; one is kept for a "
            "modality. Set one to the other in the file first."
        )
    return values[0] if values else None


def _quantity(attrs: Any) -> Quantity:
    told, standard = str(attrs.get("quantity", "")), str(attrs.get("standard_name", "")).lower()
    if told in QUANTITIES:
        return told  # type: ignore[return-value]
    return "reflectance" if "reflectance" in standard else "radiance" if "radiance" in standard else "unknown"


def _along(dataset: "xr.Dataset", dim: Hashable | None) -> dict[str, "xr.DataArray"]:
    """Every variable that has one value per band."""
    return (
        {} if dim is None else {str(name): dataset[name] for name in dataset.variables if dataset[name].dims == (dim,)}
    )


def _lengths(
    dataset: "xr.Dataset", dim: Hashable | None, names: set[str], path: Path
) -> tuple[tuple[float, ...] | None, str]:
    """Wavelengths or widths in nm along the bands, and why there are none though the file has such numbers."""
    for name, column in _along(dataset, dim).items():
        standard = column.attrs.get("standard_name") in STANDARD and names is WAVELENGTHS
        if (name.lower() in names or standard) and column.dtype.kind in "iuf":
            unit = str(column.attrs.get("units", ""))
            found = to_nanometres(column.values.tolist(), unit)
            if found is not None:
                return found, ""
            return None, (
                f"While reading wavelengths from {path}: the unit of {name!r} must be nm or um, and {unit or 'none'!r} was "
                f"found (first value {float(column.values[0]):g}). Give the wavelengths in nm yourself."
            )
    return None, ""


def _names(dataset: "xr.Dataset", dim: Hashable | None) -> tuple[str, ...] | None:
    for column in _along(dataset, dim).values():
        if column.dtype.kind in "UT" or (column.dtype.kind == "O" and all(isinstance(v, str) for v in column.values)):
            return tuple(map(str, column.values))
    return None


def _date(dataset: "xr.Dataset", array: "xr.DataArray") -> str | None:
    import xarray as xr

    if "time" in array.coords and array.coords["time"].size == 1:
        told = array.coords["time"].reset_coords(drop=True)
        try:
            moment = xr.decode_cf(xr.Dataset({"moment": told.variable}))["moment"].values.ravel()[0]
        except (ValueError, OverflowError):
            return None
        return str(np.datetime_as_string(moment, unit="s")) if isinstance(moment, np.datetime64) else str(moment)
    for attrs in (array.attrs, dataset.attrs):
        for key in ("date", "time_coverage_start", "acquisition_time"):
            if attrs.get(key):
                return str(attrs[key])
    return None


def _grid(array: "xr.DataArray", y: Hashable, x: Hashable, shape: tuple[int, int], what: str) -> Grid:
    """The grid by one-dimensional coordinates or the transform of the CRS variable; a swath has none."""
    import rioxarray  # noqa: F401  (registers .rio)

    placed = array.assign_attrs(grid_mapping=crs_variable(array) or "spatial_ref")
    placed = placed.rio.set_spatial_dims(x_dim=x, y_dim=y)
    crs = placed.rio.crs
    told = placed.coords[placed.rio.grid_mapping].attrs if placed.rio.grid_mapping in placed.coords else {}
    wkt = None if crs is None else str(crs.to_wkt())
    if "GeoTransform" in told:
        c, a, b, f, d, e = (float(number) for number in str(told["GeoTransform"]).split())
        return Grid(shape, (a, b, c, d, e, f), wkt)
    if x not in array.coords or y not in array.coords or min(shape) < 2:
        return Grid(shape)
    spans = []
    for dim in (x, y):
        centres = array.coords[dim].values.astype(np.float64)
        step = (centres[-1] - centres[0]) / (len(centres) - 1)
        even = centres[0] + step * np.arange(len(centres))
        rounding = np.spacing(np.abs(array.coords[dim].values).max()) if array.coords[dim].dtype.kind == "f" else 0
        if not np.isfinite(step) or step == 0 or np.abs(centres - even).max() > UNEVEN * abs(step) + 2 * rounding:
            raise WorkbenchError(
                f"While opening {what} has coordinates {dim!r} that are not evenly spaced; a pixel grid is needed. "
                "Resample it to an even grid first."
            )
        spans.append((centres[0] - step / 2, step))
    (left, width), (top, height) = spans
    if wkt is None and (left, width, top, height) == (-0.5, 1.0, -0.5, 1.0):
        return Grid(shape)  # plain pixel numbers
    return Grid(shape, (float(width), 0.0, float(left), 0.0, float(height), float(top)), wkt)
