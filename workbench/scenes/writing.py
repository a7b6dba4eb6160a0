"""Writing the one stored form: a Zarr v3 store, streamed window by window, there whole or not at all."""

import hashlib
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.base.files import atomic_folder, explained
from workbench.base.hashing import hash_json
from workbench.scenes.classes import ClassTable
from workbench.scenes.draft import TileDraft, check_labels, transform_of
from workbench.scenes.grid import PLAIN
from workbench.scenes.modality import ModalityInfo
from workbench.scenes.overview import OverviewBuilder
from workbench.scenes.schema import CHUNK, FORMAT, SCHEMA, SUFFIX, RootRecord, TileRecord, Transform, check_name

if TYPE_CHECKING:
    import zarr

Progress = Callable[[str, float], None]
"""Called with what is being done and the share done, 0 to 1."""

Attributes = Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None
"""JSON values kept with a scene, or what gives them once all pixels have been read."""

BLOCK_COLS = 32 * CHUNK
"""Blocks are 64 x 2048 pixels of all bands: what is in memory at a time, and the order in which bytes are hashed."""


def write_store(
    path: Path,
    tiles: Iterable[TileDraft],
    classes: ClassTable,
    attrs: Attributes = None,
    replace: bool = False,
    progress: Progress | None = None,
) -> None:
    """Store tiles as one scene or collection; see `workbench.scenes.store.write_scene`."""
    import zarr
    from zarr.storage import LocalStore

    if path.suffix != SUFFIX:
        raise WorkbenchError(f"A scene is stored in a folder that ends in {SUFFIX}; {path} does not.")
    check_name(path.stem, "scene")
    with atomic_folder(path, f"storing the scene {path.stem!r}", replace) as folder:
        root = zarr.create_group(LocalStore(folder), zarr_format=3, overwrite=True)
        records: list[TileRecord] = []
        infos: tuple[ModalityInfo, ...] | None = None
        systems: list[str] = []
        for draft in tiles:
            draft.check()
            told = tuple(info for _, info in draft.modalities.values())
            infos = infos or told
            _check_schema(draft.name, told, infos)
            if any(draft.name == record.name for record in records):
                raise WorkbenchError(f"Two tiles are called {draft.name!r}; give each its own name.")
            wkt = None if draft.crs is None else well_known(draft.crs)
            if wkt is not None and wkt not in systems:
                systems.append(wkt)
            crs = None if wkt is None else systems.index(wkt)
            with explained(f"storing tile {draft.name!r}", path):
                records.append(_write_tile(root, draft, wkt, crs, classes, progress))
        if infos is None:
            raise WorkbenchError(f"There is no tile to store in {path}. Give at least one.")
        contents: list[Any] = [record.content_hash for record in records]
        table = classes.to_json()
        if len(records) > 1:
            contents += [record.name for record in records]
        record = RootRecord.build(
            {
                "format": FORMAT,
                "schema_version": SCHEMA,
                "tiles": tuple(records),
                "modalities": infos,
                "classes": tuple(table),
                "crs": tuple(systems),
                "content_hash": hash_json([contents, table]),
                "attrs": dict((attrs() if callable(attrs) else attrs) or {}),
            },
            f"storing the scene {path.stem!r}",
        )
        root.update_attributes(_plain_json(record, path.stem))


def well_known(crs: str) -> str:
    """A coordinate reference system as WKT.

    Raises:
        WorkbenchError: It is not understood.
    """
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        return str(CRS.from_user_input(crs).to_wkt())
    except CRSError as error:
        raise WorkbenchError(
            f"{crs!r} is no coordinate reference system: {error}. Write WKT or EPSG:number."
        ) from error


