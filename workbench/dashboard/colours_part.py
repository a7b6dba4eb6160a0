"""Colours: which bands, wavelengths or index the map shows, and how they are stretched."""

from collections.abc import Callable
from typing import Any

import panel as pn

from workbench.base.errors import WorkbenchError
from workbench.dashboard.parts import html, inner, note
from workbench.scenes import Collection, Scene
from workbench.views.layers import quantity_name
from workbench.views.look import COLORS, Look


class ColoursPart:
    """Controls of a `Look`.

    Args:
        look: The state that they set and follow.
        changed: Called when bands were chosen (`"bands"`), an index (`"index"`), or another stretch (`"stretch"`).
    """

    def __init__(self, look: Look, changed: Callable[[str], None]) -> None:
        self.look, self._changed = look, changed
        self._busy = False
        self.modality = pn.widgets.Select(width=174, **inner("Bands of"))
        self.bands = tuple(
            pn.widgets.DiscreteSlider(options={"0": 0}, sizing_mode="stretch_width", **inner(name.capitalize()))
            for name in COLORS
        )
        self.wavelengths = pn.widgets.TextInput(placeholder="640, 550, 460", width=174, **inner("Or wavelengths (nm)"))
        self.stretch = pn.widgets.RangeSlider(
            start=0, end=100, step=0.5, sizing_mode="stretch_width", **inner("Stretch between percentiles")
        )
        self.index = pn.widgets.Select(sizing_mode="stretch_width", **inner("Spectral index"))
        self._about, self._problem = html(), html()
        self.modality.param.watch(lambda _: self._guarded(self._turn), "value")
        for band in self.bands:
            band.param.watch(lambda _: self._guarded(self._take_bands), "value_throttled")
        self.wavelengths.param.watch(lambda _: self._guarded(self._take_wavelengths), "value")
        self.stretch.param.watch(lambda _: self._guarded(self._take_stretch), "value_throttled")
        self.index.param.watch(lambda _: self._guarded(self._take_index), "value")

    def panel(self) -> Any:
        """The controls in one column."""
        return pn.Column(
            pn.FlexBox(self.modality, self.wavelengths, gap="10px"),
            *self.bands,
            self.stretch,
            self.index,
            self._about,
            self._problem,
            margin=0,
            sizing_mode="stretch_width",
        )

    def go(self, scene: Scene | Collection) -> None:
        """Turn to a scene."""
        self.look.go(scene)
        self._whole = scene
        self._busy = True
        try:
            self.modality.options = list(scene.modalities)
            self._follow()
        finally:
            self._busy = False

    def _follow(self) -> None:
        """Set the controls from the look."""
        look = self.look
        options = dict(look.options())
        self.modality.value = look.modality
        for number, band in enumerate(self.bands):
            band.options = options
            band.value = look.bands[number]
            band.visible = number == 0 or look.in_colour
        self.bands[0].label = "Red" if look.in_colour else "Band"
        info = self._whole.info(look.modality)
        self.wavelengths.visible = info.wavelengths is not None
        self.stretch.value = look.stretch
        indices = look.indices(look.modality)
        groups: dict[str, dict[str, str]] = {"": {"none": ""}}
        for name, index in indices.items():
            groups.setdefault(index.domain, {})[f"{name}: {index.long_name}"] = name
        self.index.groups = groups
        self.index.value = look.index
        self.index.disabled = not indices
        self._describe()

    def _describe(self) -> None:
        look = self.look
        info = self._whole.info(look.modality)
        words = f"{info.bands} bands of {quantity_name(info)}."
        indices = look.indices(look.modality)
        if not indices:
            words += " No spectral index can be computed: its wavelengths are not documented or do not reach."
        if look.index:
            index = indices[look.index]
            words = f"{index.long_name}: {index.formula}."
        self._about.object = note(words)

    def _guarded(self, work: Callable[[], str | None]) -> None:
        if self._busy:
            return
        self._busy = True
        self._problem.object = ""
        try:
            changed = work()
        except WorkbenchError as error:
            self._problem.object = note(str(error), "amber")
            changed = None
        finally:
            self._busy = False
        if changed:
            self._changed(changed)

    def _turn(self) -> str:
        self.look.turn(self.modality.value)
        self._follow()
        return "bands"

    def _take_bands(self) -> str | None:
        bands = tuple(int(band.value) for band in self.bands)
        if bands == self.look.bands:
            return None
        self.look.bands = bands
        return "bands"

    def _take_wavelengths(self) -> str | None:
        if not self.wavelengths.value.strip():
            return None
        self.look.at(self.wavelengths.value)
        self._follow()
        return "bands"

    def _take_stretch(self) -> str:
        self.look.stretch = self.stretch.value
        return "stretch"

    def _take_index(self) -> str | None:
        self.look.index = self.index.value or ""
        self._describe()
        return "index" if self.look.index else "bands"
