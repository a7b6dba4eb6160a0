"""The critical-difference picture: average ranks of models over data sets."""

from typing import Any

from workbench.analysis.friedman import Friedman
from workbench.views.backend import hv
from workbench.views.compare_matrix import without_grid
from workbench.views.picture import Picture
from workbench.views.style import MUTED, PICKED, dress


def rank_picture(found: Friedman) -> Picture:
    """Average ranks on a line, best to the left; bars join models that are not told apart (Demsar 2006, figure 1)."""
    order = sorted(range(len(found.models)), key=lambda number: found.average_ranks[number])
    count = len(order)
    half = (count + 1) // 2
    low, high = 1.0, float(count)
    room = 0.34 * (high - low)
    bars = [
        (
            found.average_ranks[clique[0]] - 0.03,
            -0.35 * (k + 1),
            found.average_ranks[clique[-1]] + 0.03,
            -0.35 * (k + 1),
        )
        for k, clique in enumerate(found.cliques)
    ]
    below = 0.35 * len(bars) + 0.5
    lines, names = [], []
    for place, number in enumerate(order):
        rank, left = found.average_ranks[number], place < half
        y = -below - 0.55 * (place if left else count - 1 - place)
        end = low - 0.08 * room if left else high + 0.08 * room
        lines += [(rank, 0.0, rank, y), (rank, y, end, y)]
        names.append((end + (-0.05 if left else 0.05) * room, y, f"{found.models[number]}  {rank:.2f}", left))
    scale = [(low, 0.0, high, 0.0)]
    scale += [(float(tick), 0.0, float(tick), 0.16) for tick in range(1, count + 1)]
    cd = min(found.critical_difference, high - low)
    beyond = ", wider than the scale" if cd < found.critical_difference else ""
    ruler = [(low, 0.95, low + cd, 0.95), (low, 0.85, low, 1.05), (low + cd, 0.85, low + cd, 1.05)]
    segments = ["x", "y", "x1", "y1"]
    element: Any = hv.Overlay(
        [
            hv.Segments(scale + lines, segments).opts(color=MUTED, line_width=1.2, hooks=[dress]),
            hv.Segments(ruler, segments).opts(color=PICKED[0], line_width=2, hooks=[dress]),
            hv.Segments(bars, segments).opts(color=PICKED[5], line_width=5, hooks=[dress]),
            hv.Labels([(float(tick), 0.4, str(tick)) for tick in range(1, count + 1)]).opts(
                text_color=MUTED, text_font_size="11px", hooks=[dress]
            ),
            hv.Labels([(low + cd / 2, 1.3, f"critical difference {found.critical_difference:.2f}{beyond}")]).opts(
                text_color=MUTED, text_font_size="11px", hooks=[dress]
            ),
            *(
                hv.Labels([(x, y, text) for x, y, text, side in names if side is left]).opts(
                    text_color=MUTED, text_font_size="12px", text_align="right" if left else "left", hooks=[dress]
                )
                for left in (True, False)
            ),
        ]
    )
    lowest = min(y for _, y, _, _ in names) - 0.4
    apart = "Bars join models whose average ranks differ by less than the critical difference (Nemenyi, "
    return Picture(
        element.opts(
            hv.opts.Overlay(
                show_legend=False,
                frame_width=620,
                frame_height=int(46 * (1.7 - lowest)),
                xlim=(low - 1.6 * room, high + 1.6 * room),
                ylim=(lowest, 1.7),
                xaxis=None,
                yaxis=None,
                hooks=[dress, without_grid],
            )
        ),
        f"Ranks over {len(found.data_sets)} data sets",
        f"1 is best. {apart}{100 * found.level:g} %). Friedman's chi-square {found.statistic:.2f}, p = {found.p:.3g}.",
        found.to_frame(),
        figures={"critical_difference": found.critical_difference, "p": found.p},
        method=" ".join([*found.notes, "Demsar 2006, Journal of Machine Learning Research 7:1-30, section 3.2."]),
    )
