"""Bands, stretch, classes, pixels and a line of a scene, chosen by hand in JupyterLab."""

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
from workbench.views.grid import Window, pixel_at
from workbench.views.layers import Layer, band_names, find_layer, layers
from workbench.views.line_profile import LineProfile
from workbench.views.line_tools import HINT
from workbench.views.live import LiveMap, LiveSpectrum, colorbar_html
from workbench.views.look import COLORS, Look
from workbench.views.picked import save_spectra
from workbench.views.picture import Row, bokeh_model, legend_html, row_of
from workbench.views.profiles import pixel_line, profile_pictures
from workbench.views.raster import can_detail, detail, raster
from workbench.views.selection import Selection
from workbench.widgets.controls import said, wide

MAP, SPECTRUM, PROFILE = 430, (430, 300), 600
CHOSEN, INDEX = "Chosen bands", "Spectral index"


class SceneExplorer(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets ships no types
    """A composite of chosen bands or a preset, and the spectra of picked pixels against the class means.

    Display it in JupyterLab after `workbench.views.picture.setup()`. Tap the map, or type row and column, to pick a
    pixel; zoom in to see every pixel. Or let taps draw a line, and see heights, backscatter and bands along it.

    Args:
        scene: A scene or collection; of a collection one tile is shown at a time.
        modality: The modality to begin with; None is that of the first preset.

    Attributes:
        selection: The picked pixels, to be watched or set.
        look: Bands, stretch, index and classes, to be watched or set.
        line: The line on the map and what lies along it.
    """

    line: LineProfile

    def __init__(self, scene: Scene | Collection, modality: str | None = None) -> None:
        self._whole, self._scenes = scene, scene.scenes
        self.selection, self.look = Selection(scene=scene.name), Look()
        self.look.go(scene, modality)
        self._silent = True
        self._places = tuple(BokehModel(Div(), combine_events=True) for _ in range(2 + len(scene.modalities)))
        self._make_controls()
        self._map: LiveMap | None = None
        self._spectrum: LiveSpectrum | None = None
        self._offer()
        self.selection.pick(self.row.value, self.col.value)
        self._watch()
        self._silent = False
        self._draw_map()
        self._draw_spectrum()
        tile = [self.tile] if len(self._scenes) > 1 else []
        shown = [self.classes] if len(scene.classes) else []
        look = ipywidgets.VBox([*tile, self.preset, self.modality, *self.bands, self.stretch, self.index])
        picks = ipywidgets.VBox(
            [self.row, self.col, self.keep, *shown, self.folder, ipywidgets.HBox([self.clear, self.save])]
        )
        super().__init__(
            [
                ipywidgets.HBox([look, picks]),
                self.taps,
                ipywidgets.HBox(self._places[:2], layout=ipywidgets.Layout(flex_flow="row wrap")),
                *(self.bar, self.legend, self.said, self.along),
            ]
        )

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
        """What the map shows: a preset, an index, or three bands, one where the modality has fewer than three."""
        if self.preset.value == CHOSEN:
            return self.look.layer
        return self.look.index_layer if self.preset.value == INDEX else find_layer(self.scene, self.preset.value)

    def profile(self) -> Row:
        """Heights, backscatter and the like along the drawn line; through the picked pixels where none is drawn."""
        drawn = self.line.line.vertices if len(self.line.line.vertices) > 1 else None
        return row_of(lambda: profile_pictures(self.scene, drawn or pixel_line(self.scene, self.selection.pixels)))

    @property
    def map_figure(self) -> Any:
        """The Bokeh figure of the map."""
        return self._places[0]._model

    @property
    def spectrum_figure(self) -> Any:
        """The Bokeh figure of the spectrum."""
        return self._places[1]._model

    def _make_controls(self) -> None:
        scene, look = self._whole, self.look
        tiles = [(tile.name, number) for number, tile in enumerate(self._scenes)]
        self.tile = ipywidgets.Dropdown(options=tiles, description="tile", layout=wide())
        titles = [layer.title for layer in layers(self._scenes[0])]
        self.preset = ipywidgets.Dropdown(options=[CHOSEN, INDEX, *titles], description="show", layout=wide())
        self.modality = ipywidgets.Dropdown(
            options=list(scene.modalities), value=look.modality, description="modality", layout=wide()
        )
        self.bands = tuple(
            ipywidgets.SelectionSlider(
                options=[("", 0)], description=word, continuous_update=False, layout=wide("420px")
            )
            for word in COLORS
        )
        self.stretch = ipywidgets.FloatRangeSlider(
            value=look.stretch, min=0, max=100, step=0.5, description="stretch %", continuous_update=False,
            readout_format=".1f", layout=wide("420px"),
        )  # fmt: skip
        self.index = ipywidgets.Dropdown(options=[("none", "")], description="index", layout=wide("420px"))
        rows, cols = self._scenes[0].shape
        self.row = ipywidgets.BoundedIntText(rows // 2, 0, rows - 1, description="row", layout=wide())
        self.col = ipywidgets.BoundedIntText(cols // 2, 0, cols - 1, description="column", layout=wide())
        self.keep = ipywidgets.Checkbox(value=False, description="keep earlier pixels", layout=wide())
        self.classes = ipywidgets.SelectMultiple(
            options=[(f"{entry.value} {entry.name}", entry.value) for entry in scene.classes],
            value=tuple(look.classes), description="classes", rows=min(len(scene.classes) + 1, 6), layout=wide("300px"),
        )  # fmt: skip
        folder = f"spectra-{self._whole.collection}"
        self.folder = ipywidgets.Text(folder, description="save to", continuous_update=False, layout=wide("300px"))
        self.clear = ipywidgets.Button(description="Clear", layout=wide("90px"))
        self.save = ipywidgets.Button(description="Save spectra", layout=wide("130px"))
        self.bar, self.legend, self.said = (ipywidgets.HTML() for _ in range(3))
        self.taps = ipywidgets.ToggleButtons(
            options=[("Taps pick pixels", "pick"), ("Taps draw a line", "line")], layout=wide("420px")
        )
        self.taps.style.button_width = "150px"
        self.through = ipywidgets.Button(description="Through the picked pixels", layout=wide("200px"))
        self.save_profile = ipywidgets.Button(description="Save profile", layout=wide("130px"))
        self.line_bands, self.line_said = ipywidgets.HBox(), ipywidgets.HTML()
        self.line_words = [(ipywidgets.HTML(), ipywidgets.HTML()) for _ in scene.modalities]
        frames = zip(self.line_words, self._places[2:], strict=True)
        self.along = ipywidgets.VBox(
            [
                ipywidgets.HTML(f"<small>{HINT}</small>"),
                ipywidgets.HBox([self.through, self.save_profile, self.line_bands]),
                self.line_said,
                *(part for (words, table), place in frames for part in (words, place, table)),
            ],
            layout=ipywidgets.Layout(display="none"),
        )

    def _watch(self) -> None:
        for control in self.bands:
            control.observe(self._changed_bands, "value")
        self.modality.observe(self._changed_modality, "value")
        self.tile.observe(self._changed_tile, "value")
        self.row.observe(self._changed_pixel, "value")
        self.col.observe(self._changed_pixel, "value")
        self.preset.observe(lambda _: None if self._silent else self._draw_map(), "value")
        self.stretch.observe(lambda change: setattr(self.look, "stretch", change["new"]), "value")
        self.index.observe(self._changed_index, "value")
        self.classes.observe(lambda change: setattr(self.look, "classes", list(change["new"])), "value")
        self.clear.on_click(lambda _: self._cleared())
        self.save.on_click(lambda _: self._kept(lambda folder: save_spectra(*self._picked, folder), self.said))
        self.taps.observe(lambda _: self._switch(), "value")
        self.through.on_click(lambda _: self._go_through())
        self.save_profile.on_click(lambda _: self._kept(lambda folder: [self.line.save(folder)], self.line_said))
        self.look.param.watch(lambda *_: self._draw_map(), ["stretch"])
        self.look.param.watch(lambda *_: self._draw_spectrum(anew=True), ["classes"])
        self.look.param.watch(lambda *_: self._follow_bands(), ["bands"])

    def _offer(self) -> None:
        """The bands and indices of the modality."""
        look = self.look
        indices = look.indices(look.modality)
        self.index.options = [("none", ""), *((f"{key}: {one.long_name}"[:60], key) for key, one in indices.items())]
        options = look.options()
        for number, control in enumerate(self.bands):
            control.options = options
            control.value = look.bands[number]
            control.layout.display = "" if number == 0 or look.in_colour else "none"
        self.bands[0].description = "red" if look.in_colour else "band"

    def _changed_modality(self, _: Any) -> None:
        self._silent = True  # three bands change; one picture is drawn
        try:
            self.look.turn(self.modality.value)
            self._offer()
            self.preset.value = CHOSEN
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
            self.look.bands = tuple(control.value for control in self.bands)

    def _follow_bands(self) -> None:
        """Show bands that were chosen here or set from outside."""
        if self._silent:
            return
        self._silent = True
        try:
            for control, band in zip(self.bands, self.look.bands, strict=True):
                control.value = band
            self.preset.value = CHOSEN
        finally:
            self._silent = False
        self._draw_map()

    def _changed_index(self, _: Any) -> None:
        if self._silent:
            return
        self.look.index = self.index.value
        wanted = INDEX if self.index.value else CHOSEN
        if self.preset.value == wanted:
            self._draw_map()
        self.preset.value = wanted

    def _changed_pixel(self, _: Any) -> None:
        if not self._silent:
            self._pick(self.row.value, self.col.value, self.keep.value)

    def _pick(self, row: int, col: int, add: bool) -> None:
        self.selection.pick(row, col, add)
        self._silent = True
        try:
            self.row.value, self.col.value = row, col
        finally:
            self._silent = False
        if self._map is not None:
            self._map.mark(self.selection.pixels, self.selection.colors)
        self._draw_spectrum()

    def _tapped(self, x: float, y: float, add: bool) -> None:
        if self.line.active:
            return
        pixel = None if self._map is None else pixel_at(self.scene, self._map.grid, x, y)
        if pixel is not None:
            self._pick(pixel[0], pixel[1], add or self.keep.value)

    def _cleared(self) -> None:
        row, col = self.selection.pixels[-1]
        self._pick(row, col, False)

    @property
    def _picked(self) -> tuple[Scene | Collection, Scene, list[Any]]:
        return self._whole, self.scene, self.selection.pixels

    def _kept(self, work: Callable[[Path], list[Path]], place: Any) -> None:
        """Write files into the folder, and say so in `place`."""
        try:
            written = work(Path(self.folder.value))
        except WorkbenchError as error:
            place.value = said(str(error), wrong=True)
        else:
            place.value = said(f"Saved {', '.join(path.name for path in written)} in {self.folder.value}.")

    def _switch(self) -> None:
        """Let taps pick pixels, or draw a line and show what lies along it."""
        draws = self.taps.value == "line"
        self.along.layout.display = "" if draws else "none"
        self.line.active = draws

    def _go_through(self) -> None:
        try:
            self.line.through(self.selection.pixels)
        except WorkbenchError as error:
            self.line_said.value = said(str(error), wrong=True)

    def _offer_line(self, live: LiveMap) -> None:
        """A line on a map that is about to be drawn, and the bands to see along it."""
        self.line = LineProfile(self.scene, live, PROFILE, self._follow_line)
        controls = []
        for name, band in self.line.bands.items():
            options = band_names(self.scene.info(name))
            control = ipywidgets.Dropdown(options=options, value=band, description=name, layout=wide())
            control.observe(lambda change, name=name: self.line.turn(name, change["new"]), "value")
            controls.append(control)
        self.line_bands.children = controls
        for place, made in zip(self._places[2:], self.line.frames.figures, strict=True):
            place.update_from_model(made)
        self.line.active = self.taps.value == "line"

    def _follow_line(self) -> None:
        line = self.line
        self.line_said.value = said(line.problem, wrong=True)
        for frame, panes in enumerate(self.line_words):
            for pane, text in zip(panes, line.words(frame), strict=True):
                pane.value = text

    def _zoomed(self, window: Window | None) -> None:
        """Read what is in view at full resolution, where that is quick."""
        layer = self.layer
        if self._map is None or window is None or self._map.stride == 1:
            return
        close = can_detail(self.scene, layer.modality, window)
        drawn = detail(self.scene, layer, window, self.look.percentiles).rgba if close else None
        self._map.show_detail(drawn, window)

    def _draw_map(self) -> None:
        try:
            drawn = raster(self.scene, self.layer, self.look.percentiles)
        except WorkbenchError as error:  # the last picture stays
            self.said.value = said(str(error), wrong=True)
            return
        if self._map is None or self._map.scene is not self.scene:
            self._map = LiveMap(self.scene, overview_stride(self.scene.shape), MAP)
            self._map.on_tap(self._tapped)
            self._map.on_view(self._zoomed)
            self._offer_line(self._map)
            self._places[0].update_from_model(bokeh_model(self._map.element))
        self._map.show(drawn.rgba)
        self._zoomed(self._map.window)
        self._map.mark(self.selection.pixels, self.selection.colors)
        self.bar.value = colorbar_html(drawn)
        self.said.value = said(" ".join(drawn.notes))

    def _draw_spectrum(self, anew: bool = False) -> None:
        wanted = (self.scene.name, self.modality.value)
        if anew or self._spectrum is None or wanted != (self._spectrum.scene.name, self._spectrum.modality):
            self._spectrum = LiveSpectrum(self.scene, self._whole, self.modality.value, SPECTRUM, self.look.classes)
            self._places[1].update_from_model(bokeh_model(self._spectrum.element))
        self._spectrum.mark(self.selection.pixels, self.selection.colors)
        legend = [*class_legend(self._spectrum.known.classes)] if self._spectrum.known else []
        self.legend.value = legend_html([*self._spectrum.legend(), *legend])
