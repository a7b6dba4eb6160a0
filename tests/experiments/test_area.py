"""Points of a class map, drawn, answered and scored: the whole way through a GeoPackage, and what is refused."""

import json
import shutil
import warnings
from xml.etree import ElementTree

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio

from workbench.analysis.area import MAPPED, Z, estimate_area
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments import sample_map, score_sample
from workbench.experiments.sampling import draw
from workbench.mapping.class_map import open_class_map
from workbench.runs import open_run_folder

SHAPE = (300, 80)  # more rows than are read at a time
NAMES = {1: "forest", 2: "water", 7: "road"}


def world(seed=0):
    """A map of 10 % no data and its truth, which differs from it on a part of each class."""
    rng = np.random.default_rng(seed)
    shown = rng.choice([0, 1, 2, 7], SHAPE, p=[0.1, 0.6, 0.27, 0.03]).astype(np.uint8)
    truth = np.where(rng.random(SHAPE) < 0.85, shown, rng.choice([1, 2, 7], SHAPE)).astype(np.uint8)
    return shown, np.where(shown > 0, truth, 0)


def write_map(path, values, crs="EPSG:32633", transform=None, nodata=0, names=NAMES):
    profile = {
        "driver": "GTiff",
        "count": 1,
        "height": values.shape[0],
        "width": values.shape[1],
        "dtype": values.dtype,
    }
    if crs:
        profile |= {"crs": crs, "transform": transform or rasterio.Affine(2, 0, 500_000, 0, -2, 5_400_000)}
    with warnings.catch_warnings(), rasterio.open(path, "w", nodata=nodata, **profile) as out:
        warnings.simplefilter("ignore")
        out.write(values, 1)
        out.update_tags(1, **{f"class_{value}": name for value, name in names.items()})
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A map, its truth, and an unanswered sample of it."""
    folder = tmp_path_factory.mktemp("sample")
    shown, truth = world()
    path = write_map(folder / "map.tif", shown)
    sample = sample_map(path, folder / "points.gpkg", 200, seed=3)
    return path, shown, truth, folder / "points.gpkg", sample


@pytest.fixture
def drawn(made, tmp_path):
    """The same, in files that a test may change."""
    path, shown, truth, file, sample = made
    copies = [shutil.copy(one, tmp_path / one.name) for one in (path, file)]
    return copies[0], shown, truth, copies[1], sample


def edit(path, change, layer="points"):
    """Answer, or spoil, a layer of the file; other layers stay."""
    table = pyogrio.read_dataframe(path, layer=layer, read_geometry=layer == "points")
    pyogrio.write_dataframe(change(table), path, layer=layer, driver="GPKG")
    return path


def answered(truth, names=False, skip=()):
    def change(table):
        values = truth[table["row"], table["col"]]
        words = [NAMES[value].upper() if names else str(value) for value in values.tolist()]
        return table.assign(reference=[None if i in skip else word for i, word in zip(table["id"], words, strict=True)])

    return change


def test_the_file_holds_places_and_hides_the_map(drawn):
    _, shown, _, path, _ = drawn
    assert set(pyogrio.list_layers(path)[:, 0]) == {"points", "design", "strata", "classes", "about", "layer_styles"}
    assert pyogrio.list_layers(path)[0, 0] == "points"  # what QGIS and geopandas open first
    points = geopandas.read_file(path, layer="points")
    assert list(points.columns) == ["id", "x", "y", "row", "col", "reference", "geometry"]
    assert points.crs.to_epsg() == 32633
    assert points["reference"].isna().all()
    assert points["id"].tolist() == list(range(1, 201))
    np.testing.assert_allclose(points.geometry.x, 500_000 + 2 * (points["col"] + 0.5))
    np.testing.assert_allclose(points.geometry.y, 5_400_000 - 2 * (points["row"] + 0.5))
    assert not points.duplicated(["row", "col"]).any()
    design = pyogrio.read_dataframe(path, layer="design").set_index("id").loc[points["id"]]
    assert (design["stratum"].to_numpy() == shown[points["row"], points["col"]]).all()
    # in random order: the class of a point says nothing of the next one's
    strata = design["stratum"].to_numpy()
    assert (strata[1:] != strata[:-1]).sum() > 50


def test_design_is_as_drawn(drawn):
    path, shown, _, file, sample = drawn
    design, strata = sample.design, sample.strata.set_index("value")
    for value in (1, 2, 7):
        pixels, points = int((shown == value).sum()), int((design["stratum"] == value).sum())
        assert strata.loc[value].tolist() == [pixels, points]
        assert points >= 25
        assert set(design.loc[design["stratum"] == value, "inclusion_probability"]) == {points / pixels}
    assert strata["points"].sum() == 200
    again = sample_map(path, file.with_name("again.gpkg"), 200, seed=3)
    assert again.points.drop(columns="geometry").equals(sample.points.drop(columns="geometry"))
    other = sample_map(path, file.with_name("other.gpkg"), 200, seed=4)
    assert not other.points["row"].equals(sample.points["row"])


def test_qgis_offers_the_names_and_stores_values(drawn):
    styles = pyogrio.read_dataframe(drawn[3], layer="layer_styles")
    assert styles.loc[0, ["f_table_name", "f_geometry_column"]].tolist() == ["points", "geom"]
    root = ElementTree.fromstring(styles.loc[0, "styleQML"])
    assert root.find("fieldConfiguration/field").get("name") == "reference"
    choices = root.findall(".//Option[@type='QString']")
    assert {choice.get("value"): choice.get("name") for choice in choices} == {
        "1": "1 forest", "2": "2 water", "7": "7 road",
    }  # fmt: skip


def test_every_pixel_of_a_class_is_as_likely(tmp_path):
    """Many draws of one map: how often each pixel comes, against the binomial distribution."""
    shown = np.tile(np.array([0, 1, 1, 2], np.uint8), (300, 2))
    raster = open_class_map(write_map(tmp_path / "map.tif", shown))
    pixels, _ = raster.survey()
    assert pixels == {1: 1200, 2: 600}
    times, counts, hits = 300, {1: 240, 2: 60}, np.zeros(shown.shape, int)
    for seed in range(times):
        rows, cols, strata = draw(raster, counts, pixels, seed)
        assert (shown[rows, cols] == strata).all()
        np.add.at(hits, (rows, cols), 1)
    assert hits.max() <= times  # never twice in one draw
    for value, count in counts.items():
        share = count / pixels[value]
        found = hits[shown == value]
        assert found.mean() == pytest.approx(times * share)  # every draw has its number
        # chi-square per pixel: 1 up to its own spread, sqrt(2 / pixels)
        spread = (found - times * share) ** 2 / (times * share * (1 - share))
        assert spread.mean() == pytest.approx(1, abs=5 * (2 / pixels[value]) ** 0.5)
    assert hits[shown == 0].sum() == 0


def test_score_of_an_answered_sample(drawn):
    path, shown, truth, file, sample = drawn
    found = score_sample(edit(file, answered(truth)), path)
    points = sample.points
    reference, mapped = truth[points["row"], points["col"]], shown[points["row"], points["col"]]
    counts = np.array([[((reference == r) & (mapped == m)).sum() for m in (1, 2, 7)] for r in (1, 2, 7)])
    np.testing.assert_array_equal(found.estimate.counts, counts)
    pixels = [(shown == value).sum() for value in (1, 2, 7)]
    expected = estimate_area(counts, pixels, (1, 2, 7), corrected=True)
    assert found.estimate.to_dict() == expected.to_dict()
    frame = found.to_frame().set_index("class")
    assert frame.loc["1 forest", MAPPED] == pixels[0]
    assert frame.loc["7 road", "estimated area, ha"] == pytest.approx(expected.areas()[2].value * 4 / 10_000)
    right = [abs(figure.value - (truth == value).sum()) <= 2 * Z * figure.se
             for figure, value in zip(expected.areas(), (1, 2, 7), strict=True)]  # fmt: skip
    assert all(right)
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["matrices"] == "rows reference, columns map"
    assert (told["answered"], told["unanswered"]) == (200, [])
    # names in any case are as good as values
    by_name = score_sample(edit(file, answered(truth, names=True)))
    assert by_name.estimate.to_dict() == expected.to_dict()


def test_unanswered_points_are_left_out_and_told(drawn):
    _, _, truth, file, _ = drawn
    found = score_sample(edit(file, answered(truth, skip=(5, 17))))
    assert (found.answered, found.unanswered) == (198, (5, 17))
    assert any("2 of 200 points, 5, 17." in note for note in found.notes())
    with pytest.raises(WorkbenchError, match="none of its 200 points has an answer"):
        score_sample(edit(file, lambda table: table.assign(reference=None)))


def test_a_class_without_answers_leaves_a_dash_with_the_reason(drawn):
    _, _, truth, file, sample = drawn
    roads = sample.design.loc[sample.design["stratum"] == 7, "id"].tolist()
    found = score_sample(edit(file, answered(truth, skip=roads)))
    frame = found.to_frame()
    assert frame["estimated area, ha"].isna().all()
    assert frame["note"].str.contains("no interpreted point where the map shows class 7").all()
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_class_that_the_map_never_shows_can_be_added(drawn):
    _, _, truth, file, _ = drawn
    edit(file, answered(truth))
    edit(file, lambda table: pd.concat([table, pd.DataFrame({"value": [9], "name": ["ruin"]})]), "classes")
    found = score_sample(edit(file, lambda table: table.assign(reference=["Ruin", *table["reference"][1:]])))
    assert found.classes.values == (1, 2, 7, 9)
    assert found.estimate.areas()[3].value > 0
    assert found.estimate.users[3].reason == "the map never shows the class"


def first(table, **values):
    return table.assign(**{name: [value, *table[name][1:]] for name, value in values.items()})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: first(t, reference="watr"), r"1 answers are no class \(point 1: 'watr'\)\. Nearest: water"),
        (lambda t: first(t, reference="3"), "point 1: '3'.*Classes are 1 forest, 2 water, 7 road"),
        (lambda t: first(t, id=2), "ids of points occur twice: 2"),
        (lambda t: first(t, id=900), "points 900 have no design"),
        (lambda t: first(t, id=None), "points without id have no design"),
        (lambda t: t[~t["id"].isin([4, 8])], "points 4, 8 are gone"),
        (lambda t: t.set_geometry(t.geometry.where(t["id"] != 6, t.geometry.translate(1, 0))), "points 6 were moved"),
        (lambda t: t.drop(columns="reference"), "lost the column 'reference'"),
    ],
)
def test_spoilt_points_are_refused(drawn, change, words):
    file = edit(drawn[3], answered(drawn[2]))
    with pytest.raises(WorkbenchError, match=words):
        score_sample(edit(file, change))


@pytest.mark.parametrize(
    ("layer", "change", "words"),
    [
        ("strata", lambda t: t.assign(points=t["points"] + 1), "contradict each other"),
        ("classes", lambda t: t[t["value"] != 7], "lost class 7"),
        ("classes", lambda t: t.assign(name=["2", *t["name"][1:]]), "'2' is the value of one class and the name"),
        ("classes", lambda t: t.assign(name=[None, *t["name"][1:]]), "lacks its value or its name"),
        ("classes", lambda t: t.assign(name=["ROAD ", *t["name"][1:]]), "have the same name but for case"),
        ("classes", lambda t: t.assign(value=t["value"] + 0.5), "value 1.5, which is no whole number"),
        ("classes", lambda t: t.assign(value=["a", "2", "7"]), "value 'a', which is no whole number"),
        ("about", lambda t: t.assign(value="much"), "'much' for 'pixel_width', which is no number"),
        (
            "about",
            lambda t: t.assign(value=t["value"].where(t["key"] != "pixel_area_m2", "nan")),
            "'nan' for 'pixel_area_m2'",
        ),
        ("design", lambda t: t.drop(columns="stratum"), "'design' has lost the column 'stratum'"),
    ],
)
def test_a_spoilt_design_is_refused(drawn, layer, change, words):
    file = edit(drawn[3], answered(drawn[2]))
    with pytest.raises(WorkbenchError, match=words):
        score_sample(edit(file, change, layer))


def test_an_area_that_was_emptied_is_not_known(drawn):
    """A GIS writes NULL where a cell is emptied."""
    file = edit(drawn[3], answered(drawn[2]))
    edit(file, lambda t: t.assign(value=t["value"].where(t["key"] != "pixel_area_m2", None)), "about")
    found = score_sample(file)
    assert found.pixel_area is None
    assert any("areas are in pixels" in note for note in found.notes())


def test_points_alone_cannot_be_scored(drawn, tmp_path):
    lone = tmp_path / "lone.gpkg"
    geopandas.read_file(drawn[3], layer="points").to_file(lone, layer="points")
    with pytest.raises(WorkbenchError, match="no layer 'design'"):
        score_sample(lone)
    (tmp_path / "no.gpkg").write_bytes(b"nothing")
    with pytest.raises(WorkbenchError, match="damaged, or no GeoPackage"):
        score_sample(tmp_path / "no.gpkg")
    with pytest.raises(WorkbenchError, match="is missing"):
        score_sample(tmp_path / "nowhere.gpkg")


def test_another_map_is_refused_and_other_metadata_is_not(drawn, tmp_path):
    path, shown, truth, file, _ = drawn
    edit(file, answered(truth))
    with rasterio.open(path, "r+") as raster:
        raster.update_tags(note="looked at")
        raster.build_overviews([2])
    score_sample(file, path)
    changed = shown.copy()
    changed[0, 0] = 2 if shown[0, 0] != 2 else 1
    with pytest.raises(WorkbenchError, match="is not the map that the points were drawn from"):
        score_sample(file, write_map(tmp_path / "other.tif", changed))


def test_answers_are_never_overwritten(drawn):
    path, _, truth, file, _ = drawn
    edit(file, answered(truth))
    before = file.read_bytes()
    with pytest.raises(WorkbenchError, match="exists and may hold answers"):
        sample_map(path, file)
    with pytest.raises(WorkbenchError, match=r"must end with \.gpkg"):
        sample_map(path, file.with_suffix(".csv"))
    assert file.read_bytes() == before
    assert not [found for found in file.parent.iterdir() if found.name.startswith(".")]


def test_a_map_without_georeference_or_metres(tmp_path):
    shown, truth = world()
    for name, crs, transform in (
        ("plain", None, None),
        ("degrees", "EPSG:4326", rasterio.Affine(1e-4, 0, 12, 0, -1e-4, 48)),
    ):
        path = write_map(tmp_path / f"{name}.tif", shown, crs, transform)
        file = tmp_path / f"{name}.gpkg"
        sample_map(path, file, 100)
        found = score_sample(edit(file, answered(truth)), path)
        assert found.pixel_area is None
        assert "estimated area, ha" not in found.to_frame()
        assert any("areas are in pixels" in note for note in found.notes())
    assert geopandas.read_file(tmp_path / "plain.gpkg", layer="points").geometry.x.max() < SHAPE[1]


def test_feet_become_hectares(tmp_path):
    path = write_map(tmp_path / "feet.tif", world()[0], "EPSG:2263", rasterio.Affine(10, 0, 0, 0, -10, 0))
    assert open_class_map(path).pixel_area == pytest.approx(100 * 0.3048006096**2)


@pytest.mark.parametrize(
    ("values", "nodata", "words"),
    [
        (np.zeros((4, 4), np.uint8), 0, "all no-data"),
        (np.full((4, 4), 255, np.uint8), 255, "all no-data"),
        (np.ones((4, 4), np.float32), 0, "holds float32; class values are whole numbers"),
        (np.full((4, 4), -3, np.int16), 0, "values go from -3"),
        (np.arange(1, 1601).reshape(40, 40).astype(np.uint16), 0, "1600 different values"),
    ],
)
def test_maps_that_are_none(tmp_path, values, nodata, words):
    path = write_map(tmp_path / "map.tif", values, nodata=nodata, names={})
    with pytest.raises(WorkbenchError, match=words):
        sample_map(path, tmp_path / "points.gpkg")
    assert [found.name for found in tmp_path.iterdir()] == ["map.tif"]


def test_a_missing_or_damaged_map(tmp_path, drawn):
    with pytest.raises(WorkbenchError, match="file is missing"):
        sample_map(tmp_path / "no.tif", tmp_path / "p.gpkg")
    (tmp_path / "bad.tif").write_bytes(b"II*\0nothing")
    with pytest.raises(WorkbenchError, match="no raster, or damaged"):
        sample_map(tmp_path / "bad.tif", tmp_path / "p.gpkg")
    cut = shutil.copy(drawn[0], tmp_path / "cut.tif")
    with open(cut, "r+b") as file:
        file.truncate(9000)
    with pytest.raises(WorkbenchError, match="damaged"):
        sample_map(tmp_path / "cut.tif", tmp_path / "p.gpkg")


def test_of_a_run(small_world, tmp_path):
    run = open_run_folder(small_world.run)
    sample = sample_map(run.id, tmp_path / "points.gpkg", 60, 5)
    assert sample.about["run"] == run.id
    assert sample.classes.names[:2] == ("meadow", "crop")
    with pytest.raises(UnknownNameError, match="map of run"):
        sample_map(run.id, tmp_path / "more.gpkg", scene="elsewhere")
    with pytest.raises(UnknownNameError, match="Unknown run"):
        sample_map("no-such-run", tmp_path / "more.gpkg")


def test_neyman_takes_what_is_expected(tmp_path):
    shown, _ = world()
    path = write_map(tmp_path / "map.tif", shown)
    with pytest.raises(WorkbenchError, match="not known for water, road"):
        sample_map(path, tmp_path / "p.gpkg", allocation="neyman", expected={"forest": 0.9})
    with pytest.raises(UnknownNameError, match="woods"):
        sample_map(path, tmp_path / "p.gpkg", allocation="neyman", expected={"woods": 0.9})
    given = {"forest": 1.0, 2: 0.5, "road": 0.99}
    with pytest.raises(WorkbenchError, match="'neyman' only, not to 'equal'"):
        sample_map(path, tmp_path / "p.gpkg", allocation="equal", expected=given)
    sample = sample_map(path, tmp_path / "p.gpkg", allocation="neyman", expected=given)
    assert sample.strata.set_index("value")["points"].to_dict() == {1: 25, 2: 250, 7: 25}
