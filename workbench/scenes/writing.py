"""Writing the one stored form: a Zarr v3 store, streamed window by window, there whole or not at all."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.base.files import atomic_folder, explained
from workbench.base.hashing import hash_json
from workbench.scenes.classes import ClassTable
from workbench.scenes.coordinates import data_attributes, write_coordinates, write_group
from workbench.scenes.draft import ArrayLike, TileDraft, check_labels, check_split, transform_of
from workbench.scenes.grid import Grid
from workbench.scenes.modality import ModalityInfo
from workbench.scenes.overview import OverviewBuilder, overview_shape
from workbench.scenes.schema import (
    CHUNK,
    FORMAT,
    PLANE_CHUNK,
    SCHEMA,
    SUFFIX,
    PlaneRecord,
    RootRecord,
    TileRecord,
    check_name,
    overview_stride,
)
from workbench.scenes.streaming import block_cols, blocks, stream

if TYPE_CHECKING:
    import zarr

Progress = Callable[[str, float], None]
"""Called with what is being done and the share done, 0 to 1."""

Attributes = Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None
"""JSON values kept with a scene, or what gives them once all pixels have been read."""


def write_store(
    path: Path,
    tiles: Iterable[TileDraft],
    classes: ClassTable,
    attrs: Attributes = None,
    replace: bool = False,
    progress: Progress | None = None,
    layer_classes: Mapping[str, ClassTable] | None = None,
    compress: bool = True,
) -> None:
    """Store tiles as one scene or collection; see `workbench.scenes.store.write_scene`."""
    import zarr
    from zarr.storage import LocalStore

    if path.suffix != SUFFIX:
        raise WorkbenchError(f"A scene is stored in a folder that ends in {SUFFIX}; {path} does not.")
    check_name(path.stem, "scene")
    with atomic_folder(path, f"storing the scene {path.stem!r}", replace) as folder:
        write_group(folder)
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
                records.append(_write_tile(folder, draft, wkt, crs, classes, layer_classes or {}, progress, compress))
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
                "layers": {name: {"classes": tuple(table.to_json())} for name, table in (layer_classes or {}).items()},
            },
            f"storing the scene {path.stem!r}",
        )
        attributes = _plain_json(record, path.stem)
        with explained(f"storing the scene {path.stem!r}", path):
            zarr.open_group(LocalStore(folder), mode="r+").update_attributes(attributes)


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


def write_labels(
    tile: Path, group: str, labels: ArrayLike, classes: ClassTable, grid: Grid, name: str
) -> tuple[NDArray[Any], str]:
    """Store one label plane, checked against its class table.

    Args:
        tile: Folder of the tile.
        group: Where in it; the array is called ``labels``.
        labels: Whole numbers (y, x), 0 = unlabelled.
        classes: The class table.
        grid: The tile's grid.
        name: Name of the tile, for error messages.

    Returns:
        The labels as stored, in the smallest type that holds the class table, and the hash of their values.

    Raises:
        WorkbenchError: Values lie outside the class table.
    """
    kept = np.zeros(grid.shape, np.uint8 if max(classes.values, default=0) <= 255 else np.uint16)
    for rows, cols in blocks(grid.shape):
        block = np.asarray(labels[rows, cols])
        check_labels(block, classes, name, rows.start)
        kept[rows, cols] = block
    told = {"grid_mapping": "spatial_ref", "long_name": "class labels, 0 = unlabelled"}
    _create(tile / group / "labels", kept.shape, kept.dtype, told)[:] = kept
    write_coordinates(tile / group, "labels", grid, None)
    return kept, hashlib.sha256(kept.data).hexdigest()


def write_layer(
    tile: Path, name: str, labels: ArrayLike, classes: ClassTable, grid: Grid, tile_name: str
) -> PlaneRecord:
    """Store one tile's share of a label layer; what is there of that name stays until the root forgets it."""
    group = f"layers/{name}-{uuid4().hex[:12]}"
    if not (tile / "layers" / "zarr.json").exists():
        write_group(tile / "layers")
    kept, digest = write_labels(tile, group, labels, classes, grid, tile_name)
    return PlaneRecord(path=group, dtype=kept.dtype.name, digest=digest)


