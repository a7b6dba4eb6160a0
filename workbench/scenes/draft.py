"""A tile that is about to be stored, and what must hold of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from workbench.base.errors import WorkbenchError
from workbench.scenes.classes import ClassTable
from workbench.scenes.modality import ModalityInfo
from workbench.scenes.schema import Transform, check_name

SPLIT_CODES = {"training": 1, "validation": 2, "test": 3}
"""What a stored split says of a pixel; 0 is none of them."""


class ArrayLike(Protocol):
    """What a draft's pixels may be: an array, or anything that reads windows by basic slices when asked."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(band, y, x)."""
        ...

    @property
    def dtype(self) -> Any:
        """NumPy type."""
        ...

    def __getitem__(self, key: Any, /) -> Any:
        """Values of ``[:, rows, cols]``, both slices of step 1."""
        ...


@dataclass
class TileDraft:
    """One tile to store.

    Args:
        name: Name of the tile inside its collection.
        modalities: Per name the pixels (band, y, x) of any real type, and their description. Pixels may be any
            `ArrayLike`; they are read once, in windows.
        labels: Whole numbers (y, x), 0 = unlabelled, or None.
        transform: Affine coefficients a, b, c, d, e, f, or None where not georeferenced.
        crs: WKT, or what pyproj understands such as ``"EPSG:32617"``; None where unknown.
        group: Split group: tiles of one group never part.
        reference: Extra maps on the grid (y, x) of any real type.
        splits: Splits that come with the data, as ``official``: per pixel a code of `SPLIT_CODES` (y, x); that of a
            label layer as ``official@layer``.
        layers: Further label layers (y, x), such as another source's labels; each is opened as ``scene@layer``.
    """

    name: str
    modalities: Mapping[str, tuple[ArrayLike, ModalityInfo]]
    labels: ArrayLike | None = None
    transform: Sequence[float] | None = None
    crs: str | None = None
    group: str = ""
    reference: Mapping[str, Any] = field(default_factory=dict)
    splits: Mapping[str, Any] = field(default_factory=dict)
    layers: Mapping[str, ArrayLike] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, of the first modality."""
        rows, cols = next(iter(self.modalities.values()))[0].shape[-2:]
        return int(rows), int(cols)

    def check(self) -> None:
        """Refuse a tile that cannot be stored.

        Raises:
            WorkbenchError: Names, shapes, types or descriptions do not fit each other.
        """
        check_name(self.name, "tile")
        if not self.modalities:
            raise WorkbenchError(f"Tile {self.name!r} has no modality. Give at least one raster.")
        for name, (array, info) in self.modalities.items():
            check_name(name, "modality")
            kind = np.dtype(array.dtype)
            if len(array.shape) != 3 or min(array.shape) < 1:
                raise WorkbenchError(
                    f"{name!r} of tile {self.name!r} has the shape {tuple(array.shape)}; (band, row, column) is needed."
                )
            if kind.kind not in "iuf":
                raise WorkbenchError(f"{name!r} of tile {self.name!r} holds {kind}; only real numbers can be stored.")
            if (info.name, info.bands, np.dtype(info.dtype)) != (name, array.shape[0], kind.newbyteorder("=")):
                raise WorkbenchError(
                    f"{name!r} of tile {self.name!r} has {array.shape[0]} bands of {kind}, but its description says "
                    f"{info.name!r}, {info.bands} bands of {info.dtype}."
                )
        planes = {} if self.labels is None else {"labels": self.labels}
        planes |= {**self.reference, **{f"split {name}": plane for name, plane in self.splits.items()}}
        planes |= {f"label layer {name}": plane for name, plane in self.layers.items()}
        shapes = {name: tuple(array.shape[-2:]) for name, (array, _) in self.modalities.items()}
        shapes |= {name: tuple(plane.shape) for name, plane in planes.items()}
        if len(set(shapes.values())) > 1:
            told = ", ".join(f"{name} {' x '.join(map(str, shape))}" for name, shape in shapes.items())
            raise WorkbenchError(
                f"The rasters of tile {self.name!r} differ in size (rows x columns): {told}. "
                "Bring them to one grid first; `workbench import` does it with --grid and --resample."
            )
        for name, plane in self.reference.items():
            check_name(name, "reference map")
            if np.dtype(plane.dtype).kind not in "iufb":
                raise WorkbenchError(f"The reference map {name!r} of tile {self.name!r} holds {plane.dtype}.")
        for name in [*(part for key in self.splits for part in key.split("@")), *self.layers]:
            check_name(name, "split or label layer")
        self._check_grid()

    def _check_grid(self) -> None:
        if self.transform is not None:
            given = [float(value) for value in self.transform]
            fits = len(given) == 6 and np.isfinite(given).all() and given[0] * given[4] != given[1] * given[3]
            if not fits:
                raise WorkbenchError(
                    f"Tile {self.name!r} has the transform {given}; six finite affine coefficients "
                    "a, b, c, d, e, f with pixels of some area are needed."
                )


def check_labels(labels: Any, classes: ClassTable, tile: str, first_row: int = 0) -> None:
    """Refuse label values that mean nothing.

    Args:
        labels: Some rows of a tile's labels, (rows, cols).
        classes: The class table.
        tile: Name for the error message.
        first_row: Row of the tile that `labels` starts at.

    Raises:
        WorkbenchError: Labels are no whole numbers, negative, or outside the class table.
    """
    if labels.dtype.kind not in "iu":
        raise WorkbenchError(
            f"The labels of tile {tile!r} hold {labels.dtype}; whole numbers are needed, 0 unlabelled."
        )
    found = np.unique(labels)
    wrong = [int(value) for value in found if value != 0 and int(value) not in classes]
    if not wrong:
        return
    row, col = (int(place[0]) for place in np.nonzero(labels == wrong[0]))
    told = ", ".join(str(value) for value in wrong[:10]) + (" ..." if len(wrong) > 10 else "")
    if wrong[0] < 0:
        advice = "Labels are never negative; write unlabelled pixels as 0, or name the value as the file's no-data."
    else:
        there = ", ".join(f"{entry.value} {entry.name}" for entry in classes) or "no class at all"
        advice = f"The class table has {there}. Name every class, or set these pixels to 0."
    raise WorkbenchError(
        f"The labels of tile {tile!r} hold {'values' if len(wrong) > 1 else 'the value'} {told} outside the class "
        f"table (first at row {first_row + row}, column {col}). {advice}"
    )


def check_split(split: Any, labels: Any, name: str, tile: str) -> None:
    """Refuse a stored split that cannot be used.

    Args:
        split: Codes (rows, cols).
        labels: Labels (rows, cols), or None.
        name: Name of the split.
        tile: Name for the error message.

    Raises:
        WorkbenchError: A code is none of `SPLIT_CODES`, or stands at a pixel without label.
    """
    wrong = sorted(set(np.unique(split).tolist()) - {0, *SPLIT_CODES.values()})
    if wrong:
        told = ", ".join(f"{code} {word}" for word, code in SPLIT_CODES.items())
        raise WorkbenchError(
            f"The split {name!r} of tile {tile!r} holds the value {wrong[0]}. Its values are 0 none, {told}."
        )
    bare = (np.asarray(split) > 0) if labels is None else (np.asarray(split) > 0) & (np.asarray(labels) == 0)
    if bare.any():
        row, col = (int(place[0]) for place in np.nonzero(bare))
        raise WorkbenchError(
            f"The split {name!r} of tile {tile!r} names {int(bare.sum())} pixels without label (first at row {row}, "
            f"column {col}). Do labels and split belong together, and are their axes in the same order?"
        )


def transform_of(draft: TileDraft) -> Transform | None:
    """The draft's transform as six Python floats."""
    if draft.transform is None:
        return None
    a, b, c, d, e, f = (float(value) for value in draft.transform)
    return a, b, c, d, e, f
