"""Zarr: a plain array, a variable of an xarray store, or a modality of a scene of the workbench; in windows.

``store.zarr``, ``store.zarr:group/variable``; of a scene ``demo.zarr:hsi``, of a collection ``set.zarr:tile/hsi``.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes.arrays import open_array
from workbench.scenes.grid import Grid
from workbench.scenes.readers.arrays import Oriented, check_real, choose, damaged, find_axes
from workbench.scenes.readers.cf import bare_raster, cf_raster
from workbench.scenes.readers.registry import Raster
from workbench.scenes.schema import FORMAT

if TYPE_CHECKING:
    import zarr

AXES = True
UNSAFE = {"pickle", "dill", "cloudpickle"}


@contextmanager
def open_raster(path: Path, variable: str | None, axes: str | None = None) -> Iterator[Raster]:
    """Open an array of a store; see `workbench.scenes.readers.open_raster`."""
    root = _open(path)
    if root.attrs.get("format") == FORMAT:
        yield _modality(path, variable)
        return
    arrays = _arrays(path, root)
    name = choose(path, {key: (np.dtype(_kind(item)).name, item.shape) for key, item in arrays.items()}, variable)
    group, _, short = name.rpartition("/")
    names = _dimensions(arrays[name])
    if name and names is not None:
        import xarray as xr

        options: dict[str, Any] = {"mask_and_scale": False, "decode_times": False, "consolidated": False}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what a store lacks is told below
                dataset = xr.open_zarr(path, group=group or None, chunks=None, **options)
        except Exception as error:
            raise damaged(path, error) from error
        with dataset:
            yield cf_raster(dataset, short, path, axes)
        return
    array, what = arrays[name], f"{path}: {name or 'its array'!r}"
    attrs = dict(array.attrs)
    order = find_axes(array.shape, names, axes, what)
    pixels = Oriented(array, order, path)
    yield bare_raster(pixels, attrs, order, what)


def read_numbers(path: Path, variable: str | None) -> NDArray[Any]:
    """All numbers of an array."""
    arrays = _arrays(path, _open(path))
    name = (variable or "").strip("/")
    if name not in arrays:
        raise UnknownNameError(f"array of {path.name}", name, arrays)
    check_real(np.dtype(_kind(arrays[name])).name, f"{path}: {name!r}")
    try:
        return np.asarray(arrays[name][...])
    except Exception as error:  # codecs raise almost anything
        raise damaged(path, error) from error


def _modality(path: Path, variable: str | None) -> Raster:
    """A modality, or the labels, of a stored scene."""
    from workbench.scenes.store import open_scene

    scene = open_scene(path)
    tiles = {tile.name: tile for tile in scene.scenes}
    tile, _, name = (variable or "").rpartition("/")
    if not tile and len(tiles) > 1:
        raise WorkbenchError(
            f"While opening {path}: it is a collection of {len(tiles)} tiles. Say which, as {path.name}:TILE/MODALITY."
        )
    if tile and tile not in tiles:
        raise UnknownNameError(f"tile of {path.name}", tile, tiles)
    chosen = tiles[tile] if tile else scene.scenes[0]
    known = [*chosen.modalities, *(["labels"] if chosen.has_labels else [])]
    if not name and len(chosen.modalities) == 1:
        name = chosen.modalities[0]
    if name not in known:
        raise UnknownNameError(f"modality of {path.name}", name, known, f"Write {path.name}:MODALITY.")
    array = open_array(str(path), f"{chosen.name}/{name}/{name}")
    grid = Grid(chosen.shape, chosen.transform, chosen.crs)
    if name == "labels":
        classes = {entry.value: entry.name for entry in chosen.classes}
        return Raster(pixels=Oriented(array, ("y", "x"), path), grid=grid, class_names=classes)
    info = chosen.info(name)
    told = info.model_dump(
        include={"nodata", "scale", "offset", "quantity", "unit", "wavelengths", "fwhm", "band_names", "date"}
    )
    return Raster(pixels=Oriented(array, ("band", "y", "x"), path), grid=grid, **told)


def _open(path: Path) -> "zarr.Group | zarr.Array[Any]":
    import zarr

    try:
        return zarr.open(path, mode="r")
    except Exception as error:  # zarr raises a different error for each way to be no store
        raise damaged(path, error) from error


def _arrays(path: Path, root: Any) -> dict[str, Any]:
    """Every array of a store by its path, the empty one for a store that is one array.

    Raises:
        WorkbenchError: One is unpickled when it is read, which would run code.
    """
    import zarr

    try:
        members = {"": root} if isinstance(root, zarr.Array) else dict(root.members(max_depth=None))
    except Exception as error:
        raise damaged(path, error) from error
    arrays = {name: item for name, item in members.items() if isinstance(item, zarr.Array)}
    for name, array in arrays.items():
        told = array.metadata.to_dict()
        codecs: list[Any] = [*(told.get("filters") or ()), told.get("compressor"), *(told.get("codecs") or ())]  # type: ignore[misc]
        ids = {
            str(codec.get("id", codec.get("name", ""))).rsplit(".", 1)[-1]
            for codec in codecs
            if isinstance(codec, dict)
        }
        if ids & UNSAFE:
            raise WorkbenchError(
                f"While opening {path}: its array {name!r} is pickled, and unpickling runs whatever code the file holds. "
                "Save the store again with numeric arrays only."
            )
    return arrays


def _dimensions(array: Any) -> list[str] | None:
    """Names of dimensions by the metadata (version 3) or xarray's attribute (version 2)."""
    names = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    return list(names) if names and all(names) else None


def _kind(array: Any) -> Any:
    """The array's type; object for what NumPy has no fixed type for."""
    try:
        return np.dtype(array.dtype)
    except TypeError:
        return object
