"""Augsburg (HS-SAR-DSM, S2FL): hyperspectral, Sentinel-1 and a surface model of the city.

Seven classes: a loader that lists eight (adding soil) names 5 to 7 wrongly. Counts per class were not counted in the
files; their sums (761 and 77533) were.
"""

from workbench.scenes.catalogue.recipe import Facts, Part, Recipe, Sensor, Truth, scene_entry
from workbench.scenes.catalogue.sar import SENTINEL1, SENTINEL1_NOTE
from workbench.scenes.classes import ClassTable

FACTS = Facts(
    shape=(332, 485),
    sensors={"hsi": Sensor(180, "unknown"), "sar": SENTINEL1, "lidar": Sensor(1, "elevation")},
    classes=ClassTable.from_names(
        ("Forest", "Residential", "Industrial", "Low plants", "Allotment", "Commercial", "Water")
    ),
    train=(146, 264, 21, 248, 52, 7, 23),
    test=(13361, 30065, 3830, 26609, 523, 1638, 1507),
    unverified="training and test pixels class by class (their sums, 761 and 77533, are)",
)

RECIPES = (
    Recipe(
        "HS-SAR-DSM (S2FL)",
        "ISPRS_S2FL repository (Google Drive, Baidu)",
        {
            "hsi": Part(("data_HS_LR.mat:data_HS_LR",)),
            "sar": Part(("data_SAR_HR.mat:data_SAR_HR",)),
            "lidar": Part(("data_DSM.mat:data_DSM",)),
        },
        Truth(train=("TrainImage.mat:TrainImage",), test=("TestImage.mat:TestImage",)),
        "The surface model (3K camera, not LiDAR) is the modality lidar: the role it plays in fusion networks.",
    ),
    Recipe(
        "index lists (OUC)",
        "OUC loaders",
        {
            "hsi": Part(("augsburg_hsi.mat:augsburg_hsi", "augsburg_hsi.mat")),
            "sar": Part(("augsburg_sar.mat:augsburg_sar", "augsburg_sar.mat")),
        },
        Truth(
            labels=("augsburg_gt.mat:augsburg_gt", "augsburg_gt.mat"),
            train_index=("augsburg_index.mat:augsburg_train",),
            test_index=("augsburg_index.mat:augsburg_test",),
        ),
        "There is no surface model in this packaging.",
    ),
    Recipe(
        "patches (MFT)",
        "authors of MFT",
        files=("HSI_Tr.mat", "SAR_Tr.mat", "HSI_Te.mat", "SAR_Te.mat", "TrLabel.mat", "TeLabel.mat"),
        refusal="it holds patches cut around the labelled pixels, not the scene, which cannot be put together from them. "
        "Get the files of 'HS-SAR-DSM Augsburg' (data_HS_LR.mat, ...).",
    ),
)

ENTRY = scene_entry(
    name="augsburg",
    description="City of Augsburg at 30 m: hyperspectral (180 bands), Sentinel-1 and surface model, 7 classes.",
    licence="'cite the paper' (the GPL-3 of the repository covers its code); the parent data set MDAS is CC BY-SA 4.0, "
    "OpenStreetMap labels ODbL",
    citation="Hong, Hu, Yao, Chanussot, Zhu, Multimodal remote sensing benchmark datasets for land cover classification "
    "with a shared and specific feature learning model (S2FL), ISPRS J. 178, 2021; MDAS, doi:10.14459/2022mp1657312",
    how_to_get="Get 'HS-SAR-DSM Augsburg' through the README of the ISPRS_S2FL repository, then run `workbench import "
    "augsburg --from FOLDER`.",
    facts=FACTS,
    recipes=RECIPES,
    note=f"{SENTINEL1_NOTE} Class 6 (commercial) has 7 training pixels: overall and average accuracy diverge. "
    "Not georeferenced.",
)
