"""Scenes and collections: thin, immutable and lazy faces of a stored scene."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.base.hashing import hash_json
from workbench.scenes import arrays
from workbench.scenes.classes import ClassTable
from workbench.scenes.grid import Grid
from workbench.scenes.modality import ModalityInfo
from workbench.scenes.schema import RootRecord, TileRecord, Transform, overview_stride

if TYPE_CHECKING:
    import xarray as xr
    import zarr


class Scene:
    """Co-registered modalities, labels and a class table on one pixel grid.

    Made by `open_scene`; holds metadata only, and reads pixels when asked. It survives pickling to another process.

    Args:
        address: Folder or fsspec URL of the store.
        root: What its root says.
        tile: Which of its tiles this is.
        collection: Name of the whole.
        layer: The label layer whose labels and classes it shows, None for the labels it came with.
    """

    def __init__(
        self, address: str, root: RootRecord, tile: TileRecord, collection: str, layer: str | None = None
    ) -> None:
        self._address, self._root, self._tile, self._collection = address, root, tile, collection
        self._layer = layer
        self._infos = {info.name: info for info in root.modalities}
        self._arrays: dict[str, zarr.Array[Any]] = {}

    @property
    def name(self) -> str:
        """Name of the tile; of a scene that is no tile of a collection, the scene's name."""
        return self._collection if len(self._root.tiles) == 1 else self._tile.name

    @property
    def collection(self) -> str:
        """Name of the collection; `name` itself for a single scene."""
        return self._collection

    @property
    def address(self) -> str:
        """Folder or URL of the store."""
        return self._address

    @property
    def group(self) -> str:
        """Split group of the tile, "" for none."""
        return self._tile.group

    @property
    def groups(self) -> tuple[str, ...]:
        """Split group per scene, as of a collection."""
        return (self.group,)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities."""
        return tuple(self._infos)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self._tile.shape

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Shape per scene, as of a collection."""
        return (self.shape,)

    @property
    def crs(self) -> str | None:
        """Coordinate reference system as WKT, None where not georeferenced."""
        return None if self._tile.crs is None else self._root.crs[self._tile.crs]

    @property
    def transform(self) -> Transform | None:
        """Affine coefficients a, b, c, d, e, f: x = a col + b row + c, y = d col + e row + f at pixel corners."""
        return self._tile.transform

    @property
    def grid(self) -> Grid:
        """Shape, transform and CRS as one thing."""
        return Grid(self.shape, self.transform, self.crs)

    @cached_property
    def classes(self) -> ClassTable:
        """The class table; empty where the scene has none."""
        rows = self._root.classes if self._layer is None else self._root.layers[self._layer].classes
        return ClassTable.from_json(row.model_dump() for row in rows)

    @property
    def label_layers(self) -> tuple[str, ...]:
        """Further label layers; each is opened as ``scene@layer``."""
        return tuple(self._root.layers)

    @property
    def has_labels(self) -> bool:
        """Whether labels are stored."""
        return self._tile.labels is not None if self._layer is None else self._layer in self._tile.layers

    @cached_property
    def content_hash(self) -> str:
        """Hash of arrays, grid and modality descriptions, made at import; of a label layer, of its values too."""
        if self._layer is None:
            return self._tile.content_hash
        plane = self._tile.layers.get(self._layer)
        return hash_json([self._tile.content_hash, None if plane is None else plane.digest, self.classes.to_json()])

    @property
    def attrs(self) -> dict[str, Any]:
        """A copy of what else was stored: alignment, licence, citation, note, synthetic, ..."""
        layered = {} if self._layer is None else self._root.layers[self._layer].attrs
        return copy.deepcopy({**self._root.attrs, **layered})

    @property
    def scenes(self) -> tuple["Scene", ...]:
        """The scene itself, as of a collection of one."""
        return (self,)

    def info(self, modality: str) -> ModalityInfo:
        """Description of a modality; raises `UnknownNameError` for one that is not there."""
        try:
            return self._infos[modality]
        except KeyError:
            raise UnknownNameError(f"modality of scene {self.name!r}", modality, self._infos) from None

    def __getitem__(self, modality: str) -> "xr.DataArray":
        """The modality as a lazy DataArray (band, y, x) in physical units.

        No-data is NaN (infinite values stay); integers without no-data, scale and offset keep their type. The CRS is at ``.rio.crs``, and
        band centres in nm are the coordinate ``wavelength`` on ``band`` where documented.

        Raises:
            UnknownNameError: There is no such modality.
            WorkbenchError: The store is damaged.
        """
        self.info(modality)
        return self._data_array(modality)

    @property
    def labels(self) -> "xr.DataArray | None":
        """Labels as a lazy DataArray (y, x) of uint8 or uint16, 0 = unlabelled; None without labels."""
        return self._data_array("labels", self._labels_group) if self.has_labels else None

    def read(
        self,
        modality: str,
        rows: slice | None = None,
        cols: slice | None = None,
        bands: Sequence[int] | None = None,
    ) -> NDArray[np.float32]:
        """Read a window straight from the store.

        Args:
            modality: Name of the modality.
            rows: Start and stop, None for all.
            cols: Start and stop, None for all.
            bands: Bands from 0, in any order; None for all.

        Returns:
            float32 (band, rows, cols) in physical units; no-data and non-finite values are NaN.

        Raises:
            WorkbenchError: The window or a band lies outside, or the store is damaged.
        """
        info, where = self.info(modality), f"{modality!r} of scene {self.name!r}"
        rows = arrays.check_range(rows, self.shape[0], "rows", where)
        cols = arrays.check_range(cols, self.shape[1], "columns", where)
        chosen = arrays.check_bands(bands, info.bands, where)
        array = self._array(f"{modality}/{modality}")
        depth = info.bands if chosen is None else len(chosen)
        parts = arrays.pieces(rows, cols, info.bands)
        if len(parts) == 1:
            return info.to_physical(arrays.read_window(array, rows, cols, chosen, where))
        window = np.empty((depth, rows.stop - rows.start, cols.stop - cols.start), np.float32)
        for row, col in parts:
            values = info.to_physical(arrays.read_window(array, row, col, chosen, where))
            window[
                :, row.start - rows.start : row.stop - rows.start, col.start - cols.start : col.stop - cols.start
            ] = values
        return window

    def read_labels(self, rows: slice | None = None, cols: slice | None = None) -> NDArray[np.uint16] | None:
        """Read labels of a window.

        Returns:
            uint16 (rows, cols), 0 = unlabelled; None without labels.

        Raises:
            WorkbenchError: The window lies outside, or the store is damaged.
        """
        if not self.has_labels:
            return None
        where = f"labels of scene {self.name!r}"
        rows = arrays.check_range(rows, self.shape[0], "rows", where)
        cols = arrays.check_range(cols, self.shape[1], "columns", where)
        return arrays.read_window(self._array(f"{self._labels_group}/labels"), rows, cols, None, where).astype(
            np.uint16
        )

    def spectrum(self, modality: str, row: int, col: int) -> NDArray[np.float32]:
        """All bands of one pixel, float32 (band,); raises `WorkbenchError` for a pixel outside."""
        return self.read(modality, slice(row, row + 1), slice(col, col + 1))[:, 0, 0]

    def overview(self, modality: str, bands: Sequence[int] | None = None) -> tuple[NDArray[np.float32], int]:
        """The modality small enough for a first view.

        Args:
            modality: Name of the modality.
            bands: Bands from 0, in any order; None for all.

        Returns:
            float32 (band, rows, cols), each pixel the mean of a square of valid pixels (of linear power for dB), NaN
            where none is valid; and the side of that square, 1 where it is the full resolution.
        """
        info, stride = self.info(modality), overview_stride(self.shape)
        if stride == 1:
            return self.read(modality, bands=bands), 1
        chosen = arrays.check_bands(bands, info.bands, f"the overview of {info.name!r}")
        array = self._array(f"overview/{modality}")
        rows, cols = (slice(0, size) for size in array.shape[1:])
        small = arrays.read_window(array, rows, cols, chosen, f"the overview of {info.name!r}")
        return small.astype(np.float32, copy=False), stride

    def pixel_of(self, x: float, y: float) -> tuple[int, int]:
        """Row and column of the pixel that holds a map position.

        Without georeference, x is the column and y the row, whole numbers at pixel centres.

        Raises:
            WorkbenchError: The position lies outside the scene.
        """
        row, col = self.grid.places(x, y)
        if not (0 <= row < self.shape[0] and 0 <= col < self.shape[1]):
            raise WorkbenchError(
                f"The position x={x}, y={y} lies outside scene {self.name!r} of {self.shape[0]} x {self.shape[1]} "
                f"pixels, whose corners are {self.position_of(0, 0)} and "
                f"{self.position_of(self.shape[0] - 1, self.shape[1] - 1)} (pixel centres)."
            )
        return int(row), int(col)

    def position_of(self, row: float, col: float) -> tuple[float, float]:
        """Map position x, y of a pixel's centre; column and row themselves where not georeferenced."""
        x, y = self.grid.positions(row + 0.5, col + 0.5)
        return float(x), float(y)

    @property
    def reference(self) -> Mapping[str, NDArray[Any]]:
        """Extra class maps on the grid (rows, cols), read when asked for; empty where none is stored."""
        return _Planes(self, "reference", {name: name for name in self._tile.reference})

    @property
    def named_splits(self) -> Mapping[str, NDArray[Any]]:
        """Splits that came with the data, read when asked for: uint8 (rows, cols), codes of `SPLIT_CODES`.

        A split belongs to the labels that the scene came with, or to a label layer that came with it.
        """
        end = "" if self._layer is None else f"@{self._layer}"
        kept = (name for name in self._tile.splits if name.partition("@")[1:] == (end[:1], end[1:]))
        return _Planes(self, "splits", {name.partition("@")[0]: name for name in kept})

    @property
    def _labels_group(self) -> str:
        return "labels" if self._layer is None else self._tile.layers[self._layer].path

    def _array(self, path: str) -> "zarr.Array[Any]":
        if path not in self._arrays:
            self._arrays[path] = arrays.open_array(self._address, f"{self._tile.name}/{path}")
        return self._arrays[path]

    def _data_array(self, name: str, group: str | None = None) -> "xr.DataArray":
        import rioxarray  # noqa: F401  (registers .rio)
        import xarray as xr

        group = group or name
        self._array(f"{group}/{name}")  # says what is wrong with a damaged store better than xarray does
        dataset: xr.Dataset = xr.open_zarr(
            arrays.open_store(self._address, f"{self._tile.name}/{group}"),
            decode_coords="all",
            chunks=None,
            consolidated=True,
            zarr_format=3,
            mask_and_scale=name != "labels",
        )
        return dataset[name]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_arrays": {}}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scene) and (self.name, self.content_hash) == (other.name, other.content_hash)

    def __hash__(self) -> int:
        return hash((self.name, self.content_hash))

    def __repr__(self) -> str:
        return f"<Scene {self.name!r}: {_describe(self)}>"


