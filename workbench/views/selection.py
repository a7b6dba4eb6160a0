"""What is picked, as Param state that faces share and watch."""

from typing import Any

import param

from workbench.views.style import PICKED

Pixel = tuple[int, int]


class Selection(param.Parameterized):  # type: ignore[misc]  # param ships no types
    """Up to eight picked pixels of one tile, the last one picked in front.

    A pixel keeps its colour until it is dropped, whatever happens to the others.
    """

    scene = param.String(default="", doc="Name of the scene or collection.")
    tile = param.Integer(default=0, bounds=(0, None), doc="Number of the tile.")
    pixels = param.List(default=[], item_type=tuple, doc="(row, column) of each picked pixel, oldest first.")
    places = param.List(default=[], item_type=int, doc="Place in `PICKED` of the colour of each picked pixel.")

    def pick(self, row: int, col: int, add: bool = False) -> None:
        """Pick a pixel, instead of the others or in addition; a ninth pushes the first out."""
        pixel = (int(row), int(col))
        known = dict(zip(self.pixels, self.places, strict=True)) if add else {}
        mine = known.pop(pixel, None)
        while len(known) >= len(PICKED):
            del known[next(iter(known))]
        if mine is None:
            mine = next(place for place in range(len(PICKED)) if place not in known.values())
        self._set({**known, pixel: mine})

    def drop(self, row: int, col: int) -> None:
        """Take a pixel away; the others keep their colours."""
        known = dict(zip(self.pixels, self.places, strict=True))
        known.pop((int(row), int(col)), None)
        self._set(known)

    def clear(self) -> None:
        """Take all pixels away."""
        self._set({})

    def go(self, scene: str, tile: int = 0) -> None:
        """Turn to another scene or tile; picked pixels belong to the old one and are dropped."""
        if (scene, tile) != (self.scene, self.tile):
            self.param.update(scene=scene, tile=tile, pixels=[], places=[])

    @property
    def colored(self) -> list[tuple[Pixel, str]]:
        """Picked pixels with their colours."""
        return [(pixel, PICKED[place]) for pixel, place in zip(self.pixels, self.places, strict=True)]

    @property
    def colors(self) -> list[str]:
        """Their colours alone."""
        return [color for _, color in self.colored]

    def watch(self, callback: Any, *names: str) -> None:
        """Call `callback` without arguments when one of the named parameters changes."""
        self.param.watch(lambda *_: callback(), list(names or ("pixels",)))

    def _set(self, known: dict[Pixel, int]) -> None:
        self.param.update(pixels=list(known), places=list(known.values()))
