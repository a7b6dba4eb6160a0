"""The control that sees spectra and nothing else: a random forest on single pixels, computed once per split and kept.

A network that scores no better has learnt nothing from neighbours, height or radar. The controls that see no image at all
are in `splits.control`.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.analysis import confusion_matrix, scores
from workbench.base.errors import WorkbenchError
from workbench.base.files import read_json, write_json
from workbench.base.hashing import hash_arrays, hash_json
from workbench.base.roots import runs_root
from workbench.jobs import file_lock
from workbench.models import create_model
from workbench.models.pixel_model import PixelModel
from workbench.models.svm import thinned
from workbench.scenes import Collection, Scene
from workbench.spectra.sampling import read_pixels
from workbench.splits import Sample, Split

VERSION = 1
"""Raised when a change in this file changes the figures."""

SPECTRAL = ("hsi", "msi", "rgb")  # who is the spectrum, the richest first
TREES = 100  # the model's own 500 take five times as long
TRAINED, TESTED = 10_000, 100_000  # pixels at most, drawn class by class
KEYS = ("oa", "aa", "kappa")

_made: dict[str, "SpectrumOnly"] = {}  # of this process, by key


@dataclass(frozen=True)
class SpectrumOnly:
    """What a random forest on spectra alone scores on the test pixels of a split.

    Attributes:
        scores: `oa`, `aa` and `kappa`, as shares; None where there is nothing to score.
        how: What it saw and what it was scored on, or why there is no score.
    """

    scores: dict[str, float] | None
    how: str


def spectral_modality(scene: Scene | Collection) -> str | None:
    """The modality that is taken for the spectrum: `hsi`, else `msi`, else `rgb`, else the one of most documented bands."""
    for name in SPECTRAL:
        if name in scene.modalities:
            return name
    with_waves = [name for name in scene.modalities if scene.info(name).wavelengths]
    return max(with_waves, key=lambda name: scene.info(name).bands, default=None)


def spectrum_only(scene: Scene | Collection, split: Split) -> SpectrumOnly:
    """The control of a split, from the folder `controls` of the runs root where it was kept, else computed and kept there.

    It is the model `random_forest` on the raw bands of `spectral_modality` (a forest does not ask for scaling) with seed 0,
    100 trees, and at most 10,000 training and 100,000 test pixels, drawn class by class; validation is not used. A file
    that is damaged is made anew. Where nothing may be written, nothing is kept.

    Args:
        scene: The scene.
        split: Its split.
    """
    labels = hash_arrays([split.train.labels, split.test.labels])
    request = [VERSION, TREES, TRAINED, TESTED, scene.content_hash, split.hash, split.classes, labels]
    key = hash_json(request)
    path = runs_root() / "controls" / f"{key[:16]}.json"
    found = _kept(path, key)
    if found is not None:
        return found
    try:
        with file_lock(path.with_name(f".{path.stem}.lock"), f"the control {path.stem}"):
            found = _kept(path, key) or _made.get(key) or _computed(scene, split)
            _made[key] = found
            write_json(path, {"key": key, **asdict(found)}, "keeping a control")
    except WorkbenchError:  # such as a runs root that is only to be read
        found = _made[key] = _made.get(key) or _computed(scene, split)
    return found


def _kept(path: Path, key: str) -> SpectrumOnly | None:
    try:
        values = read_json(path)
        told: dict[str, Any] | None = values["scores"]
        if values["key"] != key or not isinstance(values["how"], str):
            return None
        return SpectrumOnly(None if told is None else {name: float(told[name]) for name in KEYS}, values["how"])
    except (WorkbenchError, KeyError, TypeError, ValueError):
        return None


def _computed(scene: Scene | Collection, split: Split) -> SpectrumOnly:
    name = spectral_modality(scene)
    if name is None:
        return SpectrumOnly(None, "the scene has no spectral modality (hsi, msi, rgb, or one with wavelengths)")
    sides = []
    for side, most in (("train", TRAINED), ("test", TESTED)):
        sample: Sample = split.sides[side]
        chosen = thinned(np.searchsorted(split.classes, sample.labels), most, 0)
        values = read_pixels(scene, name, sample.positions[chosen].astype(np.int64))
        whole = np.isfinite(values).all(axis=1)
        sides.append((values[whole], sample.labels[chosen][whole], len(sample)))
    (features, labels, trained), (asked, wanted, tested) = sides
    if len(np.unique(labels)) < 2 or not len(wanted):
        return SpectrumOnly(
            None,
            f"{name} has data in every band at {len(labels)} training pixels of {len(np.unique(labels))} class(es) and at "
            f"{len(wanted)} test pixels: too few",
        )
    forest = create_model("random_forest", {"hsi": features.shape[1]}, len(split.classes), trees=TREES)
    assert isinstance(forest, PixelModel)
    forest.fit(features, np.searchsorted(split.classes, labels).astype(np.int64))
    predicted = np.asarray(split.classes)[forest.scores(asked).argmax(1)]
    result = scores(confusion_matrix(wanted, predicted, split.classes), split.classes)
    how = (
        f"random forest of {TREES} trees on the {features.shape[1]} bands of {name} at single pixels; trained on "
        f"{_share(len(labels), trained)} training pixels, scored on {_share(len(wanted), tested)} test pixels"
    )
    return SpectrumOnly({key: float(getattr(result, key)) for key in KEYS}, how)


def _share(used: int, of: int) -> str:
    return f"{used:,}" if used == of else f"{used:,} of {of:,}"
