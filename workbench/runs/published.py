"""Figures of publications on the scenes of the catalogue, typed from sources that were read, each with its protocol.

They are no results of this workbench, and comparable only with a run of the same protocol: most say nothing on how the epoch
was chosen, and some are of random splits. A figure that was seen only in another paper's table is not here.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """Scores of one method on one scene, in percent; None where the source gives none.

    Attributes:
        method: The method, with its inputs where they differ from hyperspectral and LiDAR (or SAR).
        model: Name of the same method in this workbench; "" where it has none.
        oa: Overall accuracy.
        aa: Average accuracy.
        kappa: Kappa, times 100.
        protocol: Split and choice of the epoch, as far as the source says.
        source: What was read.
    """

    method: str
    model: str
    oa: float
    aa: float | None
    kappa: float | None
    protocol: str
    source: str

    def cells(self) -> list[str]:
        """Overall and average accuracy and kappa as texts, in percent; a dash where the source gives none."""
        return ["-" if value is None else f"{value:.2f}" for value in (self.oa, self.aa, self.kappa)]


_MFT = "MFT paper (Roy et al., TGRS 2023), table of mean scores"
_METHODS = {
    "k-NN": "knn", "random forest": "random_forest", "SVM": "svm", "CNN1D": "", "CNN2D": "", "CNN3D": "", "RNN": "", "ViT": "",
    "SpectralFormer": "", "MFT": "mft",
}  # fmt: skip
_UNSAID = "mean of 3 runs; choice of the epoch not said"

# OA, AA and kappa of the methods above, in their order
_TABLES = {
    ("houston2013", f"published masks (2,832 / 12,197); {_UNSAID}"): (
        (73.50, 73.83, 71.94, 68.11, 71.88, 71.41, 72.31, 85.05, 76.87, 89.80),
        (75.12, 76.72, 71.16, 66.15, 70.51, 74.28, 73.30, 86.83, 77.77, 91.51),
        (71.41, 71.78, 69.67, 65.48, 69.56, 69.12, 70.14, 83.84, 75.03, 88.93),
    ),
    ("trento", f"masks of 819 / 29,395 pixels; {_UNSAID}"): (
        (93.29, 92.57, 95.33, 95.81, 96.14, 96.93, 96.43, 96.47, 93.51, 98.32),
        (90.07, 86.45, 87.72, 85.30, 87.67, 95.18, 92.38, 94.56, 86.44, 95.98),
        (91.11, 90.11, 93.76, 94.39, 94.83, 95.89, 95.21, 95.28, 91.36, 97.75),
    ),
    ("muufl", f"random 5 % / 95 %; {_UNSAID}"): (
        (76.83, 85.32, 84.24, 81.50, 83.40, 77.99, 88.79, 92.15, 88.25, 94.34),
        (51.76, 66.62, 59.83, 60.41, 63.14, 51.51, 75.84, 78.50, 68.47, 81.48),
        (68.92, 80.39, 78.80, 75.43, 77.94, 70.31, 85.18, 89.56, 84.40, 92.51),
    ),
    ("augsburg", f"masks of the source, hyperspectral and SAR; {_UNSAID}"): (
        (67.29, 85.00, 71.65, 73.96, 71.79, 83.04, 83.42, 86.10, 81.77, 90.49),
        (43.88, 54.88, 40.67, 44.21, 48.88, 50.23, 40.75, 61.14, 55.39, 60.36),
        (54.13, 78.62, 58.62, 62.20, 59.84, 75.49, 75.26, 80.06, 74.06, 86.26),
    ),
}  # fmt: skip
_ALONE = {
    "houston2013": (88.45, 90.05, 87.46), "trento": (97.76, 95.91, 97.00), "muufl": (94.18, 81.00, 92.30),
    "augsburg": (90.26, 62.78, 85.98),
}  # fmt: skip
_LOOPED = "self-looping CNN (Pande and Banerjee, Neural Networks 2023), README of its code"
_LOOPED_PROTOCOL = "published masks, presumably; epoch chosen on test"
_STUDENT = "HCT-BGC, README of its code (2026)"
_STUDENT_PROTOCOL = "published masks; epoch chosen on a validation part of training, kept apart"

_OTHERS: dict[str, tuple[Published, ...]] = {
    "houston2013": (
        Published("Coupled CNN", "", 96.03, None, None, "not said in the abstract", "Hang et al. 2020, abstract"),
        Published(
            "ExViT", "", 90.62, 91.76, 89.83, "published masks; epoch chosen on test", "ExViT, training log of its code"
        ),
        Published("self-looping CNN", "selfloop", 93.08, None, None, _LOOPED_PROTOCOL, _LOOPED),
        Published("HCT-BGC", "", 85.96, 87.17, 84.80, _STUDENT_PROTOCOL, _STUDENT),
        Published("HCT-BGC's baseline CNN", "", 84.34, None, None, _STUDENT_PROTOCOL, _STUDENT),
        Published(
            "MHST", "", 96.19, 96.80, 95.88, "RANDOM: 20 pixels per class over the whole ground truth", "MHST, logs of its code"
        ),
    ),
    "trento": (
        Published("Coupled CNN", "", 99.12, None, None, "not said in the abstract", "Hang et al. 2020, abstract"),
        Published(
            "MHST", "", 99.45, 99.09, 99.26, "RANDOM: 20 pixels per class over the whole ground truth", "MHST, logs of its code"
        ),
    ),
    "muufl": (
        Published(
            "MHST", "", 88.71, 90.08, 85.32, "RANDOM: 60 pixels per class over the whole ground truth", "MHST, logs of its code"
        ),
    ),
    "houston2018": (Published("self-looping CNN", "selfloop", 84.59, None, None, _LOOPED_PROTOCOL, _LOOPED),),
    "berlin": (Published("self-looping CNN", "selfloop", 73.21, None, None, _LOOPED_PROTOCOL, _LOOPED),),
}  # fmt: skip


def published(scene: str) -> tuple[Published, ...]:
    """Published figures on a scene of the catalogue, by its name; none for other scenes."""
    found: list[Published] = []
    for (name, protocol), (oa, aa, kappa) in _TABLES.items():
        if name == scene:
            found += [
                Published(method, model, *values, protocol, _MFT)
                for (method, model), values in zip(_METHODS.items(), zip(oa, aa, kappa, strict=True), strict=True)
            ]
            found.append(Published("MFT, hyperspectral alone", "mft", *_ALONE[name], protocol, _MFT))
    return (*found, *_OTHERS.get(scene, ()))
