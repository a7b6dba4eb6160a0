"""Floor 1: what a scene is; readers, catalogue, import and alignment, the synthetic scene."""

from workbench.scenes.classes import ClassEntry, ClassTable
from workbench.scenes.draft import TileDraft
from workbench.scenes.modality import ModalityInfo
from workbench.scenes.scene import Collection, Scene
from workbench.scenes.store import SceneSummary, list_scenes, open_scene, write_scene

__all__ = [
    "ClassEntry",
    "ClassTable",
    "Collection",
    "ModalityInfo",
    "Scene",
    "SceneSummary",
    "TileDraft",
    "list_scenes",
    "open_scene",
    "write_scene",
]
