"""Less training: nested random parts of a split's training side; validation and test stay as they are."""

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.splits.split import Sample, Split

Unit = Literal["auto", "tiles", "regions", "pixels"]

Groups = NDArray[np.int64]


def subset(split: Split, fraction: float, seed: int = 0, unit: Unit = "auto") -> Split:
    """The split with a part of its training side.

    Parts of one seed are nested: a smaller one's pixels are all in a larger one's. Every class keeps at least one unit,
    so that it can be learnt; a small part can therefore be larger than asked for, as its note says.

    Args:
        split: The split; not itself a part.
        fraction: Share of the units that go on training, above 0 and at most 1; 1 gives the split itself.
        seed: Seed of the draw.
        unit: What is drawn whole: `tiles`; `regions`, joined (also by corners) training pixels of one class, as
            polygons leave them; or `pixels`. Regions and pixels are drawn class by class. `auto` takes tiles where
            training lies on several, else pixels. Pixels leave something of every field, and neighbours resemble each
            other: a part by regions is the harder and more honest one where labels come as polygons.

    Raises:
        UnknownNameError: There is no such unit.
        WorkbenchError: Fraction or seed are out of range, or the split is a part already.
    """
    doing = f"While taking {fraction!r} of the training side of a split"
    if unit not in get_args(Unit):
        raise UnknownNameError("unit of a subset", str(unit), get_args(Unit))
    if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 < fraction <= 1:
        raise WorkbenchError(f"{doing}: the fraction must be a number above 0 and at most 1.")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise WorkbenchError(f"{doing}: seed = {seed!r} must be a whole number >= 0.")
    if "subset_fraction" in split.parameters:
        raise WorkbenchError(f"{doing}: it is a part already. Take the part of the whole split.")
    if fraction == 1:
        return split
    train = split.train
    if unit == "auto":
        unit = "tiles" if np.unique(train.positions[:, 0]).size > 1 else "pixels"
    random = np.random.default_rng([seed, 2])
    if unit == "tiles":
        kept = _tiles(train, fraction, random)
    else:
        groups = _regions(train) if unit == "regions" else np.arange(len(train))
        kept = np.isin(groups, _by_class(groups, train.labels, fraction, random))
    part = Sample(train.positions[kept], train.labels[kept])
    note = f"training keeps {len(part)} of {len(train)} pixels: {fraction:.4g} of its {unit}, seed {seed}"
    told = {"subset_fraction": float(fraction), "subset_seed": seed, "subset_unit": unit}
    return replace(split, train=part, parameters=split.parameters | told, notes=(*split.notes, note))


def _by_class(groups: Groups, labels: NDArray[np.uint16], fraction: float, random: np.random.Generator) -> Groups:
    """Groups that stay: of each class the first of a random order, which does not hang on the fraction."""
    orders = [random.permutation(np.unique(groups[labels == value])) for value in np.unique(labels)]
    return np.concatenate([order[: max(1, round(fraction * order.size))] for order in orders])


def _tiles(train: Sample, fraction: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """Pixels of the tiles that stay; in their random order those that bring a class come first."""
    tile = train.positions[:, 0]  # sorted
    numbers, first = np.unique(tile, return_index=True)
    kinds = [set(np.unique(labels).tolist()) for labels in np.split(train.labels, first[1:])]
    seen: set[int] = set()
    bringing: list[int] = []
    others: list[int] = []
    for index in random.permutation(numbers.size).tolist():
        (bringing if kinds[index] - seen else others).append(index)
        seen |= kinds[index]
    many = max(len(bringing), round(fraction * numbers.size))
    return np.isin(tile, numbers[[*bringing, *others][:many]])


def _regions(train: Sample) -> Groups:
    """Number of the region of each training pixel: 8-connected pixels of one class in one tile."""
    groups = np.zeros(len(train), np.int64)
    first = 0
    for tile in np.unique(train.positions[:, 0]):
        mine = np.flatnonzero(train.positions[:, 0] == tile)
        row, col = (train.positions[mine, axis] - train.positions[mine, axis].min() for axis in (1, 2))
        for value in np.unique(train.labels[mine]):
            chosen = train.labels[mine] == value
            mask = np.zeros((row.max() + 1, col.max() + 1), bool)
            mask[row[chosen], col[chosen]] = True
            numbers, count = ndimage.label(mask, np.ones((3, 3)))
            groups[mine[chosen]] = first + numbers[row[chosen], col[chosen]]
            first += count
    return groups
