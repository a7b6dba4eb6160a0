import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, cohen_kappa_score
from sklearn.neighbors import KNeighborsClassifier

from workbench.splits import make_split
from workbench.splits.control import coordinates_only, majority_class, nearest_training_pixel


def test_single_scene_against_scikit_learn(farmland):
    split = make_split(farmland, "blocks")
    model = KNeighborsClassifier(1).fit(split.train.positions[:, 1:], split.train.labels)
    distance, _ = model.kneighbors(split.test.positions[:, 1:])
    nearest = nearest_training_pixel(split)
    np.testing.assert_allclose(nearest.distance, distance[:, 0])
    expected = model.predict(split.test.positions[:, 1:])
    assert (nearest.predicted == expected).mean() > 0.97  # equal but for ties in distance
    result = coordinates_only(split)
    assert result.oa == pytest.approx(accuracy_score(split.test.labels, nearest.predicted))
    assert result.aa == pytest.approx(balanced_accuracy_score(split.test.labels, nearest.predicted))
    assert result.kappa == pytest.approx(cohen_kappa_score(split.test.labels, nearest.predicted))


def test_collection_uses_map_coordinates(scene, tile):
    # Two tiles side by side on the map: the nearest training pixel of the second lies in the first, not at the same
    # row and column.
    first, second = np.ones((10, 10)), np.ones((10, 10))
    first[:, 5:] = second[:, :5] = 2
    transform = (2.0, 0, 0, 0, -2.0, 0)
    shifted = (2.0, 0, 20.0, 0, -2.0, 0)
    tiles = (tile(first, "a", "a", "crs", transform), tile(second, "b", "b", "crs", shifted))
    split = make_split(
        scene(*tiles, classes=2), "groups", patch_size=3, min_groups=1, min_pixels=1, validation_fraction=0.0
    )
    nearest = nearest_training_pixel(split)
    assert set(nearest.predicted.tolist()) == {2}
    assert (nearest.distance.min(), nearest.distance.max()) == (1, 10)  # pixels, not metres
    assert nearest.how == "map coordinates within each CRS"


def test_places_without_training_fall_back_to_position_in_the_tile(scene, tile):
    labels = np.ones((10, 10))
    labels[:, 5:] = 2
    tiles = (
        tile(labels, "a", "a", "one CRS", (1.0, 0, 0, 0, -1.0, 0)),
        tile(labels, "b", "b", "other", (1.0, 0, 0, 0, -1.0, 0)),
    )
    split = make_split(scene(*tiles, classes=2), "groups", patch_size=3, min_groups=1, min_pixels=1)
    nearest = nearest_training_pixel(split)
    np.testing.assert_array_equal(nearest.predicted, split.test.labels)  # same layout in both tiles
    assert np.isnan(nearest.distance).all()
    assert "100% of test pixels lie where nothing trains" in nearest.how
    audit = split.audit()
    assert audit.distance_min is None
    assert "no test pixel lies in a place" in str(audit)
    figures = audit.to_frame()
    assert not figures.isna().any().any()  # the reason stands in the place of the number
    assert figures["value"].str.contains("no test pixel lies in a place").sum() == 2


def test_tiles_without_georeference_are_places(scene, tile, fields):
    tiles = [tile(fields((40, 40), 8, 3, 0.9, seed), f"t{seed}") for seed in range(3)]
    nearest = nearest_training_pixel(make_split(scene(*tiles, classes=3), "random", patch_size=3))
    assert nearest.how == "row and column within each tile"
    assert nearest.distance.max() < 10


def test_majority_class(farmland):
    split = make_split(farmland, "blocks")
    values, counts = np.unique(split.train.labels, return_counts=True)
    result = majority_class(split)
    assert result.oa == pytest.approx((split.test.labels == values[counts.argmax()]).mean())
    assert result.aa == pytest.approx(1 / len(split.classes))
    assert result.kappa == pytest.approx(0)
