import numpy as np
import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import ModalityInfo
from workbench.scenes import resample as module
from workbench.scenes.grid import Grid
from workbench.scenes.resample import Warped, warp_labels

COARSE = Grid((6, 8), (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0), "EPSG:32617")
FINE = Grid((30, 40), (2.0, 0.0, 500_000.0, 0.0, -2.0, 4_000_000.0), "EPSG:32617")


def warped(values, method="average", source=FINE, target=COARSE, **fields):
    return Warped(values, ModalityInfo.of("x", values, **fields), source, target, method)


def whole(pixels):
    _, rows, cols = pixels.shape
    return pixels[:, slice(0, rows), slice(0, cols)]


def blocks(values):
    """Each coarse pixel's 5 x 5 fine pixels, (band, 6, 8, 25)."""
    return values.reshape(values.shape[0], 6, 5, 8, 5).swapaxes(2, 3).reshape(values.shape[0], 6, 8, 25)


def test_average_equals_block_means_and_skips_nodata_of_each_band():
    values = np.random.default_rng(0).integers(0, 1000, (3, 30, 40)).astype(np.int16)
    values[1, 2, 3] = values[0, 0:5, 0:5] = -9999
    expected = np.where(blocks(values) == -9999, np.nan, blocks(values) * 0.1 + 2)
    got = whole(warped(values, nodata=-9999, scale=0.1, offset=2))
    assert got.dtype == np.float32
    assert np.isnan(got[0, 0, 0])
    with np.errstate(invalid="ignore"), pytest.warns(RuntimeWarning, match="empty"):
        np.testing.assert_allclose(got, np.nanmean(expected, axis=-1), rtol=1e-6)


def test_backscatter_averages_in_linear_power():
    values = np.random.default_rng(0).normal(-12, 5, (1, 30, 40)).astype(np.float32)
    values[0, 7, 7] = np.nan
    linear = 10 ** (values.astype(float) / 10)
    expected = np.nanmean(blocks(linear), axis=-1)
    got = whole(warped(values, quantity="backscatter dB"))
    np.testing.assert_allclose(got, 10 * np.log10(expected), rtol=1e-4)
    assert np.abs(got - np.nanmean(blocks(values.astype(float)), axis=-1)).min() > 0.1
    got = whole(warped(linear.astype(np.float32), quantity="backscatter linear"))
    np.testing.assert_allclose(got, expected, rtol=1e-4)
    nearest = whole(warped(values, "nearest", quantity="backscatter dB"))
    np.testing.assert_array_equal(nearest, values[:, 2::5, 2::5])


def test_labels_take_the_majority():
    labels = np.random.default_rng(0).integers(0, 4, (30, 40))
    labels[0:5, 0:5] = 0
    labels[0:2, 0:5] = 3
    got = warp_labels(labels, FINE, COARSE)
    for row in range(6):
        for col in range(8):
            counts = np.bincount(labels[row * 5 : row * 5 + 5, col * 5 : col * 5 + 5].ravel(), minlength=4)
            assert counts[got[row, col]] == counts.max()
    assert got[0, 0] == 0
    shifted = Grid((6, 8), (10.0, 0.0, 500_040.0, 0.0, -10.0, 4_000_000.0), "EPSG:32617")
    assert (warp_labels(np.full((30, 40), 2), FINE, shifted) == [[2] * 4 + [0] * 4] * 6).all()


@pytest.mark.parametrize("method", ["nearest", "bilinear", "cubic", "average", "med"])
@pytest.mark.parametrize(
    "target",
    [
        Grid((70, 90), (1.3, 0.2, 499_990.0137, -0.1, -1.1, 4_000_010.0219), "EPSG:32617"),
        Grid((40, 50), (3e-5, 0.0, -81.0002, 0.0, -3e-5, 36.1452), "EPSG:4326"),
        COARSE,
    ],
    ids=["rotated", "degrees", "coarser"],
)
def test_windows_equal_the_whole_and_little_memory_changes_nothing(monkeypatch, method, target):
    values = np.random.default_rng(0).random((2, 30, 40)).astype(np.float32)
    pixels = warped(values, method, target=target)
    expected = whole(pixels)
    assert np.isfinite(expected).any()
    rows, cols = target.shape
    for top, left in [(0, 0), (rows // 2, cols // 3), (rows - 3, cols - 5)]:
        window = (slice(None), slice(top, min(top + 7, rows)), slice(left, min(left + 9, cols)))
        np.testing.assert_allclose(pixels[window], expected[window], atol=2e-4)
    monkeypatch.setattr(module, "BUDGET", 500)
    np.testing.assert_allclose(whole(pixels), expected, atol=2e-4)


def test_only_the_source_around_a_window_is_read():
    class Watched:
        shape, dtype = (1, 3000, 4000), np.dtype(np.float32)
        most = 0

        def __getitem__(self, key):
            _, rows, cols = key
            size = (rows.stop - rows.start) * (cols.stop - cols.start)
            self.most = max(self.most, size)
            return np.zeros((1, rows.stop - rows.start, cols.stop - cols.start), np.float32)

    source = Grid((3000, 4000), FINE.transform, FINE.crs)
    target = Grid((600, 800), COARSE.transform, COARSE.crs)
    pixels = Watched()
    assert (warped(pixels, source=source, target=target)[:, slice(64, 128), slice(0, 800)] == 0).all()
    assert pixels.most < 1.25 * (64 * 5) * 4000


def test_a_target_beyond_the_source_is_empty():
    far = Grid((6, 8), (10.0, 0.0, 600_000.0, 0.0, -10.0, 4_000_000.0), "EPSG:32617")
    assert np.isnan(whole(warped(np.ones((1, 30, 40), np.uint8), target=far))).all()


def test_what_cannot_be_resampled_is_told():
    values = np.ones((1, 30, 40), np.float32)
    with pytest.raises(UnknownNameError, match="Nearest: average"):
        warped(values, "averge")
    with pytest.raises(WorkbenchError, match="overshoots"):
        warped(values, "cubic", quantity="backscatter dB")
    with pytest.raises(WorkbenchError, match="not georeferenced"):
        warped(values, source=Grid((30, 40)))
    with pytest.raises(WorkbenchError, match="has no CRS"):
        warped(values, source=Grid((30, 40), FINE.transform))
    with pytest.raises(WorkbenchError, match="not georeferenced"):
        warp_labels(np.ones((30, 40)), Grid((30, 40)), COARSE)


def test_two_grids_without_crs_are_plain_numbers():
    values = np.random.default_rng(0).random((1, 30, 40)).astype(np.float32)
    source, target = Grid(FINE.shape, FINE.transform), Grid(COARSE.shape, COARSE.transform)
    np.testing.assert_allclose(
        whole(warped(values, source=source, target=target)), blocks(values.astype(float)).mean(axis=-1), rtol=1e-6
    )


@pytest.mark.parametrize("crs", [None, "EPSG:32633"])
def test_unit_pixels_at_the_origin_have_a_place(crs):
    """GDAL itself takes such a transform for none, and gives nothing."""
    labels = np.arange(1, 17).reshape(4, 4) % 3 + 1
    fine = Grid((4, 4), (1.0, 0.0, 0.0, 0.0, -1.0, 0.0), crs)
    same = Grid((8, 8), (0.5, 0.0, 0.0, 0.0, -0.5, 0.0), crs)
    np.testing.assert_array_equal(warp_labels(labels.astype(np.int32), fine, same), labels.repeat(2, 0).repeat(2, 1))
