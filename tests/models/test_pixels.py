"""Windows gathered from the table against windows cut from padded arrays."""

import numpy as np
import pytest
import torch

from workbench.base.errors import WorkbenchError
from workbench.models import create_model
from workbench.models.pixels import load_pixels, region_table, square, valid_positions
from workbench.models.predict import logits_at
from workbench.models.scaling import BandScaling
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, write_scene

ROLES = {"hsi": ("hsi",), "aux": ("lidar", "hsi")}


def draft(name, shape, seed, hole=None):
    rng = np.random.default_rng(seed)
    hsi = rng.normal(5, 2, (3, *shape)).astype("float32")
    lidar = rng.normal(10, 4, (1, *shape)).astype("float32")
    if hole:
        hsi[1, hole[0], hole[1]] = np.nan
    info = {
        "hsi": ModalityInfo(name="hsi", quantity="reflectance", dtype="float32", bands=3),
        "lidar": ModalityInfo(name="lidar", quantity="height", unit="m", dtype="float32", bands=1),
    }
    return TileDraft(
        name=name,
        modalities={"hsi": (hsi, info["hsi"]), "lidar": (lidar, info["lidar"])},
        labels=np.ones(shape, "uint16"),
        transform=None,
        crs=None,
    )


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    tiles = [draft("a", (20, 14), 0, hole=(3, 4)), draft("b", (9, 70), 1)]
    return write_scene(tmp_path_factory.mktemp("s") / "two.zarr", tiles, ClassTable.from_names(["one", "two"]))


def plain_windows(scene, table, positions, size, before):
    """The oracle: scale and pad each tile as an array, then slice."""
    out = {"hsi": [], "aux": []}
    for tile, row, col in positions:
        layers = {}
        for name in ("hsi", "lidar"):
            scaling = table.scaling[name]
            array = scene.scenes[tile].read(name)
            array = (array - scaling.shift[:, None, None]) / scaling.span[:, None, None]
            array = np.nan_to_num(array)
            padded = np.pad(array, ((0, 0), (size, size), (size, size)))
            top, left = row - before + size, col - before + size
            layers[name] = padded[:, top : top + size, left : left + size]
        out["hsi"].append(layers["hsi"])
        out["aux"].append(np.concatenate([layers["lidar"], layers["hsi"]]))
    return {role: np.stack(values) for role, values in out.items()}


@pytest.mark.parametrize(("size", "before"), [(11, 5), (4, 2), (30, 17)])
def test_gathered_windows_equal_sliced_ones(scene, size, before):
    table = load_pixels(scene, ROLES)
    positions = np.array([[0, 0, 0], [0, 19, 13], [0, 3, 4], [1, 4, 69], [1, 8, 0], [1, 5, 33]])
    rows = table.window_rows(torch.from_numpy(positions), square(before, size))
    got = table.gather(rows)
    for role, expected in plain_windows(scene, table, positions, size, before).items():
        np.testing.assert_allclose(got[role].numpy(), expected, atol=1e-6)
        assert got[role].is_contiguous(memory_format=torch.channels_last)


def test_pixels_without_data_are_known_and_zero(scene):
    table = load_pixels(scene, ROLES)
    positions = np.array([[0, 3, 4], [0, 3, 5]], np.int32)
    assert valid_positions(table, positions).tolist() == [False, True]
    assert table.bands["hsi"][3 * 14 + 4, 1] == 0


def test_scaling_is_fitted_on_the_given_pixels_alone(scene):
    positions = np.array([[0, 1, 1], [0, 2, 2], [1, 3, 3]], np.int32)
    table = load_pixels(scene, ROLES, fit=("standard", positions))
    values = np.stack([scene.scenes[t].read("hsi")[:, r, c] for t, r, c in positions])
    np.testing.assert_allclose(table.scaling["hsi"].shift, values.mean(0), rtol=1e-5)
    np.testing.assert_allclose(table.scaling["hsi"].span, values.std(0), rtol=1e-5)
    table = load_pixels(scene, ROLES, fit=("minmax", None))
    assert table.bands["lidar"].min() == 0
    assert table.bands["lidar"].max() == pytest.approx(1, abs=1e-6)


def test_scaling_round_trip_and_constant_bands():
    scaling = BandScaling.fit(np.array([[1.0, 5.0], [3.0, 5.0], [np.nan, 7.0]], np.float32), "minmax")
    assert scaling.span.tolist() == [2.0, 1.0]
    again = BandScaling.from_json(scaling.to_json())
    np.testing.assert_array_equal(again.shift, scaling.shift)
    with pytest.raises(WorkbenchError, match="No pixel with data"):
        BandScaling.fit(np.full((4, 2), np.nan, np.float32), "standard")


