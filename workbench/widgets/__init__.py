"""Floor 8: controls for JupyterLab around the same views."""

from workbench.widgets.explorer import SceneExplorer

__all__ = ["SceneExplorer"]
