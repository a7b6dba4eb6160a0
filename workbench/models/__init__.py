"""Floor 3: published networks and pixel-wise baselines behind one contract, and what feeds them."""

from workbench.models.contract import FusionModel, FusionOutput, Model
from workbench.models.registry import create_model, list_models, model_class, resolve_options

__all__ = [
    "RESULT_VERSION",
    "FusionModel",
    "FusionOutput",
    "Model",
    "create_model",
    "list_models",
    "model_class",
    "resolve_options",
]

RESULT_VERSION = 3
"""Raised when a change in this room changes the figures of a run."""
