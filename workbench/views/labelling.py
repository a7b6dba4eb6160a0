"""Labelling as Param state that faces share: polygons with classes, their table, and files in which nothing is lost.

Each change is kept at once in a draft beside the label file. Saving makes the file and removes the draft; a page that
is closed, or a kernel that dies, leaves the draft, and the next one goes on from it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import param
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.base.hashing import hash_json
from workbench.scenes import Collection, Scene, open_scene
from workbench.scenes.classes import ClassEntry, ClassTable, default_color
from workbench.scenes.label_files import (
    LabelPolygon,
    PolygonLabels,
    label_path,
    list_label_files,
    next_value,
    polygon_problems,
    read_label_file,
    repaired,
    write_label_file,
)
from workbench.views.label_drafts import read_draft, write_draft

if TYPE_CHECKING:
    import pandas as pd

UNDONE = 100
"""Changes that can be taken back."""
NAME = "drawn"


class Labelling(param.Parameterized):  # type: ignore[misc]  # param ships no types
    """Polygons of one tile and the class table of all tiles.

    Args:
        whole: The scene or collection to label, of a local store.
        name: Name of the label file, and of the label layer that is trained on.
        tile: Number of the tile.
        path: A label file to begin with, anywhere on this machine; what is saved goes under the data root.
        class_column: Its column of classes, where it is not found by itself.

    Raises:
        WorkbenchError: The file cannot be opened.
    """

    name_ = param.String(default=NAME, doc="Name of the label file and layer.")
    current = param.Integer(default=0, doc="Class of the next polygon; 0 where there is no class yet.")
    unsaved = param.Boolean(default=False, doc="Whether there are changes that the label file does not hold.")
    version = param.Integer(default=0, doc="Counts changes, for those who watch.")

    def __init__(
        self,
        whole: Scene | Collection,
        name: str = NAME,
        tile: int = 0,
        path: Path | str | None = None,
        class_column: str | None = None,
    ) -> None:
        super().__init__()
        self._whole: Scene | Collection = open_scene(whole.address) if "@" in whole.collection else whole
        self._tile = tile
        self._polygons: tuple[LabelPolygon, ...] = ()
        self._classes: ClassTable = self._whole.classes
        self._removed: tuple[ClassEntry, ...] = ()
        self._past: list[tuple[Any, ...]] = []
        self._stamp: int | None = None
        self.unfinished = 0
        self.said = ""
        if path is not None:
            label_path(self._whole, name, self.scene)
            self.name_ = name
            self.take_over(Path(path), class_column)
        else:
            self.open(name)

    @property
    def scene(self) -> Scene:
        """The tile that is labelled."""
        return self._whole.scenes[self._tile]

    @property
    def polygons(self) -> tuple[LabelPolygon, ...]:
        """In the order in which they were drawn."""
        return self._polygons

    @property
    def classes(self) -> ClassTable:
        """The class table."""
        return self._classes

    @property
    def labels(self) -> PolygonLabels:
        """Everything that a label file holds."""
        return PolygonLabels(self._polygons, self._classes, self._removed, self.scene.crs)

    @property
    def path(self) -> Path:
        """Where the labels of this tile are kept."""
        return label_path(self._whole, self.name_, self.scene)

    @property
    def draft(self) -> Path:
        """Where changes are kept until they are saved."""
        path = self.path
        return path.with_name(f".{path.stem}.draft.json")

    @property
    def layer_name(self) -> str:
        """What opens the scene with these labels."""
        return f"{self._whole.collection}@{self.name_}"

    @property
    def has_layer(self) -> bool:
        """Whether the label layer has been made of these polygons and classes as they are now."""
        if self.name_ not in self._whole.label_layers:
            return False
        made = open_scene(f"{self._whole.address}@{self.name_}").attrs.get("labels_from", {})
        return bool(made.get("tiles", {}).get(self.scene.name) == _digest(self.labels))

    def files(self) -> list[str]:
        """Names of the label files of this tile, drafts included."""
        found = set(list_label_files(self._whole, self.scene))
        folder = self.path.parent
        found |= {draft.name[1:].removesuffix(".draft.json").split("@")[0] for draft in folder.glob(".*.draft.json")}
        return sorted(found | {self.name_})

    def open(self, name: str, class_column: str | None = None, discard: bool = False) -> None:
        """Open a label file by its name, or begin one; changes that were never saved are shown again.

        Args:
            name: Name of the file.
            class_column: Its column of classes, where it is not found by itself.
            discard: Forget the changes that were never saved.

        Raises:
            WorkbenchError: The file cannot be opened; what was open before stays.
        """
        path = label_path(self._whole, name, self.scene)
        path = list_label_files(self._whole, self.scene).get(name, path)
        own = self._whole.classes
        stamp = path.stat().st_mtime_ns if path.is_file() else None
        if path.is_file():
            found = read_label_file(path, self.scene.grid, own, class_column)
        else:
            # a tile of a collection begins with the classes of its neighbour
            same = name == self.name_ and self._classes
            found = PolygonLabels((), self._classes if same else own, self._removed if same else (), self.scene.crs)
        self.name_, self._stamp = name, stamp
        self._past.clear()
        self.unfinished, self.said = 0, ""
        unsaved = False
        if discard:
            self.draft.unlink(missing_ok=True)
        elif self.draft.is_file():
            found, unsaved = read_draft(self.draft, self.scene.crs), True
            self.said = "Changes that were not saved have been found and are shown. Save them, or discard them."
        self._polygons, self._classes, self._removed = found.polygons, found.classes, found.removed
        self._tell(unsaved)

    def take_over(self, path: Path, class_column: str | None = None) -> None:
        """Take the polygons of a file from anywhere in place of those that are shown; `undo` brings these back.

        Raises:
            WorkbenchError: The file cannot be opened.
        """
        found = read_label_file(path, self.scene.grid, self._classes or None, class_column)
        self._remember()
        self._polygons, self._classes, self._removed = found.polygons, found.classes, found.removed
        self._changed(f"{len(found.polygons)} polygons of {path.name} were taken over.")

    def go(self, tile: int) -> None:
        """Turn to another tile of the collection, with the same classes and name."""
        self._tile = tile
        self.open(self.name_)

    def set_outlines(self, outlines: Sequence[tuple[NDArray[np.float64], int, LabelPolygon | None]]) -> None:
        """Take what the map shows, after something was drawn, moved or deleted there.

        Args:
            outlines: Corners (n, 2) in map coordinates, class value, and the polygon that it was, None if it is new.
                Outlines of fewer than three corners are being drawn, and counted in `unfinished`.
        """
        from shapely import Polygon

        made: list[LabelPolygon] = []
        self.unfinished = 0
        for points, value, old in outlines:
            corners = _corners(points)
            if len(corners) < 3:
                self.unfinished += 1
                continue
            if old is not None and np.array_equal(_corners(np.asarray(old.shape.exterior.coords)), corners):
                made.append(LabelPolygon(old.shape, int(value)))  # with its holes
            else:
                holes = [] if old is None else [ring.coords for ring in old.shape.interiors]
                made.append(LabelPolygon(Polygon(corners, holes), int(value)))
        if tuple(made) != self._polygons:
            self._remember()
            self._polygons = tuple(made)
            self._changed()

    def delete(self, place: int) -> None:
        """Delete a polygon by its place from 0."""
        self._check(place)
        self._remember()
        self._polygons = self._polygons[:place] + self._polygons[place + 1 :]
        self._changed()

    def give(self, place: int, value: int) -> None:
        """Give a polygon another class."""
        self._check(place)
        self._classes[value]
        self._remember()
        self._replace(place, LabelPolygon(self._polygons[place].shape, value))

    def repair(self, place: int) -> None:
        """Make valid polygons of one that crosses itself; of a bow tie, its halves."""
        self._check(place)
        parts = repaired(self._polygons[place])
        if not parts:
            raise WorkbenchError(f"Polygon {place + 1} encloses nothing and cannot be repaired. Delete it.")
        self._remember()
        self._replace(place, *parts)

    def undo(self) -> None:
        """Take back the last change; nothing where there is none."""
        if self._past:
            self._polygons, self._classes, self._removed = self._past.pop()
            self._changed()

    @property
    def undoable(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._past)

    def add_class(self, name: str, color: str | None = None) -> int:
        """Add a class with a value that no class has or had; gives the value.

        Raises:
            WorkbenchError: The name is empty or there already, or the colour is none.
        """
        value = next_value(self._classes, self._removed, self._whole.classes.values)
        entry = ClassEntry(value, name.strip(), color or default_color(len(self._classes) + 1))
        table = ClassTable([*self._classes, entry])
        self._remember()
        self._classes = table
        self.current = value
        self._changed()
        return value

    def change_class(self, value: int, name: str | None = None, color: str | None = None) -> None:
        """Rename or recolour a class.

        Raises:
            WorkbenchError: There is no such class, the name is there already, or the colour is none.
        """
        old = self._classes[value]
        entry = ClassEntry(value, (name or old.name).strip(), color or old.color)
        table = ClassTable([entry if other.value == value else other for other in self._classes])
        if table != self._classes:
            self._remember()
            self._classes = table
            self._changed()

    def remove_class(self, value: int) -> None:
        """Take a class out of the table; its value is not given to another.

        Raises:
            WorkbenchError: Polygons of this tile have it.
        """
        entry = self._classes[value]
        count = sum(polygon.value == value for polygon in self._polygons)
        if count:
            raise WorkbenchError(
                f"The class {entry.name!r} has {count} polygon{'s' if count > 1 else ''}. Give them another class, or "
                "delete them first."
            )
        self._remember()
        self._classes = ClassTable(other for other in self._classes if other.value != value)
        self._removed = (*self._removed, entry)
        self._changed()

    def problems(self) -> dict[int, str]:
        """What must be mended before saving, by the polygon's place from 0."""
        return polygon_problems(self.labels, self.scene.grid)

    def save(self) -> Path:
        """Write the label file and forget the draft.

        Raises:
            WorkbenchError: A polygon has a problem, or the file was changed by somebody else meanwhile; the draft stays.
        """
        path = self.path
        stamp = path.stat().st_mtime_ns if path.is_file() else None
        if stamp is not None and stamp != self._stamp:
            raise WorkbenchError(
                f"{path.name} was changed by another page or program since it was opened here. Save under another name, "
                "or discard the changes to see the file."
            )
        write_label_file(path, self.labels, self.scene.grid)
        self._stamp = path.stat().st_mtime_ns
        self.draft.unlink(missing_ok=True)
        self.said = f"Saved {len(self._polygons)} polygons in {path.name}."
        self._tell(False)
        return path

    def save_as(self, name: str) -> Path:
        """Save under another name and go on there.

        Raises:
            WorkbenchError: The name cannot be one or is taken, or as `save`.
        """
        if label_path(self._whole, name, self.scene).exists() and name != self.name_:
            raise WorkbenchError(f"There is a label file {name!r} already. Open it, or choose another name.")
        old, draft, stamp = self.name_, self.draft, self._stamp
        if name != old:
            self.name_, self._stamp = name, None
        try:
            path = self.save()
        except WorkbenchError:
            self.name_, self._stamp = old, stamp
            raise
        if name != old:
            draft.unlink(missing_ok=True)
        return path

    def make_layer(self) -> Scene | Collection:
        """Save, and make the label layer of all tiles that have a file: ``scene@name``, to be trained on.

        Raises:
            WorkbenchError: There is nothing to save, a polygon has a problem, or tiles disagree about a class.
        """
        from workbench.scenes.layers import write_label_layer
        from workbench.scenes.readers.vector import burn_labels

        if self.unsaved or not self.path.is_file():
            self.save()
        digests = {}
        planes, entries, counts = {}, {entry.value: entry for entry in self._classes}, {"polygons": 0}
        paths = {tile.name: label_path(self._whole, self.name_, tile) for tile in self._whole.scenes}
        for tile in self._whole.scenes:
            if not paths[tile.name].is_file():
                continue
            kept = read_label_file(paths[tile.name], tile.grid)
            digests[tile.name] = _digest(kept)
            for entry in kept.classes:
                if entries.setdefault(entry.value, entry).name != entry.name:
                    raise WorkbenchError(
                        f"The value {entry.value} is {entry.name!r} in {paths[tile.name].name} and "
                        f"{entries[entry.value].name!r} elsewhere. Rename one, so that tiles have one class table."
                    )
            if kept.polygons:
                burnt = burn_labels(paths[tile.name], "class_value", tile.grid, kept.classes)
                planes[tile.name] = burnt.labels
                for key, count in burnt.counts.items():
                    counts[key] = counts.get(key, 0) + count
        if not any(plane.any() for plane in planes.values()):
            raise WorkbenchError("No pixel centre lies inside a polygon, so there is nothing to train on. Draw some.")
        used = {int(value) for plane in planes.values() for value in np.unique(plane)}
        table = ClassTable(entry for value, entry in entries.items() if value in used)
        facts = {"labels_from": {"file": f"labels/{self.path.parent.name}/{self.name_}", "tiles": digests, **counts}}
        made = write_label_layer(self._whole, self.name_, planes, table, facts, replace=True)
        self._whole = open_scene(self._whole.address)
        claimed = counts.get("pixels_claimed_by_two_classes", 0)
        self.said = f"{counts['pixels_labelled']:,} pixels of {len(table)} classes are labels of {made.collection}."
        if claimed:
            self.said += f" {claimed:,} pixels lie in polygons of two classes and stay unlabelled."
        self._tell(self.unsaved)
        return made

    def table(self) -> "pd.DataFrame":
        """One row per polygon: class, size in pixels, corners, and what is wrong."""
        import pandas as pd

        wrong = self.problems()
        a, b, _, d, e, _ = self.scene.transform or (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
        pixel = abs(a * e - b * d)
        rows = [
            {
                "class": f"{polygon.value} {self._classes.name(polygon.value)}"
                if polygon.value in self._classes
                else str(polygon.value),
                "pixels": round(polygon.shape.area / pixel, 1),
                "corners": len(polygon.shape.exterior.coords) - 1,
                "problem": wrong.get(number, ""),
            }
            for number, polygon in enumerate(self._polygons)
        ]
        index = pd.RangeIndex(1, len(rows) + 1, name="polygon")
        return pd.DataFrame(rows, columns=["class", "pixels", "corners", "problem"], index=index)

    def color(self, value: int) -> str:
        """Colour of a class; grey for one that is not in the table."""
        return self._classes.color(value) if value in self._classes else "#999999"

    def watch(self, callback: Callable[[], None]) -> None:
        """Call `callback` after each change."""
        self.param.watch(lambda *_: callback(), ["version"])

    def _check(self, place: int) -> None:
        if not 0 <= place < len(self._polygons):
            raise WorkbenchError(f"There is no polygon {place + 1}: there are {len(self._polygons)}.")

    def _replace(self, place: int, *polygons: LabelPolygon) -> None:
        self._polygons = (*self._polygons[:place], *polygons, *self._polygons[place + 1 :])
        self._changed()

    def _remember(self) -> None:
        self._past.append((self._polygons, self._classes, self._removed))
        del self._past[:-UNDONE]

    def _changed(self, said: str = "") -> None:
        self.said = said
        write_draft(self.draft, self.labels)
        self._tell(True)

    def _tell(self, unsaved: bool) -> None:
        values = self._classes.values
        current = self.current if self.current in values else (values[0] if values else 0)
        self.param.update(unsaved=unsaved, current=current, version=self.version + 1)


def _digest(labels: PolygonLabels) -> str:
    """What tells whether polygons and classes are the same as those of a label layer."""
    shapes = sorted((polygon.value, polygon.shape.normalize().wkb_hex) for polygon in labels.polygons)
    return hash_json([shapes, labels.classes.to_json()])


def _corners(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners (n, 2) without those that repeat their neighbour: the second tap of a double tap leaves one."""
    points = np.asarray(points, np.float64).reshape(-1, 2)
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) > 1:
        points = points[(points != np.roll(points, 1, axis=0)).any(axis=1)]
    return points
