"""The pixel-wise baselines: the answers of scikit-learn, kept without pickle, with folds that keep blocks together."""

import numpy as np
import pytest
import skops.io
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.models import create_model
from workbench.models.pixel_model import PixelModel
from workbench.models.pixels import region_table
from workbench.models.predict import logits_at
from workbench.models.scaling import BandScaling
from workbench.models.svm import SEARCHED, folds, thinned

CLASSES, BANDS = 3, {"hsi": 5, "aux": 2}
OPTIONS = {"svm": {"c": 10.0, "gamma": 0.1}, "random_forest": {"trees": 15, "leaf": 2}, "knn": {"neighbours": 4}}
NAMES = sorted(OPTIONS)


def pixels(count=150, seed=0, classes=CLASSES, bands=7):
    rng = np.random.default_rng(seed)
    targets = rng.permutation(np.arange(count) % classes)
    return rng.normal(0.8 * targets[:, None], 1.0, (count, bands)).astype("float32"), targets


def fitted(name, seed=0, **options):
    model = create_model(name, BANDS, CLASSES, **(OPTIONS[name] | options))
    model.fit(*pixels(), seed)
    return model


def theirs(name, seed=0):
    """What scikit-learn is asked without the workbench."""
    features, targets = pixels()
    if name == "knn":
        return KNeighborsClassifier(4).fit(features, targets)
    if name == "random_forest":
        return RandomForestClassifier(15, min_samples_leaf=2, random_state=seed).fit(features, targets)
    return SVC(C=10, gamma=0.1, break_ties=True).fit(features, targets)


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_those_of_scikit_learn(name):
    asked, _ = pixels(4000, seed=9)
    found = fitted(name).scores(asked)
    np.testing.assert_array_equal(found.argmax(1), theirs(name).predict(asked))
    np.testing.assert_array_equal(torch.from_numpy(found).softmax(1).max(1).indices.numpy(), found.argmax(1))


def test_threads_change_nothing():
    asked, _ = pixels(1001, seed=9)
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(
                [fitted(name).scores(asked) for name in NAMES] + [fitted(name).scores(asked[:2]) for name in NAMES]
            )
    finally:
        torch.set_num_threads(before)
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["knn", "random_forest"])
def test_scores_are_the_logarithms_of_the_shares(name):
    asked, _ = pixels(300, seed=9)
    np.testing.assert_allclose(np.exp(fitted(name).scores(asked)), theirs(name).predict_proba(asked), atol=5e-6)


def test_probabilities_of_the_svm_are_scaled_on_folds():
    features, targets = pixels()
    asked, _ = pixels(300, seed=9)
    dealt = StratifiedKFold(5, shuffle=True, random_state=0)
    machine = SVC(C=10, gamma=0.1, break_ties=True)
    expected = CalibratedClassifierCV(machine, method="temperature", cv=dealt, ensemble=False).fit(features, targets)
    found = np.exp(fitted("svm").scores(asked))
    np.testing.assert_allclose(found, expected.predict_proba(asked), atol=5e-6)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    assert 0.4 < found.max(1).mean() < 0.95


