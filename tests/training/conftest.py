"""A tile of 40 x 36 pixels on the device, its training and validation pixels, and a narrow network."""

import numpy as np
import pytest
import torch

from workbench.models import create_model
from workbench.models.pixels import region_table
from workbench.models.scaling import BandScaling
from workbench.runs import Recipe
from workbench.training.task import FusionTask, Samples

SHAPE = (40, 36)
CLASSES = 3
ROLES = {"hsi": ("hsi",), "aux": ("lidar",)}


def a_recipe(**changes):
    values = {"epochs": 2, "learning_rate": 1e-3, "batch_size": 8, "tile": 8, "tile_batch": 3, "pixels_per_tile": 8}
    return Recipe(**values | changes)


@pytest.fixture
def truth():
    """Class index of each pixel."""
    return np.random.default_rng(0).integers(CLASSES, size=(8, 6)).repeat(5, 0).repeat(6, 1)


@pytest.fixture
def table(truth):
    rng = np.random.default_rng(1)
    arrays = {
        "hsi": (rng.normal(0, 0.3, (4, *SHAPE)) + (truth == 2)).astype("float32"),
        "lidar": (rng.normal(0, 0.3, (1, *SHAPE)) + (truth == 1)).astype("float32"),
    }
    flat = {name: BandScaling.fit(array.reshape(len(array), -1).T, "standard") for name, array in arrays.items()}
    return region_table(arrays, ROLES, flat, "cpu")


def pixels(truth, chosen):
    """Samples of the pixels where `chosen`."""
    rows, cols = np.nonzero(chosen)
    positions = np.stack([np.zeros_like(rows), rows, cols], -1).astype(np.int32)
    return Samples(positions, truth[rows, cols].astype(np.int64))


@pytest.fixture
def sides(truth):
    """Masks of training, validation and test pixels."""
    sides = np.random.default_rng(2).choice(4, SHAPE, p=[0.7, 0.1, 0.1, 0.1])
    return {"train": sides == 1, "validation": sides == 2, "test": sides == 3}


@pytest.fixture
def training(truth, sides):
    return pixels(truth, sides["train"])


@pytest.fixture
def validation(truth, sides):
    return pixels(truth, sides["validation"])


@pytest.fixture
def model():
    torch.manual_seed(0)
    return create_model("fusatnet", {"hsi": 4, "aux": 1}, CLASSES, 0.02)


@pytest.fixture
def dying(monkeypatch):
    """Let something happen in the first step of the second epoch."""

    def arrange(happen):
        plain = FusionTask.training_step

        def step(self, batch, batch_idx):
            if (self.current_epoch, batch_idx) == (1, 0):
                happen()
            return plain(self, batch, batch_idx)

        monkeypatch.setattr(FusionTask, "training_step", step)

    return arrange


@pytest.fixture
def interrupted_once(dying):
    """Let the first training that comes to its second epoch be stopped by Ctrl-C; the next ones go on."""

    def arrange():
        happened = []

        def interrupt():
            if not happened:
                happened.append(True)
                raise KeyboardInterrupt

        dying(interrupt)

    return arrange
