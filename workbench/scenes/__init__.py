"""Floor 1: what a scene is; readers, catalogue, import and alignment, the synthetic scene."""

from workbench.scenes.align import AlignmentReport
from workbench.scenes.catalogue import import_catalogue_entry
from workbench.scenes.classes import ClassEntry, ClassTable
from workbench.scenes.draft import TileDraft
from workbench.scenes.importing import ModalitySource, import_scene
from workbench.scenes.modality import ModalityInfo
from workbench.scenes.scene import Collection, Scene
from workbench.scenes.store import SceneSummary, list_scenes, open_scene, write_scene

__all__ = [
    "AlignmentReport",
    "ClassEntry",
    "ClassTable",
    "Collection",
    "ModalityInfo",
    "ModalitySource",
    "Scene",
    "SceneSummary",
    "TileDraft",
    "import_catalogue_entry",
    "import_scene",
    "list_scenes",
    "open_scene",
    "write_scene",
]