def _write_tile(
    root: "zarr.Group", draft: TileDraft, wkt: str | None, crs: int | None, classes: ClassTable, report: Progress | None
) -> TileRecord:
    group = root.create_group(draft.name)
    shape, transform = draft.shape, transform_of(draft)
    hashes: dict[str, str] = {}
    share = _Share(report, f"storing {draft.name}", sum(array.shape[0] for array, _ in draft.modalities.values()))
    for name, (array, info) in draft.modalities.items():
        target = group.create_group(name)
        data = _create(target, name, array.shape, np.dtype(info.dtype), ("band", "y", "x"))
        data.update_attributes(_data_attributes(info))
        overview = OverviewBuilder(info, shape)
        digest = hashlib.sha256()
        for rows, cols in _blocks(shape):
            block = np.ascontiguousarray(array[:, rows, cols], dtype=data.dtype)
            data[:, rows, cols] = block
            digest.update(block.data)
            if overview.stride > 1:
                overview.add(block, rows.start, cols.start)
            share.add(block.shape[0] * (rows.stop - rows.start) * (cols.stop - cols.start) / (shape[0] * shape[1]))
        hashes[name] = digest.hexdigest()
        if overview.stride > 1:
            small = overview.finish()
            _create(group.require_group("overview"), name, small.shape, small.dtype, ("band", "y", "x"))[:] = small
        _write_coordinates(target, shape, transform, wkt, info)
    labels = None if draft.labels is None else _labels(draft, classes)
    if labels is not None:
        target = group.create_group("labels")
        data = _create(target, "labels", labels.shape, labels.dtype, ("y", "x"))
        data.update_attributes({"grid_mapping": "spatial_ref", "long_name": "class labels, 0 = unlabelled"})
        data[:] = labels
        hashes["labels"] = hashlib.sha256(labels.data).hexdigest()
        _write_coordinates(target, shape, transform, wkt, None)
    for name, plane in draft.reference.items():
        kept = np.ascontiguousarray(plane)
        _create(group.require_group("reference"), name, kept.shape, kept.dtype, ("y", "x"))[:] = kept
        hashes[f"reference/{name}"] = hashlib.sha256(kept.data).hexdigest()
    infos = [info.model_dump(mode="json") for _, info in draft.modalities.values()]
    content = [hashes, infos, list(shape), None if transform is None else list(transform), wkt, draft.group]
    return TileRecord(
        name=draft.name,
        shape=shape,
        transform=transform,
        crs=crs,
        group=draft.group,
        labels=None if labels is None else labels.dtype.name,
        reference=tuple(draft.reference),
        content_hash=hash_json(content),
    )


def _labels(draft: TileDraft, classes: ClassTable) -> NDArray[Any]:
    """Checked labels in the smallest type that holds the class table."""
    kept = np.zeros(draft.shape, np.uint8 if max(classes.values, default=0) <= 255 else np.uint16)
    for rows, cols in _blocks(draft.shape):
        block = np.asarray(draft.labels[rows, cols])  # type: ignore[index]
        check_labels(block, classes, draft.name, rows.start)
        kept[rows, cols] = block
    return kept


def _create(
    group: "zarr.Group", name: str, shape: tuple[int, ...], dtype: np.dtype[Any], dims: tuple[str, ...]
) -> "zarr.Array[Any]":
    """A chunked array whose chunks are all written, even empty ones: a missing chunk then means damage."""
    chunks = tuple(size if dim == "band" else min(CHUNK, size) for dim, size in zip(dims, shape, strict=True))
    return group.create_array(
        name, shape=shape, dtype=dtype, chunks=chunks, dimension_names=dims, config={"write_empty_chunks": True}
    )


def _data_attributes(info: ModalityInfo) -> dict[str, Any]:
    """Attributes by which xarray and rioxarray decode values and find the CRS."""
    from xarray.backends.zarr import FillValueCoder

    told: dict[str, Any] = {"grid_mapping": "spatial_ref", "quantity": info.quantity}
    told |= {"units": info.unit} if info.unit else {}
    told |= {"scale_factor": info.scale, "add_offset": info.offset} if not info.is_raw else {}
    told |= {"date": info.date} if info.date else {}
    told |= {"long_name": list(info.band_names)} if info.band_names else {}
    if info.nodata is not None:
        told["_FillValue"] = FillValueCoder.encode(info.nodata, np.dtype(info.dtype))
    return told


