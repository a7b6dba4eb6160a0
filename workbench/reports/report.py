"""Make a report: check, run the notebook in a fresh kernel, export, keep; or give back the one that is there."""

import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.base.errors import WorkbenchError
from workbench.base.files import atomic_folder, read_json, write_json, write_text
from workbench.base.hashing import hash_file, hash_json
from workbench.base.roots import reports_root
from workbench.reports.folder import ReportResult
from workbench.reports.notebooks import HIDDEN, all_parameters, check_parameters, notebook_path, papermill_path

RESULT_VERSION = 2
"""Raised when reports of the same notebook and parameters come out otherwise than before."""

START_TIMEOUT = 180  # seconds a kernel may take to start on a busy machine


def report(
    name: str, *, again: bool = False, progress: bool = True, cell_timeout: int | None = None, **parameters: Any
) -> ReportResult:
    """Run a notebook with parameters and keep it as `.ipynb` and self-contained HTML.

    The same report is not done twice: notebook, parameters, scene content and run decide what is the same.

    Args:
        name: Name of the notebook: `explore`, `train`, `attention`, `errors`, `compare`, `across`.
        again: Whether to run it again where a finished report of the same is there.
        progress: Whether to show a progress bar in a terminal.
        cell_timeout: Seconds that one cell may take; None is without limit.
        **parameters: Of the notebook, typed or as text; see `notebook_parameters(name)`.

    Returns:
        The report: `path` of its page, `notebook`, `metrics`, `id`.

    Raises:
        UnknownNameError: The notebook, a parameter, scene or run is not there.
        WorkbenchError: A parameter is ill-typed; or the notebook failed, and the message says where what it got to is.
    """
    given = check_parameters(name, parameters)
    given, content = _resolve(given)
    source = hash_file(notebook_path(name))
    digest = hash_json([source, given, content, RESULT_VERSION])
    folder = reports_root() / f"{name}-{digest[:10]}"
    there = ReportResult(folder)
    if not again and (folder / "status.json").is_file() and there.finished:
        return there
    with atomic_folder(folder, f"writing the report {name!r}", replace=True) as work:
        failure = _run(name, given, work, progress, cell_timeout)
    if failure:
        raise WorkbenchError(
            f"Report {name!r} failed. {failure} The notebook up to there is kept: {folder / 'report.ipynb'}"
        )
    return replace(there, reused=False)


def _run(name: str, given: dict[str, Any], work: Path, progress: bool, cell_timeout: int | None) -> str:
    """Run the notebook into a folder; what went wrong in words, or ""."""
    from workbench.reports.html import export_html

    write_json(work / "parameters.json", given)
    started = time.monotonic()
    failure = _execute(name, given, work, progress, cell_timeout)
    _forget_output(work)
    metrics = work / "metrics.json"
    if not failure and not metrics.is_file():
        failure = "It ended without writing its figures."
    figures = read_json(metrics) if metrics.is_file() else {}
    title = str(figures.get("title") or name)
    if (work / "report.ipynb").is_file():
        write_text(work / "report.html", export_html(work / "report.ipynb", title, failure), "writing a report")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    status = {
        "state": "failed" if failure else "finished",
        "notebook": name,
        "title": title,
        "message": failure,
        "updated": now,
        "seconds": round(time.monotonic() - started, 1),
    }
    write_json(work / "status.json", status)
    return failure


def _execute(name: str, given: dict[str, Any], work: Path, progress: bool, cell_timeout: int | None) -> str:
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    from workbench.reports.kernel import kernel_manager

    hidden = {"interactive": False, "output": str(work / "metrics.json")}
    known = all_parameters(name)
    bar = {"desc": f"report {name}", "leave": False, "disable": None if progress else True}
    with tempfile.TemporaryDirectory(prefix="workbench-kernel-") as profile:
        try:
            papermill.execute_notebook(
                papermill_path(notebook_path(name)),
                papermill_path(work / "report.ipynb"),
                {**given, **{key: value for key, value in hidden.items() if key in known and key in HIDDEN}},
                kernel_name="python3",
                language="python",
                kernel_manager_class=kernel_manager(Path(profile)),
                start_timeout=START_TIMEOUT,
                execution_timeout=cell_timeout,
                progress_bar=bar,
                shutdown_kernel="immediate",  # a polite one interrupts the kernel, which complains to the terminal
            )
        except PapermillExecutionError as error:
            return f"{_plain(error.ename, error.evalue)}"
        except CellTimeoutError:
            return f"A cell took longer than {cell_timeout} seconds."
        except DeadKernelError:
            return "Its kernel died, as happens when memory runs out."
        except RuntimeError as error:  # of jupyter_client, where a kernel does not start
            return f"Its kernel did not start: {error}"
    return ""


def _forget_output(work: Path) -> None:
    """Take the folder of this run out of the kept notebook: it is gone when someone runs the notebook again."""
    path = work / "report.ipynb"
    if path.is_file():
        book = read_json(path)
        for cell in book["cells"]:
            if "injected-parameters" in cell["metadata"].get("tags", []):
                kept = [line for line in cell["source"] if not line.startswith(("output =", "interactive ="))]
                cell["source"] = kept
        record = book["metadata"].get("papermill", {})
        for key in ("input_path", "output_path"):
            record.pop(key, None)
        for key in HIDDEN:
            record.get("parameters", {}).pop(key, None)
        write_json(path, book, "writing a report")


def _plain(kind: str, words: str) -> str:
    """An exception in the words of its message; of errors a user can mend the kind says nothing more."""
    return words if kind in ("WorkbenchError", "UnknownNameError") else f"{kind}: {words}"


def _resolve(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Parameters with full run ids, and the hash of each scene and run that they name."""
    from workbench.runs import open_run_folder
    from workbench.scenes import open_scene
    from workbench.views.compare_choice import chosen_runs
    from workbench.views.facts import newest_run

    given, content = dict(given), {}
    if "run" in given:
        given["run"] = open_run_folder(given["run"]).id if given["run"] else newest_run().id
    if "compare" in given:
        given["compare"] = [open_run_folder(str(run)).id for run in given["compare"]]
    if "runs" in given:
        given["runs"] = [run.id for run in chosen_runs(given["runs"], given.get("over", "pixels"))]
    if "scene" in given:
        content["scene"] = open_scene(given["scene"]).content_hash
    return given, content
