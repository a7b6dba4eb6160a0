"""A trained run that can answer: load its network, show its attention, predict a scene."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from workbench.base.errors import WorkbenchError
from workbench.experiments.devices import resolve_device
from workbench.experiments.inputs import RunInputs
from workbench.explain import AttentionResult, attention_at
from workbench.mapping import Predictor
from workbench.models import create_model
from workbench.runs import RunFolder, open_run_folder
from workbench.scenes import Collection, Scene, open_scene
from workbench.splits import Split

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Run(RunFolder):
    """A run folder whose network can be used."""

    @property
    def split(self) -> Split:
        """The split it was trained and scored with."""
        return Split.load(self.path / "split.npz")

    @property
    def scene(self) -> Scene | Collection:
        """The scene it was trained on.

        Raises:
            WorkbenchError: The scene has changed since.
        """
        scene = open_scene(self.config.scene)
        if scene.content_hash != self.config.scene_hash:
            raise WorkbenchError(
                f"Scene {self.config.scene!r} has changed since run {self.id} was trained on it. Train again, or "
                "import the scene as it was under another name."
            )
        return scene

    @property
    def classes(self) -> tuple[int, ...]:
        """Class value of each output."""
        return tuple(entry["value"] for entry in self.metrics["classes"])

    def predictor(self, device: str = "auto") -> Predictor:
        """The trained network with its scaling.

        Raises:
            WorkbenchError: The run is not trained, or its weights are damaged.
        """
        path = self.path / WEIGHTS
        if not path.is_file():
            raise WorkbenchError(f"Run {self.id} has no trained network yet: it is {self.status['state']}.")
        config, inputs = self.config, RunInputs.load(self.path)
        bands = {role: sum(inputs.modalities[n].bands for n in names) for role, names in config.inputs.items()}
        classes = self.split.classes
        with torch.random.fork_rng():
            model = create_model(config.model, bands, len(classes), config.width)
        try:
            model.load_state_dict(load_file(path))
        except (SafetensorError, RuntimeError) as error:
            raise WorkbenchError(f"The weights of run {self.id} are damaged or of another network: {error}.") from error
        kind = resolve_device(device)
        model.to(device=kind, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
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
        chosen = scene.scenes[tile] if isinstance(tile, int) else next(s for s in scene.scenes if s.name == tile)
        if x is not None and y is not None and row is None and col is None:
            row, col = chosen.pixel_of(x, y)
        if row is None or col is None:
            raise WorkbenchError("Name one pixel: either x and y, or row and col.")
        run = self.predictor(device)
        classes = tuple(int(value) for value in run.classes)
        return attention_at(run.model, chosen, run.roles, run.scaling, classes, row, col, run.view)

    def predict(self, scene: str | Path | None = None) -> dict[str, NDArray[np.uint16]]:
        """Class maps as arrays.

        Args:
            scene: Name or path of a scene; None is the scene of the training. It is mapped first if need be.

        Returns:
            Per tile uint16 `(rows, cols)`: class values, 0 where there is no data.
        """
        import rasterio

        from workbench.experiments.maps import map_scene

        arrays: dict[str, Any] = {}
        for name, path in map_scene(self, scene).items():
            with rasterio.open(path) as raster:
                arrays[name] = raster.read(1).astype(np.uint16)
        return arrays


def open_run(name: str) -> Run:
    """Open a run by its id, the beginning of its id, or the beginning of its hash.

    Raises:
        UnknownNameError: There is no such run.
        WorkbenchError: Several runs begin so.
    """
    return Run(open_run_folder(name).path)
