"""Label layers of a stored scene: drawn polygons or another source's labels, added without touching the rest."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.base.files import explained, locked_folder, read_json, write_json
from workbench.scenes.classes import ClassTable
from workbench.scenes.draft import ArrayLike
from workbench.scenes.scene import Collection, Scene
from workbench.scenes.schema import ClassRecord, LayerRecord, RootRecord, check_name, is_url, read_root
from workbench.scenes.store import open_scene
from workbench.scenes.writing import write_layer


def write_label_layer(
    scene: Scene | Collection,
    name: str,
    planes: Mapping[str, ArrayLike],
    classes: ClassTable,
    attrs: Mapping[str, Any] | None = None,
    replace: bool = False,
) -> Scene | Collection:
    """Add labels to a stored scene, beside those it came with.

    Args:
        scene: The scene or collection, of a local store.
        name: Name of the layer.
        planes: Labels (rows, cols) by tile name, 0 = unlabelled; tiles without one are without labels in this layer.
        classes: The layer's class table.
        attrs: JSON values that stand in place of the scene's own when this layer is open, such as a note.
        replace: Whether a layer of that name may be replaced.

    Returns:
        The scene with that layer as its labels: what ``open_scene("scene@layer")`` gives.

    Raises:
        WorkbenchError: The layer exists, a plane has another size than its tile or values outside the class table, or
            the store cannot be written. Nothing is left half-written: the layer is there once its root names it.
        UnknownNameError: There is no such tile.
    """
    check_name(name, "label layer")
    root, place = _root_of(scene)
    with explained(f"writing the label layer {name!r} of {scene.collection!r}", place), locked_folder(place):
        root = read_root(str(place))
        if name in root.layers and not replace:
            raise WorkbenchError(
                f"The scene {scene.collection!r} has a label layer {name!r} already. Choose another name, or replace it."
            )
        tiles = {tile.name: tile for tile in scene.scenes}
        stored = {tile.name: record for tile, record in zip(scene.scenes, root.tiles, strict=True)}
        written: list[Path] = []
        records = {record.name: record for record in root.tiles}
        for record in root.tiles:
            kept = {key: plane for key, plane in record.layers.items() if key != name}
            records[record.name] = record.model_copy(update={"layers": kept})
        try:
            for tile, plane in planes.items():
                if tile not in tiles:
                    raise UnknownNameError(f"tile of {scene.collection!r}", tile, tiles)
                if tuple(plane.shape) != tiles[tile].shape:
                    raise WorkbenchError(
                        f"The label layer {name!r} of tile {tile!r} has {' x '.join(map(str, plane.shape))} pixels, and "
                        f"the tile {' x '.join(map(str, tiles[tile].shape))}. Lay the labels onto the tile's grid first."
                    )
                folder = stored[tile].name
                found = write_layer(place / folder, name, plane, classes, tiles[tile].grid, tile)
                written.append(place / folder / found.path)
                layers = {**records[folder].layers, name: found}
                records[folder] = records[folder].model_copy(update={"layers": layers})
            table = tuple(ClassRecord.model_validate(row) for row in classes.to_json())
            layer = LayerRecord(classes=table, attrs=dict(attrs or {}))
            _write_root(
                place,
                root.model_copy(
                    update={"tiles": tuple(records.values()), "layers": {**root.layers, name: layer}},
                ),
            )
        except BaseException:
            for left in written:
                shutil.rmtree(left, ignore_errors=True)
            raise
        _remove_planes(place, root, name)
    return open_scene(f"{place}@{name}")


def remove_label_layer(scene: Scene | Collection, name: str) -> None:
    """Take a label layer away.

    Raises:
        UnknownNameError: There is none of that name.
        WorkbenchError: The store cannot be written.
    """
    root, place = _root_of(scene)
    with explained(f"removing the label layer {name!r} of {scene.collection!r}", place), locked_folder(place):
        root = read_root(str(place))
        if name not in root.layers:
            raise UnknownNameError(f"label layer of scene {scene.collection!r}", name, root.layers)
        tiles = tuple(
            tile.model_copy(update={"layers": {key: plane for key, plane in tile.layers.items() if key != name}})
            for tile in root.tiles
        )
        layers = {key: layer for key, layer in root.layers.items() if key != name}
        _write_root(place, root.model_copy(update={"tiles": tiles, "layers": layers}))
        _remove_planes(place, root, name)


def describe_label_layer(scene: Scene | Collection, name: str, attrs: Mapping[str, Any]) -> Scene | Collection:
    """Say of a stored label layer what stands in place of the scene's own attributes when it is open.

    Args:
        scene: The scene or collection, of a local store.
        name: Name of the layer.
        attrs: JSON values, such as ``labels_are`` or ``note``.

    Returns:
        The scene, opened again.

    Raises:
        UnknownNameError: There is no layer of that name.
        WorkbenchError: The store cannot be written.
    """
    root, place = _root_of(scene)
    with explained(f"describing the label layer {name!r} of {scene.collection!r}", place), locked_folder(place):
        root = read_root(str(place))
        if name not in root.layers:
            raise UnknownNameError(f"label layer of scene {scene.collection!r}", name, root.layers)
        told = root.layers[name].model_copy(update={"attrs": dict(attrs)})
        _write_root(place, root.model_copy(update={"layers": {**root.layers, name: told}}))
    return open_scene(place)


def _root_of(scene: Scene | Collection) -> tuple[RootRecord, Path]:
    if is_url(scene.address):
        raise WorkbenchError(
            f"The scene {scene.collection!r} lies at {scene.address}; labels are added to scenes on this machine only. "
            "Copy it under the data folder first."
        )
    root = read_root(scene.address)
    if len(root.tiles) != len(scene.scenes):
        raise WorkbenchError(
            f"Labels are added to all of {scene.collection!r} at once: give the collection, and the planes of the "
            "tiles that have some."
        )
    return root, Path(scene.address)


def _write_root(place: Path, root: RootRecord) -> None:
    told = read_json(place / "zarr.json", "writing a label layer")
    told["attributes"] = root.model_dump(mode="json")
    write_json(place / "zarr.json", told, "writing a label layer")


def _remove_planes(place: Path, root: RootRecord, name: str) -> None:
    """Remove the arrays of a layer that the root no longer names."""
    for tile in root.tiles:
        if name in tile.layers:
            shutil.rmtree(place / tile.name / tile.layers[name].path, ignore_errors=True)
