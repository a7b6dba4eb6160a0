"""Spectra per class, against NumPy."""

import numpy as np
import pytest

from workbench.base.errors import WorkbenchError
from workbench.scenes import ClassTable, ModalityInfo, TileDraft, open_scene, write_scene
from workbench.views.class_spectra import class_spectra
from workbench.views.picture import bokeh_model
from workbench.views.spectra import spectra_picture


def test_mean_and_percentiles_equal_numpy(small_world):
    scene = open_scene("small")
    known = class_spectra(scene, "hsi", per_class=100_000)
    cube, labels = scene.read("hsi"), scene.read_labels()
    for index, entry in enumerate(known.classes):
        pixels = cube[:, labels == entry.value]
        assert known.counts[index] == pixels.shape[1]
        np.testing.assert_allclose(known.mean[index], pixels.mean(axis=1), rtol=1e-5)
        np.testing.assert_allclose(known.low[index], np.percentile(pixels, 10, axis=1), rtol=1e-5)
        np.testing.assert_allclose(known.high[index], np.percentile(pixels, 90, axis=1), rtol=1e-5)


def test_a_sample_stands_for_a_class_and_repeats(small_world):
    scene = open_scene("small")
    some = class_spectra(scene, "hsi", per_class=40)
    assert max(some.counts) == 40
    np.testing.assert_array_equal(some.mean, class_spectra(open_scene("small"), "hsi", per_class=40).mean)
    full = class_spectra(scene, "hsi", per_class=100_000)
    assert np.abs(some.mean - full.mean).max() < 0.02


def test_no_data_is_left_out(small_world):
    scene = open_scene("small")
    known = class_spectra(scene, "lidar", per_class=100_000)
    heights, labels = scene.read("lidar")[0], scene.read_labels()
    for index, entry in enumerate(known.classes):
        assert known.mean[index, 0] == pytest.approx(np.nanmean(heights[labels == entry.value]), rel=1e-4)


def test_no_line_bridges_the_water_vapour_gaps(small_world):
    scene = open_scene("small")
    picture = spectra_picture(scene, "hsi", [(scene.spectrum("hsi", 3, 4), "row 3, column 4")])
    figure = bokeh_model(picture.element)
    picked = figure.renderers[-1].data_source.data
    (x,) = picked["xs"]
    waves = np.asarray(scene.info("hsi").wavelengths)
    np.testing.assert_array_equal(x[np.isfinite(x)], waves)
    breaks = np.flatnonzero(np.isnan(x))
    assert [(x[i - 1], x[i + 1]) for i in breaks] == [(800.0, 1500.0)]
    assert "Water-vapour gaps are greyed" in picture.description


def test_table_twin_holds_the_figures(small_world):
    scene = open_scene("small")
    spectrum = scene.spectrum("hsi", 3, 4)
    table = spectra_picture(scene, "hsi", [(spectrum, "row 3, column 4")]).table
    np.testing.assert_array_equal(table["row 3, column 4"], spectrum)
    assert table.index[0] == "450 nm"
    assert "meadow 90 %" in table


@pytest.mark.parametrize("modality", ["lidar", "sar"])
def test_few_bands_are_drawn_too(small_world, modality):
    scene = open_scene("small")
    picture = spectra_picture(scene, modality, [(scene.spectrum(modality, 20, 4), "here")])
    assert bokeh_model(picture.element).renderers
    assert len(picture.table) == scene.info(modality).bands


def test_without_labels_single_pixels_work(small_world):
    scene = open_scene("blank")
    with pytest.raises(WorkbenchError, match="no labels"):
        class_spectra(scene, "msi")
    picture = spectra_picture(scene, "msi", [(scene.spectrum("msi", 0, 0), "here")])
    assert bokeh_model(picture.element).renderers
    assert list(picture.table) == ["here"]


def test_names_of_bands_do_not_run_into_each_other(tmp_path):
    array = np.ones((6, 8, 9), np.float32)
    names = ("B2", "B3", "B4", "bands", "bands", "B8")
    draft = TileDraft("t", {"msi": (array, ModalityInfo.of("msi", array, band_names=names))})
    scene = write_scene(tmp_path / "s.zarr", [draft], ClassTable())
    figure = bokeh_model(spectra_picture(scene, "msi", [(scene.spectrum("msi", 0, 0), "here")]).element)
    assert figure.xaxis.major_label_orientation != "horizontal"
    labels = figure.xaxis.major_label_overrides
    assert [labels[band] for band in range(6)] == ["B2", "B3", "B4", "bands 3", "bands 4", "B8"]


def test_the_few_bands_of_a_multispectral_sensor_are_joined():
    from workbench.scenes import ModalityInfo
    from workbench.views.spectra import picked_lines

    centres = (443.0, 492.0, 560.0, 665.0, 833.0, 1614.0, 2202.0)
    info = ModalityInfo(name="msi", dtype="float32", bands=7, wavelengths=centres)
    (line,) = picked_lines(info, None, [(np.arange(7, dtype=np.float32), "here")])
    np.testing.assert_array_equal(line["x"], centres)


def test_one_band_without_labels(tmp_path):
    height = np.ones((1, 8, 9), np.float32)
    draft = TileDraft("t", {"dem": (height, ModalityInfo.of("dem", height))})
    figure = bokeh_model(spectra_picture(write_scene(tmp_path / "s.zarr", [draft], ClassTable()), "dem").element)
    assert figure.xaxis.major_label_overrides == {0: ""}
