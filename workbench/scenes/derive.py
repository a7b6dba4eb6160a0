"""New scenes from stored ones: what was done, and from what, is kept with them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes import arrays
from workbench.scenes.classes import ClassTable
from workbench.scenes.draft import TileDraft
from workbench.scenes.layers import describe_label_layer
from workbench.scenes.scene import Collection, Scene
from workbench.scenes.schema import check_name, read_root
from workbench.scenes.steps import Counts, Decibel, DropBands, Height, Layers, Linear, Rescale, Step
from workbench.scenes.store import Progress, open_scene, scene_path, write_scene

FORMS = (
    "height=SURFACE-TERRAIN (each a modality, or modality:band counted from 1), db=MODALITY, linear=MODALITY, "
    "drop=MODALITY:1,5-8, scale=MODALITY:FACTOR, offset=MODALITY:NUMBER"
)


def derive_scene(
    scene: Scene | Collection,
    name: str,
    steps: Sequence[Step],
    replace: bool = False,
    progress: Progress | None = None,
) -> Scene | Collection:
    """Store a new scene made from another one, window by window.

    Labels and label layers, splits, reference maps, groups, grid and attributes are carried along.
    ``attrs["derived"]`` says from which scene and content hash it was made, the steps, and what was counted.

    Args:
        scene: The scene or collection; with all its label layers, whichever is open.
        name: Name of the new scene; it lands in the data root.
        steps: What to do, in this order: `Height`, `Decibel`, `Linear`, `DropBands`, `Rescale`.
        replace: Whether an existing scene of that name may be replaced.
        progress: Called with what is being done and the share done.

    Returns:
        The new scene, opened.

    Raises:
        UnknownNameError: A step names a modality that is not there.
        WorkbenchError: A step does not suit its modality, the name is taken, or the disk is full.
    """
    check_name(name, "scene")
    base = open_scene(scene.address)
    if not steps:
        raise WorkbenchError(
            f"While deriving {name!r} from {base.name!r}: no step is given. Name one, such as {FORMS}."
        )
    if scene_path(name).absolute() == Path(base.address).absolute():
        raise WorkbenchError(f"While deriving {name!r}: a scene cannot take the place of the one it is made from.")
    counts = Counts()

    def attrs() -> dict[str, Any]:
        told: dict[str, Any] = {
            "from": base.name,
            "content_hash": base.content_hash,
            "steps": [step.model_dump(mode="json") for step in steps],
            "counted": dict(counts),
        }
        before = base.attrs.get("derived")
        return {**base.attrs, "derived": told if before is None else {**told, "before": before}}

    layers = {layer: open_scene(f"{base.address}@{layer}") for layer in base.label_layers}
    tables: dict[str, ClassTable] = {layer: shown.classes for layer, shown in layers.items()}
    drafts = _drafts(base, layers, steps, counts)
    derived = write_scene(scene_path(name), drafts, base.classes, attrs, replace, progress, tables)
    for layer, shown in layers.items():  # what it says beside the scene's own attributes, such as `labels_are`
        own = {key: value for key, value in shown.attrs.items() if base.attrs.get(key) != value}
        if own:
            derived = describe_label_layer(derived, layer, own)
    return derived


def parse_steps(texts: Sequence[str]) -> list[Step]:
    """Steps from short texts, as a terminal gives them; bands count from 1 there.

    Raises:
        WorkbenchError: A text is none of the forms, which the message lists.
    """
    return [_parse(text) for text in texts]


def _parse(text: str) -> Step:
    kind, _, rest = text.partition("=")
    head, _, tail = rest.partition(":")
    try:
        if kind == "height" and rest.count("-") == 1:
            surface, terrain = (_band(part) for part in rest.split("-"))
            return Height(surface=surface, terrain=terrain)
        if kind == "db" and head and not tail:
            return Decibel(modality=head)
        if kind == "linear" and head and not tail:
            return Linear(modality=head)
        if kind == "drop" and head and tail:
            return DropBands(modality=head, bands=_bands(tail))
        if kind == "scale" and head and tail:
            return Rescale(modality=head, scale=float(tail))
        if kind == "offset" and head and tail:
            return Rescale(modality=head, offset=float(tail))
    except ValueError:
        pass  # numbers that are none
    raise WorkbenchError(f"{text!r} is no step of a derivation. Steps are: {FORMS}.")


def _band(text: str) -> str | tuple[str, int]:
    name, colon, band = text.partition(":")
    if colon and int(band) < 1:
        raise ValueError(text)
    return (name, int(band) - 1) if colon else name


def _bands(text: str) -> tuple[int, ...]:
    """``1,5-8`` as bands counted from 0."""
    found: list[int] = []
    for part in text.split(","):
        low, dash, high = part.partition("-")
        found += range(int(low) - 1, int(high) if dash else int(low))
    if not found or min(found) < 0:
        raise ValueError(text)
    return tuple(sorted(set(found)))


def _drafts(
    base: Scene | Collection, shown: dict[str, Scene | Collection], steps: Sequence[Step], counts: Counts
) -> Iterator[TileDraft]:
    """One tile after the other, so that one is in memory at a time."""
    for number, (tile, record) in enumerate(zip(base.scenes, read_root(base.address).tiles, strict=True)):
        layers: Layers = {
            key: (_Stored(base.address, f"{record.name}/{key}/{key}", key), tile.info(key)) for key in tile.modalities
        }
        for step in steps:
            layers = step.apply(layers, counts)
        planes = {name: each.scenes[number].read_labels() for name, each in shown.items()}
        yield TileDraft(
            tile.name if len(base.scenes) > 1 else record.name,
            layers,
            tile.read_labels(),
            tile.transform,
            tile.crs,
            tile.group,
            dict(tile.reference),
            dict(tile.named_splits)
            | {
                f"{split}@{name}": plane
                for name, each in shown.items()
                for split, plane in each.scenes[number].named_splits.items()
            },
            {name: plane for name, plane in planes.items() if plane is not None},
        )


class _Stored:
    """Stored values of a raster (band, y, x), read in windows."""

    def __init__(self, address: str, path: str, what: str) -> None:
        self._array = arrays.open_array(address, path)
        self.shape: tuple[int, ...] = tuple(self._array.shape)
        self.dtype: np.dtype[Any] = np.dtype(self._array.dtype)
        self._what = what

    def __getitem__(self, key: Any) -> NDArray[Any]:
        _, rows, cols = key
        return arrays.read_window(self._array, rows, cols, None, self._what)
