"""Runs that answer without a modality, runs whose modality is blanked, and the table that keeps the two apart."""

import json

import numpy as np
import pytest
import rasterio
import torch

from tests.experiments.conftest import OPTIONS, draft, point
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments import evaluate, map_scene, modality_table, train
from workbench.experiments.evaluate import scores_on_test
from workbench.experiments.inputs import RunInputs
from workbench.experiments.modalities import roles_without
from workbench.experiments.summary import score_title
from workbench.mapping import Predictor
from workbench.models import FusionModel, FusionOutput
from workbench.models.pixels import load_pixels, valid_positions
from workbench.runs import list_runs
from workbench.scenes import ClassTable, ModalityInfo, open_scene, write_scene
from workbench.splits import make_split

NAMES = ClassTable.from_names(["low", "high", "bright"])
ROLES = {"hsi": ("hsi",), "aux": ("lidar", "sar")}
LEARNT = {**OPTIONS, "epochs": 1, "pixels_per_tile": 8, "learning_rate": 0.01, "modality_dropout": 0.2}


def other(roots, name, change):
    """The scene of another place, whose modalities were changed."""
    path = roots / "data" / f"{name}.zarr"
    if not path.exists():
        made = draft(seed=9, name=name)
        change(made.modalities)
        write_scene(path, [made], NAMES)
    return open_scene(name)


@pytest.fixture(scope="session")
def taught(roots, scene):
    """A run with modality dropout, scaled so that a training mean is not zero."""
    with pytest.MonkeyPatch.context() as patch:
        point(patch, roots)
        return train(scene, **OPTIONS, modality_dropout=0.5, scaling="minmax")


@pytest.fixture(scope="session")
def trio(roots, scene):
    """The scene with a third modality, and lidar without data at some labelled pixels."""
    made = draft(name="trio")
    rng = np.random.default_rng(8)
    sar = rng.normal(-12, 2, (2, *made.labels.shape)).astype("float32")
    made.modalities["sar"] = (sar, ModalityInfo.of("sar", sar, quantity="backscatter dB", unit="dB"))
    made.modalities["lidar"][0][:, 20:50, 30:60] = np.nan
    return write_scene(roots / "data" / "trio.zarr", [made], NAMES)


def arrays(paths):
    (path,) = paths.values()
    with rasterio.open(path) as raster:
        return raster.read(1)


def at_mean(run, name, shape):
    """A modality that has its training mean everywhere."""
    (mean,) = np.asarray(RunInputs.load(run.path).scaling[name]["mean"], np.float32).reshape(1, -1)
    return np.broadcast_to(mean[:, None, None], (len(mean), *shape)).copy()


def test_trained_with_dropout_it_maps_scenes_that_lack_a_modality(taught, roots):
    """The map equals that of the scene whose height is the training mean everywhere."""
    assert taught.config.recipe.modality_dropout == 0.5

    def level(modalities):
        array, info = modalities["lidar"]
        modalities["lidar"] = (at_mean(taught, "lidar", array.shape[1:]), info)

    other(roots, "lacks", lambda modalities: modalities.pop("lidar"))
    other(roots, "level", level)
    paths = map_scene(taught, "lacks")
    assert paths["lacks"].name == "lacks~without-lidar.tif"
    facts = json.loads(paths["lacks"].with_suffix(".json").read_text())
    assert facts["without"] == {"lidar": "training mean"}
    expected = arrays(map_scene(taught, "level"))
    np.testing.assert_array_equal(arrays(paths), expected)
    assert (arrays(map_scene(taught)) == 0).sum() == 1  # the map of its own scene is another file
    assert map_scene(taught, "lacks") == paths
    assert taught.predict("lacks")["lacks"].shape == expected.shape


def test_what_is_absent_decides_on_no_pixel(taught, roots):
    def holes(modalities):
        modalities["lidar"][0][:, :30] = np.nan

    other(roots, "holes", holes)
    whole, without = map_scene(taught, "holes"), map_scene(taught, "holes", without=["lidar"])
    assert (arrays(whole)[:30] == 0).all()
    assert (arrays(without) == 0).sum() == 1  # where hsi has no data
    assert {"holes", "holes~without-lidar"} <= set(taught.maps)
    assert "without" not in json.loads(whole["holes"].with_suffix(".json").read_text())


