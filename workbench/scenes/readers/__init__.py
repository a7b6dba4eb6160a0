"""Readers turn a file's packaging into a raster, one file each, registered by suffix."""

from workbench.scenes.readers.registry import Raster, open_raster, read_vector, split_variable

__all__ = ["Raster", "open_raster", "read_vector", "split_variable"]
