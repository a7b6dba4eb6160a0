"""The picture language: colours of picked pixels, colour maps, and how a Bokeh figure is dressed."""

from typing import Any

import colorcet

PICKED = ("#d55e00", "#56b4e9", "#009e73", "#e69f00", "#cc79a7", "#0072b2", "#f0e442", "#999999")
"""Okabe-Ito in the order in which picked pixels take them; grey stands for black, which a dark page would swallow."""

RING = 15
"""Diameter of the ring around a picked pixel, screen pixels."""

RIGHT, WRONG = "#56b4e9", "#d55e00"
"""Right and wrong test pixels: two Okabe-Ito colours that differ in lightness too."""

FIRE = list(colorcet.fire)
BGY = list(colorcet.bgy)
GRAY = list(colorcet.gray)
DIVERGING = list(colorcet.coolwarm)

MUTED = "#7a828e"
"""Text and rules of a figure: readable on white and on near-black alike where CSS variables do not reach."""

FONT = "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', sans-serif"

FRAME = 760
"""Longest side of a picture's frame in a notebook or report, pixels."""


def dress(plot: Any, element: Any) -> None:
    """HoloViews hook: no background and quiet axes, so that a figure sits on light and dark pages alike.

    Bokeh reads ``--bk-...`` variables of CSS over these values; `style.css` sets them per theme.
    """
    figure = plot.state
    for name, value in (
        ("background_fill_color", None),
        ("border_fill_color", None),
        ("outline_line_color", None),
    ):
        setattr(figure, name, value)
    if figure.sizing_mode == "fixed" and figure.frame_width:
        figure.sizing_mode = None  # the frame has its size; Bokeh would warn that the whole has none
    figure.toolbar.logo = None
    figure.toolbar.autohide = True
    for axis in [*figure.xaxis, *figure.yaxis]:
        axis.axis_label_text_color = axis.major_label_text_color = MUTED
        axis.axis_line_color = axis.major_tick_line_color = MUTED
        axis.minor_tick_line_color = None
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font = axis.major_label_text_font = FONT
        axis.axis_label_text_font_size = "12px"
        axis.major_label_text_font_size = "11px"
    for grid in [*figure.xgrid, *figure.ygrid]:
        grid.grid_line_color = MUTED
        grid.grid_line_alpha = 0.15
    for legend in figure.legend:
        legend.background_fill_alpha = 0
        legend.border_line_color = None
        legend.label_text_color = MUTED
        legend.label_text_font = FONT
        legend.label_text_font_size = "11px"
    for place in ("left", "right", "above", "below"):
        for item in getattr(figure, place):
            if type(item).__name__ == "ColorBar":
                item.background_fill_color = None
                item.major_label_text_color = item.title_text_color = MUTED
                item.major_label_text_font = item.title_text_font = FONT
                item.title_text_font_style = "normal"
                item.bar_line_color = None
                item.major_tick_line_color = MUTED


def rgb(color: str) -> tuple[int, int, int]:
    """``"#rrggbb"`` as three numbers from 0 to 255."""
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return red, green, blue


def ink_on(color: str) -> str:
    """Black or white, whichever reads better on a colour (WCAG relative luminance)."""
    linear = [(part / 255 / 12.92) if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in rgb(color)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > 0.179 else "#ffffff"
