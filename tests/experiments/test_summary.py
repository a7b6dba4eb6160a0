"""Score tables in words."""

import pytest

from workbench.experiments.summary import comparison_table, published_table, score_table, score_title, split_lines

SCORE = {"oa": 0.5, "aa": 0.25, "kappa": 0.1}


class Finished:
    def __init__(self, **more):
        self.metrics = {
            "protocol": "blocks", "synthetic": False, "test": SCORE, "controls": {"coordinates_only": SCORE}, **more
        }  # fmt: skip


@pytest.mark.parametrize(
    ("labels_are", "word"), [(None, "accuracy"), ("a map product (MODIS land cover)", "agreement with the map")]
)
def test_what_the_scores_are_called(labels_are, word):
    run = Finished(labels_are=labels_are)
    head, rows = score_table(run.metrics)
    assert head == ["", f"overall {word} %", f"average {word} %", "kappa"]
    assert rows[0] == ["this run", "50.0", "25.0", "0.10"]
    assert comparison_table({"all": run})[0][1:3] == [f"overall {word} %", f"average {word} %"]
    spectra = Finished(labels_are=labels_are, controls={"coordinates_only": SCORE, "spectrum_only": SCORE})
    titles = [row[0] for row in score_table(spectra.metrics)[1]]
    assert titles == ["this run", "control: coordinates only", "control: spectrum only"]
    assert [row[0] for row in comparison_table({"all": spectra})[1]] == ["all", *titles[1:]]
    title = score_title("run-1", run.metrics)
    assert ("agreement with the map on test pixels" in title) == (labels_are is not None)
    assert ("accuracy" in f"{title}{head}") == (labels_are is None)


def test_the_second_row_is_a_dash_where_no_pixel_is_left():
    metrics = Finished(test_without_overlap=None, test_without_overlap_note="none is left").metrics
    assert score_table(metrics)[1][1] == ["test pixels clear of training patches", "-", "-", "-"]
    assert split_lines(metrics) == ["clear of training patches: none is left"]


def test_published_figures_have_a_table_of_their_own():
    head, rows = published_table({"scene": "berlin"})
    assert head[0] == "published, not ours"
    assert rows[0][:4] == ["self-looping CNN", "73.21", "-", "-"]
    assert "epoch chosen on test" in rows[0][4]
    assert published_table({"scene": "demo"})[1] == []
