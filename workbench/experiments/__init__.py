"""Floor 5: the verbs (train, evaluate, map) that tie the rooms below together."""

from workbench.experiments.compare import compare_modalities
from workbench.experiments.evaluate import evaluate
from workbench.experiments.export import export_onnx, onnx_facts
from workbench.experiments.maps import map_scene
from workbench.experiments.minimal import minimal_supervision
from workbench.experiments.modalities import ModalityTable, modality_table
from workbench.experiments.run import Run, open_run
from workbench.experiments.sweep import sweep
from workbench.experiments.sweep_result import Sweep
from workbench.experiments.train import train

__all__ = [
    "ModalityTable",
    "Run",
    "Sweep",
    "compare_modalities",
    "evaluate",
    "export_onnx",
    "map_scene",
    "minimal_supervision",
    "modality_table",
    "onnx_facts",
    "open_run",
    "sweep",
    "train",
]
