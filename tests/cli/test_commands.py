"""The terminal face: help, exit codes, JSON, and the whole way from files to a map on a tiny scene."""

import signal
import subprocess
import sys

import geopandas
import numpy as np
import pytest
import rasterio
import typer
from shapely import box

from tests.experiments.conftest import SHAPE, draft
from workbench import __version__, cli
from workbench.experiments import open_run

COMMANDS = typer.main.get_command(cli.app).commands
NETWORK = [
    "--view", "dense", "--width", "0.03", "--set", "tile=12", "--set", "tile_batch=4", "--set", "pixels_per_tile=64",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Roots of these tests, and the files of a place."""
    folder = tmp_path_factory.mktemp("cli")
    made = draft(hole=False)
    rasters = {name: pixels for name, (pixels, _) in made.modalities.items()} | {
        "gt": made.labels[None].astype("uint8")
    }
    for name, pixels in rasters.items():
        write(folder / f"{name}.tif", pixels, made)
    x, y = made.transform[2], made.transform[5]
    fields = [box(x + 24 * i, y - 40, x + 24 * i + 20, y - 10) for i in range(8)]
    kinds = ["wheat", "maize"] * 4
    geopandas.GeoDataFrame({"crop": kinds}, geometry=fields, crs=made.crs).to_file(folder / "fields.gpkg")
    return folder


def write(path, pixels, made, **profile):
    bands, rows, cols = pixels.shape
    profile = {"crs": made.crs, "transform": rasterio.Affine(*made.transform)} | profile
    with rasterio.open(
        path, "w", driver="GTiff", count=bands, height=rows, width=cols, dtype=pixels.dtype, **profile
    ) as file:
        file.write(pixels)


@pytest.fixture(autouse=True)
def _here(folder, monkeypatch):
    for name in ("data", "runs", "reports"):
        monkeypatch.setenv(f"WORKBENCH_{name.upper()}", str(folder / name))
    monkeypatch.chdir(folder)


@pytest.fixture
def place(call, folder):
    """The imported scene."""
    if not (folder / "data" / "place.zarr").exists():
        ended = call(
            "import", "place", "-m", "hsi=hsi.tif", "-m", "lidar=lidar.tif", "--labels", "gt.tif",
            "--quantity", "hsi=reflectance", "--quantity", "lidar=height", "--set", "lidar.unit=m",
            "--class-names", "low, high, bright", "--quiet",
        )  # fmt: skip
        assert ended.code == 0, ended
    return "place"


@pytest.fixture
def run(call, place):
    """Id of a finished run."""
    ended = call("train", place, *NETWORK, "--epochs", "1", "--quiet", "--json")
    assert ended.code == 0, ended
    return ended.json["run"]


# ---- help and the command line


def test_the_commands_are_those_of_the_day():
    assert set(COMMANDS) == {
        "demo", "import", "fetch", "derive", "alignment", "bands", "indices", "label", "scenes", "models", "split", "train", "minimal", "map", "export", "evaluate", "modalities", "runs", "report", "lab", "serve", "sample", "compare", "errors",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_tells_every_argument(call, name):
    for flag in ("--help", "-h"):
        ended = call(name, flag)
        assert (ended.code, ended.err) == (0, "")
    command = COMMANDS[name]
    assert command.help.splitlines()[0] in ended.out
    for parameter in command.params:
        if parameter.name == "help":
            continue
        assert parameter.help, f"{parameter.name} has no help"
        assert parameter.opts[-1] in ended.out.lower() or parameter.opts[-1] in ended.out
        assert parameter.help[:40] in ended.out


def test_help_of_all_names_the_commands(call):
    ended = call("--help")
    assert ended.code == 0
    assert all(name in ended.out for name in COMMANDS)
    assert "workbench demo" in ended.out
    assert "Usage" in call().out + call().err


def test_version(call):
    ended = call("--version")
    assert (ended.code, ended.out.strip()) == (0, __version__)
    done = subprocess.run([sys.executable, "-m", "workbench", "--version"], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == __version__


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["trian"], "trian"),
        (["train"], "scene"),
        (["train", "place", "--epoch", "3"], "--epochs"),
        (["train", "place", "--epochs", "many"], "--epochs"),
        (["train", "place", "--view", "sideways"], "sideways"),
        (["train", "place", "--precision", "8"], "32-true"),
        (["train", "place", "--set", "epochs"], "KEY=VALUE"),
        (["train", "place", "--set", "=3"], "KEY=VALUE"),
        (["train", "place", "-i", "hsi=hsi", "-i", "hsi=lidar"], "twice"),
        (["split", "make", "place", "--split", "seed"], "KEY=VALUE"),
        (["train", "place", "--split", "seed=3"], "--split-seed"),
        (["train", "place", "--splits", "2", "--split", "patch_size=3"], "patch_size is none"),
        (["train", "place", "--split-file", "s.npz", "--split-seed", "3"], "leave --split-seed out"),
        (["split", "place"], "workbench split make place"),
        (["minimal", "place", "--fractions", "1,half"], "'half'"),
        (["minimal", "place", "--fractions", "1,1/0"], "'1/0'"),
        (["minimal", "place", "--unit", "polygons"], "regions"),
        (["import", "x"], "at least one raster"),
        (["import", "x", "-m", "hsi.tif"], "KEY=VALUE"),
        (["import", "x", "-m", "hsi=hsi.tif", "--quantity", "lidar=height"], "lidar"),
        (["import", "x", "-m", "hsi=hsi.tif", "--from", "here"], "--from"),
        (["import", "idtrees2020", "--from", "here", "--labels", "gt.tif", "--no-compress"], "--labels, --no-compress"),
        (["import", "x", "-m", "hsi=hsi.tif", "--set", "hsi.path=gt.tif"], "given already"),
        (
            ["import", "x", "-m", "hsi=hsi.tif", "--quantity", "hsi=radiance", "--set", "hsi.quantity=reflectance"],
            "given already",
        ),
        (["report", "errors", "-p", "run"], "KEY=VALUE"),
        (["serve", "--port", "x"], "--port"),
    ],
)
def test_a_wrong_command_line_ends_with_2(call, place, folder, arguments, told):
    before = sorted((folder / "data").iterdir())
    ended = call(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert told in ended.err
    assert sorted((folder / "data").iterdir()) == before


def test_ctrl_c_ends_with_130(call, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr("workbench.scenes.list_scenes", interrupted)
    assert call("scenes").code == 130


# ---- what is refused


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["split", "make", "plce"], "Unknown scene 'plce'. Nearest: place"),
        (["train", "plce"], "Nearest: place"),
        (["split", "make", "nowhere/place.zarr"], "it is not there"),
        (["train", "place", "--model", "fusanet"], "Unknown model 'fusanet'. Nearest: fusatnet"),
        (["train", "place", "--protocol", "block"], "Nearest: blocks"),
        (["train", "place", "--split", "fold=0"], "fold=0 has no effect without folds"),
        (["split", "make", "place", "--protocol", "group"], "Nearest: groups"),
        (["split", "make", "place", "--split", "blok_size=3"], "'blok_size' (nearest: block_size"),
        (["split", "make", "place", "--split", "block_size=big"], "'block_size' = 'big'"),
        (["split", "make", "place", "--patch-size", "0"], "patch_size"),
        (["split", "make", "place", "--patch-size", "73"], "larger than the tile 'place' of 72 x 96"),
        (["split", "make", "place", "--protocol", "groups"], "one group only"),
        (["split", "make", "place", "--split", "leave_out=brigt"], "Nearest: bright"),
        (["train", "place", "--init", "weights.pth"], "are pickles"),
        (["train", "place", "--init", "no-such-run"], "Unknown run"),
        (["train", "place", "--recipe", "publishd"], "Nearest: published"),
        (["train", "place", "--set", "learning_rat=1"], "nearest: learning_rate"),
        (["train", "place", "--set", "learning_rate=fast"], "'learning_rate' = 'fast'"),
        (["train", "place", "--set", "learning_rate=Infinity"], "finite"),
        (["train", "place", "--set", "width=0.5"], "unknown parameter 'width'"),
        (["train", "place", "--set", "seed=1"], "unknown parameter 'seed'"),
        (["train", "place", "--epochs", "0"], "'epochs' = 0"),
        (["train", "place", "-i", "hsi=hsi", "-i", "aux=hsi", "--set", "modality_dropout=0.3"], "this training uses 1"),
        (["modalities", "place", "-i", "hsi=hsi", "-i", "aux=hsi"], "on hsi alone"),
        (["modalities", "place", "--seeds", "1,1"], "each once"),
        (["train", "place", "--set", "unlabelled=before"], "that has one: selfloop"),
        (["train", "place", "--model", "selfloop", "--set", "unlabelled=later"], "'unlabelled' = 'later'"),
        (["minimal", "place", "--fractions", "1/2,1/4"], "full supervision"),
        (["minimal", "place", "--fractions", "1,2"], "at most 1"),
        (["minimal", "place", "--set", "patience=2"], "patience = 2"),
        (["minimal", "place", "--model", "fusanet"], "Nearest: fusatnet"),
        (["train", "place", "--width", "nan"], "'width' = nan"),
        (["train", "place", "--threads", "0"], "'threads' = 0"),
        (["train", "place", "--model", "svm", "--epochs", "5"], "epochs = 5 means nothing to svm"),
        (["train", "place", "--model", "knn", "--width", "0.5"], "width can only be 1.0"),
        (["train", "place", "--model", "knn", "--option", "neighbors=3"], "Nearest: neighbours"),
        (["train", "place", "--seed", "-1"], "seed"),
        (["train", "place", "--device", "cudaa"], "Nearest: cuda"),
        (["train", "place", "-i", "hsi=hsi", "-i", "axu=lidar"], "Nearest: aux"),
        (["train", "place", "-i", "hsi=hsi", "-i", "aux=lidr"], "Nearest: lidar"),
        (["map", "no-such-run"], "Unknown run"),
        (["evaluate", "no-such-run"], "Unknown run"),
        (["export", "no-such-run"], "Unknown run"),
        (["import", "place", "-m", "hsi=hsi.tif"], "exists already"),
        (["import", "../x", "-m", "hsi=hsi.tif"], "cannot name a scene"),
        (["import", "x" * 300, "-m", "hsi=hsi.tif"], "cannot name a scene"),
        (["import", "x", "-m", "hsi=none.tif"], "missing"),
        (["import", "x", "-m", "hsi=hsi.tif", "--quantity", "hsi=reflectence"], "'reflectence'"),
        (["import", "x", "-m", "hsi=hsi.tif", "--labels", "lidar.tif"], "whole numbers"),
        (["import", "x", "-m", "hsi=hsi.tif", "--labels", "gt.tif", "--class-names", "low,high"], "outside the class table"),
        (["import", "x", "-m", "hsi=hsi.tif", "--labels", "fields.gpkg", "--class-column", "crops"], "crop"),
        (["import", "x", "-m", "hsi=hsi.tif", "--grid", "lidar"], "lidar"),
        (["import", "idtrees", "--from", "."], "Nearest: idtrees2020"),
        (["report", "eror"], "errors"),
    ],
)  # fmt: skip
def test_what_is_refused_ends_with_1_and_one_message(call, place, folder, arguments, told):
    before = sorted((folder / "data").iterdir()), sorted((folder / "runs").glob("*"))
    ended = call(*arguments)
    assert ended.code == 1, ended
    assert ended.err.splitlines()[-1].startswith("workbench: ") or "\nworkbench: " in f"\n{ended.err}"
    assert told in ended.err
    assert (sorted((folder / "data").iterdir()), sorted((folder / "runs").glob("*"))) == before


def test_files_that_are_damaged_or_do_not_fit_leave_nothing(call, folder):
    made = draft(hole=False)
    hsi, lidar = (made.modalities[name][0] for name in ("hsi", "lidar"))
    (folder / "cut.tif").write_bytes((folder / "hsi.tif").read_bytes()[:60_000])
    (folder / "empty.tif").touch()
    write(folder / "moved.tif", lidar, made, transform=rasterio.Affine(2, 0, 500_002, 0, -2, 5_400_000))
    write(folder / "coarse.tif", lidar[:, ::2, ::2], made, transform=rasterio.Affine(4, 0, 500_000, 0, -4, 5_400_000))
    write(folder / "zone.tif", lidar, made, crs="EPSG:32634")
    before = sorted((folder / "data").glob("*"))
    for file, told in [
        ("cut.tif", "truncated"), ("empty.tif", "truncated, damaged or no GeoTIFF"), ("moved.tif", "differ in extent"),
        ("coarse.tif", "--grid hsi --resample average"), ("zone.tif", "differ in CRS"),
    ]:  # fmt: skip
        ended = call("import", "bad", "-m", "hsi=hsi.tif", "-m", f"lidar={file}", "-q")
        assert ended.code == 1
        assert told in ended.err
        assert sorted((folder / "data").glob("*")) == before
    ended = call(
        "import", "resampled", "-m", "hsi=hsi.tif", "-m", "lidar=coarse.tif", "--grid", "hsi", "--resample", "nearest"
    )
    assert ended.code == 0, ended
    assert "resampled by nearest" in ended.out
    assert len(hsi) == 6


def test_a_full_disk_ends_with_1_and_leaves_nothing(call, folder, monkeypatch):
    from workbench.scenes import writing

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "write_coordinates", full)
    ended = call("import", "bad", "-m", "hsi=hsi.tif", "-q")
    assert ended.code == 1
    assert "disk is full while storing" in ended.err
    assert not list((folder / "data").glob("*bad*"))


def test_a_killed_import_leaves_no_scene_and_the_next_one_cleans_up(call, folder):
    code = """
import os, signal
from workbench.scenes import writing
writing.write_coordinates = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
import sys
sys.argv = ["workbench", "import", "killed", "-m", "hsi=hsi.tif", "-q"]
from workbench.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert [path.name for path in (folder / "data").glob("*killed*")] != ["killed.zarr"]
    assert "killed" not in [row["name"] for row in call("scenes", "--json").json]
    assert call("import", "killed", "-m", "hsi=hsi.tif", "-q").code == 0
    assert [path.name for path in (folder / "data").glob("*killed*")] == ["killed.zarr"]


# ---- the whole way


def test_import_prints_the_alignment_and_scenes_lists_it(call, place):
    ended = call("import", place, "-m", "hsi=hsi.tif", "-m", "lidar=lidar.tif", "--labels", "gt.tif", "--replace",
                 "--quantity", "hsi=reflectance", "--quantity", "lidar=height", "--set", "lidar.unit=m",
                 "--class-names", "low, high, bright")  # fmt: skip
    assert ended.code == 0
    assert "EPSG:32633" in ended.out
    assert "72 x 96" in ended.out
    (row,) = [row for row in call("scenes", "--json").json if row["name"] == place]
    assert (row["imported"], row["shape"], row["modalities"], row["classes"]) == (True, "72 x 96", ["hsi", "lidar"], 3)
    table = call("scenes")
    assert place in table.out
    assert "idtrees2020" in table.out


def test_import_of_polygons(call, folder):
    ended = call("import", "crops", "-m", "hsi=hsi.tif", "-m", "lidar=lidar.tif", "--labels", "fields.gpkg",
                 "--class-column", "crop", "-q")  # fmt: skip
    assert ended.code == 0, ended
    from workbench.scenes import open_scene

    scene = open_scene("crops")
    assert scene.classes.names == ("maize", "wheat")
    labels = scene.read_labels()
    assert np.bincount(labels.ravel()).tolist() == [SHAPE[0] * SHAPE[1] - 8 * 150, 4 * 150, 4 * 150]
    assert labels[10, 3] == 2
    assert labels[10, 14] == 1


def test_a_pixel_model_on_spectra_alone(call, place):
    ended = call("train", place, "--model", "knn", "-i", "hsi=hsi", "--option", "neighbours=3", "--quiet", "--json")
    assert ended.code == 0, ended
    assert ended.json["inputs"] == {"hsi": ["hsi"]}
    assert (ended.json["view"], ended.json["training"]["parameters"]) == ("pixel", None)
    assert call("map", ended.json["run"], "-q").code == 0
    (row,) = [row for row in call("runs", "--json").json if row["run"] == ended.json["run"]]
    assert (row["state"], row["epochs"]) == ("finished", "1/1")


def test_models(call):
    assert "fusatnet" in call("models", "--json").json
    assert "fusatnet" in call("models").out


@pytest.mark.parametrize("protocol", ["random", "blocks"])
def test_split_prints_its_audit(call, place, protocol):
    request = ["split", "make", place, "--protocol", protocol, "--seed", "3", "--split", "test_fraction=0.4"]
    ended = call(*request)
    assert ended.code == 0
    for word in (f"{protocol} split", "seed 3", "low", "high", "bright", "train", "validation", "test", "overlap"):
        assert word in ended.out
    audit = call(*request, "--json").json
    assert (audit["protocol"], audit["seed"]) == (protocol, 3)
    assert 0 <= audit["coordinates_only"]["oa"] <= 1
    assert call(*request, "--json").json == audit


def test_train_scores_and_is_not_done_twice(call, place, run):
    ended = call("train", place, *NETWORK, "--epochs", "1", "--quiet")
    assert ended.code == 0
    assert "Audit of the blocks split" in ended.out
    assert run in ended.out
    assert "control: coordinates only" in ended.out
    assert f"workbench map {run}" in ended.err
    found = call("train", place, *NETWORK, "--epochs", "1", "--json").json  # the bar of a training is not in it
    assert found["run"] == run
    assert {"test", "audit", "controls", "training", "path"} <= set(found)


def test_train_shows_progress_on_standard_error_only(call, place):
    ended = call("train", place, *NETWORK, "--epochs", "1", "--seed", "5", "--json")
    assert ended.json["training"]["epochs"] == 1
    assert "Epoch" in ended.err


def test_a_recipe_is_changed_by_set_unless_an_option_says_otherwise(call, place):
    by_set = call("train", place, *NETWORK, "--set", "epochs=1", "-q", "--json", "--seed", "5").json
    assert by_set["training"]["epochs"] == 1
    by_option = call("train", place, *NETWORK, "--set", "epochs=7", "--epochs", "1", "-q", "--json", "--seed", "5").json
    assert by_option["run"] == by_set["run"]


def test_training_without_labels_is_set_in_the_recipe(call, place):
    ended = call(
        "train", place, *NETWORK, "--model", "selfloop", "--epochs", "1", "--set", "unlabelled=before", "--set",
        "unlabelled_epochs=1", "--set", "unlabelled_batch=2", "-q", "--json",
    )  # fmt: skip
    told = ended.json["training"]["unlabelled"]
    assert (told["when"], told["epochs"]) == ("before", 1)
    assert told["pixels"] > 0


def test_minimal_supervision_prints_a_row_for_each_part(call, place):
    request = ["minimal", place, *NETWORK, "--epochs", "1", "--fractions", "1, 1/2", "--seeds", "1", "-q"]
    rows = call(*request, "--json").json
    assert [row["fraction"] for row in rows] == [1.0, 0.5]
    assert rows[1]["train_pixels"] == pytest.approx(rows[0]["train_pixels"] / 2, abs=2)
    assert rows[0]["oa_sd"] is None  # one seed has no spread
    ended = call(*request)
    assert "minimal supervision, 1 seeds" in ended.out
    assert "control: coordinates only" in ended.out
    assert f"{100 * rows[1]['oa_mean']:.1f}" in ended.out
    assert "Audit of the blocks split" in ended.err


def test_train_starts_from_a_run_without_a_class(call, place, run):
    ended = call(
        "train", place, *NETWORK, "--split", "leave_out=bright", "--init", run[-10:], "--epochs", "1", "-q", "--json"
    )
    assert ended.code == 0, ended
    assert f"Starts from {run}: " in ended.err
    assert ended.json["training"]["init"]["fresh"] == ["classifier.conv6"]
    assert ended.json["audit"]["dropped"] == {"bright": "left out as asked"}


def test_map_writes_a_class_map_and_prints_its_path(call, place, run):
    ended = call("map", run[-10:], "-q")
    assert ended.code == 0, ended
    (path,) = ended.out.split()
    with rasterio.open(path) as raster:
        assert raster.shape == SHAPE
        assert raster.crs.to_epsg() == 32633
        assert raster.tags(1)["class_1"] == "low"
    assert call("map", run, "--scene", "plce").code == 1


def test_ensembles_and_test_time_augmentation(call, place, run):
    """Turns cost eight times the work, so they are asked of a network that answers a whole tile at once."""
    small = ["--view", "dense", "--model", "unet", "--width", "0.03", "--epochs", "1", *NETWORK[4:], "-q"]
    ended = call("train", place, *small, "--members", "2", "--tta")
    assert ended.code == 0, ended
    for words in ("member: seed 1", "two of the 2 members give a test pixel different classes", "_x2_tta-dense-"):
        assert words in ended.out
    plain = call("train", place, *small, "--json").json["run"]  # the first member
    (path,) = call("map", plain, "--tta", "-q").out.split()
    assert path.endswith("place+tta.tif")
    assert call("evaluate", plain, "--tta", "--json").json["tta"] is True
    assert call("evaluate", plain, "--json").json["tta"] is False
    assert call("train", place, "--members", "0").code == 2


def test_splits_and_seeds_list_every_run(call, place):
    request = ["train", place, "--model", "knn,random_forest", "--set", "scaling=minmax", "--splits", "2", "-q"]
    found = call(*request, "--json").json
    assert [row["model"] for row in found["runs"]] == ["knn", "random_forest"] * 2
    assert [row["name"] for row in found["summary"]][:2] == ["coordinates_only", "spectrum_only"]
    assert all(row["oa_sd_splits"] is not None and row["oa_sd_seeds"] is None for row in found["summary"])
    ended = call(*request)
    assert ended.code == 0
    for words in ("control: spectrum only", "sd splits", "sd seeds", found["runs"][3]["run"]):
        assert words in ended.out
    file = open_run(found["runs"][0]["run"]).path / "split.npz"
    by_file = call("train", place, "--model", "knn", "--set", "scaling=minmax", "--split-file", file, "-q", "--json")
    assert by_file.json["run"] == found["runs"][0]["run"]
    for more in (["--splits", "2"], ["--split", "buffer=3"]):
        assert call("train", place, "--split-file", file, *more).code == 2


def test_the_publications_habits_are_said(call, place):
    ended = call(
        "train", place, *NETWORK, "--epochs", "2", "--protocol", "paper", "--split", "test_fraction=0.5", "-q",
    )  # fmt: skip
    assert ended.code == 0, ended
    for words in ("CHOSEN ON TEST: COMPARISON", "last epoch (2)", "test pixels clear of training", "RANDOM SPLIT"):
        assert words in ended.out


def test_a_scene_without_labels_can_be_mapped_not_split(call, run):
    assert call("import", "bare", "-m", "hsi=hsi.tif", "-m", "lidar=lidar.tif", "--quantity", "hsi=reflectance",
                "--quantity", "lidar=height", "--set", "lidar.unit=m", "-q", "--replace").code == 0  # fmt: skip
    ended = call("map", run, "--scene", "bare", "-q")
    with rasterio.open(ended.out.strip()) as raster:
        assert raster.tags(1)["class_3"] == "bright"
    for command in (["split", "make"], ["train"]):
        ended = call(*command, "bare")
        assert ended.code == 1
        assert "Import it with a label raster or polygons" in ended.err


def test_evaluate_gives_the_scores_again(call, run):
    scores = call("evaluate", run, "--json").json
    (row,) = [row for row in call("runs", "--json").json if row["run"] == run]
    assert row["state"] == "finished"
    assert row["overall"] == pytest.approx(scores["test"]["oa"])
    assert "overall accuracy" in call("evaluate", run).out


def test_what_is_left_out_or_blanked_is_said(call, place, run):
    scores = call("evaluate", run, "--blank", "lidar", "--json").json
    assert scores["blank"] == ["lidar"]
    assert "With lidar blanked" in call("evaluate", run, "--blank", "lidar").out
    taught = call("train", place, *NETWORK, "--epochs", "1", "--set", "modality_dropout=0.5", "-q", "--json").json[
        "run"
    ]
    assert "Without lidar (training mean in its place)." in call("evaluate", taught, "--without", "lidar").out
    (path,) = call("map", taught, "--without", "lidar", "-q").out.split()
    assert path.endswith("place~without-lidar.tif")
    for command in ("evaluate", "map"):
        ended = call(command, run, "--without", "lidar")
        assert ended.code == 1
        assert "modality_dropout=0.3" in ended.err


def test_modalities_prints_a_table_and_a_caption(call, place, run):
    arguments = ["modalities", place, *NETWORK, "--epochs", "1", "-q"]
    found = call(*arguments, "--json").json
    assert [row["modality"] for row in found["rows"]] == ["all", "hsi", "lidar"]
    assert found["runs"]["0"]["all"] == run
    ended = call(*arguments)
    assert ended.code == 0
    assert "Only 'retrained without' says what a modality adds" in ended.out
    assert ended.out.count("Audit of the blocks split") == 1
    for words in ("view of ", "scaling: standard over training pixels"):
        assert words in ended.out
    assert call("modalities", place, "--seeds", "0,x").code == 2


def test_runs_lists_also_what_is_damaged(call, folder, run, monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "none"))
    ended = call("runs")
    assert (ended.code, ended.out) == (0, "")
    assert "No run yet" in ended.err
    assert call("runs", "--json").json == []
    monkeypatch.setenv("WORKBENCH_RUNS", str(folder / "runs"))
    broken = folder / "runs" / "broken"
    broken.mkdir()
    for file in ("config.yaml", "status.json"):
        (broken / file).write_bytes((folder / "runs" / run / file).read_bytes())
    states = {row["run"]: row["state"] for row in call("runs", "--json").json}
    assert (states[run], states["broken"]) == ("finished", "damaged")
    assert call("runs").code == 0
    (broken / "status.json").write_text("{")
    assert "broken" not in [row["run"] for row in call("runs", "--json").json]
    assert "damaged" in call("map", "broken").err


def test_damaged_weights_end_with_1(call, folder, run):
    path = folder / "runs" / run / "model.safetensors"
    content = path.read_bytes()
    try:
        path.write_bytes(content[: len(content) // 2])
        ended = call("evaluate", run)
        assert ended.code == 1
        assert "damaged" in ended.err
    finally:
        path.write_bytes(content)


def test_lab_and_serve_hand_over(call, monkeypatch):
    monkeypatch.setattr("workbench.reports.open_lab", lambda: 7)
    assert call("lab").code == 7
    given = {}
    monkeypatch.setattr("workbench.dashboard.serve", lambda **options: given.update(options))
    assert call("serve", "--port", "5999", "--no-show").code == 0
    assert given == {"port": 5999, "open_browser": False}
