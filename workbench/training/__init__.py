"""Floor 4: Lightning task, on-device samplers, recipes."""

RESULT_VERSION = 1
"""Raised when a change in this room changes the figures of a run."""