def _write_tile(
    folder: Path,
    draft: TileDraft,
    wkt: str | None,
    crs: int | None,
    classes: ClassTable,
    layer_classes: Mapping[str, ClassTable],
    report: Progress | None,
    compress: bool,
) -> TileRecord:
    shape, transform = draft.shape, transform_of(draft)
    grid, place = Grid(shape, transform, wkt), folder / draft.name
    write_group(place)
    hashes: dict[str, str] = {}
    share = _Share(report, f"storing {draft.name}", sum(array.shape[0] for array, _ in draft.modalities.values()))
    for name, (array, info) in draft.modalities.items():
        data = _create(place / name / name, array.shape, np.dtype(info.dtype), data_attributes(info), compress)
        small = None
        if overview_stride(shape) > 1:
            small = _create(place / "overview" / name, overview_shape(info.bands, shape), np.dtype(np.float32))
        overview = OverviewBuilder(info, shape, small)
        hashes[name] = stream(array, data, overview, share.add)
        if small is not None:
            overview.finish()
        write_coordinates(place / name, name, grid, info)
    labels = None
    if draft.labels is not None:
        labels, hashes["labels"] = write_labels(place, "labels", draft.labels, classes, grid, draft.name)
    for name, plane in draft.reference.items():
        kept = np.ascontiguousarray(plane)
        _create(place / "reference" / name, kept.shape, kept.dtype)[:] = kept
        hashes[f"reference/{name}"] = hashlib.sha256(kept.data).hexdigest()
    for name, plane in draft.splits.items():
        of_layer = name.partition("@")[2]
        check_split(plane, draft.layers.get(of_layer) if of_layer else labels, name, draft.name)
        kept = np.ascontiguousarray(plane, np.uint8)
        _create(place / "splits" / name, kept.shape, kept.dtype)[:] = kept
        hashes[f"splits/{name}"] = hashlib.sha256(kept.data).hexdigest()
    layers = {}
    for name, further in draft.layers.items():
        if name not in layer_classes:
            raise WorkbenchError(f"The label layer {name!r} of tile {draft.name!r} has no class table.")
        layers[name] = write_layer(place, name, further, layer_classes[name], grid, draft.name)
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
        splits=tuple(draft.splits),
        layers=layers,
        content_hash=hash_json(content),
    )


def _create(
    place: Path,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    attributes: dict[str, Any] | None = None,
    compress: bool = True,
) -> "zarr.Array[Any]":
    """A chunked array whose chunks are all written, even empty ones: a missing file then means damage.

    A raster's rows of chunks are shards, files of at most a block each. LZ4 after a shuffle of bits packs noisy
    integers tighter than Zstandard alone, and ten times as fast.
    """
    import zarr
    from zarr.codecs import BloscCodec
    from zarr.storage import LocalStore

    if not (place.parent / "zarr.json").exists():
        write_group(place.parent)
    dims = ("band", "y", "x")[-len(shape) :]
    side = CHUNK if len(shape) == 3 else PLANE_CHUNK
    chunks = tuple(size if dim == "band" else min(side, size) for dim, size in zip(dims, shape, strict=True))
    shards = None
    if len(shape) == 3 and shape[2] > CHUNK:
        reach = -(-shape[2] // CHUNK) * CHUNK
        shards = (*chunks[:2], min(block_cols(shape[0] * dtype.itemsize), reach))
    return zarr.create_array(
        LocalStore(place),
        shape=shape,
        dtype=dtype,
        chunks=chunks,
        shards=shards,
        compressors=BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle") if compress else None,
        chunk_key_encoding={"name": "default", "separator": "."},
        dimension_names=dims,
        attributes=attributes,
        config={"write_empty_chunks": True},
        zarr_format=3,
    )


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
