"""Floor 2: split protocols, the audit of leakage, and the controls that see no image."""

from workbench.splits.audit import Audit
from workbench.splits.make import make_split
from workbench.splits.masks import read_mask, split_of_codes, split_of_masks
from workbench.splits.probability import SampledAccuracy, sampled_accuracy
from workbench.splits.split import Sample, Split
from workbench.splits.windows import clear_of_training

__all__ = [
    "Audit",
    "Sample",
    "SampledAccuracy",
    "Split",
    "clear_of_training",
    "make_split",
    "read_mask",
    "sampled_accuracy",
    "split_of_codes",
    "split_of_masks",
]