def test_the_score_without_is_that_of_the_map_without(taught):
    found = evaluate(taught, without=["lidar"])
    assert found["without"] == {"lidar": "training mean"}
    assert "Without lidar (training mean in its place)." in score_title("run", found)
    test, mapped = taught.split.test, arrays(map_scene(taught, without="lidar"))
    values = mapped[test.positions[:, 1], test.positions[:, 2]]
    counted = values > 0
    assert found["test"]["oa"] == pytest.approx((values == test.labels)[counted].mean(), abs=2e-3)
    assert evaluate(taught)["test"] == taught.metrics["test"]


def test_trained_without_dropout_it_refuses_and_names_the_ways_out(run, roots):
    other(roots, "lacks", lambda modalities: modalities.pop("lidar"))
    before = set(run.maps)
    ways = r"not trained to answer without lidar.*modality_dropout=0\.3.*mmrs.*blank=\['lidar'\]"
    for ask in (evaluate, map_scene):
        with pytest.raises(WorkbenchError, match=ways):
            ask(run, without=["lidar"])
    with pytest.raises(WorkbenchError, match=r"no modality 'lidar' .*modality_dropout=0\.3.*mmrs"):
        map_scene(run, "lacks")
    assert set(run.maps) == before


def test_what_cannot_be_left_out_is_told(taught, run, roots):
    for ask in ({"without": ["lidr"]}, {"blank": ["lidr"]}):
        with pytest.raises(UnknownNameError, match="Nearest: lidar"):
            evaluate(taught, **ask)
    for ask in ({"without": ["lidar", "hsi"]}, {"blank": ["lidar", "hsi"]}):
        with pytest.raises(WorkbenchError, match="nothing to answer from"):
            evaluate(taught, **ask)
    with pytest.raises(WorkbenchError, match="two questions"):
        evaluate(taught, without=["lidar"], blank=["hsi"])

    def strange(modalities):
        array, info = modalities.pop("lidar")
        modalities["dem"] = (array, info.model_copy(update={"name": "dem"}))
        del modalities["hsi"]

    other(roots, "stranger", strange)
    with pytest.raises(WorkbenchError, match="no modality 'hsi'"):
        map_scene(taught, "stranger")


def test_one_modality_cannot_be_dropped(scene):
    before = {run.id for run in list_runs()}
    with pytest.raises(WorkbenchError, match="uses 1"):
        train(scene, inputs={"hsi": "hsi", "aux": "hsi"}, modality_dropout=0.5, **OPTIONS)
    assert {run.id for run in list_runs()} == before


def test_blanking_any_run_equals_a_scene_at_the_training_mean(run, scene):
    found = evaluate(run, blank=["lidar"])
    assert found["blank"] == ["lidar"]
    assert "not what it adds" in score_title("run", found)
    predictor = run.predictor("cpu")
    table = load_pixels(scene, predictor.roles, "cpu", predictor.scaling)
    inside = table.bands["lidar"][:-1]
    inside[:] = torch.from_numpy(predictor.scaling["lidar"].blank)
    by_hand = scores_on_test(predictor, table, run.split)
    assert found["test"] == by_hand
    assert by_hand["confusion"] != run.metrics["test"]["confusion"]


class Linear(FusionModel):
    """A pixel's answer is a weighted sum of its own bands."""

    roles, views, patch_size = ("hsi", "aux"), ("patch",), 1

    def __init__(self, inputs, classes):
        super().__init__(inputs, classes)
        generator = torch.Generator().manual_seed(0)
        self.weights = torch.nn.Parameter(torch.randn(classes, sum(inputs.values()), generator=generator))

    def patch(self, inputs, attention):
        stacked = torch.cat([inputs[role] for role in self.roles], 1)[:, :, 0, 0]
        return FusionOutput(stacked @ self.weights.T)

    def receptive_field(self, view):
        return 0, 0


