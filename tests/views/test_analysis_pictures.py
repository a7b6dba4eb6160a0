"""Pictures of what is computed: their numbers against the scene's, titles with units, and a table beside each."""

import numpy as np
import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes import open_scene
from workbench.views.analysis_maps import (
    abundance_maps,
    angle_map,
    anomaly_map,
    components_map,
    index_map,
    index_row,
    some_indices,
    spread,
    unusual_row,
)
from workbench.views.matrices import correlation_picture, matrices_row, separability_picture
from workbench.views.noise import noise_picture, noise_row
from workbench.views.picture import bokeh_model
from workbench.views.profiles import profile_pictures, profile_row


@pytest.fixture
def scene(small_world):
    return open_scene("small")


def drawn(picture):
    """The Bokeh figure is made without complaint."""
    return bokeh_model(picture.element)


def test_an_index_with_its_spread_per_class(scene):
    picture = index_map(scene, "NDVI")
    assert "Bands: " in picture.description  # which of its bands it took
    near, red = scene.read("hsi", bands=[7]), scene.read("hsi", bands=[4])
    expected = ((near - red) / (near + red))[0]
    labels = scene.read_labels()
    assert picture.table.loc["all", "median"] == pytest.approx(float(np.median(expected)), abs=0.05)
    assert picture.table.loc["2 crop", "drawn pixels"] == (labels == 2).sum()
    assert picture.table.loc["2 crop", "median"] < picture.table.loc["1 meadow", "median"]  # crop is brighter in red
    drawn(picture)


def test_indices_that_cannot_be_computed(scene):
    with pytest.raises(UnknownNameError, match="NDVI"):
        index_map(scene, "NDVII")
    row = index_row(scene, ["NBR", "NDVI"])
    assert [picture.title for picture in row.pictures] == ["NDVI of small"]
    assert "S2" in row.notes[0]  # no band at 2200 nm
    assert "1550" in row._repr_mimebundle_()["text/html"]
    assert list(row.figures) == ["NDVI of small"]
    assert "No spectral index" in index_row(scene, modality="lidar").notes[0]
    assert some_indices(scene, "hsi")[0] == "NDVI"
    assert some_indices(scene, "lidar") == []


@pytest.mark.parametrize("kind", ["PCA", "mnf"])
def test_components_with_their_strength(scene, kind):
    picture = components_map(scene, kind)
    strength = picture.table.iloc[:, 0].to_numpy()
    assert (np.diff(strength) <= 0).all()
    if kind == "PCA":
        assert strength.sum() == pytest.approx(100, abs=0.5)  # ten bands, ten components
        assert "%" in picture.table.columns[0]
    drawn(picture)
    with pytest.raises(WorkbenchError, match="PCA or MNF"):
        components_map(scene, "ICA")


def test_anomalies_and_angles(scene):
    picture = anomaly_map(scene)
    assert "Mahalanobis" in picture.description
    drawn(picture)
    spectra = scene.read("hsi").reshape(10, -1)
    target = scene.spectrum("hsi", 5, 7)
    cosine = target @ spectra / np.linalg.norm(target) / np.linalg.norm(spectra, axis=0)
    found = angle_map(scene, (5, 7)).table
    assert found.loc["all", "median"] == pytest.approx(
        float(np.degrees(np.median(np.arccos(cosine.clip(-1, 1))))), rel=1e-2
    )
    assert "°" in found.index.name


def test_abundances_are_shares(scene):
    spectra, *maps = abundance_maps(scene, count=3)
    assert len(maps) == 3
    assert len(spectra.legend) == 3
    assert "reflectance" in spectra.description
    for picture in maps:
        assert picture.table.loc["all"].iloc[1:].between(-0.01, 1.01).all()
        drawn(picture)
    assert sum(picture.element.Image.I.dimension_values(2, flat=False) for picture in maps) == pytest.approx(
        1, abs=1e-2
    )


def test_separability_names_the_pair_that_is_least_apart(scene):
    picture = separability_picture(scene, "hsi")
    assert "Least apart: 3 roof" in picture.description  # meadow and roof differ in height alone
    assert "1 meadow" in picture.description
    assert float(picture.table.loc["meadow", "crop"]) > 1.5
    height = separability_picture(scene, ["lidar"])
    assert float(height.table.iloc[0, 2]) > 1.9
    assert "lidar" in height.title
    drawn(picture)


