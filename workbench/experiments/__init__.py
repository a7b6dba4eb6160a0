"""Floor 5: the verbs (train, evaluate, map) that tie the rooms below together."""

from workbench.experiments.across import compare_across
from workbench.experiments.area import score_sample
from workbench.experiments.compare import compare_modalities
from workbench.experiments.comparison import Comparison, compare_runs
from workbench.experiments.comparison_groups import compare_groups
from workbench.experiments.comparison_groups_result import GroupComparison
from workbench.experiments.comparison_scenes import SceneComparison, compare_scenes
from workbench.experiments.error_analysis import ErrorAnalysis
from workbench.experiments.errors import analyse_errors
from workbench.experiments.evaluate import evaluate
from workbench.experiments.export import export_onnx, onnx_facts
from workbench.experiments.maps import map_scene
from workbench.experiments.minimal import minimal_supervision
from workbench.experiments.modalities import ModalityTable, modality_table
from workbench.experiments.run import Run, open_run
from workbench.experiments.sampling import sample_map
from workbench.experiments.sweep import sweep
from workbench.experiments.sweep_result import Sweep
from workbench.experiments.train import train

__all__ = [
    "Comparison",
    "ErrorAnalysis",
    "GroupComparison",
    "ModalityTable",
    "Run",
    "SceneComparison",
    "Sweep",
    "analyse_errors",
    "compare_across",
    "compare_groups",
    "compare_modalities",
    "compare_runs",
    "compare_scenes",
    "evaluate",
    "export_onnx",
    "map_scene",
    "minimal_supervision",
    "modality_table",
    "onnx_facts",
    "open_run",
    "sample_map",
    "score_sample",
    "sweep",
    "train",
]
