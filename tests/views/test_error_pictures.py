"""Pictures of the error analysis: their numbers are those of the analysis, each with a table."""

import numpy as np
import pytest

from workbench.experiments import analyse_errors
from workbench.scenes import open_scene
from workbench.views import error_gallery, error_tables
from workbench.views.attention_channels import channel_weights
from workbench.views.error_confidence import confidence_row
from workbench.views.error_confusions import confusion_shares
from workbench.views.error_maps import class_error_maps
from workbench.views.error_spectra import spectra_row
from workbench.views.error_strata import strata_row, telling
from workbench.views.patches import read_patch
from workbench.views.picture import bokeh_model


@pytest.fixture(scope="module")
def analysis(_small_world_made):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("data", "runs", "reports"):
            patch.setenv(f"WORKBENCH_{name.upper()}", str(_small_world_made.root / name))
        return analyse_errors(_small_world_made.run)


def test_confusions_with_counts_and_shares(analysis):
    picture = confusion_shares(analysis)
    table = picture.table
    pair = analysis.confusions.pairs[0]
    cell = table.loc[analysis.title(pair.reference), f"map {pair.mapped}"]
    assert cell == f"{pair.pixels:,} ({100 * pair.of_reference:.1f} %)"
    assert table["pixels"].sum() == len(analysis.pixels)
    figure = bokeh_model(picture.element)
    image = next(r.data_source.data for r in figure.renderers if "image" in r.data_source.data)
    drawn = np.asarray(image["image"][0])[::-1]  # Bokeh's first row is the lowest
    place = list(analysis.names).index
    assert drawn[place(pair.reference), place(pair.mapped)] == pytest.approx(100 * pair.of_reference)


def test_a_map_of_each_class_shown(small_world, analysis):
    row = class_error_maps(analysis, open_scene("small"))
    assert len(row.pictures) == len(analysis.shown)
    value, picture = analysis.shown[0], row.pictures[0]
    support = analysis.confusions.support[list(analysis.names).index(value)]
    alarms = analysis.confusions.false_alarms[list(analysis.names).index(value)]
    assert picture.table["test pixels"].sum() == support + alarms
    bokeh_model(picture.element)


def test_bars_of_every_covariate(analysis):
    row = strata_row(analysis)
    known = [name for name, one in analysis.strata[0].items() if one.bins]
    assert len(row.pictures) == len(known)
    assert len(row.notes) == len(analysis.covariates) - len(known)
    for picture in row.pictures:
        assert picture.method
        bokeh_model(picture.element)
    assert sum(row.pictures[0].table["pixels"]) <= len(analysis.pixels)
    assert len(strata_row(analysis, analysis.shown[0], most=2).pictures) == 2
    assert telling(analysis).shape == (len(analysis.covariates), 1 + len(analysis.shown))


def test_spectra_and_how_sure(analysis):
    row = spectra_row(analysis)
    assert len(row.pictures) == 3 * len([value for value in analysis.shown if value in analysis.spectra])
    for picture in row.pictures:
        assert "JM distance" in picture.table
        assert not picture.table.isna().any().any()
        bokeh_model(picture.element)
    sure = confidence_row(analysis).pictures
    assert sure[0].table["wrong"].sum() == analysis.pixels["wrong"].sum()
    bokeh_model(sure[0].element)


def test_the_gallery_has_a_picture_per_pixel_and_modality(small_world, analysis):
    scene = open_scene("small")
    text = error_gallery.gallery(analysis, scene).text
    assert text.count("<img") == 3 * len(analysis.worst[0])
    assert "<script>" not in text
    assert "row" in text
    patch = read_patch(scene, "hsi", 0, 95, 2)
    assert patch.shape == (10, 5, 5)
    assert np.isnan(patch[:, :2]).all()
    assert np.isnan(patch[:, :, 3:]).all()
    assert (patch[:, 2, 2] == scene.spectrum("hsi", 0, 95)).all()


def test_sentences_and_tables_are_escaped(analysis):
    told = error_tables.summary(analysis).text
    assert "<script>" not in told + error_tables.taken_for(analysis).text + error_tables.doubted_labels(analysis).text
    assert "test pixels are wrong" in told
    assert error_tables.modality_help(analysis).text == ""  # no such runs


def test_weights_of_channels():
    from types import SimpleNamespace

    rng = np.random.default_rng(0)
    vectors = [{"image_stage1": rng.random(6), "aux_stage1": rng.random(3)} for _ in range(2)]
    picture = channel_weights([SimpleNamespace(vectors=one) for one in vectors])
    assert len(picture.element) == 2
    both = np.stack([one["image_stage1"] for one in vectors])
    assert picture.table.loc["image_stage1", "highest"] == pytest.approx(both.mean(axis=0).max())
    assert picture.table.loc["aux_stage1", "channels"] == 3
    bokeh_model(picture.element)
    assert channel_weights([SimpleNamespace(vectors={})]) is None
    assert channel_weights([]) is None
