"""A trained run that can answer: load its network, show its attention, predict a scene."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.experiments.devices import resolve_device
from workbench.experiments.inputs import RunInputs
from workbench.explain import AttentionResult, attention_at
from workbench.mapping import Predictor
from workbench.models import FusionModel, Model, create_model, model_class
from workbench.models.ensemble import Ensemble
from workbench.models.turned import Turned
from workbench.runs import RunFolder, open_run_folder
from workbench.runs.folder import AGAIN
from workbench.scenes import ClassTable, Collection, Scene, open_scene
from workbench.splits import Split


@dataclass(frozen=True)
class Run(RunFolder):
    """A run folder whose model can be used."""

    @property
    def split(self) -> Split:
        """The split it was trained and scored with.

        Raises:
            WorkbenchError: It is missing or damaged.
        """
        try:
            return Split.load(self.path / "split.npz")
        except WorkbenchError as error:
            raise WorkbenchError(f"Run {self.id} has lost its split: {error} {AGAIN}") from error

    @property
    def scene(self) -> Scene | Collection:
        """The scene it was trained on: under its name, or where it lay at the training.

        Raises:
            UnknownNameError: The scene is gone.
            WorkbenchError: The scene has changed since.
        """
        name, address = self.config.scene, RunInputs.load(self.path).address
        gone = None
        for place in filter(None, dict.fromkeys((name, address))):
            try:
                found = open_scene(place)
            except WorkbenchError as error:
                gone = gone or error
                continue
            for scene in (found, *found.scenes):  # a tile of a collection may have been trained on alone
                if scene.content_hash == self.config.scene_hash:
                    return scene
            gone = WorkbenchError(
                f"Scene {name!r} has changed since run {self.id} was trained on it. Train again, or import the scene "
                "as it was under another name."
            )
        assert gone is not None  # there is at least one place
        raise gone

    @property
    def test_scores(self) -> dict[str, Any]:
        """Its scores on the test pixels, as `metrics` has them.

        Raises:
            WorkbenchError: It is not finished, or no test pixel has data in every modality.
        """
        test = self.metrics["test"]
        if test is None:
            raise WorkbenchError(
                f"Run {self.id} has no scores: no test pixel has data in every modality. Leave it out."
            )
        return dict(test)

    @property
    def complete(self) -> bool:
        """Whether training and evaluation are done and everything promised is there and can be read."""
        try:
            if not self.finished:
                return False
            _ = self.config, self.split, self.class_table, self.history, self.predictions, RunInputs.load(self.path)
            return self.kind.can_be_read(self.kept)
        except (WorkbenchError, OSError):
            return False

    @property
    def kind(self) -> type[Model]:
        """The class of its model."""
        return model_class(self.config.model)

    @property
    def kept(self) -> Path:
        """The file of what was learnt: weights of a network, or a scikit-learn model."""
        return self.path / self.kind.kept_as

    @property
    def classes(self) -> tuple[int, ...]:
        """Class value of each output."""
        return self.class_table.values

    @property
    def class_table(self) -> ClassTable:
        """Value, name and colour of each output, as they were in the scene of the training."""
        try:
            return ClassTable.from_json(self.metrics["classes"])
        except (KeyError, TypeError) as error:
            raise WorkbenchError(f"{self.path / 'metrics.json'} names no classes. {AGAIN}") from error

    def predictor(self, device: str = "auto", tta: bool | None = None) -> Predictor:
        """The trained model, or the ensemble of them, with its scaling.

        Args:
            device: Where to compute.
            tta: Whether to answer by the mean over the eight turns of the square, at eight times the arithmetic; None is
                as the run was scored.

        Raises:
            WorkbenchError: The run is not trained, its weights are damaged, or its model cannot run on the device.
        """
        if not self.kept.is_file():
            raise WorkbenchError(self.lacks("trained model"))
        config, inputs = self.config, RunInputs.load(self.path)
        bands = {role: sum(inputs.modalities[n].bands for n in names) for role, names in config.inputs.items()}
        classes = self.split.classes
        with torch.random.fork_rng():
            networks = [
                create_model(config.model, bands, len(classes), config.width, **config.options)
                for _ in range(config.members)
            ]
        model = (
            networks[0]
            if config.members == 1
            else Ensemble([network for network in networks if isinstance(network, FusionModel)])
        )
        try:
            model.load(self.kept)
        except WorkbenchError as error:
            raise WorkbenchError(f"The model of run {self.id} cannot be used: {error}. {AGAIN}") from error
        model.place(resolve_device(device, self.kind.devices))
        if config.tta if tta is None else tta:
            self.kind.check_settings(tta=True)
            assert isinstance(model, FusionModel)  # all others refuse
            model = Turned(model)
        return Predictor(
            model, config.inputs, inputs.band_scaling(), np.array(classes, np.uint16), config.view, config.precision
        )

    def attention(
        self,
        x: float | None = None,
        y: float | None = None,
        *,
        row: int | None = None,
        col: int | None = None,
        tile: int | str = 0,
        device: str = "auto",
    ) -> AttentionResult:
        """What the network attended to at one pixel, given by map coordinates or by row and column.

        Args:
            x: Map x (or column, where the scene has no georeference).
            y: Map y (or row).
            row: Row from 0, instead of `y`.
            col: Column from 0, instead of `x`.
            tile: Number or name of the tile.
            device: Where to compute.

        Raises:
            WorkbenchError: Neither or both ways are given, or the pixel lies outside the tile.
        """
        scene = self.scene
        chosen = _tile(scene, tile)
        if x is not None and y is not None and row is None and col is None:
            row, col = chosen.pixel_of(x, y)
        elif x is not None or y is not None:
            row = None  # named in two ways
        if row is None or col is None:
            raise WorkbenchError("Name one pixel: either x and y, or row and col.")
        run = self.predictor(device)
        classes = tuple(int(value) for value in run.classes)
        return attention_at(run.model, chosen, run.roles, run.scaling, classes, row, col, run.view)

    def predict(
        self, scene: str | Path | None = None, without: Sequence[str] = (), tta: bool | None = None
    ) -> dict[str, NDArray[np.uint16]]:
        """Class maps as arrays.

        Args:
            scene: Name or path of a scene; None is the scene of the training. It is mapped first if need be.
            without: Modalities that are left out; see `map_scene`.
            tta: Whether by test-time augmentation; None is as the run was scored.

        Returns:
            Per tile uint16 `(rows, cols)`: class values, 0 where there is no data.
        """
        import rasterio

        from workbench.experiments.maps import map_scene

        arrays: dict[str, Any] = {}
        for name, path in map_scene(self, scene, without=without, tta=tta).items():
            try:
                with rasterio.open(path) as raster:
                    arrays[name] = raster.read(1).astype(np.uint16)
            except rasterio.RasterioIOError as error:
                raise WorkbenchError(f"The class map {path} is damaged: {error}. Remove it and map again.") from error
        return arrays


def _tile(scene: Scene | Collection, tile: int | str) -> Scene:
    names = [part.name for part in scene.scenes]
    if isinstance(tile, str):
        if tile not in names:
            raise UnknownNameError(f"tile of {scene.name!r}", tile, names)
        return scene.scenes[names.index(tile)]
    if not 0 <= tile < len(names):
        raise WorkbenchError(f"{scene.name!r} has the tiles 0 to {len(names) - 1}, not {tile}.")
    return scene.scenes[tile]


def as_run(run: RunFolder | str) -> Run:
    """A run that can answer, from one of `list_runs()` or from its id; see `open_run`."""
    if isinstance(run, Run):
        return run
    return Run(run.path) if isinstance(run, RunFolder) else open_run(run)


def open_run(name: str) -> Run:
    """Open a run by its id, the beginning of its id, or the beginning of its hash.

    Raises:
        UnknownNameError: There is no such run.
        WorkbenchError: Several runs begin so.
    """
    return Run(open_run_folder(name).path)
