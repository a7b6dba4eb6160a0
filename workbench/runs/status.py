"""What a run is doing, in `status.json`, readable by any face while it trains."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from workbench.base.errors import WorkbenchError
from workbench.base.files import read_json, write_json
from workbench.base.processes import process_start, still_alive

State = Literal["running", "finished", "failed", "interrupted"]


def write_status(folder: Path, state: State, epoch: int | None, epochs: int | None, message: str = "") -> None:
    """Write the status of a run, atomically, with this process's id and start.

    Args:
        folder: The run folder.
        state: What the run is doing.
        epoch: Epochs done; None keeps what was noted last.
        epochs: Epochs in all; None keeps what was noted last.
        message: Words for a person.
    """
    if epoch is None or epochs is None:
        try:
            noted = read_status(folder)
        except WorkbenchError:
            noted = {"epoch": 0, "epochs": 0}
        epoch = int(noted["epoch"]) if epoch is None else epoch
        epochs = int(noted["epochs"]) if epochs is None else epochs
    status = {
        "state": state,
        "epoch": epoch,
        "epochs": epochs,
        "message": message,
        "updated": datetime.now(UTC).isoformat(timespec="seconds"),
        "pid": os.getpid(),
        "process_started": process_start(os.getpid()),
    }
    write_json(folder / "status.json", status, "noting the state of a run")


def read_status(folder: Path) -> dict[str, Any]:
    """Read the status; a running one whose process is gone is `interrupted`.

    Raises:
        WorkbenchError: There is no readable status.
    """
    status = read_json(folder / "status.json", "reading the state of a run")
    kinds: dict[str, Any] = {"epoch": int, "epochs": int, "message": str, "updated": str, "pid": int}
    kinds["process_started"] = int | float | None
    if (
        not isinstance(status, dict)
        or status.get("state") not in get_args(State)
        or not all(isinstance(status.get(key), kind) for key, kind in kinds.items())
    ):
        raise WorkbenchError(f"{folder / 'status.json'} holds no state of a run.")
    if status["state"] == "running" and not still_alive(status["pid"], status.get("process_started")):
        status["state"] = "interrupted"
        status["message"] = "The process ended before the run was finished; the same command continues it."
    return status
