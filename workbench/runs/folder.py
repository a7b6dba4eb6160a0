"""One run on disk, and the runs there are."""

import contextlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.base.config import read_yaml
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.base.files import read_json
from workbench.base.roots import runs_root
from workbench.runs.config import RunConfig
from workbench.runs.status import read_status
from workbench.runs.words import PAPER_HABITS, caution, score_words

if TYPE_CHECKING:
    import pandas as pd


CONTROLS = ("coordinates_only", "spectrum_only")  # whose overall score stands beside that of a run in listings
AGAIN = "Give the command that trained it again: it continues, or makes anew what is missing."


def probability_column(value: int) -> str:
    """Column of the table of predictions that holds the probability of a class, float32."""
    return f"p{value}"


@dataclass(frozen=True)
class RunFolder:
    """A run as its folder tells it; each file is read when it is asked for.

    Attributes:
        path: The folder; its name is the run id.
    """

    path: Path

    @property
    def id(self) -> str:
        """Name of the run."""
        return self.path.name

    @cached_property
    def config(self) -> RunConfig:
        """What determined the run."""
        return read_yaml(self.path / "config.yaml", RunConfig)

    @property
    def status(self) -> dict[str, Any]:
        """State, epoch, epochs, message and time of the last change."""
        return read_status(self.path)

    @property
    def finished(self) -> bool:
        """Whether training and evaluation are done."""
        return bool(self.status["state"] == "finished")

    @property
    def metrics(self) -> dict[str, Any]:
        """Scores, controls, audit and figures of the training.

        Raises:
            WorkbenchError: The run is not finished, or the file is lost or damaged.
        """
        path = self.path / "metrics.json"
        if not path.is_file():
            raise WorkbenchError(self.lacks("scores"))
        metrics = read_json(path, "reading the scores of a run")
        if not isinstance(metrics, dict) or "test" not in metrics:
            raise WorkbenchError(f"{path} holds no scores. {AGAIN}")
        return metrics

    @property
    def history(self) -> "pd.DataFrame":
        """One row per epoch; of an ensemble, per member and epoch."""
        return self._table("history.parquet")

    @property
    def predictions(self) -> "pd.DataFrame":
        """One row per test and validation pixel.

        Columns set, tile, row, col, reference, predicted, confidence, and the probability of each class in
        `probability_column` of its value.
        """
        return self._table("predictions.parquet")

    @property
    def maps(self) -> dict[str, Path]:
        """Class maps by the name of the mapped scene, tiles of a collection as `<collection>/<tile>`."""
        root = self.path / "maps"
        found = sorted(path for path in root.rglob("*.tif") if not path.name.startswith("."))  # those are being written
        return {str(path.relative_to(root).with_suffix("")): path for path in found}

    def map_path(self, scene_name: str) -> Path | None:
        """Class map of a scene, or None where it was not mapped."""
        return self.maps.get(scene_name)

    def summary(self) -> dict[str, Any]:
        """One line for listings.

        A run whose files cannot be read has the state `damaged`, and None for its scores. They are None too of a finished
        run that has no test pixel with data.
        """
        row: dict[str, Any] = {"run": self.id, "state": "damaged", "epochs": "", "inputs": "", "protocol": ""}
        row |= dict.fromkeys(("overall", "average", "kappa", "score", *CONTROLS))
        with contextlib.suppress(WorkbenchError, KeyError, TypeError, AttributeError):
            status, config = self.status, self.config
            row["epochs"] = f"{status['epoch']}/{status['epochs']}"
            row["inputs"] = " ".join(f"{role}={'+'.join(names)}" for role, names in config.inputs.items())
            metrics = self.metrics if status["state"] == "finished" else {}
            habits = caution(metrics) or (PAPER_HABITS if config.chosen_on == "test" else "")
            row["protocol"] = ", ".join(filter(None, (config.split.protocol, habits.partition(":")[0])))
            row |= (_scores(metrics) if metrics else {}) | {"state": status["state"]}
        return row

    def lacks(self, what: str) -> str:
        """A sentence on what the run does not have, and why."""
        status = self.status
        if status["state"] == "finished":
            return f"Run {self.id} is finished, but {self.path} does not hold its {what} any more. {AGAIN}"
        reason = f" ({status['message']})" if status["message"] else ""
        return f"Run {self.id} has no {what} yet; its state is {status['state']}{reason}. {AGAIN}"

    def _table(self, name: str) -> "pd.DataFrame":
        import pandas as pd
        from pyarrow import ArrowException

        path = self.path / name
        if not path.is_file():
            raise WorkbenchError(self.lacks(name))
        try:
            return pd.read_parquet(path)
        except (ArrowException, OSError) as error:
            raise WorkbenchError(f"{path} is damaged: {error}. {AGAIN}") from error


def _scores(metrics: dict[str, Any]) -> dict[str, Any]:
    """Scores of a run and of its controls as a listing has them."""
    test, controls = metrics["test"], metrics.get("controls", {})
    row = {name: controls[name]["oa"] for name in CONTROLS if name in controls}
    if test is not None:
        row |= {
            "overall": test["oa"],
            "average": test["aa"],
            "kappa": test["kappa"],
            "score": score_words(metrics).kind,
        }
    return row


def list_runs() -> list[RunFolder]:
    """All runs with a readable status, newest first; other folders are passed over."""
    found = []
    for path in runs_root().glob("[!.]*/config.yaml"):
        folder = RunFolder(path.parent)
        try:
            found.append((folder.status["updated"], folder))
        except WorkbenchError:
            continue
    return [folder for _, folder in sorted(found, key=lambda pair: (pair[0], pair[1].id), reverse=True)]


def open_run_folder(name: str) -> RunFolder:
    """Open a run by its id, the beginning of its id, or the beginning of its hash.

    Raises:
        UnknownNameError: There is no such run.
        WorkbenchError: Several runs begin so, or the run is damaged.
    """
    name = str(name)
    runs = {folder.id: folder for folder in list_runs()}
    if name in runs:
        return runs[name]
    hits = [run for run in runs if run.startswith(name) or run.rsplit("-", 1)[-1].startswith(name)] if name else []
    if len(hits) > 1:
        raise WorkbenchError(f"{len(hits)} runs begin with {name!r}: {', '.join(hits[:5])}. Give more of the id.")
    if not hits and not name.startswith(".") and name in {path.name for path in runs_root().glob("*/")}:
        raise WorkbenchError(
            f"Run {name} is damaged: its config.yaml or status.json is missing or cannot be read. {AGAIN}"
        )
    if not hits:
        raise UnknownNameError("run", name, runs, f"Runs lie in {runs_root()}; `workbench runs` lists them.")
    return runs[hits[0]]
