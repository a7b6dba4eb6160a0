"""The error analysis of a run: figures against its predictions, distances by brute force, and the ends."""

import json
import shutil

import numpy as np
import pytest

from workbench.base.config import write_yaml
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments import analyse_errors, error_modalities
from workbench.experiments.error_analysis import APART
from workbench.experiments.error_covariates import REACH, covariates, optical_modality
from workbench.experiments.error_modalities import command, retrained_without
from workbench.experiments.run import Run
from workbench.runs import RunConfig


@pytest.fixture(scope="module")
def found(run, roots):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_DATA", str(roots / "data"))
        patch.setenv("WORKBENCH_RUNS", str(roots / "runs"))
        return analyse_errors(run)


def doctored(run, folder, change):
    """A copy of a run with other predictions."""
    shutil.copytree(run.path, folder / run.id)
    copy = Run(folder / run.id)
    frame = copy.predictions
    change(frame).to_parquet(copy.path / "predictions.parquet")
    return copy


def test_figures_are_those_of_the_predictions(run, found):
    frame = run.predictions
    test = frame[frame["set"] == "test"]
    wrong = test["reference"] != test["predicted"]
    assert len(found.pixels) == len(test)
    assert sum(found.confusions.wrong) == int(wrong.sum()) > 10
    assert sum(found.confusions.support) == len(test)
    for value in (0, *found.names):
        mine = (test["reference"] == value) | (value == 0)
        counts = found.confidence[value]
        assert (counts["right"].sum(), counts["wrong"].sum()) == ((mine & ~wrong).sum(), (mine & wrong).sum())
        for one in found.strata[value].values():
            assert one.pixels + one.missing == mine.sum()
    assert set(found.shown) <= set(found.names)
    assert f"{int(wrong.sum()):,} of the {len(test):,} test pixels are wrong" in found.summary[0][0]


def test_it_is_json_without_nan(found):
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert "NaN" not in text
    assert json.loads(text)["test_pixels"] == len(found.pixels)


def test_no_nan_in_a_table(found):
    frames = [found.confidence_frame(), found.worst_frame(), found.doubted_frame(), found.retrained_frame()]
    frames += [found.strata_frame(name) for name in found.covariates]
    for frame in frames:
        assert not frame.isna().any().any()
        assert "nan" not in frame.to_string().lower()


def test_distances_by_brute_force(scene, found):
    labels = scene.read_labels()
    rng = np.random.default_rng(0)
    for pixel in found.pixels.iloc[rng.permutation(len(found.pixels))[:40]].itertuples():
        own = labels[pixel.row, pixel.col]
        for name, target in (("class boundary", (labels != 0) & (labels != own)), ("label edge", labels != own)):
            rows, cols = np.nonzero(target)
            away = np.hypot(rows - pixel.row, cols - pixel.col).min()
            assert getattr(found.pixels.loc[pixel.Index], "get")(name) == pytest.approx(min(away, REACH))  # noqa: B009


def test_values_of_pixels_are_those_of_the_scene(scene, run, found):
    assert optical_modality(scene) == "hsi"
    train = run.split.train.positions
    for pixel in found.pixels.sample(20, random_state=0).to_dict("records"):
        row, col = pixel["row"], pixel["col"]
        assert pixel["brightness"] == pytest.approx(scene.spectrum("hsi", row, col).mean(), rel=1e-5)
        assert pixel["local height"] == pytest.approx(float(scene.spectrum("lidar", row, col)[0]))
        nearest = np.hypot(train[:, 1] - row, train[:, 2] - col).min()
        assert pixel["nearest training pixel"] == pytest.approx(nearest)
        assert 0 <= pixel["mixing"] <= 1
    dark = found.pixels["shadow"].mean()
    assert 0 < dark < 0.3
    assert "5 % quantile" in found.covariates["shadow"].how


def test_spectra_of_a_pair_are_those_of_its_pixels(scene, found):
    assert found.spectra
    for value, pairs in found.spectra.items():
        assert [pair.info.name for pair in pairs] == ["hsi", "lidar"]
        pair = pairs[0]
        assert pair.mapped == found.confusions.of(value)[0].mapped
        pixels = found.pixels[(found.pixels["reference"] == value) & (found.pixels["predicted"] == pair.mapped)]
        if len(pixels) <= 300:
            spectra = scene.read("hsi")[:, pixels["row"], pixels["col"]].astype(float)
            assert pair.mean[1] == pytest.approx(spectra.mean(axis=1), rel=1e-4, abs=1e-5)
            assert pair.sd[1] == pytest.approx(spectra.std(axis=1, ddof=1), rel=1e-4)
        assert pair.distance[pair.best[0]] == np.nanmax(pair.distance)


def test_the_worst_are_the_most_confident_and_apart(found):
    worst, pixels = found.worst[0], found.pixels
    assert worst["wrong"].all()
    assert worst["confidence"].iloc[0] == pixels[pixels["wrong"]]["confidence"].max()
    assert worst["confidence"].is_monotonic_decreasing
    places = worst[["row", "col"]].to_numpy()
    away = np.abs(places[:, None] - places[None]).max(axis=2)[np.triu_indices(len(places), 1)]
    assert (away > APART).all()


def test_a_class_by_name(run):
    assert analyse_errors(run, "HIGH").shown == (2,)
    with pytest.raises(UnknownNameError, match="high"):
        analyse_errors(run, "hihg")