def test_a_linear_model_answers_by_its_formula(scene):
    """Blanked, the share of the modality in the sum is that of its mean."""
    split = make_split(scene, "random", 1, 0)
    roles = {"hsi": ("hsi",), "aux": ("lidar",)}
    table = load_pixels(scene, roles, fit=("minmax", None), training=split.train.positions)
    model = Linear({"hsi": 6, "aux": 1}, 3).eval()
    predictor = Predictor(model, roles, table.scaling, np.array(split.classes, np.uint16), "patch", "32-true")
    weights, train, test = model.weights.detach().numpy(), split.train.positions, split.test
    counted = valid_positions(table, test.positions)
    hsi, height = scene.read("hsi"), scene.read("lidar")[0]
    known = hsi[:, np.isfinite(hsi).all(axis=0)]
    low, high = known.min(axis=1), known.max(axis=1)
    share = (height[train[:, 1], train[:, 2]].mean() - height.min()) / (height.max() - height.min())
    here = hsi[:, test.positions[counted, 1], test.positions[counted, 2]].T
    logits = (here - low) / (high - low) @ weights[:, :6].T + share * weights[:, 6]
    predicted = np.array(split.classes)[logits.argmax(1)]
    found = scores_on_test(predictor, table.blanked(["lidar"]), split)
    assert found["oa"] == pytest.approx((predicted == test.labels[counted]).mean(), abs=1e-3)


def test_a_network_that_generates_is_asked_without_the_role(scene, trio):
    run = train(scene, "mmrs", **{**OPTIONS, "epochs": 1})
    predictor = run.predictor("cpu")
    table = load_pixels(scene, {"hsi": ("hsi",)}, "cpu", predictor.scaling)
    alone = Predictor(predictor.model, {"hsi": ("hsi",)}, predictor.scaling, predictor.classes, "dense", "32-true")
    found = evaluate(run, without=["lidar"])
    assert found["test"] == scores_on_test(alone, table, run.split)
    assert found["without"] == {"lidar": "generated features"}
    path = map_scene(run, without=["lidar"])["tiny"]
    assert json.loads(path.with_suffix(".json").read_text())["without"] == {"lidar": "generated features"}
    with pytest.raises(WorkbenchError, match="not trained to answer without sar"):  # half of a role is not generated
        evaluate(train(trio, "mmrs", ROLES, **{**OPTIONS, "epochs": 1}), without=["sar"])


def test_roles_of_a_network_that_is_trained_without_a_modality():
    assert roles_without(ROLES, "sar") == {"hsi": ("hsi",), "aux": ("lidar",)}
    assert roles_without(ROLES, "hsi") == {"hsi": ("lidar", "sar"), "aux": ("lidar", "sar")}
    assert roles_without({"hsi": ("hsi",), "aux": ("lidar",)}, "hsi") == {"hsi": ("lidar",), "aux": ("lidar",)}
    both = {"image": ("msi", "sar"), "aux": ("sar", "msi")}
    assert roles_without(both, "sar") == {"image": ("msi",), "aux": ("msi",)}


@pytest.fixture(scope="session")
def made(roots, trio):
    said = []
    with pytest.MonkeyPatch.context() as patch:
        point(patch, roots)
        found = modality_table(trio, "fusatnet", ROLES, seeds=(0, 1), say=said.append, **LEARNT)
    return found, said


def test_the_retrained_column_is_a_training_without(made, trio):
    found, said = made
    assert list(found.frame.index) == ["all", "hsi", "lidar", "sar"]
    assert len(said) == 8
    split = make_split(trio, "blocks", 11, 0)
    direct = [
        train(trio, "fusatnet", {"hsi": "hsi", "aux": "sar"}, split, seed=seed, **LEARNT).metrics["test"]
        for seed in (0, 1)
    ]
    whole = [train(trio, "fusatnet", ROLES, split, seed=seed, **LEARNT).metrics["test"] for seed in (0, 1)]
    row = found.frame.loc["lidar"]
    for score in ("oa", "aa", "kappa"):
        mine, all_ = (np.array([one[score] for one in runs]) for runs in (direct, whole))
        assert row[f"retrained_{score}"] == pytest.approx(mine.mean())
        assert row[f"retrained_{score}_sd"] == pytest.approx(np.std(mine, ddof=1))
        assert row[f"retrained_{score}_points"] == pytest.approx(100 * (mine - all_).mean())
        assert row[f"retrained_{score}_points_sd"] == pytest.approx(100 * np.std(mine - all_, ddof=1))
        assert row[f"all_{score}"] == pytest.approx(all_.mean()) == found.frame.loc["all", f"all_{score}"]