class Collection:
    """Scenes of one schema; tiles are opened lazily.

    Args:
        address: Folder or fsspec URL of the store.
        root: What its root says.
        name: Name of the collection.
        layer: The label layer whose labels and classes its scenes show.
    """

    def __init__(self, address: str, root: RootRecord, name: str, layer: str | None = None) -> None:
        self._root = root
        self.name: str = name
        self.address: str = address
        self.scenes: tuple[Scene, ...] = tuple(Scene(address, root, tile, name, layer) for tile in root.tiles)
        self._layer = layer

    @property
    def collection(self) -> str:
        """The collection's name, as of a scene."""
        return self.name

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities, the same in every scene."""
        return tuple(info.name for info in self._root.modalities)

    @property
    def classes(self) -> ClassTable:
        """The class table of all scenes."""
        return self.scenes[0].classes

    @property
    def content_hash(self) -> str:
        """Hash of all scenes' names and contents."""
        if self._layer is None:
            return self._root.content_hash
        return hash_json([self._root.content_hash, [scene.content_hash for scene in self.scenes]])

    @property
    def label_layers(self) -> tuple[str, ...]:
        """Further label layers; each is opened as ``scene@layer``."""
        return tuple(self._root.layers)

    @property
    def attrs(self) -> dict[str, Any]:
        """A copy of what else was stored."""
        return self.scenes[0].attrs

    @property
    def has_labels(self) -> bool:
        """Whether any scene has labels."""
        return any(scene.has_labels for scene in self.scenes)

    @property
    def groups(self) -> tuple[str, ...]:
        """Split group per scene."""
        return tuple(scene.group for scene in self.scenes)

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns per scene."""
        return tuple(scene.shape for scene in self.scenes)

    def info(self, modality: str) -> ModalityInfo:
        """Description of a modality; raises `UnknownNameError` for one that is not there."""
        return self.scenes[0].info(modality)

    def __getitem__(self, tile: str) -> Scene:
        for scene in self.scenes:
            if scene.name == tile:
                return scene
        raise UnknownNameError(f"tile of {self.name!r}", tile, [scene.name for scene in self.scenes])

    def __len__(self) -> int:
        return len(self.scenes)

    def __iter__(self) -> Iterator[Scene]:
        return iter(self.scenes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Collection) and (self.name, self.content_hash) == (other.name, other.content_hash)

    def __hash__(self) -> int:
        return hash((self.name, self.content_hash))

    def __repr__(self) -> str:
        return f"<Collection {self.name!r}: {len(self)} tiles; {_describe(self)}>"


class _Planes(Mapping[str, NDArray[Any]]):
    """Extra planes of a scene, each read when asked for."""

    def __init__(self, scene: Scene, group: str, names: dict[str, str]) -> None:
        self._scene, self._group, self._names = scene, group, names

    def __getitem__(self, name: str) -> NDArray[Any]:
        array = self._scene._array(f"{self._group}/{self._names[name]}")
        return arrays.read_window(array, slice(None), slice(None), None, f"the {self._group} {name!r}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _describe(scene: Scene | Collection) -> str:
    sizes = sorted({f"{rows} x {cols}" for rows, cols in scene.shapes})
    size = sizes[0] if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    bands = ", ".join(f"{name} ({scene.info(name).bands})" for name in scene.modalities)
    labels = f"{len(scene.classes)} classes" if scene.has_labels else "no labels"
    return f"{size} pixels; {bands}; {labels}"
