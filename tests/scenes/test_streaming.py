import tracemalloc

import numpy as np
import pytest
from xxhash import xxh3_128

from workbench.base.errors import WorkbenchError
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, import_scene, open_scene, streaming, write_scene
from workbench.scenes.overview import OverviewBuilder
from workbench.scenes.writing import _create


def draft(cube, **about):
    return TileDraft("place", {"hsi": (cube, ModalityInfo.of("hsi", cube, **about))})


def store(path, cube, compress=True, **about):
    return write_scene(path, [draft(cube, **about)], ClassTable(), compress=compress)


class Recorded:
    """Pixels that remember the windows asked for."""

    def __init__(self, cube):
        self.cube, self.shape, self.dtype, self.asked = cube, cube.shape, cube.dtype, []

    def __getitem__(self, key):
        self.asked.append(self.cube[key].shape[1:])
        return self.cube[key]


def test_blocks_cover_every_pixel_once_and_hold_few_bytes():
    for shape, pixel_bytes in [((130, 5000), 288), ((64, 64), 1), ((1, 2049), 8), ((70, 300), 10**6)]:
        seen = np.zeros(shape, int)
        for rows, cols in streaming.blocks(shape, pixel_bytes):
            seen[rows, cols] += 1
            assert rows.start % 64 == cols.start % 64 == 0
            size = (rows.stop - rows.start) * (cols.stop - cols.start) * pixel_bytes
            assert size <= max(streaming.BLOCK_BYTES, 64 * 64 * pixel_bytes)
        assert (seen == 1).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", ">i4", "float64"])
@pytest.mark.parametrize("compress", [True, False])
def test_what_goes_by_is_stored_hashed_and_summed_up(tmp_path, monkeypatch, dtype, compress):
    monkeypatch.setattr(streaming, "BLOCK_COLS", 128)
    cube = np.random.default_rng(0).integers(0, 900, (11, 150, 1030)).astype(dtype)
    scene = store(tmp_path / "place.zarr", cube, compress)
    np.testing.assert_array_equal(scene.read("hsi"), cube)
    overview, stride = scene.overview("hsi")
    assert stride == 3
    means = [[cube[:, r : r + 3, c : c + 3].mean((1, 2)) for c in range(0, 1030, 3)] for r in range(0, 150, 3)]
    np.testing.assert_allclose(overview, np.array(means).transpose(2, 0, 1), rtol=1e-5)
    digest = xxh3_128()
    for row in range(0, 150, 64):
        for col in range(0, 1030, 128):
            digest.update(
                np.ascontiguousarray(cube[:, row : row + 64, col : col + 128]).astype(cube.dtype.newbyteorder("="))
            )
    data = _create(tmp_path / "again" / "hsi", cube.shape, cube.dtype.newbyteorder("="), None, compress)
    info = ModalityInfo.of("hsi", cube)
    found = streaming.stream(
        cube, data, OverviewBuilder(info, cube.shape[1:], np.empty((11, 50, 344))), lambda part: None
    )
    assert found == digest.hexdigest()
    by_zarr = _create(tmp_path / "third" / "hsi", cube.shape, cube.dtype.newbyteorder("="), None, compress)
    by_zarr[:] = cube
    files = [sorted((tmp_path / folder / "hsi").iterdir()) for folder in ("again", "third")]
    assert [file.name for file in files[0]] == [file.name for file in files[1]]
    assert all(mine.read_bytes() == its.read_bytes() for mine, its in zip(*files, strict=True))


@pytest.mark.parametrize("about", [{"nodata": 7}, {"scale": 0.5, "offset": 2.0}, {"quantity": "backscatter dB"}])
def test_overviews_of_what_must_be_converted(tmp_path, about):
    cube = np.random.default_rng(0).integers(0, 20, (9, 4, 2052)).astype(np.int16)
    cube[1, :4, :5] = 7
    overview, stride = store(tmp_path / "place.zarr", cube, **about).overview("hsi")
    values = np.where(cube == about.get("nodata"), np.nan, cube * about.get("scale", 1.0) + about.get("offset", 0.0))
    decibel = "quantity" in about
    values = 10 ** (values / 10) if decibel else values
    assert stride == 5
    means = np.array([np.nanmean(values[:, :, c : c + 5], axis=(1, 2)) if c or "nodata" not in about else
                      [np.nan if np.isnan(band).all() else np.nanmean(band) for band in values[:, :, c : c + 5]]
                      for c in range(0, 2052, 5)]).T  # fmt: skip
    np.testing.assert_allclose(overview[:, 0], 10 * np.log10(means) if decibel else means, rtol=1e-5)


def test_uncompressed_scenes_have_the_same_content(tmp_path):
    cube = np.zeros((3, 70, 80), np.uint16)
    small, large = store(tmp_path / "a.zarr", cube), store(tmp_path / "b.zarr", cube, compress=False)
    assert small.content_hash == large.content_hash
    assert (large["hsi"].values == small["hsi"].values).all()
    size = [
        sum(file.stat().st_size for file in path.rglob("c.*")) for path in (tmp_path / "a.zarr", tmp_path / "b.zarr")
    ]
    assert size[1] > cube.nbytes > 10 * size[0]


def test_pixels_are_read_once_in_order_and_progress_ends_at_one(tmp_path):
    cube = Recorded(np.ones((2, 200, 130), np.uint8))
    told = []
    info = ModalityInfo.of("hsi", cube)
    write_scene(
        tmp_path / "a.zarr",
        [TileDraft("a", {"hsi": (cube, info)})],
        ClassTable(),
        progress=lambda _, share: told.append(share),
    )
    assert cube.asked == [(64, 130), (64, 130), (64, 130), (8, 130)]
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)


def test_a_fault_in_the_middle_leaves_nothing(tmp_path):
    class Torn(Recorded):
        def __getitem__(self, key):
            if key[1].start >= 128:
                raise WorkbenchError("torn")
            return super().__getitem__(key)

    cube = Torn(np.ones((2, 300, 130), np.uint8))
    with pytest.raises(WorkbenchError, match="torn"):
        write_scene(tmp_path / "a.zarr", [TileDraft("a", {"hsi": (cube, ModalityInfo.of("hsi", cube))})], ClassTable())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("interleave", ["bsq", "bip"])
def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch, interleave):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    peaks = []
    for rows in (1536, 3072):
        path = tmp_path / f"cube{rows}.img"
        np.zeros(20 * rows * 300, np.float32).tofile(path)
        path.with_suffix(".hdr").write_text(
            f"ENVI\nsamples = 300\nlines = {rows}\nbands = 20\ndata type = 4\ninterleave = {interleave}\nbyte order = 0\n"
        )
        tracemalloc.start()
        import_scene(f"cube{rows}", {"hsi": path})
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert open_scene(f"cube{rows}").shape == (rows, 300)
    assert peaks[1] - peaks[0] < 10e6  # the files differ by 37 MB; overview and crop have a bound
