"""The run of a request: the one that is there, or one worked now, under a lock and with its state kept."""

import contextlib
from pathlib import Path

from workbench.base.config import write_yaml
from workbench.base.errors import WorkbenchError
from workbench.base.files import explained, remove_left_files
from workbench.base.roots import runs_root
from workbench.experiments.devices import cpu_threads
from workbench.experiments.paper import remove_epochs
from workbench.experiments.run import Run
from workbench.experiments.single import train_single
from workbench.experiments.together import is_made_of_others, put_together
from workbench.experiments.work import Work
from workbench.jobs import device_lock, file_lock
from workbench.runs import run_id
from workbench.runs.status import write_status
from workbench.training.pretraining import PRETRAINED
from workbench.training.recorder import BEST, CHECKPOINT


def finished_run(work: Work) -> Run:
    """The finished run of a request.

    Raises:
        WorkbenchError: The request does not fit the scene, the loss is not finite, or the disk is full.
        KeyboardInterrupt: The user stopped it; the same request goes on.
    """
    config = work.config
    together = is_made_of_others(work)
    folder = runs_root() / run_id(config)
    if Run(folder).complete and not (folder / CHECKPOINT).exists():
        return Run(folder)  # without a lock: a folder that is only to be read may hold it
    with explained("making a run folder", folder):
        folder.mkdir(parents=True, exist_ok=True)
    # the parts of a run take their turns at the device themselves
    lock = contextlib.nullcontext() if config.device == "cpu" or together else device_lock(config.device)
    with file_lock(folder / ".lock", f"run {folder.name}"), lock:
        run = Run(folder)
        if run.complete:
            _remove_checkpoints(folder)  # should a kill at the very end have left them
            return run
        remove_left_files(folder)
        # None: known once pixels are counted
        epochs = config.recipe.epochs * config.members if config.recipe.steps is None else None
        write_yaml(folder / "config.yaml", config)
        work.split.save(folder / "split.npz")
        write_status(folder, "running", None if (folder / CHECKPOINT).is_file() else 0, epochs, "preparing")
        try:
            with cpu_threads(config.threads):
                if together:
                    put_together(work, folder, finished_run)
                else:
                    train_single(work, folder)
                    _remove_checkpoints(folder)
        except BaseException as error:
            stopped = not isinstance(error, Exception)  # an interrupt, or the system asked the process to end
            with contextlib.suppress(WorkbenchError, OSError):  # the disk may be full: the first error counts
                if stopped:
                    write_status(folder, "interrupted", None, epochs, "stopped; the same command continues it")
                else:
                    write_status(folder, "failed", None, epochs, str(error))
            raise
    return run


def _remove_checkpoints(folder: Path) -> None:
    remove_epochs(folder)
    for name in (BEST, PRETRAINED, CHECKPOINT):
        (folder / name).unlink(missing_ok=True)
