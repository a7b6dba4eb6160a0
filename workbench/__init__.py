"""An interactive, notebook-driven analysis workbench for multimodal remote sensing.

The names below are the public face. Each loads its room on first use, so that ``import workbench`` stays quick.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Read when torch loads OpenMP: threads that wait for each other sleep instead of spinning. On a machine that does other
# work too, narrow networks train 3 to 5 times faster so.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from workbench.base.errors import WorkbenchError as WorkbenchError
    from workbench.experiments import compare_across as compare_across
    from workbench.experiments import compare_groups as compare_groups
    from workbench.experiments import compare_runs as compare_runs
    from workbench.experiments import compare_scenes as compare_scenes
    from workbench.experiments import map_scene as map_scene
    from workbench.experiments import open_run as open_run
    from workbench.experiments import sample_map as sample_map
    from workbench.experiments import score_sample as score_sample
    from workbench.experiments.errors import analyse_errors as analyse_errors
    from workbench.experiments.evaluate import evaluate as evaluate
    from workbench.experiments.sweep import sweep as sweep
    from workbench.experiments.train import train as train
    from workbench.models import create_model as create_model
    from workbench.models import list_models as list_models
    from workbench.reports.report import report as report
    from workbench.runs import list_runs as list_runs
    from workbench.scenes import import_scene as import_scene
    from workbench.scenes import list_scenes as list_scenes
    from workbench.scenes import open_scene as open_scene
    from workbench.splits import make_split as make_split

    __version__: str

_ROOMS = {
    "WorkbenchError": "workbench.base.errors",
    "analyse_errors": "workbench.experiments",
    "compare_across": "workbench.experiments",
    "compare_groups": "workbench.experiments",
    "compare_runs": "workbench.experiments",
    "compare_scenes": "workbench.experiments",
    "create_model": "workbench.models",
    "evaluate": "workbench.experiments",
    "import_scene": "workbench.scenes",
    "list_models": "workbench.models",
    "list_runs": "workbench.runs",
    "list_scenes": "workbench.scenes",
    "make_split": "workbench.splits",
    "map_scene": "workbench.experiments",
    "open_run": "workbench.experiments",
    "open_scene": "workbench.scenes",
    "report": "workbench.reports",
    "sample_map": "workbench.experiments",
    "score_sample": "workbench.experiments",
    "sweep": "workbench.experiments",
    "train": "workbench.experiments",
}


def __getattr__(name: str) -> Any:
    """Load the room of `name` (PEP 562) and keep what it gave."""
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("fusion-workbench")
    elif name in _ROOMS:
        value = getattr(import_module(_ROOMS[name]), name)
    else:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_ROOMS, "__version__"])
