"""Runs on disk: listed, opened by the beginning of a name, and told about where they are damaged."""

import json

import pandas as pd
import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.base.files import write_json
from workbench.runs import list_runs, open_run_folder


def updated(folder, when):
    path = folder / "status.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"updated": when}))


def test_there_may_be_no_runs(root):
    assert list_runs() == []
    with pytest.raises(UnknownNameError, match=r"There is no run yet.*workbench runs"):
        open_run_folder("any")
    assert not root.exists()


def test_runs_are_listed_newest_first(make_run):
    old, new = make_run(seed=1), make_run(seed=2)
    updated(old, "2024-01-01T00:00:00+00:00")
    updated(new, "2025-01-01T00:00:00+00:00")
    assert [run.path for run in list_runs()] == [new, old]
    updated(old, "2026-01-01T00:00:00+00:00")
    assert [run.path for run in list_runs()] == [old, new]


def test_a_run_opens_by_id_by_its_beginning_and_by_its_hash(make_run):
    one, two = make_run(seed=1), make_run(seed=2, scene="Trento")
    for name in (one.name, "houston", one.name[-10:], one.name[-10:-4]):
        assert open_run_folder(name).path == one
    assert open_run_folder("trento-fus").path == two
    assert open_run_folder("trento").config.scene == "Trento"


def test_an_ambiguous_beginning_is_refused_with_the_candidates(make_run):
    names = {make_run(seed=seed).name for seed in (1, 2)}
    with pytest.raises(WorkbenchError, match="2 runs begin with 'houston'") as caught:
        open_run_folder("houston")
    assert all(name in str(caught.value) for name in names)


def test_an_id_that_begins_another_one_opens(make_run, root):
    one = make_run()
    longer = root / f"{one.name}0"
    longer.mkdir()
    for path in one.iterdir():
        (longer / path.name).write_bytes(path.read_bytes())
    assert open_run_folder(one.name).path == one


@pytest.mark.parametrize("name", ["houston_2013-fusatnet-dense-random", "", "..", ".", "/", "*", 7.5, None])
def test_an_unknown_run_names_the_nearest(make_run, name):
    run = make_run()
    with pytest.raises(UnknownNameError, match=rf"{run.name}.*`workbench runs` lists them"):
        open_run_folder(name)


def test_other_folders_are_passed_over_and_a_damaged_run_is_told(make_run, root):
    good, cut, lone = make_run(seed=1), make_run(seed=2), make_run(seed=3)
    (root / "notes").mkdir()
    (root / ".hidden").mkdir()
    (root / ".hidden" / "config.yaml").touch()
    (cut / "status.json").write_text('{"state":')
    (lone / "status.json").unlink()
    assert [run.path for run in list_runs()] == [good]
    for folder in (cut, lone):
        with pytest.raises(WorkbenchError, match="damaged"):
            open_run_folder(folder.name)


def test_files_that_are_not_there_yet_are_told_with_the_state(make_run):
    run = open_run_folder(make_run("failed").name)
    assert not run.finished
    for what, ask in {
        "scores": lambda: run.metrics,
        "history": lambda: run.history,
        "pred": lambda: run.predictions,
    }.items():
        with pytest.raises(WorkbenchError, match=rf"no {what}.* state is failed \(as the test says\).*again"):
            ask()


def test_files_that_are_lost_or_damaged_are_told(make_run):
    path = make_run()
    run = open_run_folder(path.name)
    with pytest.raises(WorkbenchError, match=r"is finished, but .* does not hold its history\.parquet any more"):
        _ = run.history
    table = pd.DataFrame({"epoch": [1, 2]})
    table.to_parquet(path / "history.parquet")
    assert run.history.equals(table)
    content = (path / "history.parquet").read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"nonsense" * 20):
        (path / "history.parquet").write_bytes(damaged)
        with pytest.raises(WorkbenchError, match=r"history\.parquet is damaged"):
            _ = run.history
    for text in ("[]", "{}", '{"test": '):
        (path / "metrics.json").write_text(text)
        with pytest.raises(WorkbenchError, match=r"metrics\.json"):
            _ = run.metrics


def test_maps_are_those_that_are_done(make_run):
    path = make_run()
    run = open_run_folder(path.name)
    assert run.maps == {}
    for name in ("place.tif", "tiles/a.tif", ".place.abcdefgh.tif", "tiles/.a.tif.abcdefgh.tif", "place.json"):
        (path / "maps" / name).parent.mkdir(parents=True, exist_ok=True)
        (path / "maps" / name).touch()
    assert run.maps == {"place": path / "maps" / "place.tif", "tiles/a": path / "maps" / "tiles" / "a.tif"}
    assert run.map_path("place") == path / "maps" / "place.tif"
    assert run.map_path("elsewhere") is None


def test_a_line_for_listings(make_run):
    row = open_run_folder(make_run().name).summary()
    assert row["state"] == "finished"
    assert row["epochs"] == "2/3"
    assert row["inputs"] == "hsi=hsi aux=lidar+sar"
    assert (row["overall"], row["average"], row["kappa"], row["score"]) == (0.5, 0.25, 0.0, "accuracy")
    assert (row["coordinates_only"], row["spectrum_only"]) == (None, None)  # of a run from before they were kept
    path = make_run(seed=2)
    write_json(
        path / "metrics.json", {"test": None, "labels_are": "a map product"} | open_run_folder(path.name).metrics
    )
    assert open_run_folder(path.name).summary()["score"] == "agreement with the map"
    controls = {"coordinates_only": {"oa": 0.25}, "spectrum_only": {"oa": 0.75}}
    test = {"oa": 0.5, "aa": 0.25, "kappa": 0.0}
    write_json(path / "metrics.json", {"test": test, "controls": controls})
    again = open_run_folder(path.name).summary()
    assert (again["coordinates_only"], again["spectrum_only"]) == (0.25, 0.75)
    failed = open_run_folder(make_run("failed", seed=1).name).summary()
    assert (failed["state"], failed["overall"]) == ("failed", None)
    assert list(failed) == list(row)


def test_a_finished_run_without_a_test_pixel_is_not_damaged(make_run):
    path = make_run()
    write_json(path / "metrics.json", {"test": None, "controls": {"coordinates_only": {"oa": 0.25}}})
    row = open_run_folder(path.name).summary()
    assert (row["state"], row["overall"], row["kappa"], row["score"]) == ("finished", None, None, None)
    assert row["coordinates_only"] == 0.25


def test_a_damaged_run_shows_no_part_of_its_scores(make_run):
    path = make_run()
    test = {"oa": 0.5, "aa": 0.25, "kappa": 0.0}
    write_json(path / "metrics.json", {"test": test, "controls": {"coordinates_only": {}}})
    row = open_run_folder(path.name).summary()
    assert (row["state"], row["overall"], row["score"]) == ("damaged", None, None)


@pytest.mark.parametrize(
    ("file", "text"), [("config.yaml", "scene: x\n"), ("metrics.json", "{"), ("metrics.json", "[]")]
)
def test_a_damaged_run_does_not_spoil_the_listing(make_run, file, text):
    good, bad = make_run(seed=1), make_run(seed=2)
    (bad / file).write_text(text)
    states = {run.path: run.summary()["state"] for run in list_runs()}
    assert states == {good: "finished", bad: "damaged"}
