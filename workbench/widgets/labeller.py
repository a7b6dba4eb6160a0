"""Polygons with classes, drawn on a scene in JupyterLab, kept as GeoPackage and made labels to train on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets
from bokeh.models import Div
from jupyter_bokeh import BokehModel

from workbench.base.errors import WorkbenchError
from workbench.scenes import Collection, Scene
from workbench.scenes.schema import overview_stride
from workbench.views.classes import class_legend
from workbench.views.labelling import NAME, Labelling
from workbench.views.layers import find_layer, layers
from workbench.views.live import LiveMap
from workbench.views.picture import bokeh_model, legend_html, table_details
from workbench.views.polygon_tools import HINTS, DrawnPolygons
from workbench.views.raster import raster
from workbench.widgets.controls import said, wide

MAP = 480


class SceneLabeller(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets ships no types
    """A map to draw polygons on, the class table, and the files they are kept in.

    Display it in JupyterLab after `workbench.views.picture.setup()`. Every change is kept as a draft at once; a kernel
    that dies loses nothing.

    Args:
        scene: A scene or collection; of a collection one tile is labelled at a time.
        path: A label file to begin with, of any vector format.
        class_column: Its column of classes, where it is not found by itself.
        name: Name of the label file and layer.

    Attributes:
        labelling: The polygons and classes, to be watched or changed.
    """

    def __init__(
        self,
        scene: Scene | Collection,
        path: Path | str | None = None,
        class_column: str | None = None,
        name: str = NAME,
    ) -> None:
        self._whole = scene
        self.labelling = Labelling(scene, name, 0, path, class_column)
        self._busy = False
        self._place = BokehModel(Div(), combine_events=True)
        self._make_controls()
        self._open_map()
        self._watch()
        self.labelling.watch(self._follow)
        self._follow()
        tile = [self.tile] if len(scene.scenes) > 1 else []
        row = ipywidgets.HBox
        side = [
            row([self.mode, self.undo]),
            self.hint,
            self.current,
            self.said,
            row([self.save, self.make, self.discard]),
            row([self.polygon, self.give]),
            row([self.repair, self.delete]),
            row([self.class_name, self.color]),
            row([self.add, self.change, self.remove]),
            self.legend,
            self.table,
        ]
        super().__init__([row([*tile, self.preset]), row([self._place, ipywidgets.VBox(side)])])

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        # What changed since the figure was packed was sent to pages that show it, and there may have been none.
        self._place.update_from_model(self._place._model)
        return super()._repr_mimebundle_(**kwargs)

    def _make_controls(self) -> None:
        scenes = self._whole.scenes
        tiles = [(tile.name, number) for number, tile in enumerate(scenes)]
        self.tile = ipywidgets.Dropdown(options=tiles, description="tile", layout=wide())
        titles = [layer.title for layer in layers(scenes[0])]
        self.preset = ipywidgets.Dropdown(options=titles, description="show", layout=wide("300px"))
        self.mode = ipywidgets.ToggleButtons(options=[("Look", "look"), ("Draw", "draw"), ("Edit", "edit")])
        self.mode.style.button_width = "70px"
        self.mode.layout = wide("270px")
        self.current = ipywidgets.Dropdown(options=[], description="class", layout=wide("300px"))
        self.polygon = ipywidgets.Dropdown(options=[], description="polygon", layout=wide("250px"))
        self.class_name = ipywidgets.Text("", description="name", layout=wide("250px"))
        self.color = ipywidgets.ColorPicker(value="#117733", concise=True, layout=wide("40px"))
        for name, words in (
            ("undo", "Undo"), ("save", "Save"), ("make", "Make label layer"), ("discard", "Discard changes"),
            ("give", "Give class"), ("repair", "Repair"), ("delete", "Delete"),
            ("add", "Add class"), ("change", "Change class"), ("remove", "Remove class"),
        ):  # fmt: skip
            setattr(self, name, ipywidgets.Button(description=words, layout=wide("130px")))
        self.hint, self.said, self.legend, self.table = (ipywidgets.HTML(layout=wide("400px")) for _ in range(4))

    def _open_map(self) -> None:
        scene = self.labelling.scene
        self.map = LiveMap(scene, overview_stride(scene.shape), MAP)
        self.drawn = DrawnPolygons(self.map, self.labelling)
        self.drawn.on_select(self._selected)
        self.drawn.mode = self.mode.value
        self._place.update_from_model(bokeh_model(self.map.element))
        self._draw()

    def _draw(self) -> None:
        scene = self.labelling.scene
        self.map.show(raster(scene, find_layer(scene, self.preset.value)).rgba)

    def _watch(self) -> None:
        state = self.labelling
        self.tile.observe(lambda change: self._guarded(lambda: self._turn(change["new"])), "value")
        self.preset.observe(lambda _: self._guarded(self._draw), "value")
        self.mode.observe(lambda change: self._guarded(lambda: setattr(self.drawn, "mode", change["new"])), "value")
        self.current.observe(lambda _: self._guarded(self._choose), "value")
        for button, work in (
            (self.undo, self._undo),
            (self.save, state.save),
            (self.make, state.make_layer),
            (self.discard, lambda: state.open(state.name_, discard=True)),
            (self.give, lambda: state.give(self._number, self.current.value)),
            (self.repair, lambda: state.repair(self._number)),
            (self.delete, lambda: state.delete(self._number)),
            (self.add, lambda: state.add_class(self.class_name.value)),
            (self.change, lambda: state.change_class(self._class, self.class_name.value, self.color.value)),
            (self.remove, lambda: state.remove_class(self._class)),
        ):
            button.on_click(lambda _, work=work: self._guarded(work))

    @property
    def _number(self) -> int:
        if self.polygon.value is None:
            raise WorkbenchError("There is no polygon yet. Choose Draw, and tap its corners on the map.")
        return int(self.polygon.value)

    @property
    def _class(self) -> int:
        if not self.current.value:
            raise WorkbenchError("There is no class yet. Write its name and add it.")
        return int(self.current.value)

    def _guarded(self, work: Callable[[], Any]) -> None:
        if self._busy:
            return
        self._busy, problem = True, ""
        try:
            work()
        except WorkbenchError as error:
            problem = str(error)
        finally:
            self._busy = False
        self._follow()
        if problem:
            self.said.value = said(problem, wrong=True)

    def _turn(self, tile: int) -> None:
        self.labelling.go(tile)
        self._open_map()

    def _undo(self) -> None:
        if not self.drawn.take_back_corner():
            self.labelling.undo()

    def _choose(self) -> None:
        if self.current.value:
            self.labelling.current = int(self.current.value)
            entry = self.labelling.classes[self.labelling.current]
            self.class_name.value, self.color.value = entry.name, entry.color

    def _selected(self) -> None:
        if self.drawn.selected is not None and not self._busy:
            self.polygon.value = self.drawn.selected

    def _follow(self) -> None:
        """Let every control show the labelling as it is."""
        state = self.labelling
        was, self._busy = self._busy, True
        try:
            self.drawn.show()
            self.current.options = [(f"{entry.value} {entry.name}", entry.value) for entry in state.classes]
            self.current.value = state.current or None
            table = state.table()
            self.polygon.options = [(f"{number}: {row['class']}", number - 1) for number, row in table.iterrows()]
            if len(table):
                chosen = self.drawn.selected
                self.polygon.value = len(table) - 1 if chosen is None else chosen
            self.hint.value = f"<small>{HINTS[self.drawn.mode]}</small>"
            self.legend.value = legend_html(class_legend(state.classes))
            self.table.value = table_details(table, f"{len(table)} polygon{'' if len(table) == 1 else 's'} as a table")
            wrong = [f"Polygon {number} {words}" for number, words in table["problem"].items() if words]
            if wrong:
                self.said.value = said(wrong[0], wrong=True)
            else:
                layer = f"Train on them: workbench train {state.layer_name}" if state.has_layer else ""
                begin = "" if state.classes else "Add a class to begin."
                kept = "Not saved yet; kept as a draft." if state.unsaved else ""
                self.said.value = said(" ".join(part for part in (begin, state.said, kept, layer) if part))
        finally:
            self._busy = was
