"""The first screen of a report."""

import numpy as np
import pytest

from workbench.scenes import ClassTable, ModalityInfo, TileDraft, write_scene
from workbench.views.headline import scene_headline


@pytest.mark.parametrize("labels_are", [None, "a map product (Esri <land> cover)"])
def test_a_map_in_place_of_labels_is_said(tmp_path, labels_are):
    values = np.random.default_rng(0).random((3, 12, 12), np.float32)
    attrs = {} if labels_are is None else {"labels_are": labels_are}
    draft = TileDraft("a", {"msi": (values, ModalityInfo.of("msi", values))}, np.ones((12, 12), np.uint8))
    scene = write_scene(tmp_path / "a.zarr", [draft], ClassTable.from_names(["only"]), attrs)
    html = scene_headline("A place", "Two sentences.", scene).text
    assert ("The labels are a map product (Esri &lt;land&gt; cover)" in html) == (labels_are is not None)
    assert "accura" not in html


def test_what_the_import_said_is_listed_escaped():
    from workbench.views.headline import notes

    told = notes(["3 < 4", "corrected"])._repr_mimebundle_()
    assert told["text/html"] == "<ul><li>3 &lt; 4</li><li>corrected</li></ul>"
    assert told["text/plain"] == "3 < 4\ncorrected"
    assert notes([])._repr_mimebundle_()["text/html"] == ""