@pytest.mark.parametrize("kind", ["right", "wrong", "one"])
def test_all_right_all_wrong_and_one_pixel(run, tmp_path, kind):
    def change(frame):
        if kind == "one":
            test = frame[frame["set"] == "test"].head(1)
            return test.assign(predicted=test["reference"] % 3 + 1)
        other = frame["reference"] if kind == "right" else frame["reference"] % 3 + 1
        return frame.assign(predicted=other.astype(frame["predicted"].dtype))

    found = analyse_errors(doctored(run, tmp_path, change))
    json.dumps(found.to_dict(), allow_nan=False)
    assert len(found.shown) == {"right": 0, "wrong": 3, "one": 1}[kind]
    assert len(found.worst[0]) == {"right": 0, "wrong": 8, "one": 1}[kind]
    assert not found.confidence_frame().isna().any().any()
    assert len(found.doubted_frame()) == len(found.doubted) or len(found.doubted) > 50
    if kind == "right":
        assert found.spectra == {}
        assert found.summary[0][0].startswith("0 of the")


def test_without_its_scene_the_rest_is_told(run, tmp_path, monkeypatch, roots):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    monkeypatch.setenv("WORKBENCH_RUNS", str(roots / "runs"))
    moved = roots / "data" / "tiny.zarr"
    moved.rename(tmp_path / "elsewhere.zarr")
    try:
        found = analyse_errors(run)
    finally:
        (tmp_path / "elsewhere.zarr").rename(moved)
    assert "What needs the scene is left out" in found.notes[0]
    assert found.covariates["brightness"].reason
    assert not found.covariates["nearest training pixel"].reason
    assert found.spectra == {}
    json.dumps(found.to_dict(), allow_nan=False)


def test_predictions_that_do_not_do(run, tmp_path):
    def none(frame):
        return frame[frame["set"] != "test"]

    with pytest.raises(WorkbenchError, match="no test pixel with data"):
        analyse_errors(doctored(run, tmp_path / "none", none))
    with pytest.raises(WorkbenchError, match="no probabilities"):
        analyse_errors(doctored(run, tmp_path / "old", lambda frame: frame.drop(columns="p1")))


def test_runs_without_a_modality(run, tmp_path, monkeypatch, found):
    assert "workbench modalities tiny --model fusatnet --input hsi=hsi --input aux=lidar" in found.retrained.notes[0]
    assert "--split-seed 0" in command(run.config)
    assert "--seeds 0" in command(run.config)

    def all_low(frame):
        return frame.assign(predicted=np.ones(len(frame), frame["predicted"].dtype))

    other = doctored(run, tmp_path, all_low)
    text = (other.path / "config.yaml").read_text()
    (other.path / "config.yaml").write_text(text.replace("- lidar", "- hsi"))
    told = retrained_without(run, found.pixels, [other])
    assert list(told.runs) == ["lidar"]
    pixels = found.pixels
    low = pixels[pixels["reference"] == 1]
    assert told.points["lidar"][1] == pytest.approx(100 * (float((low["predicted"] == 1).mean()) - 1))
    assert told.points["lidar"][3] == pytest.approx(
        100 * float((pixels[pixels["reference"] == 3]["predicted"] == 3).mean())
    )
    assert retrained_without(run, found.pixels, [run]).runs == {}
    (other.path / "config.yaml").write_text(text.replace(run.config.split.hash, "f" * 64))
    with pytest.raises(WorkbenchError, match=rf"{run.config.split.hash[:16]} and ffffffffffffffff"):
        retrained_without(run, found.pixels, [Run(other.path)])


@pytest.mark.parametrize(
    ("changes", "word"),
    [({}, None), ({"chosen_on": "test"}, "chosen on"), ({"init": {"source": "run", "hash": "0" * 64}}, "init")],
)
def test_a_run_that_differs_in_more_than_a_modality_is_not_taken_for_it(
    run, tmp_path, monkeypatch, found, changes, word
):
    folder = doctored(run, tmp_path, lambda frame: frame).path.rename(tmp_path / "another")
    alone = {"inputs": {"hsi": ("hsi",), "aux": ("hsi",)}}
    write_yaml(folder / "config.yaml", RunConfig.model_validate(run.config.model_dump() | alone | changes))
    monkeypatch.setattr(error_modalities, "list_runs", lambda: [Run(folder)])
    assert list(retrained_without(run, found.pixels).runs) == (["lidar"] if word is None else [])
    named = retrained_without(run, found.pixels, [Run(folder)])
    told = f"Run another, without lidar, differs in {word} too: the points tell of that as well."
    assert named.notes == (() if word is None else (told,))


def test_what_the_command_cannot_make_is_told_in_words(run):
    split = run.config.split
    part = split.model_copy(update={"parameters": split.parameters | {"subset_fraction": 0.5}})
    for changes in ({"members": 2}, {"tta": True}, {"chosen_on": "test"}, {"split": part}):
        assert "inputs that leave a modality out" in error_modalities._way(run.config.model_copy(update=changes))


def test_the_command_asks_the_published_split_for_what_can_be_asked(run):
    asked = {"split": "official", "validation_fraction": 0.2, "validation": "published"}
    split = run.config.split.model_copy(update={"protocol": "official", "parameters": asked})
    told = command(run.config.model_copy(update={"split": split}))
    assert "--split split=official --split validation_fraction=0.2 --" in told
    assert "validation=" not in told.replace("validation_fraction=", "")


def test_covariates_of_nothing_but_positions(run, found):
    known = covariates(None, run.split, found.pixels)
    assert [name for name, one in known.items() if not one.reason] == ["nearest training pixel"]