def test_the_mean_is_that_of_the_training_pixels_whatever_the_range_is_from(scene):
    positions = np.array([[0, 1, 1], [0, 2, 2], [1, 3, 3]], np.int32)
    values = np.stack([scene.scenes[t].read("hsi")[:, r, c] for t, r, c in positions])
    for method, everywhere in (("minmax", True), ("minmax", False), ("standard", True)):
        fit = (method, None if everywhere else positions)
        scaling = load_pixels(scene, ROLES, fit=fit, training=positions).scaling["hsi"]
        np.testing.assert_allclose(scaling.mean, values.mean(0), rtol=1e-5)
        np.testing.assert_allclose(scaling.blank, (values.mean(0) - scaling.shift) / scaling.span, atol=1e-5)
    scaling = load_pixels(scene, ROLES, fit=("standard", positions), training=positions).scaling["hsi"]
    assert not scaling.blank.any()


def test_the_mean_of_an_older_run_is_its_shift_where_that_is_one():
    pixels = np.random.default_rng(0).random((50, 3), np.float32)
    pixels[:, 2] = 4.0

    def older(method):
        kept = BandScaling.fit(pixels, method).to_json()
        del kept["mean"]
        return BandScaling.from_json(kept)

    np.testing.assert_allclose(older("standard").mean, pixels.mean(0), rtol=1e-6)
    assert older("minmax").mean is None
    with pytest.raises(WorkbenchError, match=r"did not keep the mean .* Train it again"):
        _ = older("minmax").blank


def test_what_is_blanked_or_absent_stands_at_the_mean_and_is_not_read(scene):
    table = load_pixels(scene, ROLES, fit=("minmax", None))
    mean = (table.scaling["hsi"].mean - table.scaling["hsi"].shift) / table.scaling["hsi"].span
    blanked = table.blanked(["hsi"])
    absent = load_pixels(scene, ROLES, scaling=table.scaling, absent=["hsi"])
    arrays = {"lidar": scene.scenes[0].read("lidar")}
    region = region_table(arrays, ROLES, table.scaling, "cpu")
    for made in (blanked, absent, region):
        assert torch.equal(made.bands["hsi"][:-1], torch.from_numpy(mean).expand(len(made.bands["hsi"]) - 1, -1))
        assert not made.bands["hsi"][-1].any()
    assert torch.equal(absent.bands["lidar"], table.bands["lidar"])
    here = np.array([[0, 3, 4]], np.int32)  # where hsi has no data
    assert [bool(valid_positions(made, here)[0]) for made in (table, blanked, absent)] == [False, False, True]


def test_a_missing_modality_names_those_there(scene):
    with pytest.raises(WorkbenchError, match="hsi, lidar"):
        load_pixels(scene, {"hsi": ("msi",)})


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return create_model("fusatnet", {"hsi": 3, "aux": 4}, 3, width=0.03).eval()


def test_dense_answers_do_not_hang_on_the_blocks(scene, network, monkeypatch):
    """Tiled with halo equals untiled, to 1e-5 of the largest logit."""
    from workbench.models import predict

    table = load_pixels(scene, ROLES)
    positions = np.array([(1, row, col) for row in range(9) for col in range(70)], np.int32)
    whole = logits_at(network, network, table, positions, "dense")
    monkeypatch.setattr(predict, "BLOCK", 7)
    tiled = logits_at(network, network, table, positions, "dense")
    assert np.abs(tiled - whole).max() <= 1e-5 * np.abs(whole).max()
    # the same in one piece, by hand: the tile with 60 zeros around it, zeros being what lies outside
    grid = square(60, 70 + 120)
    inputs = table.gather(table.window_rows(torch.tensor([[1, 0, 0]]), grid))
    with torch.inference_mode():
        logits = network(inputs, view="dense").logits[0].numpy()
    by_hand = logits[:, positions[:, 1] + 60, positions[:, 2] + 60].T
    assert np.abs(by_hand - whole).max() <= 1e-5 * np.abs(whole).max()


def test_patch_answers_do_not_hang_on_the_batch(scene, network):
    table = load_pixels(scene, ROLES)
    positions = np.array([(0, row, col) for row in range(20) for col in range(14)], np.int32)
    whole = logits_at(network, network, table, positions, "patch", batch=300)
    parts = logits_at(network, network, table, positions, "patch", batch=7)
    np.testing.assert_allclose(parts, whole, atol=1e-5 * np.abs(whole).max())


def test_a_region_in_memory_answers_like_the_table(scene, network):
    table = load_pixels(scene, ROLES)
    arrays = {name: scene.scenes[0].read(name) for name in ("hsi", "lidar")}
    region = region_table(arrays, ROLES, table.scaling, "cpu")
    size = 20 * 14
    for name in arrays:
        np.testing.assert_allclose(region.bands[name][:size], table.bands[name][:size], atol=1e-6)
    assert torch.equal(region.valid, table.valid[:size])
