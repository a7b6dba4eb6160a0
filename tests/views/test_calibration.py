"""The reliability diagram: what it draws, its words and table, and what it says where there is nothing to draw."""

import math

import numpy as np
import pandas as pd
import pytest

from workbench.base.errors import WorkbenchError
from workbench.experiments.calibration import calibration_figures
from workbench.runs import open_run_folder
from workbench.views.calibration import reliability, reliability_picture
from workbench.views.picture import bokeh_model


def predictions(sides):
    """Always 0.9 sure of class 4: right in so many of so many pixels, per side."""
    rows = [(side, 4 if i < right else 7) for side, (right, of) in sides.items() for i in range(of)]
    frame = pd.DataFrame(rows, columns=["set", "reference"])
    return frame.assign(p4=np.float32(0.9), p7=np.float32(0.1))


def metrics(sides):
    return {"calibration": calibration_figures(predictions(sides), (4, 7))}


def test_what_it_draws_and_says():
    picture = reliability_picture(metrics({"test": (6, 10), "validation": (70, 100)}))
    assert "30.0 points apart on average" in picture.description
    assert "30.0 points too sure" in picture.description
    # 0.7 right of those that are 0.9 sure: log(9) / log(7 / 3); then 0.7 sure and 0.6 right
    assert "A temperature of 2.59, fitted on 100 validation pixels, gives 10.0 points" in picture.description
    assert picture.figures["temperature"] == pytest.approx(math.log(9) / math.log(7 / 3), rel=1e-4)
    assert picture.figures["ece_after"] == pytest.approx(0.1, abs=1e-4)
    row = picture.table.loc["0.87 to 0.93"]
    assert row["pixels, as trained"] == 10
    assert (row["mean confidence %, as trained"], row["accuracy %, as trained"]) == (90, 60)
    assert len(picture.table) == 15
    bars = picture.element.values()[0].values()[0]
    assert bars.dimension_values("y1").tolist() == [0.6]
    bokeh_model(picture.element)
    assert "NaN" not in picture.html()
    assert "<td>–</td>" in picture.html()  # bins without pixels


def test_no_validation_is_told():
    picture = reliability_picture(metrics({"test": (10, 10)}))
    assert "No temperature was fitted: the split has no validation pixels" in picture.description
    assert "10.0 points not sure enough" in picture.description
    assert len(picture.element) == 2
    assert picture.figures["ece_after"] is None
    bokeh_model(picture.element)


def test_a_temperature_at_the_end_is_told():
    picture = reliability_picture(metrics({"test": (1, 2), "validation": (0, 5)}))
    assert "it lies at the end of what is tried, so none suits" in picture.description


def test_nothing_to_draw():
    with pytest.raises(WorkbenchError, match="no test pixel has data"):
        reliability_picture(metrics({"validation": (1, 2)}))
    with pytest.raises(WorkbenchError, match="scored before calibration was measured"):
        reliability_picture({})


def test_of_a_run(small_world):
    run = open_run_folder(small_world.run)
    row = reliability(run)
    assert row.notes == ()
    assert row.figures["Reliability"]["ece_before"] == run.metrics["calibration"]["before"]["ece"]
    assert "Reliability" in row._repr_mimebundle_()["text/html"]
