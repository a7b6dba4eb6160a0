"""Which runs a comparison is about where none are named."""

from collections.abc import Sequence

from workbench.base.errors import WorkbenchError
from workbench.runs import RunConfig, RunFolder, list_runs
from workbench.runs.named import named_runs
from workbench.scenes import Collection, Scene
from workbench.views.facts import newest_run, shown_tile

MOST = 12
"""Runs on one split that are taken where none are named: every pair of them is compared."""


def chosen_runs(names: Sequence[str] = (), over: str = "pixels") -> list[RunFolder]:
    """The named runs; where none are, the finished runs that belong with the newest finished one, newest first.

    Args:
        names: Ids, beginnings of ids, or patterns such as `demo-svm-*`.
        over: What the comparison repeats, which decides what belongs together: `pixels`, runs on the same split; `splits`,
            runs of the same scene and protocol; `scenes`, all runs of the same protocol.

    Raises:
        UnknownNameError: There is no such run.
        WorkbenchError: None is named and none is finished.
    """
    if names:
        return named_runs(names)
    newest = newest_run().config
    wanted = _kin(newest, over)
    found = []
    for run in list_runs():
        try:
            same = _kin(run.config, over) == wanted
        except WorkbenchError:  # damaged, or of another version
            continue
        if same and run.finished:
            found.append(run)
    return found[:MOST] if over == "pixels" else found


def _kin(config: RunConfig, over: str) -> tuple[str, ...]:
    """What runs have in common that belong together."""
    if over == "pixels":
        return (config.scene_hash, config.split.hash)
    return (config.split.protocol, *((config.scene_hash,) if over == "splits" else ()))


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
