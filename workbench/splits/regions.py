"""Protocol `regions`: in every connected part of a class, a region grown from one pixel trains, and the rest tests.

Controlled random sampling of Liang, Zhou, Qian, Wen, Bai and Gao, IEEE TGRS 55(2), 2017 (arXiv 1605.05829): partitions of
each class, a seed pixel in each, growth until the wanted share is reached. Ours: growth by distance inside the part, so
that regions are round; the buffer (the paper has none; `buffer=0`), which takes parts narrower than the patch out of the
test side; and validation, which takes whole training regions.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from workbench.base.errors import WorkbenchError
from workbench.splits.buffer import buffer_notes, drop_near, nominal_buffer
from workbench.splits.cells import choose_validation
from workbench.splits.parameters import SplitParameters
from workbench.splits.pixel_graph import pixel_graph
from workbench.splits.pool import Pool
from workbench.splits.sides import TEST, TRAIN, VALIDATION, Assigned
from workbench.splits.unit_cells import count_unit_cells, sparing, unit_starts


class RegionsParameters(SplitParameters):
    """Parameters of `regions`; see `make_split`."""

    test_fraction: float = Field(default=0.5, gt=0, lt=1)
    buffer: int | None = Field(default=None, ge=0)


def assign_regions(pool: Pool, parameters: RegionsParameters, patch_size: int, seed: int) -> Assigned:
    """Grow a training region in each connected part; of the rest, what the buffer leaves tests.

    Raises:
        WorkbenchError: It leaves test pixels of fewer than two classes, and a narrower buffer would not.
    """
    buffer = nominal_buffer(parameters.buffer, patch_size)
    random = np.random.default_rng(seed)
    part, trains = grow_regions(pool, 1 - parameters.test_fraction, random)
    side = np.where(trains, TRAIN, TEST).astype(np.int8)
    training = np.flatnonzero(trains)
    regions, region = np.unique(part[training], return_inverse=True)
    if regions.size > 1 and parameters.validation_fraction:
        mine = pool.only(training)
        cells, starts = count_unit_cells(mine, region, buffer), unit_starts(mine, region, random)
        everything, kinds = np.ones(regions.size, bool), mine.values.size
        spared = sparing(starts, mine, region, everything, random)
        validation = choose_validation(cells, everything, kinds, parameters.validation_fraction, spared, random)
        side[training[validation[region]]] = VALIDATION
    drop_near(pool.positions, side, buffer)
    tested = np.unique(part[side == TEST]).size
    left = _classes_on_both_sides(pool, side)
    if left < 2 and (narrower := narrower_buffers(pool, trains, buffer)):
        choices = [
            f"buffer={one} leaves {many} classes and keeps patches of up to {one + 1} x {one + 1} apart"
            for one, many in dict.fromkeys((narrower[0], narrower[-1]))
        ]
        raise WorkbenchError(
            f"While splitting into regions: the {int(part.max()) + 1} connected parts of the label map are so narrow that the "
            f"buffer of {buffer} leaves test pixels of {left} classes, and two are needed. Give a narrower one: "
            f"{', '.join(choices)}; larger patches then overlap. Or use the protocol 'polygons', which keeps parts whole."
        )
    note = (
        f"{int(part.max()) + 1} connected parts: a region trains in {regions.size}, and {tested} have test pixels left"
    )
    return Assigned(side, buffer, notes=(note, *buffer_notes(buffer, patch_size)), resolved={"buffer": buffer})


def narrower_buffers(pool: Pool, trains: NDArray[np.bool_], below: int) -> list[tuple[int, int]]:
    """Buffers below a given one that leave ever more classes on both sides, the widest first.

    Args:
        pool: The labelled pixels.
        trains: Whether a training region holds each pixel, bool (n,).
        below: Pixels.

    Returns:
        Pairs of a buffer in pixels and its number of classes, from two classes on; empty where no buffer leaves two.
    """
    found: list[tuple[int, int]] = []
    for buffer in range(below - 1, -1, -1):
        side = np.where(trains, TRAIN, TEST).astype(np.int8)
        drop_near(pool.positions, side, buffer)
        classes = _classes_on_both_sides(pool, side)
        if classes > (found[-1][1] if found else 1):
            found.append((buffer, classes))
    return found


def _classes_on_both_sides(pool: Pool, side: NDArray[np.int8]) -> int:
    return np.intersect1d(pool.labels[side == TRAIN], pool.labels[side == TEST]).size


def grow_regions(pool: Pool, share: float, random: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Connected parts of the classes, and in each the pixels nearest to a random one.

    Args:
        pool: The labelled pixels.
        share: Share of the pixels of a part that the region takes; what is left of a pixel is drawn.
        random: Source of the seeds.

    Returns:
        Number of the part of each pixel, int64 (n,), and whether the region holds it, bool (n,).
    """
    graph = pixel_graph(pool)
    count, part = sparse.csgraph.connected_components(graph, directed=False)
    shuffled = random.permutation(part.size)
    _, first = np.unique(part[shuffled], return_index=True)
    distance = sparse.csgraph.dijkstra(graph, indices=shuffled[first], min_only=True)
    order = np.lexsort((random.random(part.size), distance, part))
    sizes = np.bincount(part, minlength=count)
    rank = np.empty(part.size, np.int64)
    rank[order] = np.arange(part.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    wanted = np.floor(share * sizes + random.random(count))
    return np.asarray(part, np.int64), rank < wanted[part]
