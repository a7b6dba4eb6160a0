"""Which runs a comparison is about where none are named."""

from collections.abc import Sequence

from workbench.base.errors import WorkbenchError
from workbench.runs import RunFolder, list_runs, open_run_folder
from workbench.scenes import Collection, Scene
from workbench.views.facts import newest_run, shown_tile

MOST = 12
"""Runs that are taken where none are named: every pair of them is compared."""


def chosen_runs(names: Sequence[str] = ()) -> list[RunFolder]:
    """The named runs; where none are, the finished runs on the split of the newest finished one, newest first.

    Raises:
        UnknownNameError: There is no such run.
        WorkbenchError: None is named and none is finished.
    """
    if names:
        return [open_run_folder(str(name)) for name in names]
    newest = newest_run().config
    found = []
    for run in list_runs():
        try:
            same = (run.config.scene_hash, run.config.split.hash) == (newest.scene_hash, newest.split.hash)
        except WorkbenchError:  # damaged, or of another version
            continue
        if same and run.finished:
            found.append(run)
    return found[:MOST]


def scene_of(runs: Sequence[RunFolder]) -> Scene | Collection | None:
    """The scene that the runs were trained on; None where it is gone or has changed since."""
    from workbench.experiments import open_run

    try:
        return open_run(runs[0].id).scene
    except WorkbenchError:
        return None


def shown_of(scene: Scene | Collection | None, runs: Sequence[RunFolder]) -> Scene | None:
    """The tile to draw: that with most test pixels."""
    return None if scene is None else scene.scenes[shown_tile(scene, runs[0])]
