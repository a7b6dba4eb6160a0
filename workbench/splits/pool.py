"""The labelled pixels that a split shares out, and the tiles they lie in."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError

Affine = tuple[float, float, float, float, float, float]


class LabelledTile(Protocol):
    """What a split needs of a `Scene`."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def group(self) -> str: ...  # noqa: D102
    @property
    def shape(self) -> tuple[int, int]: ...  # noqa: D102
    @property
    def crs(self) -> str | None: ...  # noqa: D102
    @property
    def transform(self) -> Affine | None: ...  # noqa: D102
    def read_labels(self) -> NDArray[Any] | None: ...  # noqa: D102
    @property
    def named_splits(self) -> Mapping[str, NDArray[Any]]: ...  # noqa: D102
    @property
    def reference(self) -> Mapping[str, NDArray[Any]]: ...  # noqa: D102


class LabelledScene(Protocol):
    """What a split needs of a `Scene` or a `Collection`."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def content_hash(self) -> str: ...  # noqa: D102
    @property
    def classes(self) -> Any: ...  # noqa: D102
    @property
    def attrs(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def scenes(self) -> Sequence[LabelledTile]: ...  # noqa: D102


@dataclass(frozen=True)
class TileGrid:
    """Where a tile lies: enough to audit a split without opening its scene.

    Attributes:
        name: Tile name, unique in its collection.
        group: Split group; a tile without one is a group of its own, under its name.
        shape: Rows and columns.
        transform: Affine a, b, c, d, e, f from (column, row) to map coordinates, or None.
        crs: WKT, or None.
    """

    name: str
    group: str
    shape: tuple[int, int]
    transform: Affine | None
    crs: str | None

    @property
    def unit(self) -> str:
        """The group that the tile is assigned with."""
        return self.group or self.name


@dataclass(frozen=True, eq=False)
class Pool:
    """All labelled pixels of a scene or collection.

    Attributes:
        tiles: The tiles, in the order of the collection.
        positions: Tile index, row, column; int32 (n, 3), sorted.
        labels: Class values, uint16 (n,).
        names: Class names by value.
        scene_hash: Content hash of the scene.
        codes: Of each pixel in a split stored with the scene, uint8 (n,): 0 none, 1 training, 2 validation, 3 test;
            None where none was asked for.
        stored: Names of the splits stored with the scene, where one was asked for.
        objects: Number of the labelled object (crown, parcel) that each pixel is of, int64 (n,), 0 for none; None where
            none are stored or were asked for.
    """

    tiles: tuple[TileGrid, ...]
    positions: NDArray[np.int32]
    labels: NDArray[np.uint16]
    names: dict[int, str]
    scene_hash: str
    codes: NDArray[np.uint8] | None = None
    stored: tuple[str, ...] = ()
    objects: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, scene: LabelledScene, stored: str | None = None, objects: bool = False) -> Self:
        """Gather the labelled pixels.

        Args:
            scene: A scene or collection.
            stored: Name of the stored split whose codes are wanted too; a tile without it has the code 0.
            objects: Whether the numbers of labelled objects are wanted too.

        Raises:
            WorkbenchError: Nothing is labelled, or a label is not in the class table.
        """
        tiles, positions, labels, codes, numbers = [], [], [], [], []
        # Objects belong to the labels that the scene came with, not to a layer drawn beside them.
        layer = scene.attrs.get("object_layer") if objects and "@" not in scene.name else None
        there: dict[str, None] = {}
        for index, tile in enumerate(scene.scenes):
            rows, cols = tile.shape
            tiles.append(TileGrid(tile.name, tile.group or "", (rows, cols), tile.transform, tile.crs))
            grid = tile.read_labels()
            if grid is None:
                continue
            row, col = np.nonzero(grid)
            positions.append(np.column_stack([np.full(row.size, index), row, col]).astype(np.int32))
            labels.append(grid[row, col].astype(np.uint16))
            if layer is not None:
                numbers.append(np.asarray(tile.reference[layer])[row, col].astype(np.int64))
            if stored is not None:
                there |= dict.fromkeys(tile.named_splits)
                plane = tile.named_splits.get(stored)
                codes.append(np.zeros(row.size, np.uint8) if plane is None else plane[row, col].astype(np.uint8))
        if not sum(map(len, labels)):
            raise WorkbenchError(
                f"While splitting {scene.name!r}: no pixel of its {len(tiles)} tile(s) is labelled. "
                "Import it with a label raster or polygons; exploring and mapping work without."
            )
        pool = cls(
            tuple(tiles),
            np.concatenate(positions),
            np.concatenate(labels),
            {int(entry.value): str(entry.name) for entry in scene.classes},
            scene.content_hash,
            np.concatenate(codes) if codes else None,
            tuple(there),
            np.concatenate(numbers) if numbers else None,
        )
        strange = sorted(set(np.unique(pool.labels).tolist()) - set(pool.names))
        if strange:
            raise WorkbenchError(
                f"While splitting {scene.name!r}: label values {strange} are not in its class table "
                f"{sorted(pool.names)}. Import the scene again with a complete table."
            )
        return pool

    def without(self, values: Collection[int]) -> Self:
        """The same without the pixels of some classes."""
        return self.only(np.flatnonzero(~np.isin(self.labels, list(values))))

    def only(self, pixels: NDArray[np.int64]) -> Self:
        """The same with some pixels only, by their indices, ascending."""
        return replace(
            self,
            positions=self.positions[pixels],
            labels=self.labels[pixels],
            codes=None if self.codes is None else self.codes[pixels],
            objects=None if self.objects is None else self.objects[pixels],
        )

    @property
    def values(self) -> NDArray[np.int64]:
        """Class values that occur, sorted."""
        return np.unique(self.labels).astype(np.int64)

    @property
    def class_index(self) -> NDArray[np.int64]:
        """Index of each pixel's class in `values`."""
        return np.searchsorted(self.values, self.labels)
