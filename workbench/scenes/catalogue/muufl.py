"""MUUFL Gulfport: University of Southern Mississippi, Gulf Park campus; hyperspectral and LiDAR.

Class order is that of the .mat file (erratum of 2018-12-06): the PDF report has 7 and 8 swapped. Totals agree with
published splits. CASI-1500 took the image (one paper says ROSIS, wrongly).
"""

from workbench.scenes.catalogue.entry import Download
from workbench.scenes.catalogue.recipe import Facts, Part, Place, Recipe, Sensor, Truth, scene_entry
from workbench.scenes.classes import ClassTable

FACTS = Facts(
    shape=(325, 220),
    sensors={"hsi": Sensor(64, "unknown", date="2010-11-08"), "lidar": Sensor(2, "unknown", date="2010-11")},
    classes=ClassTable.from_names(
        (
            "Trees", "Mostly grass", "Mixed ground surface", "Dirt and sand", "Road", "Water", "Building shadow",
            "Buildings", "Sidewalk", "Yellow curb", "Cloth panels",
        )
    ),
    total=(23246, 4270, 6882, 1826, 6687, 466, 2233, 6240, 1385, 183, 269),
)  # fmt: skip

FILE = "muufl_gulfport_campus_1_hsi_220_label.mat"

RECIPES = (
    Recipe(
        "scene labels",
        "GatorSense/MUUFLGulfport on GitHub and Zenodo",
        {
            "hsi": Part((f"{FILE}:hsi.Data",), header=f"{FILE}:hsi.info.wavelength"),
            "lidar": Part((f"{FILE}:hsi.Lidar[0].z",)),
        },
        Truth(labels=(f"{FILE}:hsi.sceneLabels.labels",)),
        "The first and last four of the sensor's 72 bands were left out by the provider.",
        Place(f"{FILE}:hsi.Easting", f"{FILE}:hsi.Northing", "EPSG:32616"),
    ),
    Recipe(
        "training and testing maps",
        "mirrors",
        {"hsi": Part(("HSI.mat:HSI",)), "lidar": Part(("LiDAR.mat", "Lidar.mat"), bands=(2, 1))},
        Truth(
            train=("muufl_tr.mat:training_map",),
            test=("muufl_ts.mat:testing_map",),
            labels=("labels.mat:labels", "gt.mat:labels", "gt.mat"),
            split="packaged",
        ),
        "Its training pixels were drawn at random: their neighbours test.",
    ),
    Recipe(
        "patches (MFT)",
        "authors of MFT",
        files=("HSI_Tr.mat", "LIDAR_Tr.mat", "HSI_Te.mat", "LIDAR_Te.mat", "TrLabel.mat", "TeLabel.mat"),
        refusal="it holds 11 x 11 patches cut around the labelled pixels, not the scene, which cannot be put together "
        f"from them. Get {FILE} from GatorSense/MUUFLGulfport.",
    ),
)

ENTRY = scene_entry(
    name="muufl",
    description="Gulf Park campus, Mississippi, at 1 m, 2010: hyperspectral (64 bands) and LiDAR, 11 classes.",
    licence="MIT (repository), with mandatory citations",
    citation="Gader, Zare, Close, Aitken, Tuell, MUUFL Gulfport Hyperspectral and LiDAR Airborne Data Set, REP-2013-570, "
    "2013; Du and Zare, Scene Label Ground Truth Map for MUUFL Gulfport Data Set, Tech. Rep. 20170417, 2017; "
    "doi:10.5281/zenodo.1186326",
    how_to_get=f"`workbench fetch muufl` brings {FILE}; then run `workbench import muufl --from FOLDER`.",
    facts=FACTS,
    recipes=RECIPES,
    note="There is no official split; published scores draw 5 % (or 100, or 150 pixels of each class) at random, whose "
    "neighbours test.",
    downloads=(
        Download(
            f"https://github.com/GatorSense/MUUFLGulfport/raw/v0.1/MUUFLGulfportSceneLabels/{FILE}",
            FILE,
            "sha256:69420a72866dff4a858ae503e6e2981af46f406a4ad8f4dd642efa43feb59edc",
        ),
    ),
)
