"""Coordinates and CRS of a stored raster, as xarray and rioxarray read them.

Written as files of the Zarr v3 format and not through zarr: a collection of many small tiles has thousands of these
tiny arrays, and each costs zarr milliseconds.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.scenes.grid import PLAIN, Grid
from workbench.scenes.modality import ModalityInfo
from workbench.scenes.schema import Transform

Column = tuple[tuple[str, ...], NDArray[Any], dict[str, Any]]
"""Dimensions, values and attributes of one coordinate."""


def write_group(folder: Path, members: dict[str, Any] | None = None) -> None:
    """Make `folder` a Zarr group.

    Args:
        folder: Its folder inside the store.
        members: Descriptions of its arrays by name, kept in the group as well so that one request tells all: a store
            at a URL cannot be listed.
    """
    told: dict[str, Any] = {"zarr_format": 3, "node_type": "group", "attributes": {}}
    if members is not None:
        told["consolidated_metadata"] = {"kind": "inline", "must_understand": False, "metadata": members}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "zarr.json").write_text(json.dumps(told, allow_nan=False), encoding="utf-8")


def write_coordinates(folder: Path, name: str, grid: Grid, info: ModalityInfo | None) -> None:
    """Write bands, wavelengths, pixel centres and the CRS beside the array `name`.

    Args:
        folder: The raster's group inside the store.
        name: Its array, stored already.
        grid: Where its pixels lie.
        info: Its description; None for labels, which have no bands.
    """
    columns = _columns(grid, info)
    members = {key: _write_array(folder / key, *column) for key, column in columns.items()}
    members[name] = json.loads((folder / name / "zarr.json").read_text(encoding="utf-8"))
    write_group(folder, members)


def data_attributes(info: ModalityInfo) -> dict[str, Any]:
    """Attributes of a modality's array by which xarray decodes values, coordinates and the CRS."""
    from xarray.backends.zarr import FillValueCoder

    told: dict[str, Any] = {"grid_mapping": "spatial_ref", "quantity": info.quantity}
    per_band = [name for name in ("wavelength", "fwhm") if _per_band(info, name) is not None]
    told |= {"coordinates": " ".join(per_band)} if per_band else {}
    told |= {"units": info.unit} if info.unit else {}
    told |= {"scale_factor": info.scale, "add_offset": info.offset} if not info.is_raw else {}
    told |= {"date": info.date} if info.date else {}
    told |= {"long_name": list(info.band_names)} if info.band_names else {}
    if info.nodata is not None:
        told["_FillValue"] = FillValueCoder.encode(info.nodata, np.dtype(info.dtype))
    return told


def _columns(grid: Grid, info: ModalityInfo | None) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    if info is not None:
        columns["band"] = (("band",), np.arange(1, info.bands + 1), {})
        for name in ("wavelength", "fwhm"):
            given = _per_band(info, name)
            if given is not None:
                columns[name] = (("band",), np.array(given, np.float64), {"units": "nm"})
    a, b, c, d, e, f = grid.transform or PLAIN
    if b == d == 0:  # a rotated grid has no one-dimensional coordinates; rioxarray keeps its transform alone
        columns["x"] = (("x",), a * (np.arange(grid.shape[1]) + 0.5) + c, {"axis": "X"})
        columns["y"] = (("y",), e * (np.arange(grid.shape[0]) + 0.5) + f, {"axis": "Y"})
    columns["spatial_ref"] = ((), np.array(0), _georeference(grid.crs, grid.transform))
    return columns


@lru_cache(maxsize=8)
def _georeference(crs: str | None, transform: Transform | None) -> dict[str, Any]:
    """Attributes of the CRS variable, as rioxarray writes them."""
    import rioxarray  # noqa: F401  (registers .rio)
    import xarray as xr
    from affine import Affine

    mapping = xr.DataArray(0)
    mapping = mapping if crs is None else mapping.rio.write_crs(crs)
    mapping = mapping if transform is None else mapping.rio.write_transform(Affine(*transform))
    return dict(mapping.coords["spatial_ref"].attrs) if "spatial_ref" in mapping.coords else {}


def _per_band(info: ModalityInfo, name: str) -> tuple[float, ...] | None:
    return info.wavelengths if name == "wavelength" else info.fwhm


def _write_array(
    folder: Path, dims: tuple[str, ...], values: NDArray[Any], attributes: dict[str, Any]
) -> dict[str, Any]:
    """Write a small array as one uncompressed chunk; gives its description."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    told = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(values.shape),
        "data_type": values.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(values.shape)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
        "fill_value": 0,
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
        "attributes": attributes,
        "dimension_names": list(dims),
    }
    folder.mkdir(parents=True)
    (folder / "zarr.json").write_text(json.dumps(told, allow_nan=False), encoding="utf-8")
    (folder / ".".join(["c", *("0" for _ in values.shape)])).write_bytes(little.tobytes())
    return told
