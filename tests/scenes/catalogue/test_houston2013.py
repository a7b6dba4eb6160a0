"""Every packaging of Houston 2013, in its layout: names of files and variables, types, axes."""

import numpy as np
import pytest
import rasterio

from workbench.base.errors import WorkbenchError
from workbench.scenes import AlignmentReport, import_catalogue_entry
from workbench.scenes.catalogue import CATALOGUE
from workbench.splits import make_split

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
NAME = "houston2013"
CONTEST = "2013_IEEE_GRSS_DF_Contest"
CENTRES = (364.0, 368.8, 373.6, 1041.3, 1046.1)
PLACE = {"crs": "EPSG:32615", "transform": rasterio.Affine(2.5, 0, 271460, 0, -2.5, 3290290)}


def geotiff(path, values, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    bands = values if values.ndim == 3 else values[:, :, None]
    options = {"driver": "GTiff", "dtype": bands.dtype, "count": bands.shape[2], **options}
    with rasterio.open(path, "w", height=bands.shape[0], width=bands.shape[1], **options) as file:
        file.write(np.moveaxis(bands, 2, 0))


def regions(path, plane, classes):
    """ENVI's text export: regions in the order of the classes, X and Y counted from 1."""
    lines = [f"; ENVI Output of ROIs (4.8)\n; Number of ROIs: {classes}"]
    lines.append(f"; File Dimension: {plane.shape[1]} x {plane.shape[0]}")
    for value in range(1, classes + 1):
        rows, cols = np.nonzero(plane == value)
        lines += [f";\n; ROI name: kind_{value}", "; ROI rgb value: {0, 205, 0}", f"; ROI npts: {rows.size}"]
        lines.append(";   ID     X     Y      Map X       Map Y        Lat         Lon   B1")
        lines += [
            f"{i:6d} {col + 1:5d} {row + 1:5d} 1.0 2.0 29.7 -95.3 7"
            for i, (row, col) in enumerate(zip(rows, cols, strict=True), 1)
        ]
    path.write_text("\n".join(lines) + "\n")


def contest(made):
    geotiff(made.folder / f"{CONTEST}_CASI.tif", made.arrays["hsi"], **PLACE)
    geotiff(made.folder / f"{CONTEST}_LiDAR.tif", made.arrays["lidar"], **PLACE)
    rows, cols, bands = made.arrays["hsi"].shape
    (made.folder / f"{CONTEST}_CASI.hdr").write_text(
        f"ENVI\nsamples = {cols}\nlines = {rows}\nbands = {bands}\nheader offset = 0\nfile type = TIFF\ndata type = 12\n"
        "interleave = bsq\nbyte order = 0\nwavelength units = Nanometers\n"
        f"wavelength = {{{', '.join(map(str, CENTRES))}}}\n"
    )
    regions(made.folder / f"{CONTEST}_Samples_TR.txt", made.train, 15)
    regions(made.folder / f"{CONTEST}_Samples_VA.txt", made.test, 15)


def one_file(made):
    made.mat73("houston2013.mat", **made.arrays, train=made.train.astype(float), test=made.test.astype(float))


def likyoo(made):
    made.mat("HSI.mat", HSI=made.arrays["hsi"])
    made.mat("LiDAR.mat", LiDAR=made.arrays["lidar"][:, :, 0])
    made.mat("TRLabel.mat", TRLabel=made.train.astype(np.uint8))
    made.mat("TSLabel.mat", TSLabel=made.test.astype(np.uint8))
    made.mat("gt.mat", gt=made.labels.astype(np.uint8))


def masks(made, marker=-1, kind=np.int16):
    made.mat("HSI.mat", data=made.arrays["hsi"])
    made.mat("DSM.mat", dsm=made.arrays["lidar"][:, :, 0])
    for side, plane in (("TR", made.train), ("TE", made.test)):
        made.mat(f"{side}.mat", anything=np.where(made.labels > 0, made.labels, marker).astype(kind))
        made.mat(f"mask_{side}.mat", mask=(plane > 0).astype(np.uint8))


def masks_cast(made):
    masks(made, 65535, np.uint16)


def masks_from_zero(made):
    masks(made)
    for side in ("TR", "TE"):  # -1 unlabelled, classes 0 to 14
        made.mat(f"{side}.mat", anything=(made.labels - 1).astype(np.int16))


def prefixed(made):
    made.mat("Houston2013_HSI.mat", HSI=made.arrays["hsi"])
    made.mat("Houston2013_DSM.mat", DSM=made.arrays["lidar"][:, :, 0])
    made.mat("Houston2013_TR.mat", TR_map=made.train)
    made.mat("Houston2013_TE.mat", TE_map=made.test)


def exvit(made):
    made.mat("data_HS_HR.mat", data_HS_HR=made.arrays["hsi"])
    made.mat("data_DSM_HR.mat", DSM=made.arrays["lidar"][:, :, 0])
    made.mat("TrainImage.mat", TrainImage=made.train.astype(float))
    made.mat("TestImage.mat", TestImage=made.test.astype(float))


def s2fl(made):
    made.mat("data_HS_LR.mat", data_HS_LR=made.arrays["hsi"])
    made.mat("data_MS_HR.mat", data_MS_HR=made.arrays["msi"])
    geotiff(made.folder / f"{CONTEST}_Samples_TR.tif", made.train.astype(np.uint8))
    geotiff(made.folder / f"{CONTEST}_Samples_VA.tif", made.test.astype(np.uint8))


def lists(made, base=0):
    made.mat("houston_hsi.mat", houston_hsi=made.arrays["hsi"])
    made.mat("houston_lidar.mat", houston_lidar=made.arrays["lidar"][:, :, 0])
    made.mat("houston_gt.mat", houston_gt=made.labels.astype(np.uint8))
    places = {"train": made.train > 0, "test": made.test > 0, "all": made.labels > 0}
    made.mat("houston_index.mat", **{f"houston_{side}": np.argwhere(mask) + base for side, mask in places.items()})


def lists_from_one(made):
    lists(made, 1)


def in_capitals(made):
    made.mat("hsi.MAT", hsi=made.arrays["hsi"])
    made.mat("lidar.mat", lidar=made.arrays["lidar"][:, :, 0])
    made.mat("TRlabel.mat", trlabel=made.train)
    made.mat("tslabel.mat", TSLABEL=made.test)


PACKAGINGS = {
    contest: "contest", one_file: "one file (FusAtNet)", likyoo: "TRLabel and TSLabel",
    in_capitals: "TRLabel and TSLabel", masks: "TR, TE and masks", masks_cast: "TR, TE and masks",
    masks_from_zero: "TR, TE and masks", prefixed: "Houston2013_*.mat", exvit: "HS-LiDAR (ExViT)", s2fl: "HS-MS (S2FL)",
    lists: "index lists (OUC)", lists_from_one: "index lists (OUC)",
}  # fmt: skip


@pytest.mark.parametrize(("write", "packaging"), PACKAGINGS.items(), ids=lambda item: getattr(item, "__name__", ""))
def test_every_packaging_becomes_the_same_scene(small, write, packaging):
    made = small(NAME)
    write(made)
    scene = import_catalogue_entry(NAME, made.folder)
    assert scene.attrs["packaging"] == packaging
    assert scene.shape == (12, 20)
    np.testing.assert_array_equal(scene.read("hsi"), np.moveaxis(made.arrays["hsi"], 2, 0))
    second = "msi" if write is s2fl else "lidar"
    assert scene.modalities == ("hsi", second)
    np.testing.assert_array_equal(scene.read(second), np.moveaxis(made.arrays[second], 2, 0))
    np.testing.assert_array_equal(scene.read_labels(), made.labels)
    np.testing.assert_array_equal(scene.named_splits["official"], made.codes)
    split = make_split(scene, "official", patch_size=3, validation_fraction=0)
    assert (len(split.train), len(split.test)) == ((made.train > 0).sum(), (made.test > 0).sum())
    assert scene.classes.names[:3] == ("Healthy grass", "Stressed grass", "Synthetic grass")
    assert "acknowledgement" in scene.attrs["licence"]
    assert "Houston" in scene.attrs["citation"]
    known = scene.info("hsi").wavelengths
    assert known == (CENTRES if write is contest else None)  # documented nowhere else, never invented
    assert (scene.crs is not None) == (write is contest)


def test_the_base_of_index_lists_is_found_and_said(small):
    made = small(NAME)
    lists_from_one(made)
    assert "from 1" in str(AlignmentReport.of(import_catalogue_entry(NAME, made.folder)))


def test_the_copy_without_lidar_says_so(small):
    made = small(NAME)
    s2fl(made)
    scene = import_catalogue_entry(NAME, made.folder)
    assert "NO LiDAR" in scene.attrs["note"]
    assert scene.info("hsi").quantity == "unknown"  # degraded and resampled: no radiance as the sensor measured it


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (
            ("HSI_TrSet", "HSI_TeSet", "LiDAR_TrSet", "LiDAR_TeSet", "TrLabel", "TeLabel"),
            "attribute profiles.*TRLabel.mat",
        ),
        (("HSI_Tr", "LIDAR_Tr", "HSI_Te", "LIDAR_Te", "TrLabel", "TeLabel"), "patches cut around.*TRLabel.mat"),
    ],
)
def test_features_and_patches_are_refused_with_the_reason(small, files, why):
    made = small(NAME)
    for name in files:
        made.mat(f"{name}.mat", **{name: np.ones((7, 5))})
    with pytest.raises(WorkbenchError, match=why):
        import_catalogue_entry(NAME, made.folder)


