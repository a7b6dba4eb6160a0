"""Houston 2018: IEEE GRSS Data Fusion Contest 2018; hyperspectral at 1 m, LiDAR and labels at 0.5 m.

The hyperspectral file has 50 layers, of which the last two are no bands. Class names and their order are verified; the
pixels per class, which were not counted in the file, add up. The training image is the part that has labels.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.scenes.catalogue.entry import CatalogueEntry, Download, Progress
from workbench.scenes.catalogue.recipe import Facts, Part, Recipe, SceneEntry, Sensor, Truth
from workbench.scenes.classes import ClassTable

if TYPE_CHECKING:
    from workbench.scenes.scene import Scene

FACTS = Facts(
    shape=(1202, 4768),
    sensors={"hsi": Sensor(48, "unknown", date="2017-02-16"), "lidar": Sensor(1, "elevation", "m", date="2017-02-16")},
    classes=ClassTable.from_names(
        (
            "Healthy grass", "Stressed grass", "Artificial turf", "Evergreen trees", "Deciduous trees", "Bare earth",
            "Water", "Residential buildings", "Non-residential buildings", "Roads", "Sidewalks", "Crosswalks",
            "Major thoroughfares", "Highways", "Railways", "Paved parking lots", "Unpaved parking lots", "Cars",
            "Trains", "Stadium seats",
        )
    ),
    total=(
        39196, 130008, 2736, 54322, 20172, 18064, 1064, 158995, 894769, 183283, 136035, 6059, 185438, 39438, 27748,
        45932, 587, 26289, 21479, 27296,
    ),
    unverified="labelled pixels class by class",
)  # fmt: skip

CONTEST, LISTS = "contest", "index lists (OUC)"

RECIPES = (
    Recipe(
        CONTEST,
        "IEEE GRSS / University of Houston",
        {
            "hsi": Part(("20170218_UH_CASI_S4_NAD83.pix",), drop_last=2),
            "lidar": Part(("UH17_GEM051.tif",)),
        },
        Truth(labels=("2018_IEEE_GRSS_DFC_GT_TR.tif",)),
        "LiDAR is UH17_GEM051.tif: the terrain model with buildings, not the first-return surface model.",
    ),
    Recipe(
        LISTS,
        "OUC loaders",
        {
            "hsi": Part(("houston_hsi.mat:houston_hsi", "houston_hsi.mat"), drop_last=2),
            "lidar": Part(("houston_lidar.mat:houston_lidar", "houston_lidar.mat"), unit=""),
        },
        Truth(
            labels=("houston_gt.mat:houston_gt", "houston_gt.mat"),
            train_index=("houston_index.mat:houston_train",),
            test_index=("houston_index.mat:houston_test",),
            split="packaged",
        ),
        "Its training pixels are believed to be 1000 of each class drawn at random (500 of water, 250 of unpaved parking "
        "lots; not verified): their neighbours test.",
    ),
)


def _bring_in(
    entry: CatalogueEntry, source: Path | None, replace: bool, progress: Progress | None, grid: str | None = None
) -> "Scene":
    from workbench.scenes.catalogue.two_grids import make_scene

    assert isinstance(entry, SceneEntry)
    assert source is not None  # `import_catalogue_entry` saw to it
    return make_scene(entry, source, replace, progress, grid)


ENTRY = SceneEntry(
    name="houston2018",
    description="University of Houston and surroundings, 2017: hyperspectral (48 bands, 1 m) and LiDAR, 20 classes.",
    licence="for registered users of the contest, who undertake to cite; not an open licence, do not redistribute",
    citation="2018 IEEE GRSS Data Fusion Contest; Xu et al., IEEE JSTARS 12(6), 2019; NCALM, University of Houston",
    how_to_get="Ask for phase2.zip on the page '2018 IEEE GRSS data fusion challenge' of the University of Houston "
    "(it wants name, affiliation and an undertaking to cite), then run `workbench import houston2018 --from FOLDER`; with "
    "`--grid labels` the scene keeps the labels' 0.5 m.",
    bring_in=_bring_in,
    downloads=(Download("", "phase2.zip", None, unpack=True, note="after registration on the contest's page"),),
    packagings=tuple(recipe.packaging for recipe in RECIPES),
    classes=FACTS.classes,
    grids={name: partial(_bring_in, grid=name) for name in ("1m", "labels")},
    facts=FACTS,
    recipes=RECIPES,
    note="The contest's test labels were never in its package: there is no official split, and papers sample from the "
    "training labels. Papers differ in the grid, too.",
)
