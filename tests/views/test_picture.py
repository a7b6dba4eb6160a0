"""Pictures as HTML: self-contained, escaped, with a table."""

import re
import zlib

import numpy as np
import pandas as pd

from workbench.runs import open_run_folder
from workbench.scenes import open_scene
from workbench.views.headline import run_headline, scene_headline
from workbench.views.maps import composite, error_map, label_and_class_map, label_map, pixels_on_composite
from workbench.views.picture import Row, bokeh_model, setup, style_sheet, table_html
from workbench.views.png import png
from workbench.views.training import training_curves


def test_every_map_has_words_and_a_table(small_world):
    scene, run = open_scene("small"), open_run_folder(small_world.run)
    pictures = [
        composite(scene),
        composite(scene, modality="hsi", bands=[1]),
        label_map(scene),
        label_and_class_map(run, scene),
        error_map(run, scene),
        pixels_on_composite(scene, [(3, 4), (10, 12)]),
        training_curves(run.history, 1),
        composite(open_scene("blank")),
    ]
    for picture in pictures:
        html = picture.html()
        assert picture.title
        assert picture.description
        assert "As a table" in html
        assert "<script>alert(1)</script>" not in html
        assert 'role="img" aria-label="' in html
        assert not re.search(r'(?:src|href)="(?!data:)', html)


def test_each_member_of_an_ensemble_has_its_curve(small_world):
    import pandas as pd

    history = open_run_folder(small_world.run).history
    joined = pd.concat([history.assign(member=1), history.head(1).assign(member=2), history.assign(member=3)])
    lines = {}
    for key, frame in (("one", history), ("all", joined)):
        picture = training_curves(frame)
        lines[key] = [len(curve) for curve in picture.element.traverse(lambda it: it, ["Curve"])]
        assert f"over {len(history)} epochs" in picture.description
    assert len(lines["all"]) == 3 * len(lines["one"])
    assert sorted(set(lines["all"])) == [1, len(history)]


def test_side_by_side_pictures_are_one_piece_of_html(small_world):
    scene = open_scene("small")
    bundle = Row([composite(scene), label_map(scene)])._repr_mimebundle_()
    assert bundle["text/html"].count("<figure") == 2


def test_maps_keep_their_aspect(small_world):
    figure = bokeh_model(composite(open_scene("small"), size=480).element)
    assert (figure.frame_width, figure.frame_height) == (480, 360)


def test_hatching_lies_under_a_band_with_holes(small_world):
    figure = bokeh_model(composite(open_scene("small"), "Height (lidar)").element)
    kinds = [type(renderer.glyph).__name__ for renderer in figure.renderers]
    assert kinds == ["ImageRGBA", "Image"]


def test_setup_is_offline_and_brings_what_pictures_need():
    html = setup()._repr_mimebundle_()["text/html"]
    assert "Bokeh" in html
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=", html)
    assert "url(" not in style_sheet()
    assert "@import" not in style_sheet()


def test_tables_escape_and_align():
    html = table_html(pd.DataFrame({"name": ["<i>", "b"], "n": [12345, 2]}), index=False)
    assert "&lt;i&gt;" in html
    assert '<td class="text">b</td><td>2</td>' in html
    assert "12,345" in html


def test_headlines(small_world):
    scene, run = open_scene("small"), open_run_folder(small_world.run)
    html = run_headline(run, scene).text
    assert html.count('<img width="300"') == 2
    assert "Synthetic scene: fusion wins by construction." in html
    assert "FusAtNet on small, blocks split" in html
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert "Labels" not in scene_headline("a", "b.", open_scene("blank")).text


def test_png_is_what_the_format_says():
    pixels = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    data = png(pixels)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert data[16:24] == bytes([0, 0, 0, 3, 0, 0, 0, 2])
    start = data.index(b"IDAT") + 4
    length = int.from_bytes(data[start - 8 : start - 4], "big")
    lines = np.frombuffer(zlib.decompress(data[start : start + length]), np.uint8).reshape(2, 13)
    np.testing.assert_array_equal(lines[:, 1:].reshape(2, 3, 4), pixels)
