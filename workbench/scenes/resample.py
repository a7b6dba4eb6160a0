"""Resampling a raster onto another grid, window by window, through rasterio's warper."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes.draft import ArrayLike
from workbench.scenes.grid import Grid, transform_points
from workbench.scenes.modality import ModalityInfo
from workbench.scenes.schema import Transform

METHODS = (
    "nearest", "bilinear", "cubic", "cubic_spline", "lanczos", "average", "mode", "min", "max", "med", "q1", "q3", "rms"
)  # fmt: skip
PICKING = {"nearest", "mode", "min", "max", "med", "q1", "q3"}
"""Methods that pick one of the values there are, and so need no linear power."""
OVERSHOOTING = {"cubic", "cubic_spline", "lanczos"}
LABEL_METHOD = "mode"
BUDGET = 2**24
"""Source values that are in memory at a time, about."""


class Warped:
    """Pixels of a raster on another grid: float32 physical values, NaN where nothing valid was measured.

    Backscatter in dB is averaged as linear power. No-data and non-finite source values take no part.

    Args:
        pixels: Stored source values (band, y, x).
        info: Their description.
        source: Their grid, georeferenced.
        target: The grid wanted, georeferenced.
        method: One of `METHODS`.

    Raises:
        UnknownNameError: There is no such method.
        WorkbenchError: The method does not suit the quantity, or a grid is not georeferenced.
    """

    def __init__(self, pixels: ArrayLike, info: ModalityInfo, source: Grid, target: Grid, method: str) -> None:
        check_method(method, info)
        check_georeference(info.name, source, target)
        self._pixels, self._info, self._source, self._target, self._method = pixels, info, source, target, method
        self.as_power: bool = info.quantity == "backscatter dB" and method not in PICKING
        self._factors = _factors(source, target)
        self.shape: tuple[int, int, int] = (info.bands, *target.shape)
        self.dtype: np.dtype[Any] = np.dtype(np.float32)

    def __getitem__(self, key: Any) -> NDArray[np.float32]:
        _, rows, cols = key
        return self._window(rows, cols)

    def _window(self, rows: slice, cols: slice) -> NDArray[np.float32]:
        """A window of the target, cut further where it needs more of the source than memory should hold."""
        block = self._target.window(rows, cols)
        needed = source_window(block, self._source)
        if needed is None:
            return np.full((self._info.bands, *block.shape), np.nan, np.float32)
        size = self._info.bands * (needed[0].stop - needed[0].start) * (needed[1].stop - needed[1].start)
        if size > BUDGET and max(block.shape) > 16:
            tall = block.shape[0] >= block.shape[1]
            whole = rows if tall else cols
            middle = (whole.start + whole.stop) // 2
            parts = [
                self._window(part, cols) if tall else self._window(rows, part)
                for part in (slice(whole.start, middle), slice(middle, whole.stop))
            ]
            return np.concatenate(parts, axis=1 if tall else 2)
        values = self._info.to_physical(np.asarray(self._pixels[:, needed[0], needed[1]]))
        if self.as_power:
            values = 10.0 ** (values / 10.0)
        warped = warp(values, self._source.window(*needed), block, self._method, np.nan, self._factors)
        if self.as_power:
            with np.errstate(divide="ignore", invalid="ignore"):
                warped = 10.0 * np.log10(warped)
        return np.asarray(warped, np.float32)


def warped_info(info: ModalityInfo) -> ModalityInfo:
    """Resampled values are physical float32, NaN where there are none."""
    return info.model_copy(update={"dtype": "float32", "scale": 1.0, "offset": 0.0, "nodata": None})


def check_method(method: str, info: ModalityInfo | None = None) -> str:
    """`method`, if there is such a one and it suits the quantity.

    Raises:
        UnknownNameError: There is no such method.
        WorkbenchError: It overshoots, and power would become negative.
    """
    if method not in METHODS:
        raise UnknownNameError("resampling method", method, METHODS)
    if info is not None and info.quantity.startswith("backscatter") and method in OVERSHOOTING:
        raise WorkbenchError(
            f"While resampling {info.name!r}: {method!r} overshoots and would make power negative. "
            "Use average, bilinear or nearest for backscatter."
        )
    return method


def check_georeference(name: str, source: Grid, target: Grid) -> None:
    """Refuse grids of which one has no transform, or only one has a CRS, with a `WorkbenchError`."""
    for what, grid in ((f"{name!r}", source), ("the grid it shall be brought to", target)):
        if grid.transform is None:
            raise WorkbenchError(
                f"While resampling {name!r}: {what} is not georeferenced ({grid}). "
                "Give both files a CRS and a transform, or rasters of one size."
            )
    if (source.crs is None) != (target.crs is None):
        raise WorkbenchError(
            f"While resampling {name!r}: one of the grids has no CRS ({source}; {target}). Give it one."
        )


def warp_labels(labels: NDArray[Any], source: Grid, target: Grid) -> NDArray[np.int32]:
    """Labels on another grid: the most frequent value of the source pixels in each, where 0 votes as well.

    Args:
        labels: Whole numbers from 0 to 65535, (rows, cols).
        source: Their grid.
        target: The grid wanted.

    Returns:
        int32 (rows, cols), 0 outside the source.
    """
    check_georeference("labels", source, target)
    return np.asarray(warp(labels[None].astype(np.int32), source, target, LABEL_METHOD, -1)[0], np.int32).clip(0)


def warp(
    values: NDArray[Any],
    source: Grid,
    target: Grid,
    method: str,
    nodata: float,
    factors: tuple[float, float] | None = None,
) -> NDArray[Any]:
    """Resample through rasterio's warper.

    Args:
        values: (band, rows, cols) on `source`.
        source: Their grid.
        target: The grid wanted.
        method: One of `METHODS`.
        nodata: Takes no part, and fills what is not covered.
        factors: Target pixels per source pixel across and down, of the whole rasters; None: of these.

    Returns:
        (band, rows, cols) on `target`, of the same type.
    """
    import rasterio
    from affine import Affine
    from rasterio.crs import CRS
    from rasterio.errors import RasterioError
    from rasterio.warp import Resampling, reproject

    across, down = factors or _factors(source, target)
    result = np.full((values.shape[0], *target.shape), nodata, values.dtype)
    plain = CRS.from_epsg(3857)  # where neither has a CRS: any one in which positions are plain numbers
    # GDAL takes pixels of one unit that start at the origin for a raster without place: in one CRS both move alike
    aside = 1024.0 if source.crs == target.crs else 0.0
    src, dst = (Affine(a, b, c + aside, d, e, f + aside) for a, b, c, d, e, f in (_placed(source), _placed(target)))
    try:
        with rasterio.Env():
            reproject(
                values,
                result,
                src_transform=src,
                src_crs=CRS.from_user_input(source.crs) if source.crs else plain,
                src_nodata=nodata,
                dst_transform=dst,
                dst_crs=CRS.from_user_input(target.crs) if target.crs else plain,
                dst_nodata=nodata,
                resampling=Resampling[method],
                UNIFIED_SRC_NODATA="NO",  # each band by itself
                # exact positions and one width of the kernel: a window equals that window of the whole
                tolerance=0,
                XSCALE=across,
                YSCALE=down,
            )
    except RasterioError as error:
        raise WorkbenchError(f"While resampling from {source} to {target}: {error}.") from error
    return result


def _placed(grid: Grid) -> Transform:
    assert grid.transform is not None  # checked before any window is warped
    return grid.transform


def source_window(block: Grid, source: Grid) -> tuple[slice, slice] | None:
    """Rows and columns of `source` that a method may need for `block`, None where the two do not meet."""
    rows, cols = (np.linspace(0, size, min(size, 20) + 1) for size in block.shape)
    x, y = block.positions(*np.meshgrid(rows, cols, indexing="ij"))
    places = source.places(*transform_points(block.crs, source.crs, x, y))
    spans = []
    for place, size in zip(places, source.shape, strict=True):
        found = place[np.isfinite(place)]
        if found.size == 0:
            return None
        # the widest kernel reaches three pixels of the coarser grid; between the points asked, lines may bend
        steps = [np.diff(place, axis=axis) / points[1] for axis, points in enumerate((rows, cols))]
        bends = [np.diff(place, n=2, axis=axis) for axis in (0, 1)]
        margin = 4 * max(1.0, *(_largest(step) for step in steps)) + 2 + max(_largest(bend) for bend in bends)
        low, high = int(np.floor(found.min() - margin)), int(np.ceil(found.max() + margin))
        spans.append(slice(max(low, 0), min(high, size)))
    return None if any(span.start >= span.stop for span in spans) else (spans[0], spans[1])


def _factors(source: Grid, target: Grid) -> tuple[float, float]:
    """Target pixels per source pixel across and down, at the middle of `target`, 1 where that has no image."""
    row, col = (size / 2 for size in target.shape)
    x, y = target.positions(np.array([row, row, row + 1]), np.array([col, col + 1, col]))
    rows, cols = source.places(*transform_points(target.crs, source.crs, x, y))
    steps = np.hypot(rows[1:] - rows[0], cols[1:] - cols[0])
    across, down = (float(1 / step) if np.isfinite(step) and step > 0 else 1.0 for step in steps)
    return across, down


def _largest(values: NDArray[np.float64]) -> float:
    return float(np.nanmax(np.abs(values[np.isfinite(values)]), initial=0.0))
