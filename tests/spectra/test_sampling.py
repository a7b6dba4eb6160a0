import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.spectra import sampling
from workbench.spectra.sampling import cut_picture, labelled_pixels, named_bands, read_pixels, sample_pixels


def test_sampled_pixels_are_those_of_their_places_and_the_same_for_the_same_seed(store, rng):
    cube = rng.normal(size=(4, 130, 150)).astype(np.float32)
    cube[2, 10:40, 10:40] = np.nan
    scene = store(hsi=cube)
    pixels = sample_pixels(scene, "hsi", 500, seed=3)
    assert 300 < len(pixels) <= 510
    np.testing.assert_array_equal(pixels.values, cube[:, pixels.row, pixels.col].T)
    assert np.isfinite(pixels.values).all()
    assert pixels.row.max() > 100
    assert pixels.col.max() > 120
    again = sample_pixels(scene, "hsi", 500, seed=3)
    np.testing.assert_array_equal(pixels.row, again.row)
    assert not np.array_equal(pixels.values[:50], sample_pixels(scene, "hsi", 500, seed=4).values[:50])


def test_chunks_at_the_edge_count_for_their_size(store):
    pixels = sample_pixels(store(hsi=np.ones((1, 64, 70), np.float32)), "hsi", 700)
    assert (pixels.col >= 64).sum() == 60  # 6 of 70 columns


def test_bands_without_values_are_left_out_and_named(store, rng):
    cube = rng.normal(size=(5, 20, 20)).astype(np.float32)
    cube[[1, 2]] = np.nan
    cube[4, :4] = np.nan
    pixels = sample_pixels(store(hsi=cube), "hsi", 1000)
    assert pixels.bands == (0, 3, 4)
    assert len(pixels) == 320
    assert pixels.notes == ("Left out, for want of values: bands 2-3.",)


def test_a_scene_without_values_says_so(store):
    with pytest.raises(WorkbenchError, match=r"none of 0 pixels read has values"):
        sample_pixels(store(hsi=np.full((2, 5, 5), np.nan, np.float32)), "hsi")


def test_a_large_scene_is_sampled_from_few_chunks(store, rng, monkeypatch):
    monkeypatch.setattr(sampling, "BLOCKS", 5)
    scene = store(hsi=rng.normal(size=(1, 700, 700)).astype(np.float32))
    pixels = sample_pixels(scene, "hsi", 1000)
    assert len(pixels) == 1000
    assert len(np.unique(np.stack([pixels.row, pixels.col]) // 64, axis=1).T) == 5


def test_tiles_of_a_collection_are_all_sampled(store, rng):
    collection = store(hsi=rng.normal(size=(2, 30, 30)).astype(np.float32), tiles=3)
    assert set(sample_pixels(collection, "hsi", 90).tile.tolist()) == {0, 1, 2}


def test_labelled_pixels_have_their_own_labels_and_bands_of_all_modalities(store, rng):
    cube = rng.normal(size=(3, 90, 100)).astype(np.float32)
    height = rng.normal(size=(1, 90, 100)).astype(np.float32)
    labels = np.zeros((90, 100), np.uint8)
    labels[5:40, 5:40], labels[60:63, 80:82] = 1, 2
    scene = store(hsi=cube, lidar=height, labels=labels)
    pixels, values = labelled_pixels(scene, ["hsi", "lidar"], per_class=50)
    np.testing.assert_array_equal(values, labels[pixels.row, pixels.col])
    assert np.bincount(values).tolist() == [0, 50, 6]
    np.testing.assert_array_equal(pixels.values[:, :3], cube[:, pixels.row, pixels.col].T)
    np.testing.assert_array_equal(pixels.values[:, 3], height[0, pixels.row, pixels.col])
    with pytest.raises(WorkbenchError, match="no labels"):
        labelled_pixels(store(hsi=cube, name="other"), ["hsi"])


def test_a_rare_class_far_away_is_not_lost_to_the_limit_of_chunks(store, monkeypatch):
    monkeypatch.setattr(sampling, "BLOCKS", 1)
    labels = np.ones((700, 700), np.uint8)
    labels[699, 699] = 2
    scene = store(hsi=np.ones((1, 700, 700), np.float32), labels=labels)
    assert 2 in labelled_pixels(scene, ["hsi"], per_class=20)[1]


def test_of_a_large_collection_tiles_are_read_until_every_class_is_there(store, monkeypatch):
    monkeypatch.setattr(sampling, "BLOCKS", 3)
    labels = np.ones((8, 8), np.uint8)
    labels[0, 0] = 2
    collection = store(hsi=np.ones((1, 8, 8), np.float32), labels=labels, tiles=12)
    read = []
    for tile in collection.scenes:
        monkeypatch.setattr(tile, "read_labels", lambda *_, name=tile.name: read.append(name) or labels)
    assert np.bincount(labelled_pixels(collection, ["hsi"], per_class=2)[1]).tolist() == [0, 2, 2]
    assert len(read) == 4
    read.clear()
    assert np.bincount(labelled_pixels(collection, ["hsi"], per_class=12)[1]).tolist() == [0, 12, 12]
    assert len(read) == 12


def test_single_pixels_are_read_in_the_order_asked(store, rng):
    cube = rng.normal(size=(3, 90, 100)).astype(np.float32)
    places = np.array([[0, 80, 90], [0, 1, 2], [0, 80, 90], [0, 63, 64]])
    np.testing.assert_array_equal(read_pixels(store(hsi=cube), "hsi", places), cube[:, places[:, 1], places[:, 2]].T)


def test_a_picture_made_in_pieces_is_the_whole(store, rng, monkeypatch):
    monkeypatch.setattr(sampling.arrays, "BUDGET", 3 * 64 * 64)
    cube = rng.normal(size=(3, 150, 170)).astype(np.float32)
    scene = store(hsi=cube)
    sizes = []

    def sums(part):
        sizes.append(part.size)
        return part.sum(axis=0, keepdims=True)

    picture = cut_picture(scene, "hsi", (slice(5, 149), slice(3, 170)), sums, ["sum"])
    np.testing.assert_allclose(picture.plane, cube[:, 5:149, 3:170].sum(axis=0), rtol=1e-5)
    assert max(sizes) <= 3 * 64 * 64
    assert (picture.names, picture.stride) == (("sum",), 1)
    with pytest.raises(WorkbenchError, match="rows 0 to 151"):
        cut_picture(scene, "hsi", (slice(0, 151), slice(0, 3)), sums, ["sum"])


def test_bands_are_named_as_people_count():
    assert named_bands([0, 1, 2, 6, 8]) == "bands 1-3, 7, 9"
    assert named_bands([4]) == "band 5"
