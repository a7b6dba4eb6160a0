"""The commands of splits: kept splits, anybody's masks, receptive fields of models, warnings in colour."""

import io
import json
import sys

import numpy as np
import pytest
from rich.console import Console
from scipy.io import savemat

from workbench.base.errors import WorkbenchError
from workbench.cli.terminal import print_audit
from workbench.experiments.reach import receptive_field_of
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, open_scene, write_scene
from workbench.splits import Split, make_split


@pytest.fixture
def fields(tmp_path, monkeypatch):
    """A stored scene of three classes in fields of 20 pixels, opened by its name."""
    for name in ("data", "runs", "reports"):
        monkeypatch.setenv(f"WORKBENCH_{name.upper()}", str(tmp_path / name))
    random = np.random.default_rng(0)
    labels = np.kron(random.integers(0, 4, (6, 8)), np.ones((20, 20), int)).astype(np.uint8)
    bands = {"hsi": random.random((12, *labels.shape)), "lidar": random.random((1, *labels.shape))}
    bands = {name: cube.astype("float32") for name, cube in bands.items()}
    given = {name: (cube, ModalityInfo.of(name, cube)) for name, cube in bands.items()}
    write_scene(tmp_path / "data" / "fields.zarr", [TileDraft("fields", given, labels)], ClassTable.from_names("abc"))
    monkeypatch.chdir(tmp_path)
    return labels


@pytest.fixture
def call_split(call):
    """The commands of `workbench split`."""
    return lambda *arguments: call("split", *arguments)


def test_a_split_is_kept_cited_and_audited_again(call_split, fields, tmp_path):
    code, out, err = call_split("make", "fields", "--split", "folds=3", "--patch-size", "5", "--output", "s.npz")
    assert code == 0, err
    split = Split.load("s.npz")
    split.check(open_scene("fields"))
    assert f"cite: {split.citation}" in out
    assert "Kept in s.npz" in err
    assert out == call_split("audit", "s.npz")[1]
    found = json.loads(call_split("audit", "s.npz", "--receptive-field", "9,6", "--json")[1])
    assert found["citation"] == split.citation
    assert found["leaks"][-1]["window"] == "receptive field"
    assert (
        call_split("make", "fields", "--split", "folds=3", "--patch-size", "5", "--output", "s.npz")[0] == 0
    )  # the same
    code, _, err = call_split("make", "fields", "--patch-size", "5", "--output", "s.npz")
    assert (code, Split.load("s.npz").hash) == (1, split.hash)
    assert "holds another split" in err


def test_the_receptive_field_of_a_model_is_the_buffer_on_request(call_split, fields):
    wide = ["--model", "mft", "--view", "dense", "--split", "buffer=view"]
    made = json.loads(call_split("make", "fields", *wide, "--json")[1])
    before, after = receptive_field_of(open_scene("fields"), "mft", view="dense")
    assert (made["patch_size"], made["buffer"]) == (11, before + after)
    assert {leak["overlap"] for leak in made["leaks"]} == {0}
    assert {leak["window"] for leak in made["leaks"]} == {"nominal", "receptive field"}
    code, _, err = call_split("make", "fields", "--split", "buffer=view")
    assert (code, "needs receptive_field" in err) == (1, True)


@pytest.mark.parametrize("model", ["fusatnet", "selfloop", "mft", "mmrs", "ammfusenet", "unet", "svm"])
def test_how_far_every_kind_of_model_sees_is_known_untrained(fields, model):
    roles = {"image": "hsi", "aux": "lidar"} if model in ("ammfusenet", "unet") else None
    for view in (None, "dense") if model not in ("svm", "unet", "ammfusenet") else (None,):
        before, after = receptive_field_of(open_scene("fields"), model, roles, view)
        assert (before, after) == (0, 0) if model == "svm" else before + after >= 10
    if model == "fusatnet":
        assert (before, after) == (30, 27)


