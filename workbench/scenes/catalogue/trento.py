"""Trento: farmland south of Trento, Italy; hyperspectral and LiDAR.

Totals per class were counted in two mirrors; the standard training and test counts are those of the MFT paper. Only the
ends of the spectral range and the spacing are documented (402.89 to 989.09 nm, 9.2 nm), so there are no wavelengths.
"""

from workbench.scenes.catalogue.recipe import Facts, Part, Recipe, Sensor, Truth, scene_entry
from workbench.scenes.classes import ClassTable

FACTS = Facts(
    shape=(166, 600),
    sensors={
        "hsi": Sensor(63, "unknown"),
        "lidar": Sensor(
            2, "unknown", band_names=("height above ground in m", "intensity-like layer"), first=("height", "m")
        ),
    },
    classes=ClassTable.from_names(("Apple trees", "Buildings", "Ground", "Woods", "Vineyard", "Roads")),
    train=(129, 125, 105, 154, 184, 122),
    test=(3905, 2778, 374, 8969, 10317, 3052),
)

NO_SPLIT = (
    "All labels and no split: the standard one (819 training pixels) is only in packagings with TRLabel.mat and "
    "TSLabel.mat. A random draw of as many pixels is not it."
)

RECIPES = (
    Recipe(
        "TRLabel and TSLabel",
        "EndNet link and mirrors",
        {"hsi": Part(("HSI.mat:HSI",)), "lidar": Part(("LiDAR.mat:LiDAR",), bands=(1, 2))},
        Truth(train=("TRLabel.mat:TRLabel",), test=("TSLabel.mat:TSLabel",)),
    ),
    Recipe(
        "Italy_*.mat",
        "tyust-dayu/Trento on GitHub (no licence)",
        {"hsi": Part(("Italy_hsi.mat:data",)), "lidar": Part(("Italy_lidar.mat:data",))},
        Truth(labels=("allgrd.mat:mask_test",)),
        f"{NO_SPLIT} LiDAR band 0 is height above ground in m, band 1 an intensity-like layer.",
    ),
    Recipe(
        "*_Trento.mat",
        "A-Piece-Of-Maple/TrentoDateset on GitHub (MIT on the repository) and others",
        {
            "hsi": Part(("HSI_Trento.mat:HSI_Trento",)),
            "lidar": Part(
                (
                    "Lidar_Trento.mat:Lidar_Trento",
                    "Lidar1_Trento.mat:Lidar1_Trento",
                    "Lidar1_Trento.mat:Lidar_Trento",
                    "Lidar_Trento.mat:Lidar1_Trento",
                ),
                bands=(1,),
            ),
        },
        Truth(labels=("GT_Trento.mat:GT_Trento",)),
        NO_SPLIT,
    ),
    Recipe(
        "one file",
        "mirrors",
        {
            "hsi": Part(("trento_data.mat:HSI_data",)),
            "lidar": Part(("trento_data.mat:LiDAR_data",), bands=(2, 1)),
        },
        Truth(labels=("trento_data.mat:ground",)),
        NO_SPLIT,
    ),
    Recipe(
        "features (EndNet, MDL-RS)",
        "authors of EndNet",
        files=("HSI_TrSet.mat", "HSI_TeSet.mat", "LiDAR_TrSet.mat", "LiDAR_TeSet.mat"),
        refusal="it holds spectra and attribute profiles of the labelled pixels without their places: no scene can be "
        "made of them. Get HSI.mat, LiDAR.mat, TRLabel.mat and TSLabel.mat.",
    ),
    Recipe(
        "patches (MFT)",
        "authors of MFT",
        files=("HSI_Tr.mat", "LIDAR_Tr.mat", "HSI_Te.mat", "LIDAR_Te.mat", "TrLabel.mat", "TeLabel.mat"),
        refusal="it holds 11 x 11 patches cut around the labelled pixels, not the scene, which cannot be put together "
        "from them. Get HSI.mat, LiDAR.mat, TRLabel.mat and TSLabel.mat.",
    ),
)

ENTRY = scene_entry(
    name="trento",
    description="Farmland south of Trento, Italy, at 1 m: hyperspectral (63 bands) and LiDAR, 6 classes.",
    licence="none stated: given privately by L. Bruzzone (University of Trento); one mirror states none, one MIT for its "
    "repository",
    citation="L. Bruzzone, University of Trento (no DOI)",
    how_to_get="There is no official page: get HSI.mat, LiDAR.mat, TRLabel.mat and TSLabel.mat (with the standard split) "
    "or a mirror's files (all labels, no split), then run `workbench import trento --from FOLDER`.",
    facts=FACTS,
    recipes=RECIPES,
    note="Not georeferenced: its CRS is unknown (UTM 32N is likely, not verified).",
)
