"""Profiles that change in place while a line is drawn: one frame for each modality, over one distance."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, Range1d
from bokeh.plotting import figure

from workbench.scenes import ModalityInfo
from workbench.views.layers import quantity_name
from workbench.views.profiles import DASHES, FEW, Along
from workbench.views.style import MUTED, PICKED, dress


class LiveProfile:
    """Frames of bands along a line. HoloViews would make each anew at every corner that is drawn.

    Args:
        infos: The modalities, a frame for each.
        width: Of a frame in pixels; None fills the place.
        linked: Whether zooming into one zooms into all; they must then be shown in one Bokeh document.

    Attributes:
        figures: The Bokeh figures, invisible until something is shown.
    """

    def __init__(self, infos: Sequence[ModalityInfo], width: int | None, linked: bool) -> None:
        self._corners = [ColumnDataSource({"x": []}) for _ in infos]
        self._lines = [[ColumnDataSource({"x": [], "y": []}) for _ in range(FEW)] for _ in infos]
        self.figures = [self._figure(info, frame, width) for frame, info in enumerate(infos)]
        for made in self.figures[1:] if linked else []:
            made.x_range = self.figures[0].x_range

    def show(self, read: Sequence[Along]) -> None:
        """Show what was read: an entry for each frame, of at most `FEW` bands; nothing hides them."""
        for made in self.figures:
            made.visible = bool(read)
        if not read:
            return
        found = read[0].found
        for one, made, sources, corners in zip(read, self.figures, self._lines, self._corners, strict=True):
            corners.data = {"x": list(found.corners[1:-1])}
            _stretch(made.x_range, 0.0, float(found.distance[-1]))
            lines = [values for values, _, _ in one.lines]
            for place, source in enumerate(sources):
                there = place < len(lines)
                source.data = {"x": found.distance if there else [], "y": lines[place] if there else []}
            drawn = np.concatenate(lines)
            drawn = drawn[np.isfinite(drawn)]
            low, high = (float(drawn.min()), float(drawn.max())) if len(drawn) else (0.0, 1.0)
            room = 0.06 * (high - low) or max(abs(high), 1.0) / 2
            _stretch(made.y_range, low - room, high + room)
            made.xaxis.axis_label = one.distance

    def _figure(self, info: ModalityInfo, frame: int, width: int | None) -> Any:
        size: dict[str, Any] = {"height": 230, "sizing_mode": "stretch_width"}
        if width is not None:
            size = {"frame_width": width, "frame_height": 200}
        tools = "xpan,xwheel_zoom,xbox_zoom,reset,save"
        ranges = {"x_range": Range1d(0, 1), "y_range": Range1d(0, 1)}
        made = figure(y_axis_label=quantity_name(info), tools=tools, visible=False, **ranges, **size)
        made.vspan("x", source=self._corners[frame], line_color=MUTED, line_dash="dotted")
        for source, color, dash in zip(self._lines[frame], PICKED, DASHES, strict=False):
            made.line("x", "y", source=source, line_color=color, line_width=2, line_dash=dash)
        dress(SimpleNamespace(state=made), None)
        return made


def _stretch(reach: Range1d, start: float, end: float) -> None:
    """Also to where the reset tool goes back to."""
    reach.update(start=start, end=end, reset_start=start, reset_end=end)
