"""What is picked, as Param state that faces share and watch."""

from typing import Any

import param

from workbench.views.style import PICKED

Pixel = tuple[int, int]


class Selection(param.Parameterized):  # type: ignore[misc]  # param ships no types
    """Up to eight picked pixels of one tile, the last one picked in front.

    A pixel keeps its colour until it is dropped: its place in `pixels` is its colour.
    """

    scene = param.String(default="", doc="Name of the scene or collection.")
    tile = param.Integer(default=0, bounds=(0, None), doc="Number of the tile.")
    pixels = param.List(default=[], item_type=tuple, doc="(row, column) of each picked pixel, oldest first.")

    def pick(self, row: int, col: int, add: bool = False) -> None:
        """Pick a pixel, instead of the others or in addition; a ninth pushes the first out."""
        pixel = (int(row), int(col))
        kept = [other for other in self.pixels if other != pixel] if add else []
        self.pixels = [*kept, pixel][-len(PICKED) :]

    def go(self, scene: str, tile: int = 0) -> None:
        """Turn to another scene or tile; picked pixels belong to the old one and are dropped."""
        if (scene, tile) != (self.scene, self.tile):
            self.param.update(scene=scene, tile=tile, pixels=[])

    @property
    def colored(self) -> list[tuple[Pixel, str]]:
        """Picked pixels with their colours."""
        return [(pixel, PICKED[number]) for number, pixel in enumerate(self.pixels)]

    def watch(self, callback: Any, *names: str) -> None:
        """Call `callback` without arguments when one of the named parameters changes."""
        self.param.watch(lambda *_: callback(), list(names or ("pixels",)))
