"""Tiles of several sizes, each in its own CRS, from split to map."""

import numpy as np
import pytest
import rasterio

from workbench.experiments import map_scene, train
from workbench.runs import open_run_folder
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, open_scene, write_scene
from workbench.splits import make_split

TILES = {  # name: rows, columns, CRS, side in the published split
    "a": (36, 48, "EPSG:32633", 1),
    "b": (48, 36, "EPSG:32717", 1),
    "c": (24, 60, "EPSG:32633", 2),
    "d": (36, 36, "EPSG:32717", 3),
    "e": (30, 42, "EPSG:32645", 3),
}


def draft(name):
    rows, cols, crs, side = TILES[name]
    rng = np.random.default_rng(ord(name))
    truth = rng.integers(1, 4, (rows // 6, cols // 6)).repeat(6, 0).repeat(6, 1).astype(np.uint8)
    msi = (rng.normal(0, 0.3, (4, rows, cols)) + 2.0 * truth).astype(np.float32)
    dem = rng.normal(100, 1, (1, rows, cols)).astype(np.float32)
    labels = np.where(rng.random((rows, cols)) < 0.7, truth, 0).astype(np.uint8)
    return TileDraft(
        name,
        {"msi": (msi, ModalityInfo.of("msi", msi)), "dem": (dem, ModalityInfo.of("dem", dem, quantity="elevation"))},
        labels,
        (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_400_000.0),
        crs,
        splits={"official": np.where(labels > 0, side, 0).astype(np.uint8)},
    )


@pytest.fixture(scope="module")
def collection(roots):
    attrs = {"labels_are": "a map product (made for this test)"}
    classes = ClassTable.from_names(["low", "middle", "high"])
    return write_scene(roots / "data" / "mixed.zarr", [draft(name) for name in TILES], classes, attrs)


@pytest.mark.parametrize(
    ("protocol", "parameters"), [("groups", {"min_pixels": 20, "min_groups": 1}), ("official", {}), ("blocks", {})]
)
def test_splits_of_mixed_tiles(collection, protocol, parameters):
    split = make_split(collection, protocol, patch_size=5, **parameters)
    assert split.classes == (1, 2, 3)
    sides = {side: {list(TILES)[tile] for tile in sample.positions[:, 0]} for side, sample in split.sides.items()}
    if protocol == "official":
        assert sides == {"train": {"a", "b"}, "validation": {"c"}, "test": {"d", "e"}}
    if protocol == "groups":
        assert not sides["train"] & sides["test"]
    for sample in split.sides.values():
        for tile, row, col in sample.positions:
            rows, cols, *_ = TILES[list(TILES)[tile]]
            assert row < rows
            assert col < cols
    audit = split.audit()
    assert "test" in str(audit)


@pytest.mark.parametrize("view", ["patch", "dense"])
def test_mixed_tiles_are_trained_scored_and_mapped(collection, view):
    split = make_split(collection, "official", patch_size=11)
    run = train(
        open_scene("mixed"), "fusatnet", {"hsi": ("msi",), "aux": ("dem",)}, split, view=view, width=0.03, epochs=1,
        progress=False, **({"tile": 12, "tile_batch": 4, "pixels_per_tile": 64} if view == "dense" else {}),
    )  # fmt: skip
    assert run.metrics["labels_are"] == "a map product (made for this test)"
    assert open_run_folder(run.id).summary()["score"] == "agreement with the map"
    if view == "patch":  # one map path is enough; it does not depend on the view's name
        return
    maps = map_scene(run)
    for name, (rows, cols, crs, _) in TILES.items():
        with rasterio.open(maps[name]) as raster:
            assert raster.shape == (rows, cols)
            assert raster.crs.to_string() == crs
            assert (raster.read(1) > 0).all()
