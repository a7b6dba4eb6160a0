"""Floor 4: a trained network over scenes of any size."""

from workbench.mapping.geotiff import write_class_map
from workbench.mapping.stream import MapResult, Predictor, stream_classes

__all__ = ["RESULT_VERSION", "MapResult", "Predictor", "stream_classes", "write_class_map"]

RESULT_VERSION = 1
"""Raised when a change in this room changes the figures of a run."""
