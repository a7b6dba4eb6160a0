"""What a run is doing, in `status.json`, readable by any face while it trains."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from workbench.base.errors import WorkbenchError
from workbench.base.files import read_json, write_json

State = Literal["running", "finished", "failed", "interrupted"]


def write_status(folder: Path, state: State, epoch: int, epochs: int, message: str = "") -> None:
    """Write the status of a run, atomically, with this process's id."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    status = {"state": state, "epoch": epoch, "epochs": epochs, "message": message, "updated": now, "pid": os.getpid()}
    write_json(folder / "status.json", status, "noting the state of a run")


def read_status(folder: Path) -> dict[str, Any]:
    """Read the status; a running one whose process is gone is `interrupted`.

    Raises:
        WorkbenchError: There is no readable status.
    """
    status = read_json(folder / "status.json", "reading the state of a run")
    if not isinstance(status, dict) or "state" not in status:
        raise WorkbenchError(f"{folder / 'status.json'} holds no state of a run.")
    if status["state"] == "running" and not _alive(int(status.get("pid", 0))):
        status["state"] = "interrupted"
        status["message"] = "The process ended before the run was finished; the same command continues it."
    return status


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
