"""Runs in the list of the reports page."""

from types import SimpleNamespace

import pytest

from workbench.dashboard.reports_page import _run_html

SCORE = {"oa": 0.5, "aa": 0.25, "kappa": 0.1}


@pytest.mark.parametrize("labels_are", [None, "a map product (Esri land cover)"])
def test_a_score_on_a_map_is_agreement(labels_are):
    run = SimpleNamespace(
        id="run-1",
        config=SimpleNamespace(
            inputs={"hsi": ["msi"]},
            model="fusatnet",
            scene="chips",
            view="dense",
            split=SimpleNamespace(protocol="blocks"),
        ),
        status={"state": "finished", "updated": "2026-01-01T00:00:00+00:00"},
        metrics={"test": SCORE, "controls": {"coordinates_only": SCORE}, "labels_are": labels_are},
    )
    html = _run_html(run)
    assert ("Overall accuracy" in html) == (labels_are is None)
    assert ("accura" in html) == (labels_are is None)
    assert ("Overall agreement with the map" in html) == (labels_are is not None)
    assert ("a map product (Esri land cover)" in html) == (labels_are is not None)
