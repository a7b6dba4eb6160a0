"""Berlin (HS-SAR, S2FL): simulated EnMAP and Sentinel-1.

The arrays have 1723 rows and 476 columns: a loader's metadata has them swapped. Counts per class were not counted in
the files; their sums (2820 and 461851) were.
"""

from workbench.scenes.catalogue.recipe import Facts, Part, Recipe, Sensor, Truth, scene_entry
from workbench.scenes.catalogue.sar import SENTINEL1, SENTINEL1_NOTE
from workbench.scenes.classes import ClassTable

FACTS = Facts(
    shape=(1723, 476),
    sensors={"hsi": Sensor(244, "unknown"), "sar": SENTINEL1},
    classes=ClassTable.from_names(
        (
            "Forest", "Residential area", "Industrial area", "Low plants", "Soil", "Allotment", "Commercial area",
            "Water",
        )
    ),
    train=(443, 423, 499, 376, 331, 280, 298, 170),
    test=(54511, 268219, 19067, 58906, 17095, 13025, 24526, 6502),
    unverified="training and test pixels class by class (their sums, 2820 and 461851, are)",
)  # fmt: skip

RECIPES = (
    Recipe(
        "HS-SAR (S2FL)",
        "ISPRS_S2FL repository (Google Drive, Baidu)",
        {"hsi": Part(("data_HS_LR.mat:data_HS_LR",)), "sar": Part(("data_SAR_HR.mat:data_SAR_HR",))},
        Truth(train=("TrainImage.mat:TrainImage",), test=("TestImage.mat:TestImage",), labels=("GT.mat",)),
    ),
    Recipe(
        "index lists (OUC)",
        "OUC loaders",
        {
            "hsi": Part(("berlin_hsi.mat:berlin_hsi", "berlin_hsi.mat")),
            "sar": Part(("berlin_sar.mat:berlin_sar", "berlin_sar.mat")),
        },
        Truth(
            labels=("berlin_gt.mat:berlin_gt", "berlin_gt.mat"),
            train_index=("berlin_index.mat:berlin_train",),
            test_index=("berlin_index.mat:berlin_test",),
        ),
    ),
)

ENTRY = scene_entry(
    name="berlin",
    description="Berlin at 13.9 m: simulated EnMAP (244 bands, 30 m resampled) and Sentinel-1, 8 classes.",
    licence="Berlin-Urban-Gradient is CC BY-SA 4.0 according to a third party's catalogue (not verified); labels from "
    "OpenStreetMap (ODbL)",
    citation="Okujeni, van der Linden, Hostert, Berlin-Urban-Gradient dataset 2009, GFZ Data Services, "
    "doi:10.5880/enmap.2016.008; Hong et al. (S2FL), ISPRS J. 178, 2021",
    how_to_get="Get 'HS-SAR Berlin' through the README of the ISPRS_S2FL repository, then run `workbench import berlin "
    "--from FOLDER`.",
    facts=FACTS,
    recipes=RECIPES,
    note=f"{SENTINEL1_NOTE} 58 % of the test pixels are residential: look at the average accuracy. Not georeferenced (the "
    "originals are in UTM 33N); the hyperspectral image was resampled from 30 m by nearest neighbour.",
)
