"""NetCDF, by the path of a variable: ``file.nc:variable`` or ``file.nc:group/variable``; through xarray, in windows."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes.readers.arrays import choose, damaged
from workbench.scenes.readers.cf import cf_raster, crs_variable
from workbench.scenes.readers.registry import Raster

if TYPE_CHECKING:
    import xarray as xr

AXES = True


@contextmanager
def open_raster(path: Path, variable: str | None, axes: str | None = None) -> Iterator[Raster]:
    """Open a variable; see `workbench.scenes.readers.open_raster`."""
    name = choose(path, _listed(path), variable)
    group, _, short = name.rpartition("/")
    with _open(path, group) as dataset:
        yield cf_raster(_with_parents(dataset, path, group, short), short, path, axes)


def read_numbers(path: Path, variable: str | None) -> NDArray[Any]:
    """All numbers of a variable."""
    if variable is None:
        raise WorkbenchError(f"While reading numbers from {path}: say which variable, as {path.name}:VARIABLE.")
    group, _, short = variable.strip("/").rpartition("/")
    with _open(path, group) as dataset:
        if short not in dataset.variables:
            choose(path, _listed(path), variable.strip("/"))
        return np.asarray(dataset[short].values)


def _open(path: Path, group: str) -> "xr.Dataset":
    import xarray as xr

    with path.open("rb") as file:
        classic = file.read(3) == b"CDF"
    options: dict[str, Any] = {"engine": "scipy"} if classic else {"engine": "h5netcdf", "group": group or None}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a CRS variable that a group above holds
            return xr.open_dataset(path, mask_and_scale=False, decode_times=False, cache=False, chunks=None, **options)
    except Exception as error:  # h5netcdf, h5py and scipy each have their own errors for damage
        raise damaged(path, error) from error


def _with_parents(dataset: "xr.Dataset", path: Path, group: str, name: str) -> "xr.Dataset":
    """Add what a group inherits: coordinates of its dimensions and the CRS variable of the groups above."""
    needed = {str(dim) for dim in dataset[name].dims} | {"time", crs_variable(dataset[name])}
    while group:
        group = group.rpartition("/")[0]
        with _open(path, group) as parent:
            wanted = [str(key) for key in parent.variables if key in needed and key not in dataset.variables]
            dataset = dataset.assign_coords({key: parent[key].load().variable for key in wanted})
    return dataset


def _listed(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of every variable, by its path."""
    with path.open("rb") as file:
        classic = file.read(3) == b"CDF"
    if classic:
        with _open(path, "") as dataset:
            return {str(name): (item.dtype.name, item.shape) for name, item in dataset.variables.items()}
    from workbench.scenes.readers.hdf5 import list_arrays

    return list_arrays(path)
