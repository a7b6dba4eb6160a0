"""Small scenes and tile sets in exactly the layouts in which the catalogue's data are handed around."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import rasterio
from affine import Affine
from scipy.io import savemat

from workbench.scenes.catalogue import CATALOGUE, import_catalogue_entry

SHAPE = (12, 20)
BANDS = 5


@dataclass
class Made:
    """What a packaging should hold, (rows, cols, bands) as MATLAB has it.

    Labels have every class; train and test are disjoint and cover them.
    """

    folder: Path
    arrays: dict[str, Any]
    labels: Any
    train: Any
    test: Any

    @property
    def codes(self):
        return np.where(self.train > 0, 1, np.where(self.test > 0, 3, 0))

    def mat(self, name, **variables):
        """A MATLAB 5 file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        savemat(self.folder / name, variables)

    def mat73(self, name, **variables):
        """A MATLAB 7.3 file: HDF5 with the axes reversed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with h5py.File(self.folder / name, "w", userblock_size=512) as file:
            for key, values in variables.items():
                kind = {"float64": "double", "float32": "single"}.get(values.dtype.name, values.dtype.name)
                file.create_dataset(key, data=values.T).attrs["MATLAB_class"] = np.bytes_(kind)


def labelled(classes, shape, seed=0):
    """Labels with every class, a third of the pixels unlabelled, and a share of each class that trains."""
    random = np.random.default_rng(seed)
    labels = random.integers(1, classes + 1, shape)
    labels.ravel()[: 3 * classes] = np.repeat(np.arange(1, classes + 1), 3)
    labels[random.random(shape) < 0.3] = 0
    labels.ravel()[: 3 * classes] = np.repeat(np.arange(1, classes + 1), 3)
    chosen = random.random(shape) < 0.25
    chosen.ravel()[: 3 * classes] = np.tile([True, False, False], classes)
    return labels, np.where(chosen, labels, 0), np.where(chosen, 0, labels)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Makes an entry expect a small scene, and gives what its packagings should hold."""
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))

    def make(name, shape=SHAPE, bands=BANDS):
        entry = CATALOGUE[name]
        facts = entry.facts
        labels, train, test = labelled(len(facts.classes), shape)
        count = lambda plane: tuple(int((plane == value).sum()) for value in facts.classes.values)
        sensors = {key: replace(sensor, bands=min(sensor.bands, bands)) for key, sensor in facts.sensors.items()}
        official = facts.train is not None
        expected = {"train": count(train), "test": count(test)} if official else {"total": count(labels)}
        fewer = replace(facts, shape=shape, sensors=sensors, **expected)
        monkeypatch.setitem(CATALOGUE, name, replace(entry, facts=fewer))
        random = np.random.default_rng(1)
        arrays = {key: random.integers(2, 4000, (*shape, sensor.bands)) for key, sensor in sensors.items()}
        arrays["hsi"] = arrays["hsi"].astype(np.uint16)
        arrays |= {key: (value / 100).astype(np.float32) for key, value in arrays.items() if key != "hsi"}
        return Made(tmp_path / "source", arrays, labels, train, test)

    return make


@pytest.fixture
def put(tmp_path):
    """Write a GeoTIFF (band, y, x) below the source folder: where it lies is given in pixels of 10 m."""

    def write(path, values, col=0, row=0, crs="EPSG:32649", size=10, **profile):
        values = np.asarray(values)
        values = values[None] if values.ndim == 2 else values
        file = tmp_path / "source" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if crs is not None:
            profile |= {
                "crs": crs,
                "transform": Affine(size, 0, 500_000 + size * col, 0, -size, 3_000_000 - size * row),
            }
        with rasterio.open(
            file, "w", driver="GTiff", count=len(values), height=values.shape[1], width=values.shape[2],
            dtype=values.dtype, **profile,
        ) as opened:  # fmt: skip
            opened.write(values)
        return file

    return write


@pytest.fixture
def bring(tmp_path, monkeypatch):
    """Import a catalogue entry from the source folder."""
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    return lambda name, **options: import_catalogue_entry(name, tmp_path / "source", **options)
