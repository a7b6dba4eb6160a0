"""Controls that see no image: the class of the nearest training pixel, and the commonest class.

A score near the coordinates-only control says that position alone explains it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from workbench.analysis import Scores, confusion_matrix, scores
from workbench.splits.split import Split


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest training pixel of each test pixel.

    Attributes:
        predicted: Its class, uint16 (n,).
        distance: Distance in pixels, float64 (n,); NaN where no training pixel lies in the same place.
        how: What served as position, in words.
    """

    predicted: NDArray[np.uint16]
    distance: NDArray[np.float64]
    how: str


def nearest_training_pixel(split: Split) -> Nearest:
    """Find the training pixel (validation not included) nearest to each test pixel.

    In one scene, position is row and column. In a collection it is map coordinates, and only tiles of one CRS are
    compared: a CRS is a place of its own. A tile without georeference is likewise a place of its own. Test pixels of
    a place without training pixels get the class of the training pixel with the nearest row and column within its
    tile, and no distance.
    """
    places, points = _places(split)
    train, test = split.train.positions, split.test.positions
    predicted = np.zeros(len(test), np.uint16)
    distance = np.full(len(test), np.nan)
    train_place, test_place = places[train[:, 0]], places[test[:, 0]]
    train_points, test_points = points(train), points(test)
    lonely = np.zeros(len(test), bool)
    for place in np.unique(test_place):
        theirs, mine = train_place == place, test_place == place
        if not theirs.any():
            lonely |= mine
            continue
        distance[mine], index = cKDTree(train_points[theirs]).query(test_points[mine])
        predicted[mine] = split.train.labels[theirs][index]
    if lonely.any():
        _, index = cKDTree(train[:, 1:]).query(test[lonely, 1:])
        predicted[lonely] = split.train.labels[index]
    how = "row and column"
    if len(split.tiles) > 1:
        on_map = sum(tile.crs is not None and tile.transform is not None for tile in split.tiles)
        how = "map coordinates within each CRS" if on_map else "row and column within each tile"
        if 0 < on_map < len(split.tiles):
            how += ", row and column where a tile has none"
        if lonely.any():
            how += f"; {lonely.mean():.0%} of test pixels lie where nothing trains and use position within the tile"
    return Nearest(predicted, distance, how)


def coordinates_only(split: Split, nearest: Nearest | None = None) -> Scores:
    """Scores of one-nearest-neighbour on position alone, without spectrum or height, on the test pixels."""
    nearest = nearest or nearest_training_pixel(split)
    return scores(confusion_matrix(split.test.labels, nearest.predicted, split.classes), split.classes)


def majority_class(split: Split) -> Scores:
    """Scores of calling every test pixel the commonest training class (the lowest value among equals)."""
    values, counts = np.unique(split.train.labels, return_counts=True)
    predicted = np.full(len(split.test), values[counts.argmax()])
    return scores(confusion_matrix(split.test.labels, predicted, split.classes), split.classes)


def _places(split: Split) -> tuple[NDArray[np.int64], Callable[[NDArray[np.int32]], NDArray[np.float64]]]:
    """Place number of each tile, and the function from positions to points, in pixels within a place."""
    tiles = split.tiles
    keys: list[str] = []
    affines = np.zeros((len(tiles), 2, 3))  # rows: first and second coordinate from (column, row, 1)
    sizes: dict[str, float] = {}
    for index, tile in enumerate(tiles):
        if len(tiles) > 1 and tile.crs is not None and tile.transform is not None:
            a, b, _, d, e, _ = tile.transform
            # One unit per place: the pixel size of its first tile.
            size = sizes.setdefault(f"crs {tile.crs}", float(np.sqrt(abs(a * e - b * d))) or 1.0)
            keys.append(f"crs {tile.crs}")
            affines[index] = np.reshape(tile.transform, (2, 3)) / size
        else:
            keys.append(f"tile {index}")
            affines[index] = [[0, 1, 0], [1, 0, 0]]
    order = {key: number for number, key in enumerate(dict.fromkeys(keys))}

    def points(positions: NDArray[np.int32]) -> NDArray[np.float64]:
        centre = np.column_stack([positions[:, 2] + 0.5, positions[:, 1] + 0.5, np.ones(len(positions))])
        result: NDArray[np.float64] = np.einsum("nij,nj->ni", affines[positions[:, 0]], centre)
        return result

    return np.array([order[key] for key in keys]), points