def test_correlation_has_a_row_for_each_band(scene):
    picture = correlation_picture(scene)
    assert picture.table.shape == (13, 13)
    bands = scene.read("hsi").reshape(10, -1)
    assert picture.table.iloc[3, 4] == pytest.approx(np.corrcoef(bands[3], bands[4])[0, 1], abs=0.03)
    drawn(picture)


def test_bad_bands_are_marked_and_offered_for_removal(small_world, tmp_path):
    from workbench.scenes import ClassTable, ModalityInfo, TileDraft, write_scene

    rng = np.random.default_rng(0)
    cube = (rng.normal(0.3, 0.001, (6, 60, 70)) + 0.01 * np.sin(np.arange(70) / 9)).astype(np.float32)
    cube[2] = 0.5
    cube[4] = rng.normal(0.3, 0.4, (60, 70))
    info = ModalityInfo.of("hsi", cube, quantity="reflectance", wavelengths=(400.0, 500.0, 600.0, 700.0, 800.0, 900.0))
    scene = write_scene(tmp_path / "noisy.zarr", [TileDraft("noisy", {"hsi": (cube, info)})], ClassTable())
    picture = noise_picture(scene, "hsi")
    assert "counted from 1: 3, 5." in picture.description
    assert 'DropBands("hsi", [2, 4])' in picture.description
    crosses = drawn(picture).renderers[1].data_source.data
    assert list(crosses["wavelength (nm)"] if "wavelength (nm)" in crosses else next(iter(crosses.values()))) == [
        600,
        800,
    ]
    assert "No band is empty" in noise_picture(open_scene("small"), "hsi").description


def test_values_along_a_line(scene):
    ground, height, sar, hsi = profile_pictures(scene, [scene.position_of(10, 5), scene.position_of(10, 80)])
    assert "150 m long" in ground.description
    assert height.title == "Height (m) along the line, lidar"
    table = height.table.set_index("distance (m)")
    column = next(name for name in table.columns if name.startswith("lidar"))
    np.testing.assert_allclose(table[column].iloc[:3], scene.read("lidar")[0, 10, [5, 7, 9]], rtol=1e-5)
    assert [entry.words for entry in sar.legend] == ["VV", "VH"]
    assert len({entry.mark for entry in sar.legend}) == 2  # told apart without colour
    assert "Drawn is 650 nm of 10 bands" in hsi.description  # what a composite shows in red
    assert list(hsi.table.columns)[3:] == ["hsi 5"]
    for picture in (ground, height, sar, hsi):
        drawn(picture)


def test_what_is_drawn_along_a_line_is_chosen(scene):
    _, hsi, sar = profile_pictures(scene, along=["hsi 2", "sar 1", "hsi 10"])
    assert list(hsi.table.columns)[3:] == ["hsi 2", "hsi 10"]
    assert [entry.words for entry in hsi.legend] == ["500 nm", "1550 nm"]
    assert "VV of 2 bands" in sar.description
    with pytest.raises(WorkbenchError, match="'hsi' has the bands 1 to 10"):
        profile_pictures(scene, along=["hsi 11"])
    with pytest.raises(UnknownNameError, match="lidar"):
        profile_pictures(scene, along=["lydar"])
    with pytest.raises(WorkbenchError, match="list of map positions"):
        profile_pictures(scene, [[1, 2, 3], [4, 5, 6]])
    notes = profile_row(scene, along=["hsi 0"]).notes
    assert "Write one after its name" in notes[0]


def test_rows_say_what_cannot_be_computed(small_world):
    blank = open_scene("blank")
    row = matrices_row(blank, "msi")
    assert [picture.title for picture in row.pictures] == ["Correlation of bands, msi"]
    assert "no labels" in row.notes[0]
    lidar = unusual_row(open_scene("small"), "lidar")
    assert lidar.notes
    assert next(picture.title for picture in noise_row(open_scene("small")).pictures) == "Signal and noise of hsi"
    assert profile_row(blank, [[2, 3], [2, 3]]).notes


def test_spread_without_labels(small_world):
    blank = open_scene("blank")
    table = spread(blank, blank.read("msi")[0], "msi")
    assert list(table.index) == ["all"]