def test_the_contest_zip_alone_says_what_is_missing(small):
    made = small(NAME)
    contest(made)
    (made.folder / f"{CONTEST}_Samples_VA.txt").unlink()
    (made.folder / f"{CONTEST}_Samples_VA.zip").write_bytes(b"no archive that can be read")
    with pytest.raises(
        WorkbenchError, match=r"'contest', but .*Samples_VA.txt or .*Samples_VA.tif is missing.*binary ENVI regions"
    ):
        import_catalogue_entry(NAME, made.folder)


def test_a_header_without_wavelengths_leaves_them_unknown(small):
    made = small(NAME)
    contest(made)
    header = made.folder / f"{CONTEST}_CASI.hdr"
    header.write_text("\n".join(line for line in header.read_text().splitlines() if "wavelength" not in line) + "\n")
    scene = import_catalogue_entry(NAME, made.folder)
    assert scene.info("hsi").wavelengths is None
    assert "wavelengths are unknown" in str(AlignmentReport.of(scene))


def test_the_published_facts():
    facts = CATALOGUE[NAME].facts
    assert (sum(facts.train), sum(facts.test), sum(facts.labelled)) == (2832, 12197, 15029)
    assert (facts.shape, facts.sensors["hsi"].bands) == ((349, 1905), 144)
