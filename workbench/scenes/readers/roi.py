"""ENVI regions of interest exported as text, as the labels of Houston 2013 come: a class per region, a row per pixel.

Lines that start with ``;`` describe: ``; ROI name:``, ``; ROI rgb value:``, ``; ROI npts:``, and the columns ``; ID X Y
...``. X and Y are column and row, counted from 1. ENVI writes the descriptions of all regions first or each before its
rows; both are read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes.classes import ClassEntry, ClassTable, default_color
from workbench.scenes.grid import Grid
from workbench.scenes.readers.vector import BurntLabels

TOLD = re.compile(r"^;\s*(ROI name|ROI rgb value|ROI npts|File Dimension)\s*:\s*(.*?)\s*$", re.IGNORECASE)


@dataclass
class Region:
    """One region of interest.

    Args:
        name: Its name, which is the class.
        color: ``#rrggbb``, None where the file does not say.
        declared: How many pixels the file says it has, None where it does not.
        pixels: Row and column of each, counted from 0.
    """

    name: str
    color: str | None = None
    declared: int | None = None
    pixels: list[tuple[int, int]] = field(default_factory=list)


def is_roi_text(path: Path) -> bool:
    """Whether a text file is an ENVI ROI export."""
    if path.suffix.lower() not in (".txt", ".roi") or not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(4096)
    return start.lstrip().startswith(b";") and b"ROI" in start


def roi_labels(
    path: Path, grid: Grid, classes: ClassTable | None = None, values: Mapping[str, int] | None = None
) -> BurntLabels:
    """Lay the regions of an export onto a grid.

    Args:
        path: The text file.
        grid: The scene's grid.
        classes: The class table; None makes one of the regions in their order, with their colours.
        values: Class value of each region's name, where the table has other names.

    Raises:
        WorkbenchError: Counts differ from those declared, pixels lie outside the grid, the file is of another image,
            or a name is not in the table.
    """
    regions, size = read_regions(path)
    if size is not None and size != grid.shape:
        raise WorkbenchError(
            f"While reading labels from {path}: they are of an image of {size[0]} rows x {size[1]} columns, and the scene "
            f"has {grid.shape[0]} x {grid.shape[1]}. Find the labels of this image."
        )
    if values is None:
        values = _by_name(regions, classes, path)
    missing = [region.name for region in regions if region.name not in values]
    if missing:
        raise UnknownNameError(f"region of {path.name}", missing[0], values)
    if classes is None:
        colors = {values[region.name]: region.color for region in regions}
        names = {values[region.name]: region.name for region in regions}
        classes = ClassTable(
            ClassEntry(value, names[value], colors[value] or default_color(place))
            for place, value in enumerate(sorted(names), start=1)
        )
    labels = np.zeros(grid.shape, np.uint16)
    claims = np.zeros(grid.shape, np.uint16)
    counted: dict[int, NDArray[np.bool_]] = {}
    for region in regions:
        places = np.array(region.pixels, np.int64).reshape(-1, 2)
        outside = ((places < 0) | (places >= np.array(grid.shape))).any(1)
        if outside.any():
            row, col = (places[outside][0] + 1).tolist()
            raise WorkbenchError(
                f"While reading labels from {path}: pixel X={col}, Y={row} of {region.name!r} lies outside the scene of "
                f"{grid.shape[0]} rows x {grid.shape[1]} columns. Find the labels of this image."
            )
        mask = counted.setdefault(values[region.name], np.zeros(grid.shape, bool))
        mask[places[:, 0], places[:, 1]] = True
    for value, mask in counted.items():
        labels[mask] = value
        claims += mask
    labels[claims > 1] = 0
    counts = {
        "regions": len(regions),
        "pixels_labelled": int((labels > 0).sum()),
        "pixels_claimed_by_two_classes": int((claims > 1).sum()),
    }
    return BurntLabels(labels, classes, counts)


def read_regions(path: Path) -> tuple[list[Region], tuple[int, int] | None]:
    """Read an export.

    Returns:
        The regions, and rows and columns of the image that they were drawn on, None where the file does not say.

    Raises:
        WorkbenchError: The file is missing, is no such export, or holds other counts than it declares.
    """
    if not path.is_file():
        raise WorkbenchError(f"While reading labels from {path}: the file is missing. Check the path.")
    regions: list[Region] = []
    size: tuple[int, int] | None = None
    filling = -1  # the region whose rows are being read
    fresh = True  # whether a description came since the last row
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        where = f"line {number} of {path}"
        told = TOLD.match(line)
        if told:
            key, value = told[1].lower(), told[2]
            if key == "file dimension":
                size = _size(value, where)
            elif key == "roi name":
                regions.append(Region(value))
            elif not regions:
                raise _odd(where, f"{told[1]!r} stands before any 'ROI name'")
            elif key == "roi npts":
                regions[-1].declared = int(_number(value, where))
            else:
                regions[-1].color = _color(value)
            fresh = True
        elif line.startswith(";"):
            words = line.strip("; \t").split()
            if "X" in words and words[:3] != ["ID", "X", "Y"]:
                raise _odd(where, "the columns must start with ID, X, Y; export the pixels with their locations")
        elif line.strip():
            filling = _region_of_row(regions, filling, fresh, where)
            fresh = False
            words = line.split()
            if len(words) < 3:
                raise _odd(where, f"ID, X and Y were expected and {line.strip()[:40]!r} was found")
            regions[filling].pixels.append((int(_number(words[2], where)) - 1, int(_number(words[1], where)) - 1))
    if not regions:
        raise WorkbenchError(
            f"While reading labels from {path}: it holds no line '; ROI name:', so it is no ENVI export."
        )
    for region in regions:
        if region.declared is not None and region.declared != len(region.pixels):
            raise WorkbenchError(
                f"While reading labels from {path}: region {region.name!r} declares {region.declared} pixels and "
                f"{len(region.pixels)} were found. It is truncated or edited; copy or download it again."
            )
    return regions, size


def _region_of_row(regions: list[Region], filling: int, fresh: bool, where: str) -> int:
    """Which region a data row belongs to: the one described last, or, where all come first, the next that is not full."""
    if not regions:
        raise _odd(where, "pixels stand before any 'ROI name'")
    if fresh and (filling >= 0 or len(regions) == 1):  # described just before its rows
        return len(regions) - 1
    if any(region.declared is None for region in regions):
        raise _odd(where, "the rows of several regions follow each other, and 'ROI npts' does not tell where each ends")
    filling = max(filling, 0)
    while filling < len(regions) - 1 and len(regions[filling].pixels) == regions[filling].declared:
        filling += 1
    return filling


def _by_name(regions: list[Region], classes: ClassTable | None, path: Path) -> dict[str, int]:
    names = list(dict.fromkeys(region.name for region in regions))
    if classes is None:
        return {name: value for value, name in enumerate(names, start=1)}
    known = {_plain(entry.name): entry.value for entry in classes}
    for name in names:
        if _plain(name) not in known:
            raise UnknownNameError(f"class in {path.name}", name, classes.names)
    return {name: known[_plain(name)] for name in names}


def _plain(name: str) -> str:
    return re.sub(r"[\s_]+", " ", name).strip().lower()


def _size(value: str, where: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)\s*x\s*(\d+)", value)
    if not found:
        raise _odd(where, f"'columns x rows' was expected and {value!r} was found")
    return int(found[2]), int(found[1])


def _color(value: str) -> str | None:
    numbers = [int(number) for number in re.findall(r"\d+", value)]
    return "#{:02x}{:02x}{:02x}".format(*numbers) if len(numbers) == 3 and max(numbers) < 256 else None


def _number(word: str, where: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = 0.5
    if value != int(value):
        raise _odd(where, f"a whole number was expected and {word!r} was found")
    return value


def _odd(where: str, what: str) -> WorkbenchError:
    return WorkbenchError(f"While reading labels from {where}: {what}. Copy or export the file again.")
