"""Score tables in words."""

import pytest

from workbench.experiments.summary import comparison_table, score_table, score_title

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
    title = score_title("run-1", run.metrics)
    assert ("agreement with the map on test pixels" in title) == (labels_are is not None)
    assert ("accuracy" in f"{title}{head}") == (labels_are is None)
