"""The publications' habits, for comparison with published figures only.

Whole-scene scaling, no validation, training on all published training pixels, and the epoch that scores best on *test*,
as the released scripts of FusAtNet and of the self-looping CNN have it. The training itself never receives test labels:
it keeps the weights of some epochs, and the choice is made here, afterwards. What it flatters by is shown beside it: the
score of the last epoch.
"""

import shutil
from pathlib import Path
from typing import Any

from workbench.base.errors import WorkbenchError
from workbench.experiments.evaluate import scores_on_test
from workbench.mapping import Predictor
from workbench.models import FusionModel
from workbench.models.pixels import PixelTable
from workbench.scenes import Collection, Scene
from workbench.splits import Split, make_split
from workbench.splits.official import NAME as OFFICIAL
from workbench.training.recorder import EPOCHS

PAPER = "paper"
"""Name of the habits, in the place of a protocol."""

CHOICES = 50  # epochs at most that are looked at: the weights of each lie on the disk until then
TEST_FRACTION = 0.95  # where nothing is published: 5 % train, as publications on MUUFL have it


def paper_split(scene: Scene | Collection, patch_size: int = 11, seed: int = 0, **parameters: Any) -> Split:
    """The split that a publication would have used: the published one without validation, else a random one.

    Args:
        scene: The scene.
        patch_size: Side of the window that a model will see, pixels.
        seed: Of the random split.
        **parameters: Of the protocol `official` where the scene has a published split, else of `random`, whose
            `test_fraction` is 0.95 unless given. There is no validation.

    Raises:
        WorkbenchError: A validation was asked for; or see `make_split`.
    """
    if parameters.get("validation_fraction"):
        raise WorkbenchError(
            "The protocol 'paper' has no validation, as the publications have none: leave validation_fraction out, or "
            "choose another protocol."
        )
    name = parameters.get("split", OFFICIAL)
    rule = OFFICIAL if any(name in tile.named_splits for tile in scene.scenes) else "random"
    usual = {} if rule == OFFICIAL else {"test_fraction": TEST_FRACTION}
    return make_split(scene, rule, patch_size, seed, **(usual | parameters | {"validation_fraction": 0.0}))


def kept_every(epochs: int) -> int:
    """Of how many epochs one is kept to choose from, so that there are 50 at most."""
    return -(-epochs // CHOICES)


def choose_on_test(predictor: Predictor, table: PixelTable, split: Split, folder: Path) -> dict[str, Any]:
    """Give a trained network the weights of the kept epoch that scores best on test, the first among equals.

    Args:
        predictor: The network; its weights are replaced in place.
        table: The scene.
        split: Its split.
        folder: The run's folder, with the weights of epochs that the training kept.

    Returns:
        `epoch` and its `oa`; `last_epoch` and `last_oa`; and `epochs`, a row of epoch, `oa`, `aa`, `kappa` for each that
        was kept.

    Raises:
        WorkbenchError: No epoch was kept, or its weights are damaged.
    """
    assert isinstance(predictor.model, FusionModel)
    paths = sorted((folder / EPOCHS).glob("[!.]*.safetensors"))
    if not paths:
        raise WorkbenchError(
            f"No weights of epochs are left in {folder / EPOCHS} to choose from. Remove {folder} and train again."
        )
    rows: list[dict[str, Any]] = []
    for path in paths:
        predictor.model.load(path)
        test = scores_on_test(predictor, table, split)
        rows.append({"epoch": int(path.stem), **{key: test[key] for key in ("oa", "aa", "kappa")}})
    best, last = max(rows, key=lambda row: row["oa"]), rows[-1]
    predictor.model.load(folder / EPOCHS / f"{best['epoch']:06}.safetensors")
    return {
        "epoch": best["epoch"],
        "oa": best["oa"],
        "last_epoch": last["epoch"],
        "last_oa": last["oa"],
        "epochs": rows,
    }


def remove_epochs(folder: Path) -> None:
    """Remove the weights that were not chosen."""
    shutil.rmtree(folder / EPOCHS, ignore_errors=True)