def test_masks_of_anybody(call_split, fields, tmp_path):
    left = np.arange(fields.shape[1]) < 80
    savemat("tr.mat", {"TR": np.where(left, fields, 0).astype(float), "TE": np.where(left, 0, fields).astype(float)})
    np.save("gt.npy", fields)
    code, out, err = call_split("audit", "--train", "tr.mat:TR", "--test", "tr.mat:TE", "--labels", "gt.npy")
    assert code == 0, err
    assert "!! RED !!" in out
    assert "class differs between mask and label map: 0" in out
    found = json.loads(
        call_split("audit", "--train", "tr.mat:TR", "--test", "tr.mat:TE", "--patch-size", "7", "--json")[1]
    )
    assert (found["protocol"], found["patch_size"]) == ("masks", 7)
    np.save("codes.npy", np.where(left, 1, 3) * (fields > 0))
    same = json.loads(
        call_split("audit", "--codes", "codes.npy", "--labels", "gt.npy", "--patch-size", "7", "--json")[1]
    )
    assert same["leaks"] == found["leaks"]
    np.save("te.npy", fields)
    code, out, err = call_split("audit", "--train", "tr.mat:TR", "--test", "te.npy")
    assert (code, out) == (1, "")
    first = np.argwhere(np.where(left, fields, 0))[0]
    assert f"{np.count_nonzero(fields[:, :80])} pixels are in both" in err
    assert f"first at row {first[0]}, column {first[1]}" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["fields"], "workbench split make fields"),
        (["mak", "fields"], "Did you mean"),
        (["make", "fields", "--output", "s.npy"], ".npz"),
        (["make", "fields", "--view", "dense"], "--model"),
        (["make", "fields", "--receptive-field", "30"], "30,27"),
        (["make", "fields", "--model", "mft", "--receptive-field", "3,3"], "either"),
        (["audit"], "--train and --test"),
        (["audit", "fields", "--train", "tr.npy"], "--train and --test"),
        (["audit", "--train", "gt.npy"], "come in pairs"),
        (["audit", "--codes", "gt.npy"], "--codes needs --labels"),
        (["audit", "--train", "gt.npy", "--test", "gt.npy", "--model", "mft"], "--receptive-field"),
        (["audit", "s.npz", "--patch-size", "3"], "has its patch size"),
        (["audit", "s.npz", "--protocol", "random"], "has its patch size, protocol"),
        (["audit", "s.npz", "--seed", "3"], "has its patch size, protocol"),
        (["audit", "s.npz", "--view", "dense"], "has its patch size, protocol"),
        (["make", "fields", "--split", "seed=3"], "seed is none: give --seed"),
        (["make", "fields", "--split", "patch_size=3"], "patch_size is none"),
        (["make", "fields", "--split", "receptive_field=[3,3]"], "receptive_field is none"),
        (["audit", "fields", "--split", "protocol=random"], "protocol is none: give --protocol"),
    ],
)
def test_a_wrong_command_line_ends_with_2(call_split, fields, arguments, told):
    np.save("gt.npy", fields)
    code, out, err = call_split(*arguments)
    assert (code, out) == (2, "")
    assert told in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["make", "fields", "--split", "fold=0"], "fold=0 has no effect without folds"),
        (["make", "fields", "--split", "folds=3", "--split", "test_fraction=0.2"], "has no effect with folds"),
        (["make", "fields", "--protocol", "polygons", "--split", "folds=3"], "unknown parameter 'folds'"),
        (["make", "fields", "--protocol", "random", "--split", "buffer=view"], "unknown parameter 'buffer'"),
        (["audit", "--train", "text.npy", "--test", "text.npy"], "text.npy: it is no NumPy array"),
        (["make", "fields", "--output", "text.npz"], "text.npz holds something else"),
    ],
)
def test_what_is_refused_ends_with_1_and_says_what_to_do(call_split, fields, tmp_path, arguments, told):
    for suffix in ("npy", "npz"):
        (tmp_path / f"text.{suffix}").write_text("1 0 2")
    code, out, err = call_split(*arguments)
    assert (code, out) == (1, "")
    assert told in err
    assert (tmp_path / "text.npz").read_text() == "1 0 2"


def test_help_of_the_verbs(call_split):
    for verb, words in (("make", ["--output", "buffer=view"]), ("audit", ["--train", "--codes", "--labels"])):
        code, out, _ = call_split(verb, "--help")
        assert code == 0
        assert all(word in out for word in words)


def test_the_warning_is_in_colour_on_a_terminal(fields, monkeypatch):
    """Red for a random split, yellow for a probability sample, and plain where nobody looks."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    scene = open_scene("fields")
    for protocol, code in (("random", "41m"), ("probability", "43m"), ("blocks", None)):
        audit = make_split(scene, protocol, 3).audit()
        seen = io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr("rich.console.Console", lambda **more: Console(file=seen, force_terminal=True, **more))  # noqa: B023
            print_audit(audit)
        if code is None:
            assert "\x1b[" not in seen.getvalue()
        else:
            line = next(line for line in seen.getvalue().splitlines() if "!! " in line)
            assert code in line
            assert seen.getvalue().count("\x1b[") == 2


@pytest.mark.parametrize("more", [[], ["--splits", "2"]])
def test_the_buffer_of_a_training_follows_its_windows(call, fields, monkeypatch, more):
    """A network that answers on windows sees as far as the tiles of its training, which the recipe changes."""
    made = []

    def stopped(work):
        made.append(work.split)
        raise WorkbenchError("far enough")

    monkeypatch.setattr(sys.modules["workbench.experiments.train"], "finished_run", stopped)
    asked = ["--model", "unet", "-i", "image=hsi", "-i", "aux=lidar", "--set", "tile=16", "--split", "buffer=view"]
    call("train", "fields", *asked, *more, "-q")
    roles = {"image": "hsi", "aux": "lidar"}
    seen = receptive_field_of(open_scene("fields"), "unet", roles, options={"window": 16})
    assert made
    assert {split.buffer for split in made} == {sum(seen)}
