"""An interactive, notebook-driven analysis workbench for multimodal remote sensing."""

__version__ = "0.1.0"
