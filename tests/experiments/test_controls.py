"""The control that sees spectra only: what it scores, that it is computed once, that its file may be damaged."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from workbench.experiments import controls
from workbench.experiments.controls import spectral_modality, spectrum_only
from workbench.experiments.overlap import scores_without_overlap
from workbench.splits import make_split


@pytest.fixture
def forgotten(monkeypatch, tmp_path):
    """Nothing kept, neither in this process nor on the disk."""
    monkeypatch.setattr(controls, "_made", {})
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs" / "controls"


def test_it_is_scikit_learns_forest_on_the_spectra(scene, forgotten):
    split = make_split(scene, "blocks", 11, 0)
    found = spectrum_only(scene, split)
    cube = scene["hsi"].to_numpy()
    sides = []
    for sample in (split.train, split.test):
        values = cube[:, sample.positions[:, 1], sample.positions[:, 2]].T
        whole = np.isfinite(values).all(1)
        sides.append((values[whole], sample.labels[whole]))
    forest = RandomForestClassifier(100, random_state=0).fit(*sides[0])
    assert found.scores["oa"] == pytest.approx(forest.score(*sides[1]), abs=1e-9)
    assert "100 trees on the 6 bands of hsi" in found.how


def test_it_is_computed_once_for_a_split(scene, forgotten, monkeypatch):
    split = make_split(scene, "blocks", 11, 0)
    computed = []
    plain = controls._computed
    monkeypatch.setattr(controls, "TREES", 5)
    monkeypatch.setattr(controls, "_computed", lambda *args: computed.append(args) or plain(*args))
    first = spectrum_only(scene, split)
    controls._made.clear()
    assert spectrum_only(scene, split) == first
    assert len(computed) == 1
    (path,) = forgotten.glob("*.json")
    for damage in ("", "{", "[]", json.dumps({"key": "other", "scores": None, "how": "x"})):
        path.write_text(damage)
        controls._made.clear()
        assert spectrum_only(scene, split) == first
        assert json.loads(path.read_text())["how"] == first.how
    assert len(computed) == 5
    assert spectrum_only(scene, make_split(scene, "random", 11, 0)) != first
    assert len(list(forgotten.glob("*.json"))) == 2


def test_where_nothing_may_be_written_it_is_computed(scene, forgotten, tmp_path):
    (tmp_path / "runs").touch()  # a file, where the folder would be made
    assert spectrum_only(scene, make_split(scene, "blocks", 11, 0)).scores is not None


def test_many_pixels_are_drawn_class_by_class(scene, forgotten, monkeypatch):
    monkeypatch.setattr(controls, "TRAINED", 60)
    monkeypatch.setattr(controls, "TESTED", 90)
    found = spectrum_only(scene, make_split(scene, "blocks", 11, 0))
    used = [int(number) for number in re.findall(r"on (\d+) of [\d,]+ (?:training|test) pixels", found.how)]
    assert used == [pytest.approx(60, abs=2), pytest.approx(90, abs=2)]  # each class is rounded by itself


def test_without_a_spectral_modality_it_says_so(scene, forgotten, monkeypatch):
    monkeypatch.setattr(controls, "spectral_modality", lambda _: None)
    found = spectrum_only(scene, make_split(scene, "blocks", 11, 0))
    assert found.scores is None
    assert "no spectral modality" in found.how


def test_the_richest_spectrum_is_taken(scene):
    assert spectral_modality(scene) == "hsi"
    bands = {"a": 3, "b": 9, "c": 20}

    class Other:
        modalities = tuple(bands)

        def info(self, name):
            return SimpleNamespace(bands=bands[name], wavelengths=(500.0,) * bands[name] if name != "c" else ())

    assert spectral_modality(Other()) == "b"  # of c no wavelength is documented


def test_every_score_has_it_beside(run):
    metrics = run.metrics
    assert list(metrics["controls"]) == ["coordinates_only", "spectrum_only", "majority_class"]
    assert set(metrics["controls"]["spectrum_only"]) == {"oa", "aa", "kappa"}
    assert "random forest" in metrics["controls_how"]["spectrum_only"]


# ---- the second row


@pytest.mark.parametrize(("per_class", "left"), [(None, False), (1, True)])
def test_the_second_row_leaves_overlapping_test_pixels_out(run, scene, per_class, left):
    import pandas as pd

    split = make_split(scene, "random", 11, 0, train_per_class=per_class)
    rng = np.random.default_rng(0)
    test = pd.DataFrame(split.test.positions, columns=["tile", "row", "col"])
    test["reference"], test["predicted"] = split.test.labels, rng.permutation(split.test.labels)
    found, note = scores_without_overlap(test, split)
    trained = split.train.positions
    near = np.abs(split.test.positions[:, None, 1:] - trained[None, :, 1:]).max(2) <= 10
    clear = test[~near.any(1)]
    assert (found is not None) == left
    assert f"of {len(test):,} test pixels" in note or "none of the" in note
    if found is not None:
        assert sum(found["support"]) == len(clear)
        assert found["oa"] == pytest.approx((clear["reference"] == clear["predicted"]).mean())


def test_splits_that_keep_a_distance_have_no_second_row(run):
    assert (run.metrics["test_without_overlap"], run.metrics["test_without_overlap_note"]) == (None, "")
