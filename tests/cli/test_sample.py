"""Commands of map accuracy: what they print, what they write, and how they refuse."""

import json

import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import typer

from workbench import cli

SAMPLE = typer.main.get_command(cli.app).commands["sample"].commands


@pytest.fixture
def call_sample(call, monkeypatch, tmp_path):
    """The commands of `workbench sample`."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: call("sample", *arguments)


@pytest.fixture
def place(tmp_path):
    """A map of three quarters field and one quarter pond, of 10 m."""
    values = np.ones((40, 40), np.uint8)
    values[:, 30:] = 2
    transform = rasterio.Affine(10, 0, 500_000, 0, -10, 5_400_000)
    profile = {"driver": "GTiff", "count": 1, "height": 40, "width": 40, "dtype": "uint8", "nodata": 0}
    with rasterio.open(tmp_path / "map.tif", "w", crs="EPSG:32633", transform=transform, **profile) as out:
        out.write(values, 1)
        out.update_tags(1, class_1="field", class_2="pond")
    return tmp_path


def answer(path, words):
    points = pyogrio.read_dataframe(path, layer="points")
    pyogrio.write_dataframe(points.assign(reference=words(points)), path, layer="points", driver="GPKG")


@pytest.mark.parametrize("name", sorted(SAMPLE))
def test_help_tells_every_argument(call_sample, name):
    code, out, _ = call_sample(name, "--help")
    assert code == 0
    for parameter in SAMPLE[name].params:
        if parameter.name != "help":
            assert parameter.help[:40] in out


def test_the_whole_way(call_sample, place):
    code, out, err = call_sample("draw", "map.tif", "--points", 100, "--output", "p.gpkg")
    assert code == 0
    assert out.splitlines()[0] == "p.gpkg"
    assert "mapped area (pixel count), not an estimate" in out
    assert out.splitlines()[2].split() == ["1", "field", "1,200", "75", "0.0625"]
    assert "workbench sample score p.gpkg" in err
    # in truth the pond is wider by five columns
    answer("p.gpkg", lambda points: np.where(points["col"] >= 25, "pond", "field"))
    code, out, err = call_sample("score", "p.gpkg", "--map", "map.tif", "--output", "table.csv")
    assert code == 0
    assert out.startswith("Overall accuracy: ")
    assert "mapped area (pixel count), not an estimate" in out
    assert "estimated area, ha" in out
    assert "none of 25 points is wrong: up to 12% may be" in out
    assert "95 % confidence" in err
    table = pd.read_csv("table.csv")
    assert table["estimated area, ha"].sum() == pytest.approx(16)
    assert not table.isna().drop(columns="note").any().any()
    code, out, _ = call_sample("score", "p.gpkg", "--json")
    told = json.loads(out)
    pond = told["classes"][1]["area_ha"]
    assert abs(pond["estimate"] - 6) < 2 * pond["margin_95"]


def test_dashes_in_tables_have_their_reason(call_sample, place):
    call_sample("draw", "map.tif", "--points", 60, "--output", "p.gpkg")
    answer("p.gpkg", lambda points: np.where(points["col"] < 30, "1", None))
    code, out, err = call_sample("score", "p.gpkg", "--output", "table.csv")
    assert code == 0
    assert "nan" not in (out + err).lower()
    assert "Overall accuracy: – (not known)" in out
    assert "no interpreted point where the map shows class 2" in out
    assert "Left out for want of an answer" in err
    table = pd.read_csv("table.csv")
    assert table["estimated area, ha"].tolist() == ["–", "–"]


def test_draw_as_json(call_sample, place):
    code, out, _ = call_sample("draw", "map.tif", "--points", 50, "--allocation", "equal", "--json", "--seed", 7)
    told = json.loads(out)
    assert (code, told["path"], told["points"], told["seed"]) == (0, "points.gpkg", 50, "7")
    assert [row["points"] for row in told["strata"]] == [25, 25]
    assert len(told["map_hash"]) == 64


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["draw", "no-such-run"], 1, "Unknown run"),
        (["draw", "map.tif", "--points", "30"], 1, "need 50 points, not 30"),
        (["draw", "map.tif", "--allocation", "neyman"], 1, "--expect 'field=0.9'"),
        (["draw", "map.tif", "--allocation", "neyman", "--expect", "field=much"], 2, "a number from 0 to 1"),
        (["draw", "map.tif", "--expect", "field=0.9"], 2, "--expect is for --allocation neyman"),
        (["draw", "map.tif", "--scene", "here"], 1, "is one map"),
        (["score", "no.gpkg"], 1, "is missing"),
    ],
)
def test_refusals(call_sample, place, arguments, code, words):
    found, out, err = call_sample(*arguments)
    assert (found, out) == (code, "")
    assert words in err
    assert not (place / "points.gpkg").exists()
