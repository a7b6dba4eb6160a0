"""Labels: polygons drawn on the map, their classes and files, and the label layer to train on."""

from collections.abc import Callable
from html import escape
from typing import Any

import panel as pn

from workbench.base.errors import WorkbenchError
from workbench.dashboard.parts import html, inner, note
from workbench.scenes import Collection, Scene
from workbench.scenes.schema import is_url
from workbench.views.classes import class_legend
from workbench.views.labelling import NAME, Labelling
from workbench.views.live import LiveMap
from workbench.views.picture import legend_html, table_details
from workbench.views.polygon_tools import HINTS, DrawnPolygons

MODES = {"Look": "look", "Draw": "draw", "Edit": "edit"}


class LabelsPart:
    """Controls of a `Labelling` and of the polygons on the map.

    Args:
        made: Called with the name of a label layer that was made.
    """

    def __init__(self, made: Callable[[str], None]) -> None:
        self._made = made
        self.labelling: Labelling | None = None
        self.drawn: DrawnPolygons | None = None
        self._busy = self._visible = False
        self.file = pn.widgets.Select(width=170, **inner("Label file"))
        self.name = pn.widgets.TextInput(width=150, placeholder="new name", **inner("Save as"))
        self.mode = pn.widgets.RadioButtonGroup(options=MODES, value="look", width=220, **inner())
        self.current = pn.widgets.Select(sizing_mode="stretch_width", **inner("Class of the next polygon"))
        self.undo, self.save, self.train, self.discard = (
            pn.widgets.Button(width=width, css_classes=[kind], **inner(words))
            for words, width, kind in (
                ("Undo", 66, "default"),
                ("Save", 66, "primary"),
                ("Make label layer", 134, "default"),
                ("Discard changes", 128, "default"),
            )
        )
        self.polygon = pn.widgets.Select(sizing_mode="stretch_width", **inner("Polygon"))
        self.give, self.repair, self.delete = (
            pn.widgets.Button(width=width, **inner(words))
            for words, width in (("Give it the class above", 168), ("Repair", 74), ("Delete", 70))
        )
        self.class_name = pn.widgets.TextInput(width=170, placeholder="name", **inner("Class table"))
        self.class_color = pn.widgets.ColorPicker(value="#117733", width=52, **inner("Colour"))
        self.add, self.change, self.remove = (
            pn.widgets.Button(width=width, **inner(words))
            for words, width in (("Add", 60), ("Change", 76), ("Remove", 80))
        )
        self._said, self._hint, self._table, self._legend = html(), html(), html(), html()
        self._watch()

    def panel(self) -> Any:
        """The controls in one column."""
        look = {"gap": "8px", "align_items": "end", "margin": (6, 0, 4, 0)}
        return pn.Column(
            pn.FlexBox(self.mode, self.undo, **look),
            self._hint,
            self.current,
            self._said,
            pn.FlexBox(self.save, self.train, self.discard, **look),
            pn.FlexBox(self.file, self.name, **look),
            self.polygon,
            pn.FlexBox(self.give, self.repair, self.delete, **look),
            self._table,
            pn.FlexBox(self.class_name, self.class_color, **look),
            pn.FlexBox(self.add, self.change, self.remove, **look),
            self._legend,
            margin=0,
            sizing_mode="stretch_width",
        )

    def go(self, whole: Scene | Collection, tile: int, live: LiveMap) -> None:
        """Turn to a tile and its map, before that is drawn; what is unsaved is kept in its draft."""
        self.drawn, self.labelling = None, None
        if is_url(whole.address):
            self._said.object = note("This scene lies on another machine: it can be looked at, not labelled.", "amber")
            return
        name = whole.collection.rpartition("@")[2] if "@" in whole.collection else NAME
        try:
            self.labelling = Labelling(whole, name, tile)
        except WorkbenchError as error:
            self._said.object = note(str(error), "amber")
            return
        self.drawn = DrawnPolygons(live, self.labelling)
        self.labelling.watch(self._follow)
        self.drawn.on_select(self._selected)
        self.drawn.visible = self._visible
        self.mode.value = "look"
        self._follow()

    @property
    def takes_taps(self) -> bool:
        """Whether taps on the map draw or edit."""
        return self.drawn is not None and self.drawn.mode != "look"

    def show(self, visible: bool) -> None:
        """Show the polygons while their controls are shown, and let taps pick pixels otherwise."""
        self._visible = visible
        if self.drawn is not None and self.drawn.visible != visible:
            self.drawn.visible = visible
            if not visible:
                self.mode.value = "look"

    def _watch(self) -> None:
        self.mode.param.watch(lambda _: self._guarded(self._switch), "value")
        self.current.param.watch(lambda _: self._guarded(self._choose), "value")
        self.file.param.watch(lambda _: self._guarded(lambda: self._state.open(self.file.value)), "value")
        for button, work in (
            (self.undo, self._undo),
            (self.save, self._save),
            (self.train, self._train),
            (self.discard, lambda: self._state.open(self._state.name_, discard=True)),
            (self.give, lambda: self._state.give(self._place, self.current.value)),
            (self.repair, lambda: self._state.repair(self._place)),
            (self.delete, lambda: self._state.delete(self._place)),
            (self.add, lambda: self._state.add_class(self.class_name.value)),
            (self.change, self._change_class),
            (self.remove, lambda: self._state.remove_class(self.current.value)),
        ):
            button.on_click(lambda _, work=work: self._guarded(work))

    @property
    def _state(self) -> Labelling:
        if self.labelling is None:
            raise WorkbenchError("Open a scene to label first.")
        return self.labelling

    @property
    def _place(self) -> int:
        if self.polygon.value is None:
            raise WorkbenchError("Choose a polygon first.")
        return int(self.polygon.value)

    def _guarded(self, work: Callable[[], Any]) -> None:
        """Run a step; say what a user can mend. What is drawn stays, whatever happens."""
        if self._busy:
            return
        self._busy = True
        problem = ""
        try:
            work()
        except WorkbenchError as error:
            problem = str(error)
        finally:
            self._busy = False
        if self.labelling is not None:
            self._follow()
        if problem:
            self._said.object = note(problem, "amber")

    def _switch(self) -> None:
        if self.drawn is not None:
            self.drawn.mode = self.mode.value

    def _undo(self) -> None:
        if self.drawn is None or not self.drawn.take_back_corner():
            self._state.undo()

    def _choose(self) -> None:
        if self.current.value:
            self._state.current = int(self.current.value)
            entry = self._state.classes[self._state.current]
            self.class_name.value, self.class_color.value = entry.name, entry.color

    def _change_class(self) -> None:
        if not self.current.value:
            raise WorkbenchError("There is no class to change yet. Add one.")
        self._state.change_class(int(self.current.value), self.class_name.value, self.class_color.value)

    def _save(self) -> None:
        name = self.name.value.strip()
        if name:
            self._state.save_as(name)
            self.name.value = ""
        else:
            self._state.save()

    def _train(self) -> None:
        made = self._state.make_layer()
        self._made(made.collection)

    def _selected(self) -> None:
        """Name the polygon that was tapped on the map."""
        if self.drawn is not None and self.drawn.selected is not None and not self._busy:
            self.polygon.value = self.drawn.selected

    def _follow(self) -> None:
        """Let every control show the labelling as it is."""
        state = self.labelling
        if state is None or self.drawn is None:
            return
        was, self._busy = self._busy, True
        try:
            self.drawn.show()
            self.file.options = state.files()
            self.file.value = state.name_
            self.current.options = {f"{entry.value} {entry.name}": entry.value for entry in state.classes}
            if state.classes:
                self.current.value = state.current
            table = state.table()
            marks = ["!" if problem else "" for problem in table["problem"]]
            self.polygon.options = {
                f"{number}: {row['class']}{mark}": number - 1
                for (number, row), mark in zip(table.iterrows(), marks, strict=True)
            }
            count = len(table)
            chosen = self.drawn.selected
            if count:
                self.polygon.value = count - 1 if chosen is None else chosen
            for control in (self.give, self.repair, self.delete, self.polygon):
                control.disabled = count == 0
            self.undo.disabled = not state.undoable
            self.save.disabled = self.train.disabled = count == 0 and not state.unsaved
            self.discard.disabled = not state.unsaved
            self._hint.object = note(HINTS[self.drawn.mode])
            self._table.object = table_details(table, f"{count} polygon{'' if count == 1 else 's'} as a table")
            self._legend.object = legend_html(class_legend(state.classes))
            self._said.object = self._words(state, table["problem"])
        finally:
            self._busy = was

    def _words(self, state: Labelling, problems: Any) -> str:
        wrong = [f"Polygon {number} {words}" for number, words in problems.items() if words]
        if wrong and not state.unfinished:
            return note(wrong[0] + (f" ({len(wrong)} polygons have problems.)" if len(wrong) > 1 else ""), "amber")
        told = state.said or ("" if state.classes else "Add a class to the table to begin.")
        kept = " Not saved yet; kept as a draft." if state.unsaved else ""
        layer = state.layer_name
        if state.has_layer:
            command = f"workbench train {layer}"
            return note(told + kept) + f"<pre>{escape(command)}</pre>"
        return note((told + kept).strip())
