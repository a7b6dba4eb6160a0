"""Anyone's own split, from files: a training and a test mask, or one file of codes, with or without a label map.

Masks are what the field hands around as TR and TE: the class at each pixel of a side, 0 elsewhere. A mask of one value
beside a label map (0 and 1) only says where; the label map then says what.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.base.errors import WorkbenchError
from workbench.base.hashing import hash_arrays
from workbench.scenes.draft import SPLIT_CODES
from workbench.splits.pool import TileGrid
from workbench.splits.split import Sample, Split

Plane = NDArray[np.int64]
LARGEST = 2**16 - 1


@dataclass(frozen=True, eq=False)
class Mask:
    """Whole numbers on a grid.

    Attributes:
        values: (rows, cols); 0 is none, as are negative numbers and what is no number.
        name: Where it was read from, for messages.
        class_names: Names by value where the file says them.
    """

    values: Plane
    name: str
    class_names: Mapping[int, str]

    @staticmethod
    def of(values: ArrayLike, name: str, class_names: Mapping[int, str] | None = None) -> "Mask":
        """Check an array.

        Raises:
            WorkbenchError: It is not (rows, cols) of whole numbers, or a number is above 65535.
        """
        plane = np.asarray(values)
        if plane.ndim != 2 or not plane.size or plane.dtype.kind not in "biuf":
            shape = " x ".join(map(str, plane.shape)) or "a single value"
            raise WorkbenchError(
                f"While reading a mask from {name}: rows x columns of numbers are needed, not {shape} of {plane.dtype}."
            )
        if plane.dtype.kind == "f" and np.isinf(plane).any():
            row, col = np.argwhere(np.isinf(plane))[0].tolist()
            raise WorkbenchError(
                f"While reading a mask from {name}: {int(np.isinf(plane).sum())} pixels are infinite, first at row {row}, "
                f"column {col}. Write 0 where there is no class."
            )
        numbers = np.where(np.isnan(plane), 0, plane) if plane.dtype.kind == "f" else plane
        if not np.array_equal(numbers, np.round(numbers)):
            raise WorkbenchError(
                f"While reading a mask from {name}: it holds numbers that are not whole. Is it a mask?"
            )
        if numbers.max() > LARGEST:
            raise WorkbenchError(
                f"While reading a mask from {name}: it holds {numbers.max():g}; class values go up to {LARGEST}."
            )
        return Mask(np.maximum(numbers.astype(np.int64), 0), name, dict(class_names or {}))


def read_mask(source: str | Path) -> Mask:
    """Read a mask from any raster that the workbench imports: .mat, .npy, GeoTIFF, ENVI; ``file.mat:variable`` of several.

    Raises:
        WorkbenchError: The file is missing, damaged, of several bands, or holds no whole numbers.
    """
    from workbench.scenes.readers import open_raster

    with open_raster(source) as raster:
        bands, rows, cols = raster.pixels.shape
        if bands != 1:
            raise WorkbenchError(
                f"While reading a mask from {source}: it has {bands} bands of {rows} x {cols}; a mask has one. If several "
                "arrays lie in the file, name one: file.mat:variable."
            )
        values = np.asarray(raster.pixels[:, slice(0, rows), slice(0, cols)])[0]
        if raster.nodata is not None:
            values = np.where(values == raster.nodata, 0, values)
        return Mask.of(values, str(source), raster.class_names)


def split_of_masks(
    train: Mask, test: Mask, labels: Mask | None = None, patch_size: int = 11, validation: Mask | None = None
) -> Split:
    """The split that two masks make.

    Args:
        train: Class at each training pixel, 0 elsewhere; or of one value, where `labels` are given.
        test: The same of test pixels.
        labels: The label map.
        patch_size: Side of the window around a pixel, in pixels, whose overlap the audit shall count.
        validation: The same of validation pixels.

    Raises:
        WorkbenchError: Grids differ, a pixel is on two sides, a pixel of a side has no class, or a side is empty.
    """
    masks = {"train": train, "test": test} | ({} if validation is None else {"validation": validation})
    for side, mask in masks.items():
        if not mask.values.any():
            raise WorkbenchError(
                f"While reading a split from {mask.name}: no pixel is on the side {side!r}: the mask holds nothing above 0."
            )
    for mask in (*masks.values(), *(() if labels is None else (labels,))):
        _same_grid(train, mask)
    for first, second in (("train", "test"), ("train", "validation"), ("test", "validation")):
        if first in masks and second in masks:
            _apart(masks[first], masks[second], labels)
    only_where = all(np.unique(mask.values[mask.values > 0]).size <= 1 for mask in masks.values())
    if only_where and labels is None:
        raise WorkbenchError(
            f"While reading a split from {train.name} and {test.name}: each holds one value only, which says where and not "
            "what. Give the label map as well (--labels)."
        )
    lone = np.unique(train.values[train.values > 0])
    if lone.size == 1 and not only_where:
        raise WorkbenchError(
            f"While reading a split from {train.name} and others: the training mask holds {lone[0]} only, which says where, "
            "and another mask holds classes, which says what. Give masks of one kind: classes at each pixel, or 0 and 1 "
            "with the label map (--labels)."
        )
    sides, conflicts = {}, 0
    for side, mask in masks.items():
        values, differ = _classes(mask, labels, only_where)
        sides[side] = values
        conflicts += differ
    return _split(sides, masks, labels, patch_size, conflicts)


def split_of_codes(codes: Mask, labels: Mask, patch_size: int = 11) -> Split:
    """The split of one file of codes: 0 none, 1 training, 2 validation, 3 test.

    Args:
        codes: Code of each pixel.
        labels: The label map.
        patch_size: Side of the window around a pixel, in pixels, whose overlap the audit shall count.

    Raises:
        WorkbenchError: Grids differ, a code is none of these, a pixel of a side has no class, or a side is empty.
    """
    _same_grid(codes, labels)
    strange = sorted(set(np.unique(codes.values).tolist()) - {0, *SPLIT_CODES.values()})
    if strange:
        told = ", ".join(f"{code} {word}" for word, code in SPLIT_CODES.items())
        raise WorkbenchError(
            f"While reading a split from {codes.name}: it holds {strange[:5]}; codes are 0 none, {told}. Masks of class "
            "values are given as two files, one of training and one of test."
        )
    sides = {
        side: np.where(codes.values == SPLIT_CODES[word], labels.values, 0)
        for side, word in (("train", "training"), ("validation", "validation"), ("test", "test"))
    }
    bare = (codes.values > 0) & (labels.values == 0)
    if bare.any():
        raise _unlabelled(codes, labels, bare)
    return _split(sides, {"codes": codes}, labels, patch_size, 0)


def _split(
    sides: Mapping[str, Plane], files: Mapping[str, Mask], labels: Mask | None, patch_size: int, conflicts: int
) -> Split:
    one = next(iter(files.values()))
    shape: tuple[int, int] = (one.values.shape[0], one.values.shape[1])
    if not 1 <= patch_size <= min(shape):
        raise WorkbenchError(
            f"While reading a split from {one.name}: a patch of {patch_size} x {patch_size} pixels does not fit into "
            f"{shape[0]} x {shape[1]}."
        )
    for side in ("train", "test"):
        if not sides[side].any():
            name = (files.get(side) or one).name
            raise WorkbenchError(f"While reading a split from {name}: no pixel is on the side {side!r}.")
    names: dict[int, str] = {}
    for mask in (*files.values(), *(() if labels is None else (labels,))):
        names |= {value: name for value, name in mask.class_names.items() if value}
    classes = tuple(int(value) for value in np.unique(np.concatenate([plane[plane > 0] for plane in sides.values()])))
    told: dict[str, Any] = {} if labels is None else {"conflicts": conflicts}
    planes = {role: mask.values for role, mask in files.items()} | ({} if labels is None else {"labels": labels.values})
    read = [f"{role} {mask.name}" for role, mask in files.items()] + (
        [] if labels is None else [f"labels {labels.name}"]
    )
    notes = [f"sides as in the files ({', '.join(read)}); nothing was buffered or left out"]
    if conflicts:
        notes.append(f"{conflicts} pixels have another class in the masks than in the label map; the masks' counts")
    return Split(
        protocol="masks",
        seed=0,
        patch_size=patch_size,
        buffer=0,
        parameters=told,
        scene_hash=hash_arrays(planes),
        classes=classes,
        dropped={},
        tiles=(TileGrid(Path(one.name).name, "", shape, None, None),),
        names={value: names.get(value, f"class {value}") for value in classes},
        notes=tuple(notes),
        **{side: _sample(sides.get(side, np.zeros(shape, np.int64))) for side in ("train", "validation", "test")},
    )


def _sample(plane: Plane) -> Sample:
    row, col = np.nonzero(plane)
    return Sample(np.column_stack([np.zeros_like(row), row, col]).astype(np.int32), plane[row, col].astype(np.uint16))


def _classes(mask: Mask, labels: Mask | None, only_where: bool) -> tuple[Plane, int]:
    """Class of each pixel of a side, and how many contradict the label map."""
    if labels is None:
        return mask.values, 0
    there = mask.values > 0
    if only_where:
        if (bare := there & (labels.values == 0)).any():
            raise _unlabelled(mask, labels, bare)
        return np.where(there, labels.values, 0), 0
    return mask.values, int((there & (labels.values != mask.values)).sum())


def _unlabelled(mask: Mask, labels: Mask, bare: NDArray[np.bool_]) -> WorkbenchError:
    row, col = np.argwhere(bare)[0].tolist()
    return WorkbenchError(
        f"While reading a split from {mask.name}: {int(bare.sum())} of its pixels have no label in {labels.name}, first at "
        f"row {row}, column {col}. Do the files belong together?"
    )


def _same_grid(one: Mask, other: Mask) -> None:
    if one.values.shape == other.values.shape:
        return
    sizes = [f"{mask.name} has {mask.values.shape[0]} x {mask.values.shape[1]} pixels" for mask in (one, other)]
    turned = " One is the other with rows and columns exchanged." if one.values.T.shape == other.values.shape else ""
    raise WorkbenchError(f"While reading a split: {sizes[0]}, and {sizes[1]}.{turned} Give masks of one grid.")


def _apart(one: Mask, other: Mask, labels: Mask | None) -> None:
    both = (one.values > 0) & (other.values > 0)
    if not both.any():
        return
    row, col = np.argwhere(both)[0].tolist()
    differ = int((one.values != other.values)[both].sum()) if labels is None else 0
    two = f" ({differ} of them with two classes)" if differ else ""
    raise WorkbenchError(
        f"While reading a split: {int(both.sum())} pixels are in both {one.name} and {other.name}{two}, first at row {row}, "
        f"column {col} (counted from 0). A pixel either trains or tests; a score on such a split is worth nothing."
    )
