"""Houston 2013: University of Houston campus, IEEE GRSS Data Fusion Contest 2013; hyperspectral and LiDAR.

Counts per class were counted in masks and agree with published tables. The full list of band centres is documented only
in the provider's own header (364.0 to 1046.1 nm, about 4.75 nm apart, not evenly): other packagings have none.
"""

from workbench.scenes.catalogue.entry import Download
from workbench.scenes.catalogue.recipe import Facts, Part, Recipe, Sensor, Truth, scene_entry
from workbench.scenes.classes import ClassTable

FACTS = Facts(
    shape=(349, 1905),
    sensors={
        "hsi": Sensor(144, "radiance", "", date="2012-06"),
        "lidar": Sensor(1, "elevation", "m", date="2012-06"),
        "msi": Sensor(8, "unknown"),
    },
    classes=ClassTable.from_names(
        (
            "Healthy grass", "Stressed grass", "Synthetic grass", "Trees", "Soil", "Water", "Residential", "Commercial",
            "Road", "Highway", "Railway", "Parking lot 1", "Parking lot 2", "Tennis court", "Running track",
        )
    ),
    train=(198, 190, 192, 188, 186, 182, 196, 191, 193, 191, 181, 192, 184, 181, 187),
    test=(1053, 1064, 505, 1056, 1056, 143, 1072, 1053, 1059, 1036, 1054, 1041, 285, 247, 473),
)  # fmt: skip

CONTEST = "2013_IEEE_GRSS_DF_Contest"
PATCHES = (
    "it holds patches cut around the labelled pixels, not the scene, which cannot be put together from them. Get one of "
    "the packagings that hold whole arrays, such as HSI.mat, LiDAR.mat, TRLabel.mat and TSLabel.mat."
)

RECIPES = (
    Recipe(
        "contest",
        "IEEE GRSS / University of Houston",
        {
            "hsi": Part((f"{CONTEST}_CASI.tif",), header=f"{CONTEST}_CASI.hdr"),
            "lidar": Part((f"{CONTEST}_LiDAR.tif",)),
        },
        Truth(
            train=(f"{CONTEST}_Samples_TR.txt", f"{CONTEST}_Samples_TR.tif"),
            test=(f"{CONTEST}_Samples_VA.txt", f"{CONTEST}_Samples_VA.tif"),
        ),
        "The contest's zip has its test labels only as binary ENVI regions (Samples_VA.zip): put a text export of them, "
        f"{CONTEST}_Samples_VA.txt, or the label raster {CONTEST}_Samples_VA.tif beside the other files.",
    ),
    Recipe(
        "one file (FusAtNet)",
        "authors of FusAtNet",
        {"hsi": Part(("houston2013.mat:hsi",)), "lidar": Part(("houston2013.mat:lidar",), unit="")},
        Truth(train=("houston2013.mat:train",), test=("houston2013.mat:test",)),
    ),
    Recipe(
        "TRLabel and TSLabel",
        "likyoo toolkit, houston2013-mmr",
        {"hsi": Part(("HSI.mat:HSI",)), "lidar": Part(("LiDAR.mat:LiDAR",), unit="")},
        Truth(train=("TRLabel.mat:TRLabel",), test=("TSLabel.mat:TSLabel",), labels=("gt.mat:gt",)),
    ),
    Recipe(
        "TR, TE and masks",
        "mirrors",
        {"hsi": Part(("HSI.mat",)), "lidar": Part(("DSM.mat",), unit="")},
        Truth(train=("TR.mat",), test=("TE.mat",), train_mask=("mask_TR.mat",), test_mask=("mask_TE.mat",)),
    ),
    Recipe(
        "Houston2013_*.mat",
        "mirrors",
        {"hsi": Part(("Houston2013_HSI.mat:HSI",)), "lidar": Part(("Houston2013_DSM.mat:DSM",), unit="")},
        Truth(train=("Houston2013_TR.mat:TR_map",), test=("Houston2013_TE.mat:TE_map",)),
    ),
    Recipe(
        "HS-LiDAR (ExViT)",
        "authors of ExViT",
        {"hsi": Part(("data_HS_HR.mat:data_HS_HR",)), "lidar": Part(("data_DSM_HR.mat:DSM",), unit="")},
        Truth(train=("TrainImage.mat:TrainImage",), test=("TestImage.mat:TestImage",)),
    ),
    Recipe(
        "HS-MS (S2FL)",
        "authors of S2FL",
        {
            "hsi": Part(("data_HS_LR.mat:data_HS_LR",), original=False),
            "msi": Part(("data_MS_HR.mat:data_MS_HR",), original=False),
        },
        Truth(train=(f"{CONTEST}_Samples_TR.tif",), test=(f"{CONTEST}_Samples_VA.tif",)),
        "There is NO LiDAR in this packaging: hsi was degraded to 10 m and resampled, msi is eight bands simulated from "
        "the hyperspectral image. Scores on it are not those of hyperspectral and LiDAR.",
    ),
    Recipe(
        "index lists (OUC)",
        "OUC loaders",
        {
            "hsi": Part(("houston_hsi.mat:houston_hsi", "houston_hsi.mat")),
            "lidar": Part(("houston_lidar.mat:houston_lidar", "houston_lidar.mat"), unit=""),
        },
        Truth(
            labels=("houston_gt.mat:houston_gt", "houston_gt.mat"),
            train_index=("houston_index.mat:houston_train",),
            test_index=("houston_index.mat:houston_test",),
        ),
    ),
    Recipe(
        "features (EndNet, MDL-RS)",
        "authors of EndNet and MDL-RS",
        files=("HSI_TrSet.mat", "HSI_TeSet.mat", "LiDAR_TrSet.mat", "LiDAR_TeSet.mat"),
        refusal="it holds spectra and attribute profiles of the labelled pixels, without their places, and not the DSM "
        "itself: no scene can be made of them. Get one of the packagings that hold whole arrays, such as HSI.mat, "
        "LiDAR.mat, TRLabel.mat and TSLabel.mat.",
    ),
    Recipe(
        "patches (MFT)",
        "authors of MFT",
        files=("HSI_Tr.mat", "LIDAR_Tr.mat", "HSI_Te.mat", "LIDAR_Te.mat", "TrLabel.mat", "TeLabel.mat"),
        refusal=PATCHES,
    ),
)

ENTRY = scene_entry(
    name="houston2013",
    description="University of Houston campus at 2.5 m, 2012: hyperspectral (144 bands) and LiDAR, 15 classes.",
    licence="free for research with acknowledgement of GRSS DFTC, NCALM and the University of Houston; not an open "
    "licence, do not redistribute",
    citation="2013 IEEE GRSS Data Fusion Contest; Hyperspectral Image Analysis Laboratory and NCALM, University of "
    "Houston; Debes et al., IEEE JSTARS 7(6), 2014",
    how_to_get="Get 2013_DFTC.zip from the page '2013 IEEE GRSS Data Fusion Contest' of the University of Houston "
    "(machinelearning.ee.uh.edu), then run `workbench import houston2013 --from FOLDER`.",
    facts=FACTS,
    recipes=RECIPES,
    note="A cloud shadow covers the eastern part, mostly in test pixels. The scene has 349 rows; '340' in a paper is a "
    "misprint.",
    downloads=(
        Download(
            "",
            "2013_DFTC.zip",
            "sha256:f4d619d5cbcb09d0301038f1b8fe83def6c2d484334b7b8127740a00ecf7e245",
            unpack=True,
            note="from the contest's page, after agreeing to its terms",
        ),
    ),
)
