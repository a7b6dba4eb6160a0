"""What the pixel-wise baselines share: one view without neighbours, a scikit-learn classifier, kept without pickle."""

import zipfile
from abc import abstractmethod
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.base.errors import WorkbenchError
from workbench.base.files import atomic_file
from workbench.base.hashing import hash_arrays, hash_json
from workbench.models.contract import FusionOutput, Model, View
from workbench.runs.config import Recipe

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
LEAST = 1e-12  # probabilities below have the logarithm of this
LEAD = 2e-6  # by which the answer leads, so that it stays the answer in single precision


class PixelModel(Model):
    """A classifier of single pixels: the scaled bands of its roles, stacked, are its features.

    It answers as a network does in its one view: `(B, C, 1, 1)` by role to `(B, K)`. Its logits are logarithms of
    class probabilities, so that a softmax gives them back, and the largest is the class that the classifier predicts.
    It stands on the CPU, and uses as many threads as torch does.

    Args:
        inputs: Bands of `hsi`, and of `aux` unless spectra are all it shall see.
        classes: Number of classes.
        width: 1.0: there are no channels to scale.
        **options: Of the classifier; each model names its own.

    Raises:
        WorkbenchError: The width is another.
    """

    roles = ("hsi", "aux")
    spare_roles = ("aux",)
    views = ("pixel",)
    patch_size = 11  # for splits only: that of the networks, so that all are scored on the same pixels
    recipes: ClassVar[dict[str, Recipe]] = {}
    needs: ClassVar[dict[str, Any]] = {"epochs": 1, "steps": None, "augment": "none"}
    recipe_fields = ("scaling", "scaling_from")
    fixed: ClassVar[Mapping[str, Any]] = {
        "width": 1.0,
        "precision": "32-true",
        "compile": False,
        "members": 1,
        "tta": False,
        "init": None,
    }
    devices = ("cpu",)
    kept_as = "model.skops"
    made_by: ClassVar[str]  # class of the classifier
    trusted: ClassVar[tuple[str, ...]] = ()  # types in its file beside those that skops trusts by itself

    def __init__(self, inputs: Mapping[str, int], classes: int, width: float = 1.0, **options: float) -> None:
        super().__init__(inputs, classes, width)
        self.check_settings(width=width)
        self.options = options
        self.classifier: Any = None
        self.fitted_on = ""  # hash of features, targets, options and seed
        self.told: dict[str, Any] = {}  # what the fitting came to

    def __call__(self, inputs: Mapping[str, Tensor], view: View = "pixel", attention: bool = False) -> FusionOutput:
        """Answer for pixels; there is no attention.

        Args:
            inputs: One float tensor per role, `(B, bands, 1, 1)`.
            view: `pixel`.
            attention: As of networks.

        Raises:
            WorkbenchError: A role is absent, band counts, sizes or the view do not fit, or it was not fitted yet.
        """
        self._check(inputs, view)
        stacked = torch.cat([inputs[role] for role in self.roles if role in self.inputs], 1)
        return FusionOutput(torch.from_numpy(self.scores(stacked[:, :, 0, 0].float().cpu().numpy())))

    def scores(self, features: Floats) -> Floats:
        """Logarithms of class probabilities, float32 `(n, K)`, of features `(n, C)`.

        Raises:
            WorkbenchError: It was not fitted yet.
        """
        if self.classifier is None:
            raise WorkbenchError(f"{type(self).__name__} was asked for an answer before it was fitted. Train it first.")
        if not len(features):
            return np.empty((0, self.classes), np.float32)
        out = np.full((len(features), self.classes), LEAST)
        out[:, self.classifier.classes_] = self.probabilities(features).clip(LEAST)
        logits: Floats = np.log(out).astype(np.float32)
        answer = (np.arange(len(out)), out.argmax(1))
        others = logits.copy()
        others[answer] = -np.inf
        logits[answer] = np.maximum(logits[answer], others.max(1) + np.float32(LEAD))
        return logits

    def probabilities(self, features: Floats) -> NDArray[Any]:
        """Class probabilities `(n, K')` of the fitted classifier, in the order of its `classes_`.

        The pixels are shared out to threads, not the parts of a classifier: sums keep their order, so that figures
        repeat.
        """
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            pieces = np.array_split(features, min(torch.get_num_threads(), len(features)))
            return np.concatenate(list(pool.map(self.classifier.predict_proba, pieces)))

    def fit(self, features: Floats, targets: Ints, seed: int = 0, units: Ints | None = None) -> None:
        """Fit the classifier.

        Args:
            features: float32 `(n, C)`: scaled bands, the roles in the order of `roles`.
            targets: int64 `(n,)`: class indices.
            seed: Seed of all random choices.
            units: int64 `(n,)`: block or group of each pixel, which cross-validation keeps together; None for none.

        Raises:
            WorkbenchError: The pixels do not suffice.
        """
        self.told = {"classifier": {"training_pixels": len(targets)}}
        self.classifier = self.fitted(features, targets, seed % 2**32, units)
        self.fitted_on = hash_json([type(self).__name__, self.options, seed, hash_arrays([features, targets])])

    @abstractmethod
    def fitted(self, features: Floats, targets: Ints, seed: int, units: Ints | None) -> Any:
        """A scikit-learn classifier that was fitted; more facts of it go to `told`."""

    def receptive_field(self, view: View) -> tuple[int, int]:
        """The pixel itself."""
        return 0, 0

    @property
    def device(self) -> torch.device:
        """The CPU."""
        return torch.device("cpu")

    def place(self, device: torch.device | str) -> Self:
        """Stay on the CPU."""
        return self

    def save(self, path: Path) -> None:
        """Write the classifier with skops, atomically."""
        import skops.io  # loads scikit-learn: only who needs it waits for it

        with atomic_file(path, "keeping a trained classifier") as temporary:
            kept = {"classifier": self.classifier, "fitted_on": self.fitted_on}
            skops.io.dump(kept, temporary, compression=zipfile.ZIP_DEFLATED, compresslevel=1)

    def load(self, path: Path) -> None:
        """Read a classifier; a file that holds any type but known ones is refused before one is made of it."""
        import skops.io

        try:
            kept = skops.io.load(path, trusted=list(self.trusted))
            classifier, self.fitted_on = kept["classifier"], str(kept["fitted_on"])
            bands = classifier.n_features_in_
        except Exception as error:  # skops raises what its readers meet: BadZipFile, KeyError, TypeError, ...
            raise WorkbenchError(f"{path.name} is damaged or holds what is not trusted: {error}") from error
        if type(classifier).__name__ != self.made_by or bands != sum(self.inputs.values()):
            raise WorkbenchError(
                f"{path.name} holds a {type(classifier).__name__} of {bands} features; {type(self).__name__} of "
                f"{sum(self.inputs.values())} is needed"
            )
        self.classifier = classifier

    @staticmethod
    def can_be_read(path: Path) -> bool:
        """Whether `path` is a whole archive: a truncated one has no directory at its end."""
        return zipfile.is_zipfile(path)

    def fingerprint(self) -> str:
        """Hash of what it was fitted on."""
        return self.fitted_on

    def facts(self) -> dict[str, Any]:
        """What the fitting came to. `parameters` is None: what is learnt is no list of numbers of a fixed length."""
        return {"parameters": None, **self.told}