def test_an_svm_of_two_classes():
    features, targets = pixels(classes=2)
    model = create_model("svm", BANDS, 2, c=1.0, gamma=0.1)
    model.fit(features, targets)
    plain = SVC(C=1, gamma=0.1).fit(features, targets)
    asked, _ = pixels(1000, seed=9, classes=2)
    np.testing.assert_array_equal(model.scores(asked).argmax(1), plain.predict(asked))


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides(name):
    asked, _ = pixels(400, seed=9)
    one, same, other = (fitted(name, seed).scores(asked) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert np.array_equal(one, other) == (name == "knn")
    assert fitted(name, 2**40).scores(asked).shape == (400, CLASSES)  # beyond what scikit-learn takes


def test_votes_can_weigh_by_distance():
    asked, _ = pixels(200, seed=9)
    features, targets = pixels()
    expected = KNeighborsClassifier(4, weights="distance").fit(features, targets).predict_proba(asked)
    np.testing.assert_allclose(np.exp(fitted("knn", weighted=True).scores(asked)), expected, atol=5e-6)


@pytest.mark.parametrize("name", NAMES)
def test_roles_are_stacked_in_their_order_and_aux_can_be_spared(name):
    model, (asked, _) = fitted(name), pixels(20, seed=9)
    whole = torch.from_numpy(asked)[:, :, None, None]
    with torch.inference_mode():
        found = model({"aux": whole[:, 5:], "hsi": whole[:, :5]}, view="pixel").logits
    np.testing.assert_array_equal(found.numpy(), model.scores(asked))
    spectra = create_model(name, {"hsi": 5}, CLASSES, **OPTIONS[name])
    features, targets = pixels()
    spectra.fit(features[:, :5], targets)
    np.testing.assert_array_equal(spectra({"hsi": whole[:, :5]}).logits.numpy(), spectra.scores(asked[:, :5]))
    with pytest.raises(WorkbenchError, match="aux"):
        model({"hsi": whole[:, :5]})
    with pytest.raises(WorkbenchError, match="1 x 1 pixels in its pixel view"):
        spectra({"hsi": torch.zeros(2, 5, 3, 3)})
    with pytest.raises(UnknownNameError, match="view"):
        model({"hsi": whole[:, :5], "aux": whole[:, 5:]}, view="dense")


@pytest.mark.parametrize("name", NAMES)
def test_a_region_answers_as_the_whole(name):
    """Neighbours count for nothing: any cut of the scene gives the same."""
    model, rng = fitted(name), np.random.default_rng(0)
    arrays = {"a": rng.random((5, 30, 40), np.float32), "b": rng.random((2, 30, 40), np.float32)}
    plain = {
        key: BandScaling(*(np.full(len(array), value, np.float32) for value in (0, 1, 0, 1)))
        for key, array in arrays.items()
    }
    roles = {"hsi": ("a",), "aux": ("b",)}
    here = np.array([[0, row, col] for row in range(10, 20) for col in range(5, 30)], np.int32)
    whole = logits_at(model, model, region_table(arrays, roles, plain, "cpu"), here, "pixel")
    cut = {key: array[:, 10:20, 5:30] for key, array in arrays.items()}
    moved = here - np.array([0, 10, 5], np.int32)
    part = logits_at(model, model, region_table(cut, roles, plain, "cpu"), moved, "pixel")
    np.testing.assert_array_equal(part, whole)
    features = np.concatenate([cut["a"], cut["b"]]).reshape(7, -1).T
    np.testing.assert_array_equal(whole.argmax(1), theirs(name).predict(features))
    assert logits_at(model, model, region_table(cut, roles, plain, "cpu"), moved[:0], "pixel").shape == (0, CLASSES)


class Stranger:
    """A type that nobody trusts."""


@pytest.mark.parametrize("name", NAMES)
def test_a_file_with_another_type_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.setattr(Stranger, "__init__", lambda self: pytest.fail("one was made"), raising=False)
    path, model = tmp_path / "model.skops", fitted(name)
    for classifier in (Stranger.__new__(Stranger), pytest.fail):
        model.classifier.stranger = classifier
        PixelModel.save(model, path)
        with pytest.raises(WorkbenchError, match=r"model\.skops is damaged or holds what is not trusted"):
            create_model(name, BANDS, CLASSES).load(path)


def test_trust_is_no_wider_than_each_needs(tmp_path):
    path = tmp_path / "model.skops"
    fitted("random_forest").save(path)
    assert skops.io.get_untrusted_types(file=path) == ["sklearn.tree._tree.Tree"]
    with pytest.raises(WorkbenchError, match=r"Tree"):
        create_model("svm", BANDS, CLASSES).load(path)
    fitted("knn").save(path)
    assert skops.io.get_untrusted_types(file=path) == []
    with pytest.raises(WorkbenchError, match=r"holds a KNeighborsClassifier of 7 features; RandomForest of 7"):
        create_model("random_forest", BANDS, CLASSES).load(path)
    with pytest.raises(WorkbenchError, match=r"of 7 features; KNN of 5"):
        create_model("knn", {"hsi": 5}, CLASSES).load(path)


def test_a_damaged_file_is_told(tmp_path):
    path = tmp_path / "model.skops"
    fitted("knn").save(path)
    content = path.read_bytes()
    for wrong in (content[: len(content) // 2], b"", b"{}"):
        path.write_bytes(wrong)
        assert not PixelModel.can_be_read(path)
        with pytest.raises(WorkbenchError, match="damaged"):
            create_model("knn", BANDS, CLASSES).load(path)


def test_what_cannot_be_is_told():
    with pytest.raises(WorkbenchError, match="before it was fitted"):
        create_model("svm", BANDS, CLASSES).scores(np.zeros((2, 7), np.float32))
    with pytest.raises(WorkbenchError, match="ask 151 neighbours, but there are 150"):
        fitted("knn", neighbours=151)
    for name, options in [("svm", {"c": -1.0}), ("random_forest", {"trees": 0}), ("knn", {"neighbours": 0})]:
        with pytest.raises(WorkbenchError, match=next(iter(options))):
            create_model(name, BANDS, CLASSES, **options)
    with pytest.raises(WorkbenchError, match=r"SVM is no network: width can only be 1\.0, got 0\.5"):
        create_model("svm", BANDS, CLASSES, 0.5)
    features, targets = pixels()
    alone = np.concatenate([np.flatnonzero(targets != 2), np.flatnonzero(targets == 2)[:1]])
    with pytest.raises(WorkbenchError, match="single training pixel"):
        create_model("svm", BANDS, CLASSES).fit(features[alone], targets[alone])


# ---- the choices of the SVM


def test_zero_is_chosen_and_what_is_given_stays():
    features, targets = pixels()
    told = []
    for options in ({}, {"c": 7.0}, {"gamma": 0.3}):
        model = create_model("svm", BANDS, CLASSES, **options)
        model.fit(features, targets)
        told.append(model.facts()["classifier"])
    assert told[0]["c"] in (1, 10, 100, 1000)
    assert np.isclose(told[0]["gamma"] * features.var() * 7, (0.015625, 0.0625, 0.25, 1, 4), rtol=1e-4).any()
    assert (told[1]["c"], told[2]["gamma"]) == (7, 0.3)
    assert told[0]["training_pixels"] == told[0]["training_pixels_used"] == 150


def test_the_choice_finds_the_width_of_the_pattern():
    """Two classes as a chessboard: a wide kernel cannot tell them, whatever it costs."""
    rng = np.random.default_rng(0)
    features = rng.uniform(0, 4, (600, 2)).astype("float32")
    targets = np.floor(features).astype(np.int64).sum(1) % 2
    model = create_model("svm", {"hsi": 2}, 2)
    model.fit(features, targets)
    scale = 1 / (2 * features.var(dtype=float))
    assert model.facts()["classifier"]["gamma"] == pytest.approx(4 * scale)
    assert model.classifier.score(features, targets) > 0.95


def test_too_many_pixels_are_thinned_and_told():
    features, targets = pixels(400)
    model = create_model("svm", BANDS, CLASSES, c=1.0, gamma=0.1, at_most=100)
    model.fit(features, targets, seed=5)
    told = model.facts()["classifier"]
    assert (told["training_pixels"], told["training_pixels_used"]) == (400, 100)
    used = thinned(targets, 100, 5)
    plain = SVC(C=1, gamma=0.1, break_ties=True).fit(features[used], targets[used])
    asked, _ = pixels(500, seed=9)
    np.testing.assert_array_equal(model.scores(asked).argmax(1), plain.predict(asked))


def test_thinning_is_in_proportion_and_spares_the_rare():
    targets = np.repeat([0, 1, 2, 3], [6000, 3000, 40, 4])
    used = thinned(targets, SEARCHED, 0)
    counts = np.bincount(targets[used])
    assert counts.tolist() == [round(6000 * 2000 / 9044), round(3000 * 2000 / 9044), 10, 4]
    assert len(np.unique(used)) == len(used)
    assert np.array_equal(used, np.sort(used))
    np.testing.assert_array_equal(used, thinned(targets, SEARCHED, 0))
    assert not np.array_equal(used, thinned(targets, SEARCHED, 1))
    np.testing.assert_array_equal(thinned(targets, len(targets), 0), np.arange(len(targets)))


def test_folds_keep_units_together_and_every_class_to_learn_from():
    rng = np.random.default_rng(0)
    units = np.repeat(np.arange(12), 20)
    targets = rng.integers(CLASSES, size=240)
    targets[(targets == 2) & (units > 1)] = 0  # class 2 lies in two units only
    found, together = folds(targets, 0, units)
    assert together
    for learn, score in found:
        assert not set(units[learn]) & set(units[score])
        assert set(targets[learn]) == {0, 1, 2}
    np.testing.assert_array_equal(np.sort(np.concatenate([score for _, score in found])), np.arange(240))


@pytest.mark.parametrize("units", [None, "one", "of a class"])
def test_folds_of_single_pixels_where_units_do_not_suffice(units):
    targets = np.repeat([0, 1, 2], [50, 50, 3])
    given = {None: None, "one": np.zeros(103, np.int64), "of a class": targets}[units]
    found, together = folds(targets, 0, given)
    assert not together
    assert len(found) == 3
    assert all(set(targets[learn]) == {0, 1, 2} for learn, _ in found)


def test_neighbours_are_asked_on_as_many_threads_as_torch_uses(monkeypatch):
    from threadpoolctl import threadpool_info, threadpool_limits

    rng = np.random.default_rng(0)
    model = create_model("knn", {"hsi": 3}, 2)
    model.fit(rng.normal(size=(20, 3)).astype("float32"), np.arange(20) % 2)
    plain = model.classifier.predict_proba
    seen = []

    def asked(features):
        seen.extend(pool["num_threads"] for pool in threadpool_info())
        return plain(features)

    monkeypatch.setattr(model.classifier, "predict_proba", asked)
    before = torch.get_num_threads()
    try:
        with threadpool_limits(2):
            torch.set_num_threads(1)
            assert max(pool["num_threads"] for pool in threadpool_info()) == 2  # of those that torch knows nothing of
            model.scores(rng.normal(size=(5, 3)).astype("float32"))
    finally:
        torch.set_num_threads(before)
    assert seen
    assert set(seen) == {1}
