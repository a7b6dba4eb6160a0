"""Floor 1: numbers from labels and predictions. No torch, and numpy alone until a table is asked for."""

from workbench.analysis.metrics import Scores, confusion_matrix, scores

__all__ = ["Scores", "confusion_matrix", "scores"]