def test_the_blanked_column_is_an_evaluation_of_the_run_with_all(made):
    found, _ = made
    for name in ("hsi", "lidar", "sar"):
        scores = [evaluate(runs["all"], blank=[name])["test"]["oa"] for runs in found.runs.values()]
        assert found.frame.loc[name, "blanked_oa"] == pytest.approx(np.mean(scores))
    assert found.frame.loc["all", ["blanked_oa", "retrained_oa"]].isna().all()
    assert len(set(found.frame["blanked_oa"])) == 4  # the network leans on each, and not alike


def test_the_caption_says_which_column_is_which(made):
    found, _ = made
    assert "n = 2 seeds" in found.caption
    assert "Only 'retrained without' says what a modality adds" in found.caption
    assert "Trained without hsi, its role hsi is played by lidar, sar." in found.caption
    assert "where only lidar has no data" in found.caption
    head, rows = found.printed()
    assert head[3:] == ["retrained without", "points", "blanked at test", "points"]
    assert len(rows) == 4 * 3
    assert rows[0][3:] == [""] * 4
    assert all("±" in cell for cell in rows[3][2:])
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert json.loads(text)["rows"][0]["retrained_oa"] is None


def test_one_seed_and_two_modalities(scene, run):
    """The modality that is left is trained on without dropout; the run with all is not done again."""
    found = modality_table(scene, say=lambda _: None, **OPTIONS)
    assert found.runs[0]["all"].id == run.id
    assert "n = 1 seed." in found.caption
    assert "±" not in str(found.printed())
    dropped = modality_table(scene, say=lambda _: None, **{**OPTIONS, "epochs": 1, "modality_dropout": 0.5})
    assert dropped.runs[0]["all"].config.recipe.modality_dropout == 0.5
    assert dropped.runs[0]["hsi"].config.recipe.modality_dropout == 0.0
    assert dropped.runs[0]["hsi"].config.inputs == {"hsi": ("lidar",), "aux": ("lidar",)}
    assert "Trained without hsi, one modality is left: that training has no modality dropout." in dropped.caption
    with pytest.raises(WorkbenchError, match="on hsi alone"):
        modality_table(scene, inputs={"hsi": "hsi", "aux": "hsi"}, **OPTIONS)
    for seeds in ((), (1, 1)):
        with pytest.raises(WorkbenchError, match="each once"):
            modality_table(scene, seeds=seeds, **OPTIONS)


def test_the_publications_habits_are_said_in_the_caption(scene):
    split = make_split(scene, "random", 11, 0, validation_fraction=0.0)
    found = modality_table(scene, "knn", split=split, say=lambda _: None, protocol="paper", progress=False)
    assert "PUBLICATIONS' HABITS: COMPARISON WITH PUBLICATIONS ONLY." in found.caption
    assert "RANDOM SPLIT" in found.caption


def test_without_a_modality_and_by_test_time_augmentation_at_once(taught, roots):
    path = next(iter(map_scene(taught, without=["lidar"], tta=True).values()))
    assert "lidar" in path.name
    assert path.name.endswith("+tta.tif")
    found = evaluate(taught, without=["lidar"], tta=True)
    assert found["tta"]
    assert list(found["without"]) == ["lidar"]


def test_ensembles_share_no_member(scene):
    with pytest.raises(WorkbenchError, match="Ensembles of 3 from the seeds 1 and 2 share members: take seeds 3 apart"):
        modality_table(scene, seeds=(5, 2, 1), members=3)
