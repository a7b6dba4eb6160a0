"""A pixel model through the notebooks: trained and reported by name, its errors shown, its attention refused."""

import pytest

from workbench.base.errors import WorkbenchError
from workbench.reports import report


@pytest.fixture(scope="module")
def trained(_small_world_made):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("data", "runs", "reports"):
            patch.setenv(f"WORKBENCH_{name.upper()}", str(_small_world_made.root / name))
        return report("train", progress=False, scene="small", model="svm")


def test_train_and_errors_of_a_pixel_model(small_world, trained):
    run = trained.metrics["run"]
    assert trained.metrics["title"] == "SVM on small, blocks split"
    assert "workbench train small --model svm" in trained.html.read_text()
    errors = report("errors", progress=False, run=run, compare=[small_world.run], class_name="crop")
    assert errors.metrics["run"] == run
    assert errors.metrics["oa"] == trained.metrics["oa"]
    assert len(errors.metrics["comparison"]) == 1
    told = errors.metrics["errors"]
    assert told["shown"] == [2]
    assert sum(told["confusions"]["support"]) == told["test_pixels"]
    page = errors.html.read_text()
    assert told["summary"]["0"][0] in page
    assert "<script>alert(1)" not in page
    assert "The most confident wrong pixels, 2 crop" in page


def test_its_attention_is_refused_in_words(small_world, trained):
    with pytest.raises(WorkbenchError, match=r"SVM has no attention to show\. Look at its errors instead"):
        report("attention", progress=False, run=trained.metrics["run"])
