from types import SimpleNamespace

import numpy as np
import pytest


def make_tile(labels, name="tile", group="", crs=None, transform=None, objects=None):
    labels = None if labels is None else np.asarray(labels, np.uint16)
    shape = (30, 40) if labels is None else labels.shape
    reference = {} if objects is None else {"objects": np.asarray(objects)}
    return SimpleNamespace(
        name=name,
        group=group,
        shape=shape,
        crs=crs,
        transform=transform,
        read_labels=lambda: labels,
        reference=reference,
    )


def make_scene(*tiles, classes=6):
    """What the splits need of a scene, without a store."""
    entries = [SimpleNamespace(value=value, name=f"kind {value}") for value in range(1, classes + 1)]
    attrs = {"object_layer": "objects"} if any(tile.reference for tile in tiles) else {}
    return SimpleNamespace(name="fake", content_hash="c" * 64, classes=entries, scenes=tiles, attrs=attrs)


def make_fields(shape, side, classes, share, seed=0):
    """Square fields of one class each, a share of which is labelled."""
    random = np.random.default_rng(seed)
    coarse = (shape[0] // side + 1, shape[1] // side + 1)
    fields = random.integers(1, classes + 1, coarse) * (random.random(coarse) < share)
    return np.kron(fields, np.ones((side, side), int))[: shape[0], : shape[1]].astype(np.uint16)


@pytest.fixture
def tile():
    return make_tile


@pytest.fixture
def scene():
    return make_scene


@pytest.fixture
def fields():
    return make_fields


@pytest.fixture
def farmland():
    """Fields of 15 pixels on 145 x 145, a third of them labelled: what common benchmark scenes look like."""
    return make_scene(make_tile(make_fields((145, 145), 15, 6, 0.3)))


@pytest.fixture
def woods():
    """A collection of 24 small georeferenced tiles in 12 groups and two CRS; class 6 lives in one group only."""
    random = np.random.default_rng(4)
    tiles = []
    for index in range(24):
        labels = random.integers(0, 6, (20, 20))
        if index in (4, 5):
            labels[:10] = 6
        east = 1000.0 * (index // 2) + 30 * (index % 2)
        place = "here" if index < 20 else "there"
        tiles.append(make_tile(labels, f"tile {index}", f"g{index // 2}", place, (1.0, 0, east, 0, -1.0, 5000.0)))
    return make_scene(*tiles)