def _write_coordinates(
    group: "zarr.Group", shape: tuple[int, int], transform: Transform | None, wkt: str | None, info: ModalityInfo | None
) -> None:
    """Bands, wavelengths, pixel centres and the CRS; then the group's metadata in one file, as URLs cannot be listed."""
    import rioxarray  # noqa: F401  (registers .rio)
    import xarray as xr
    import zarr
    from affine import Affine

    columns: dict[str, tuple[tuple[str, ...], NDArray[Any], dict[str, Any]]] = {}
    if info is not None:
        columns["band"] = (("band",), np.arange(1, info.bands + 1), {})
        for name, given in (("wavelength", info.wavelengths), ("fwhm", info.fwhm)):
            if given is not None:
                columns[name] = (("band",), np.array(given), {"units": "nm"})
    a, b, c, d, e, f = transform or PLAIN
    if b == d == 0:  # a rotated grid has no one-dimensional coordinates; rioxarray keeps its transform alone
        columns["x"] = (("x",), a * (np.arange(shape[1]) + 0.5) + c, {"axis": "X"})
        columns["y"] = (("y",), e * (np.arange(shape[0]) + 0.5) + f, {"axis": "Y"})
    mapping = xr.DataArray(0)
    mapping = mapping if wkt is None else mapping.rio.write_crs(wkt)
    mapping = mapping if transform is None else mapping.rio.write_transform(Affine(*transform))
    attributes = mapping.coords["spatial_ref"].attrs if "spatial_ref" in mapping.coords else {}
    columns["spatial_ref"] = ((), np.array(0), dict(attributes))
    for name, (dims, values, told) in columns.items():
        array = group.create_array(name, shape=values.shape, dtype=values.dtype, dimension_names=dims)
        array[...] = values
        array.update_attributes(told)
    extra = [name for name in ("wavelength", "fwhm") if name in columns]
    if extra and info is not None:
        group[info.name].update_attributes({"coordinates": " ".join(extra)})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Cc]onsolidated metadata")  # zarr: not yet in the v3 text
        zarr.consolidate_metadata(group.store, path=group.path)


def _blocks(shape: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    for row in range(0, shape[0], CHUNK):
        for col in range(0, shape[1], BLOCK_COLS):
            yield slice(row, min(row + CHUNK, shape[0])), slice(col, min(col + BLOCK_COLS, shape[1]))


def _check_schema(tile: str, told: tuple[ModalityInfo, ...], first: tuple[ModalityInfo, ...]) -> None:
    if told == first:
        return
    for mine, other in zip(told, first, strict=False):
        if mine != other:
            differ = [key for key in ModalityInfo.model_fields if getattr(mine, key) != getattr(other, key)]
            raise WorkbenchError(
                f"Modality {mine.name!r} of tile {tile!r} differs from the first tile's in {', '.join(differ)} "
                f"({getattr(mine, differ[0])!r} against {getattr(other, differ[0])!r}); tiles of a collection share "
                "one schema."
            )
    raise WorkbenchError(
        f"Tile {tile!r} has the modalities {', '.join(info.name for info in told)}; the first tile has "
        f"{', '.join(info.name for info in first)}. Tiles of a collection share one schema."
    )


def _plain_json(record: RootRecord, name: str) -> dict[str, Any]:
    import json

    try:
        plain = record.model_dump(mode="json")
        json.dumps(plain, allow_nan=False)
    except (TypeError, ValueError) as error:  # pydantic's own serialisation error is a ValueError
        raise WorkbenchError(f"The attributes of scene {name!r} cannot be stored as JSON: {error}.") from error
    return plain


class _Share:
    """Tells progress, in bands' worth of pixels."""

    def __init__(self, report: Progress | None, what: str, total: int) -> None:
        self._report, self._what, self._total, self._done = report, what, total, 0.0

    def add(self, part: float) -> None:
        """Count `part` more as done."""
        self._done += part
        if self._report is not None:
            self._report(self._what, min(self._done / self._total, 1.0))
