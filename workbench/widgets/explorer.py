"""Bands and pixel of a scene, chosen by hand in JupyterLab."""

from typing import Any

import ipywidgets
from bokeh.models import Div
from jupyter_bokeh import BokehModel

from workbench.scenes import Collection, Scene
from workbench.views.classes import class_legend
from workbench.views.layers import Layer, band_name, chosen_bands, layers
from workbench.views.live import LiveMap, LiveSpectrum, colorbar_html
from workbench.views.picture import bokeh_model, legend_html
from workbench.views.raster import raster
from workbench.views.selection import Selection

MAP, SPECTRUM = 430, (430, 300)


class SceneExplorer(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets ships no types
    """A composite of chosen bands, and the spectrum of a chosen pixel against the class means.

    Display it in JupyterLab after `workbench.views.picture.setup()`; each change draws the pictures anew.

    Args:
        scene: A scene or collection; of a collection one tile is shown at a time.
        modality: The modality to begin with; None is that of the first preset.

    Attributes:
        selection: The picked pixel, to be watched or set.
    """

    def __init__(self, scene: Scene | Collection, modality: str | None = None) -> None:
        self._whole, self._scenes = scene, scene.scenes
        self.selection = Selection(scene=scene.name)
        preset = self._preset(modality)
        self.tile = ipywidgets.Dropdown(
            options=[(tile.name, number) for number, tile in enumerate(self._scenes)],
            description="tile",
            layout=_wide(),
        )
        self.modality = ipywidgets.Dropdown(
            options=list(scene.modalities), value=preset.modality, description="modality", layout=_wide()
        )
        self.bands = tuple(ipywidgets.Dropdown(description=word, layout=_wide()) for word in ("red", "green", "blue"))
        rows, cols = self._scenes[0].shape
        self.row = ipywidgets.BoundedIntText(rows // 2, 0, rows - 1, description="row", layout=_wide())
        self.col = ipywidgets.BoundedIntText(cols // 2, 0, cols - 1, description="column", layout=_wide())
        self.legend = ipywidgets.HTML()
        self.bar = ipywidgets.HTML()
        self._map: LiveMap | None = None
        self._spectrum: LiveSpectrum | None = None
        self._places = tuple(BokehModel(Div(), combine_events=True) for _ in range(2))
        self._offer_bands(preset)
        self.selection.pick(self.row.value, self.col.value)
        for control in self.bands:
            control.observe(self._changed_bands, "value")
        self.modality.observe(self._changed_modality, "value")
        self.tile.observe(self._changed_tile, "value")
        self.row.observe(self._changed_pixel, "value")
        self.col.observe(self._changed_pixel, "value")
        self._silent = False
        self._draw_map()
        self._draw_spectrum()
        tile = [self.tile] if len(self._scenes) > 1 else []
        controls = [
            ipywidgets.HBox([*tile, self.modality, self.row, self.col]),
            ipywidgets.HBox(list(self.bands)),
        ]
        super().__init__([*controls, ipywidgets.HBox(self._places), self.bar, self.legend])

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        # What changed since the figures were packed was sent to pages that show them, and there may have been none.
        for place in self._places:
            place.update_from_model(place._model)
        return super()._repr_mimebundle_(**kwargs)

    @property
    def scene(self) -> Scene:
        """The tile that is shown."""
        tile: Scene = self._scenes[self.tile.value]
        return tile

    @property
    def layer(self) -> Layer:
        """What the map shows: three bands, or one where the modality has fewer than three."""
        chosen = [control.value for control in self.bands]
        return chosen_bands(self.scene, self.modality.value, chosen if self._in_colour else chosen[:1])

    @property
    def map_figure(self) -> Any:
        """The Bokeh figure of the map."""
        return self._places[0]._model

    @property
    def spectrum_figure(self) -> Any:
        """The Bokeh figure of the spectrum."""
        return self._places[1]._model

    @property
    def _in_colour(self) -> bool:
        return bool(self.scene.info(self.modality.value).bands >= 3)

    def _preset(self, modality: str | None) -> Layer:
        presets = layers(self._scenes[0])
        if modality is not None:
            self._scenes[0].info(modality)
            presets = tuple(layer for layer in presets if layer.modality == modality)
        return next((layer for layer in presets if layer.bands), presets[0])

    def _offer_bands(self, preset: Layer) -> None:
        info = self._scenes[0].info(preset.modality)
        options = [(band_name(info, band), band) for band in range(info.bands)]
        chosen = (preset.bands * 3)[:3] or (0, 0, 0)
        for number, control in enumerate(self.bands):
            control.options = options
            control.value = chosen[number]
            control.layout.display = "" if number == 0 or info.bands >= 3 else "none"
        self.bands[0].description = "red" if info.bands >= 3 else "band"

    def _changed_modality(self, _: Any) -> None:
        self._silent = True  # three bands change; one picture is drawn
        try:
            self._offer_bands(self._preset(self.modality.value))
        finally:
            self._silent = False
        self._draw_map()
        self._draw_spectrum()

    def _changed_tile(self, _: Any) -> None:
        rows, cols = self.scene.shape
        self._silent = True
        try:
            self.row.max, self.col.max = rows - 1, cols - 1
        finally:
            self._silent = False
        self.selection.go(self.selection.scene, self.tile.value)
        self._draw_map()
        self._changed_pixel(None)

    def _changed_bands(self, _: Any) -> None:
        if not self._silent:
            self._draw_map()

    def _changed_pixel(self, _: Any) -> None:
        if not self._silent:
            self.selection.pick(self.row.value, self.col.value)
            if self._map is not None:
                self._map.mark(self.selection.pixels)
            self._draw_spectrum()

    def _draw_map(self) -> None:
        drawn = raster(self.scene, self.layer)
        if self._map is None or self._map.scene is not self.scene:
            self._map = LiveMap(self.scene, drawn.stride, MAP)
            self._places[0].update_from_model(bokeh_model(self._map.element))
        self._map.show(drawn.rgba)
        self._map.mark(self.selection.pixels)
        self.bar.value = colorbar_html(drawn)

    def _draw_spectrum(self) -> None:
        wanted = (self.scene.name, self.modality.value)
        if self._spectrum is None or wanted != (self._spectrum.scene.name, self._spectrum.modality):
            self._spectrum = LiveSpectrum(self.scene, self._whole, self.modality.value, SPECTRUM)
            self._places[1].update_from_model(bokeh_model(self._spectrum.element))
        self._spectrum.mark(self.selection.pixels)
        legend = [*class_legend(self._spectrum.known.classes)] if self._spectrum.known else []
        self.legend.value = legend_html([*self._spectrum.legend(), *legend])


def _wide() -> Any:
    """A layout of its own for each control: one that is hidden must not hide the others."""
    return ipywidgets.Layout(width="230px")
