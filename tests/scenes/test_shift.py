import numpy as np
import pytest
import rasterio
from affine import Affine
from scipy.ndimage import fourier_shift, gaussian_filter
from scipy.spatial import cKDTree

from workbench.scenes import AlignmentReport, ModalityInfo, ModalitySource, edges, import_scene
from workbench.scenes.edges import central, feature, few_bands, part_shifts
from workbench.scenes.shift import Kept, ShiftMeter, stored_shifts


def fields(size, rng, margin=16):
    """A mosaic of fields seen by two sensors that agree on nothing but the borders; the second may be shifted."""
    whole = size + 2 * margin
    points = rng.uniform(0, whole, (whole * whole // 250, 2))
    places = np.stack(np.mgrid[0:whole, 0:whole], -1).reshape(-1, 2)
    field = cKDTree(points).query(places)[1].reshape(whole, whole)
    one, two = (gaussian_filter(rng.normal(size=len(points))[field], 0.8) for _ in range(2))

    def moved(rows, cols):
        shifted = np.fft.ifft2(fourier_shift(np.fft.fft2(two), (rows, cols))).real
        cut = slice(margin, -margin)
        noise = 0.1 * rng.normal(size=(2, size, size))
        return [(plane[cut, cut] + each).astype(np.float32) for plane, each in zip((one, shifted), noise, strict=True)]

    return moved


def measured(one, two):
    meter = ShiftMeter()
    meter.add({"hsi": one, "lidar": two})
    return meter.shifts()[0]


@pytest.mark.parametrize("moved", [(0.0, 0.0), (0.37, -0.21), (-1.6, 2.45), (7.3, -5.8)])
def test_a_known_shift_is_found_to_a_tenth_of_a_pixel(moved):
    found = measured(*fields(256, np.random.default_rng(5))(*moved))
    assert (found.rows, found.cols) == (pytest.approx(moved[0], abs=0.1), pytest.approx(moved[1], abs=0.1))
    assert found.agreed >= 7
    assert found.spread < 0.2


def test_contrast_may_be_reversed():
    one, _ = fields(256, np.random.default_rng(2))(0, 0)
    cut = slice(4, -4)
    found = measured(one[cut, cut], -5 * one[1:-7, 6:-2] + 100)
    assert (found.rows, found.cols) == (pytest.approx(3, abs=0.1), pytest.approx(-2, abs=0.1))


def test_nothing_is_given_for_pictures_without_anything_in_common():
    rng = np.random.default_rng(3)
    for size in (60, 200):
        one, two = (gaussian_filter(rng.normal(size=(size, size)), 2).astype(np.float32) for _ in range(2))
        found = measured(one, two)
        assert found.rows is None
        assert "too little in common" in str(found)


@pytest.mark.parametrize(
    ("one", "two", "why"),
    [
        (np.zeros((90, 90)), np.random.default_rng(0).normal(size=(90, 90)), "flat or empty"),
        (np.full((90, 90), np.nan), np.random.default_rng(0).normal(size=(90, 90)), "flat or empty"),
        (np.ones((20, 20)), np.ones((20, 20)), "20 x 20 pixels are too few"),
    ],
)
def test_flat_empty_and_small_pictures_say_why(one, two, why):
    assert part_shifts(one.astype(np.float32), two.astype(np.float32))[0] == []
    assert why in str(measured(one.astype(np.float32), two.astype(np.float32)))


def test_gaps_do_no_harm_and_too_many_leave_no_answer():
    one, two = fields(256, np.random.default_rng(5))(0.5, -0.75)
    two[100:130, 40:90] = np.nan
    one[:20] = np.nan
    found = measured(one, two)
    assert (found.rows, found.cols) == (pytest.approx(0.5, abs=0.15), pytest.approx(-0.75, abs=0.15))
    two[:, :200] = np.nan
    assert "too few pixels have values" in str(measured(one, two))


def test_tiles_count_together():
    meter = ShiftMeter()
    for seed in range(4):
        one, two = fields(96, np.random.default_rng(seed))(1.0, 0.0)
        meter.add({"a": one, "b": two})
    found = meter.shifts()[0]
    assert (found.rows, found.cols) == (pytest.approx(1, abs=0.15), pytest.approx(0, abs=0.15))
    assert found.parts == 36


def test_the_crop_is_kept_while_pixels_are_read_in_windows(monkeypatch):
    monkeypatch.setattr(edges, "CROP", 40)
    stored = np.random.default_rng(0).integers(0, 9000, (20, 70, 66)).astype(np.uint16)
    info = ModalityInfo.of("hsi", stored, scale=1e-4)
    kept = Kept(stored, info)
    for row in range(0, 70, 16):
        for col in range(0, 66, 32):
            rows, cols = slice(row, min(row + 16, 70)), slice(col, min(col + 32, 66))
            np.testing.assert_array_equal(kept[:, rows, cols], stored[:, rows, cols])
    rows, cols = central((70, 66))
    assert kept.window == (rows, cols) == (slice(15, 55), slice(13, 53))
    assert len(few_bands(20)) == 8
    expected = feature(stored[few_bands(20), rows, cols] * 1e-4, info)
    np.testing.assert_allclose(np.abs(kept.plane), np.abs(expected), atol=1e-4)


def test_the_plane_is_the_first_principal_component():
    rng = np.random.default_rng(0)
    base = rng.normal(size=(30, 30))
    cube = np.stack([3 * base + 5, -100 * base, np.full((30, 30), np.nan)]) + 0.01 * rng.normal(size=(3, 30, 30))
    cube[0, 2, 3] = np.nan
    plane = feature(cube.astype(np.float32), ModalityInfo.of("hsi", cube))
    assert np.argwhere(np.isnan(plane)).tolist() == [[2, 3]]
    there = np.isfinite(plane)
    assert abs(np.corrcoef(plane[there], base[there])[0, 1]) > 0.999


def test_the_report_of_an_import_has_the_shift_before_and_after_resampling(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    one, two = fields(240, np.random.default_rng(1))(0, 0)
    # the second file's grid starts 0.4 pixels further right and down, and its pixels are there
    shifted = np.fft.ifft2(fourier_shift(np.fft.fft2(np.pad(two, 16, mode="reflect")), (-0.4, -0.4))).real[
        16:-16, 16:-16
    ]
    for name, plane, start in (("hsi", one, 0.0), ("lidar", shifted, 0.8)):
        with rasterio.open(
            tmp_path / f"{name}.tif", "w", driver="GTiff", count=1, height=240, width=240, dtype="float32",
            crs="EPSG:32617", transform=Affine(2, 0, 5000 + start, 0, -2, 9000 - start),
        ) as file:  # fmt: skip
            file.write(plane.astype(np.float32)[None])
    sources = {name: ModalitySource(path=tmp_path / f"{name}.tif") for name in ("hsi", "lidar")}
    scene = import_scene("place", sources, grid="hsi", resample="bilinear")
    before, after = AlignmentReport.of(scene).shifts
    assert (before.stage, after.stage) == ("before resampling", "after resampling")
    assert (before.moving, before.reference) == ("lidar", "hsi")
    # laid on the nearest pixel, the content lies 0.4 pixels too far up and left
    assert (before.rows, before.cols) == (pytest.approx(-0.4, abs=0.12), pytest.approx(-0.4, abs=0.12))
    assert (after.rows, after.cols) == (pytest.approx(0, abs=0.12), pytest.approx(0, abs=0.12))
    assert "Shift of lidar against hsi, before resampling: -0." in str(AlignmentReport.of(scene))
    same = import_scene("same", {"a": tmp_path / "hsi.tif", "b": tmp_path / "hsi.tif"})
    assert stored_shifts(scene)[0].rows == pytest.approx(after.rows, abs=0.02)
    (stored,) = AlignmentReport.of(same).shifts
    assert (stored.stage, stored.rows, stored.cols) == ("as stored", 0, 0)
    assert AlignmentReport.of(import_scene("one", {"a": tmp_path / "hsi.tif"})).shifts == ()
