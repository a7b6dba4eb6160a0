"""Reports: checked before a kernel starts, kept whole, not done twice, honest when they fail."""

import json
import os
import sys
from pathlib import Path

import nbformat
import papermill
import pytest

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.reports import list_reports, notebooks, report

PARAMETERS = 'word: str = "a"  # any word\ninteractive: bool = True  # controls\noutput: str = ""  # where to write'
WRITES = "import json\nfrom pathlib import Path\nPath(output).write_text(json.dumps(figures))"


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Own roots and a folder of notebooks to fill; cells in, notebook there."""
    for name in ("data", "runs", "reports"):
        monkeypatch.setenv(f"WORKBENCH_{name.upper()}", str(tmp_path / name))
    folder = tmp_path / "{notebooks}"  # papermill would fill braces in
    folder.mkdir()
    monkeypatch.setattr(notebooks, "notebook_folder", lambda: folder)

    def make(name, *cells):
        kernel = {"name": "python3", "display_name": "any", "language": "python"}
        book = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
        book.cells = [nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})]
        book.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
        nbformat.write(book, folder / f"{name}.ipynb")

    return make


@pytest.fixture
def no_kernel(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a kernel was started")

    monkeypatch.setattr(papermill, "execute_notebook", refuse)


def test_nothing_starts_for_a_wrong_request(small_world, no_kernel):
    before = list_reports()
    for name, values in (
        ("explre", {}),
        ("explore", {"scen": "small"}),
        ("explore", {"scene": "smal"}),
        ("attention", {"run": "no-such-run"}),
    ):
        with pytest.raises(UnknownNameError):
            report(name, **values)
    with pytest.raises(WorkbenchError, match="must be int"):
        report("train", epochs="many")
    assert list_reports() == before


def test_kernel_is_this_interpreter_with_absolute_roots(world, tmp_path, monkeypatch):
    hostile = tmp_path / "jupyter" / "kernels" / "python3"
    hostile.mkdir(parents=True)
    spec = {"argv": ["/bin/false", "{connection_file}"], "display_name": "other", "language": "python"}
    (hostile / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_RUNS", "somewhere/runs")
    world(
        "probe",
        "import os, sys\nfigures = {'title': 'A probe', 'word': word, 'python': sys.executable, 'interactive': interactive, "
        "'runs': os.environ['WORKBENCH_RUNS'], 'parent': os.getppid()}",
        WRITES,
    )
    done = report("probe", word="b", progress=False)
    assert done.metrics["python"] == sys.executable
    assert done.metrics["runs"] == str(tmp_path / "somewhere" / "runs")
    assert done.metrics["parent"] == os.getpid()
    assert (done.metrics["word"], done.metrics["interactive"]) == ("b", False)
    assert done.status["title"] == "A probe"
    assert done.parameters == {"word": "b"}
    assert {path.name for path in done.folder.iterdir()} == {
        *("report.ipynb", "report.html", "metrics.json", "status.json", "parameters.json")
    }
    assert [path.name for path in done.folder.parent.iterdir()] == [done.id]
    # the kept notebook can be run again anywhere: it names no folder of this run
    assert str(done.folder.parent) not in done.notebook.read_text()

    monkeypatch.setattr(papermill, "execute_notebook", None)  # calling it would fail
    again = report("probe", word="b")
    assert again.reused
    assert again.id == done.id
    assert not done.reused
    assert [found.id for found in list_reports()] == [done.id]


def test_a_failing_notebook_is_kept_with_a_clear_error(world):
    world("breaks", "print('so far')", "raise ValueError('no <b>luck</b>')", "print('never')")
    with pytest.raises(WorkbenchError, match=r"ValueError: no <b>luck</b>.*report\.ipynb"):
        report("breaks", progress=False)
    (kept,) = list_reports()
    assert kept.status["state"] == "failed"
    assert not kept.finished
    book = nbformat.read(kept.notebook, as_version=4)
    assert "so far" in str(book.cells)
    html = kept.html.read_text()
    assert "This report is incomplete. ValueError: no &lt;b&gt;luck&lt;/b&gt;" in html
    # it is tried again, and mended it takes the place of the failed one
    world("breaks", "figures = {}", WRITES)
    assert report("breaks", progress=False).finished


def test_a_cell_that_takes_too_long(world):
    world("sleeps", "import time\ntime.sleep(60)")
    with pytest.raises(WorkbenchError, match="longer than 1 seconds"):
        report("sleeps", progress=False, cell_timeout=1)
    assert list_reports()[0].status["state"] == "failed"


def test_a_kernel_that_dies(world):
    world("dies", "import os\nos._exit(9)")
    with pytest.raises(WorkbenchError, match="kernel died"):
        report("dies", progress=False)


def test_an_interrupt_leaves_nothing(world, monkeypatch):
    world("stopped", "figures = {}")

    def interrupt(source, target, *_, **__):
        Path(target).write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(papermill, "execute_notebook", interrupt)
    with pytest.raises(KeyboardInterrupt):
        report("stopped", progress=False)
    assert list_reports() == []
    assert list(Path(os.environ["WORKBENCH_REPORTS"]).iterdir()) == []


def test_folders_that_are_no_report_are_passed_over(small_world):
    root = small_world.root / "reports"
    for name in ("notes", "explore-0123456789", "../x"):
        (root / name).resolve().mkdir(parents=True, exist_ok=True)
    (root / "explore-0123456789" / "status.json").write_text("{")
    try:
        assert all(found.id != "explore-0123456789" for found in list_reports())
    finally:
        (root / "explore-0123456789" / "status.json").unlink()
