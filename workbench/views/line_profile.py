"""A line drawn on a live map with what lies along it, for faces that live."""

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.base.errors import WorkbenchError
from workbench.base.files import write_text
from workbench.scenes import Scene
from workbench.views.line_tools import DrawnLine
from workbench.views.live import LiveMap
from workbench.views.live_profile import LiveProfile
from workbench.views.picture import legend_html, table_details
from workbench.views.profiles import Along, middle_line, one_of_many, pixel_line, profile_table, read_along

if TYPE_CHECKING:
    import pandas as pd


class LineProfile:
    """The line, and a frame for each modality: heights and the like first, then one band of each with many.

    Args:
        scene: The tile.
        live: Its map, before that is drawn.
        width: Of a frame in pixels; None fills the place, and the frames are in one document.
        changed: Called after each change of what is shown.

    Attributes:
        bands: Of modalities with many bands, the one that is drawn, from 0; set it with `turn`.
        read: What is shown, an entry for each frame; empty where there is no line.
        problem: Why nothing is shown, in words.
    """

    def __init__(self, scene: Scene, live: LiveMap, width: int | None, changed: Callable[[], None]) -> None:
        self.scene, self._changed = scene, changed
        self.bands = one_of_many(scene)
        self._few = [name for name in scene.modalities if name not in self.bands]
        self.line = DrawnLine(live)
        self.line.on_change(self._follow)
        self.frames = LiveProfile([scene.info(name) for name in (*self._few, *self.bands)], width, linked=width is None)
        self.read: list[Along] = []
        self.problem = ""

    @property
    def active(self) -> bool:
        """Whether the line is shown and taps on the map draw it."""
        return self.line.active

    @active.setter
    def active(self, active: bool) -> None:
        self.line.active = active
        if active and not self.line.vertices:
            self.line.show(middle_line(self.scene))

    def turn(self, modality: str, band: int) -> None:
        """Draw another band of a modality with many."""
        self.bands[modality] = band
        self._follow()

    def through(self, pixels: Sequence[tuple[int, int]]) -> None:
        """Lay the line through picked pixels (row, col); raises `WorkbenchError` for fewer than two."""
        self.line.show(pixel_line(self.scene, pixels))

    def table(self) -> "pd.DataFrame":
        """Every band of every modality along the line, as it is saved.

        Raises:
            WorkbenchError: There is no line.
        """
        return profile_table(self.scene, self.line.vertices)

    def save(self, folder: Path) -> Path:
        """Write the table as ``profile.csv``; gives the file."""
        path = folder / "profile.csv"
        write_text(path, self.table().to_csv(index=False), "saving a profile")
        return path

    def words(self, frame: int) -> tuple[str, str]:
        """HTML over and under a frame: title, notes and legend; and the table. Nothing where there is no line."""
        if not self.read:
            return "", ""
        one = self.read[frame]
        head = f"<p><b>{escape(one.title)}.</b> <small>{escape(one.words)}</small></p>"
        return head + legend_html(one.legend), table_details(one.table)

    def _follow(self) -> None:
        vertices = self.line.vertices
        if len(vertices) == 1:  # the last profile stays until there is a second corner
            return
        along = [*self._few, *(f"{name} {band + 1}" for name, band in self.bands.items())]
        self.problem = ""
        try:
            self.read = read_along(self.scene, vertices, along) if vertices else []
        except WorkbenchError as error:
            self.read, self.problem = [], str(error)
        self.frames.show(self.read)
        self._changed()
