"""A tiny georeferenced scene whose classes two modalities tell apart, and one finished run on it."""

import os
import shutil

import numpy as np
import pytest

from workbench.base.config import write_yaml
from workbench.base.files import read_json, write_json
from workbench.experiments.run import Run
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, write_scene

SHAPE = (72, 96)


def draft(seed: int = 0, hole: bool = True, name: str = "tiny") -> TileDraft:
    """Parcels of 6 x 6 pixels; the first bands tell class 1 and 2 from 3, the height tells 1 from 2."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 4, (SHAPE[0] // 6, SHAPE[1] // 6)).repeat(6, 0).repeat(6, 1)
    hsi = rng.normal(0, 0.3, (6, *SHAPE)).astype("float32")
    hsi[:3] += 2.0 * (truth == 3)
    lidar = (rng.normal(0, 0.3, SHAPE) + 3.0 * (truth == 2)).astype("float32")[None]
    if hole:
        hsi[2, 5, 7] = np.nan
    labelled = (rng.random((SHAPE[0] // 6, SHAPE[1] // 6)) < 0.7).repeat(6, 0).repeat(6, 1)
    return TileDraft(
        name=name,
        modalities={
            "hsi": (
                hsi,
                ModalityInfo(
                    name="hsi",
                    quantity="reflectance",
                    dtype="float32",
                    bands=6,
                    wavelengths=(450.0, 550.0, 650.0, 750.0, 850.0, 950.0),
                ),
            ),
            "lidar": (lidar, ModalityInfo(name="lidar", quantity="height", unit="m", dtype="float32", bands=1)),
        },
        labels=np.where(labelled, truth, 0).astype("uint16"),
        transform=(2.0, 0.0, 500_000.0, 0.0, -2.0, 5_400_000.0),
        crs="EPSG:32633",
    )


@pytest.fixture(scope="session")
def roots(tmp_path_factory):
    """Roots of their own for these tests; `_own_roots` points each test there."""
    return tmp_path_factory.mktemp("experiments")


def point(patch, folder):
    for name in ("data", "runs", "reports"):
        patch.setenv(f"WORKBENCH_{name.upper()}", str(folder / name))


@pytest.fixture(autouse=True)
def _own_roots(roots, monkeypatch):
    point(monkeypatch, roots)


@pytest.fixture(scope="session")
def scene(roots):
    return write_scene(roots / "data" / "tiny.zarr", [draft()], ClassTable.from_names(["low", "high", "bright"]))


OPTIONS = {
    "view": "dense",
    "width": 0.03,
    "epochs": 3,
    "tile": 12,
    "tile_batch": 4,
    "pixels_per_tile": 64,
    "progress": False,
}


@pytest.fixture(scope="session")
def run(roots, scene):
    from workbench.experiments import train

    with pytest.MonkeyPatch.context() as patch:
        point(patch, roots)
        return train(scene, **OPTIONS)


@pytest.fixture
def forge(tmp_path):
    """Copies of a finished run with another configuration and score."""

    def make(run, name, oa=None, split=None, scene=None, drop=0, protocol=None, controls=None, **changes):
        folder = tmp_path / name
        shutil.copytree(run.path, folder, copy_function=os.link)
        config = run.config
        if split:
            changes["split"] = config.split.model_copy(
                update={"hash": split, "protocol": protocol or config.split.protocol}
            )
        if scene:
            changes["scene_hash"] = scene
        write_yaml(folder / "config.yaml", config.model_copy(update=changes))
        metrics = read_json(folder / "metrics.json")
        if oa is not None:
            metrics["test"] |= {"oa": oa}
        metrics["controls"] |= controls or {}
        metrics["protocol"] = config.split.protocol if protocol is None else protocol
        write_json(folder / "metrics.json", metrics)
        if drop:
            (folder / "predictions.parquet").unlink()  # a link: the run keeps its own
            run.predictions.iloc[drop:].to_parquet(folder / "predictions.parquet")
        return Run(folder)

    return make
