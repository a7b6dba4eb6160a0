"""Floor 1: run folder, run id, configuration, status. No torch."""

from workbench.runs.config import InitConfig, Recipe, RunConfig, SplitConfig
from workbench.runs.folder import RunFolder, list_runs, open_run_folder
from workbench.runs.identity import run_id

__all__ = ["InitConfig", "Recipe", "RunConfig", "RunFolder", "SplitConfig", "list_runs", "open_run_folder", "run_id"]
