"""Floor 2: split protocols, the audit of leakage, and the controls that see no image."""

from workbench.splits.audit import Audit
from workbench.splits.make import make_split
from workbench.splits.split import Sample, Split

__all__ = ["Audit", "Sample", "Split", "make_split"]
