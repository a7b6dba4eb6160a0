"""Floor 8: controls for JupyterLab around the same views."""

from workbench.widgets.explorer import SceneExplorer
from workbench.widgets.labeller import SceneLabeller

__all__ = ["SceneExplorer", "SceneLabeller"]
