"""Runs compared over what was repeated: splits of one scene, or scenes."""

from collections.abc import Sequence
from typing import Literal

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments.comparison_groups import by_configuration, compare_groups, refuse_unlike
from workbench.experiments.comparison_groups_result import GroupComparison
from workbench.experiments.comparison_scenes import SceneComparison, by_scene, compare_scenes
from workbench.experiments.run import as_run
from workbench.runs import RunFolder


def compare_across(
    runs: Sequence[RunFolder | str], over: Literal["splits", "scenes"] = "splits", score: str = "oa"
) -> GroupComparison | SceneComparison:
    """Sort runs into configurations and compare these over splits, or over scenes.

    Args:
        runs: Runs or their ids, each counted once.
        over: `splits` of one scene, by Wilcoxon's test (`compare_groups`), or `scenes`, by Friedman's (`compare_scenes`).
        score: What is tested: `oa`, `aa`, `kappa` or `miou`.

    Raises:
        WorkbenchError: The runs cannot be compared so; see `compare_groups` and `compare_scenes`.
        UnknownNameError: There is no such run, score or way.
    """
    opened = list({run.id: run for run in map(as_run, runs)}.values())
    opened.sort(key=lambda run: (run.config.scene, run.config.split.protocol, run.config.split.seed, run.config.seed))
    if not opened:
        raise WorkbenchError("While comparing runs: give the ids of two runs or more. `workbench runs` lists them.")
    if over == "scenes":
        return compare_scenes(by_scene(opened), score)
    if over != "splits":
        raise UnknownNameError("way to compare", over, ("splits", "scenes"))
    # before they are named: names are made from what differs, and scenes must not
    refuse_unlike(
        {"all": opened}, "Compare models across scenes by `workbench compare --over scenes` (compare_scenes)."
    )
    return compare_groups(by_configuration(opened), score)
