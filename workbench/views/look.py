"""How a scene is drawn, as Param state that faces share: three bands of a modality, the stretch, an index, classes."""

from typing import Any

import param

from workbench.base.errors import WorkbenchError
from workbench.scenes import Collection, Scene
from workbench.views.layers import Layer, band_names, chosen_bands, index_layer, layers, wavelength_layer
from workbench.views.raster import STRETCH, Percentiles

COLORS = ("red", "green", "blue")


class Look(param.Parameterized):  # type: ignore[misc]  # param ships no types
    """Bands, stretch, index and classes to draw of one scene or collection.

    A change of `bands` comes as one event, whatever of the three changed; so does `stretch`.
    """

    modality = param.Selector(default="", objects=[""], doc="Modality whose bands are drawn.")
    bands = param.Tuple(
        default=(0, 0, 0), doc="Bands that are red, green and blue; of a modality of one or two, the first."
    )
    stretch = param.Range(default=STRETCH, bounds=(0.0, 100.0), doc="Percentiles that become black and white.")
    index = param.Selector(default="", objects=[""], doc="Spectral index, by its name in the catalogue.")
    classes = param.ListSelector(default=[], objects=[], doc="Class values whose spectra are drawn.")

    def go(self, scene: Scene | Collection, modality: str | None = None) -> None:
        """Turn to a scene: its first preset of three bands, the given modality's where one is given."""
        self._scene = scene.scenes[0]
        names = list(scene.modalities)
        if modality is not None:
            scene.info(modality)
        preset = next(
            (layer for layer in layers(self._scene) if layer.bands and modality in (None, layer.modality)), None
        )
        values = list(scene.classes.values)
        with param.parameterized.discard_events(self):
            self.param.modality.objects = names
            self.param.classes.objects = values
        self.param.update(classes=values)
        self.turn(modality or (preset.modality if preset else names[0]))

    def turn(self, modality: str) -> None:
        """Turn to another modality: its first preset of three bands, and its own indices."""
        info = self._scene.info(modality)
        preset = next((one for one in layers(self._scene) if one.bands and one.modality == modality), None)
        bands = preset.bands if preset else tuple(range(min(3, info.bands)))
        self.param.index.objects = ["", *self.indices(modality)]
        self.param.update(modality=modality, bands=(bands * 3)[:3], index="")

    def indices(self, modality: str) -> dict[str, Any]:
        """Spectral indices that a modality can compute, by name."""
        from workbench.spectra.indices import list_indices

        info = self._scene.info(modality)
        if info.wavelengths is None and not info.band_names:
            return {}
        return {index.name: index for index in list_indices(info)}

    def at(self, text: str) -> None:
        """Take the bands nearest to wavelengths in nm, one or three, such as ``640, 550, 460``.

        Raises:
            WorkbenchError: They are no numbers, neither one nor three, or the modality has none near.
        """
        try:
            wanted = [float(part) for part in text.replace(";", " ").replace(",", " ").split()]
        except ValueError:
            wanted = []
        if len(wanted) not in (1, 3):
            raise WorkbenchError(f"Wavelengths are one or three numbers in nm, such as 640, 550, 460; got {text!r}.")
        bands = wavelength_layer(self._scene, self.modality, wanted).bands
        self.bands = (bands * 3)[:3]

    @property
    def in_colour(self) -> bool:
        """Whether three bands are drawn, or one."""
        return bool(self._scene.info(self.modality).bands >= 3)

    @property
    def layer(self) -> Layer:
        """The chosen bands as a layer."""
        return chosen_bands(self._scene, self.modality, self.bands if self.in_colour else self.bands[:1])

    @property
    def index_layer(self) -> Layer:
        """The chosen index as a layer, NDVI where none is; raises `WorkbenchError` where none can be computed."""
        known = self.indices(self.modality)
        if not known:
            raise WorkbenchError(
                f"No spectral index can be computed from {self.modality!r}: its wavelengths are not documented or do "
                "not reach. Choose another modality."
            )
        name = self.index or ("NDVI" if "NDVI" in known else next(iter(known)))
        return index_layer(self._scene, self.modality, name)

    @property
    def percentiles(self) -> Percentiles:
        """The stretch; where both ends are the same, one per cent between them."""
        low, high = (float(end) for end in self.stretch)
        return (low, high) if high > low else (max(low - 1, 0.0), min(low + 1, 100.0))

    def options(self) -> list[tuple[str, int]]:
        """Name and number of each band of the modality."""
        return band_names(self._scene.info(self.modality))
