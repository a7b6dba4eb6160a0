"""Errors against what is known of the pixels: bars of the error rate with interval and counts, a picture per covariate."""

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.analysis.strata import Strata
from workbench.views.backend import hv
from workbench.views.picture import Picture, Row, sentences
from workbench.views.style import MUTED, WRONG, dress

if TYPE_CHECKING:
    import pandas as pd

    from workbench.experiments import ErrorAnalysis

ALL = 0
SIZE = (330, 210)


def strata_row(analysis: "ErrorAnalysis", value: int = ALL, most: int | None = None) -> Row:
    """A picture per covariate, those that tell wrong from right best first; in words what is not known.

    Args:
        analysis: The analysis of a run.
        value: Class value; 0 is all classes.
        most: Pictures at most; of fewer than all covariates, nothing is said of those that are not known.
    """
    found = analysis.strata[value]
    order = sorted(
        (name for name, one in found.items() if one.bins),
        key=lambda name: -abs((0.5 if found[name].larger is None else found[name].larger) - 0.5),  # type: ignore[operator]
    )
    missing = [
        f"Not drawn, {analysis.covariates[name].what}: {one.reason}." for name, one in found.items() if not one.bins
    ]
    return Row([strata_picture(analysis, name, value) for name in order[:most]], () if most else tuple(missing))


def telling(analysis: "ErrorAnalysis") -> "pd.DataFrame":
    """How often a wrong pixel has a larger value than a right one, percent of pairs: 50 says nothing, 0 and 100 all."""
    import pandas as pd

    values = (ALL, *analysis.shown)
    rows = []
    for name in analysis.covariates:
        found = [analysis.strata[value][name].larger for value in values]
        rows.append(["–" if one is None else f"{100 * one:.0f}" for one in found])
    index = pd.Index(
        [one.what for one in analysis.covariates.values()], name="wrong pixels have a larger value, % of pairs"
    )
    return pd.DataFrame(rows, columns=[analysis.title(value) for value in values], index=index)


def strata_picture(analysis: "ErrorAnalysis", covariate: str, value: int = ALL) -> Picture:
    """Error rate of each bin with its 95 % interval; above each the wrong pixels of all.

    Args:
        analysis: The analysis of a run.
        covariate: Name of the covariate.
        value: Class value; 0 is all classes.
    """
    known, found = analysis.covariates[covariate], analysis.strata[value][covariate]
    unit = f" ({known.unit})" if known.unit else ""
    what = known.what.removeprefix("the ").removeprefix("its ")
    place = np.arange(len(found.bins))
    rates = [np.nan if one.error_rate is None else 100 * one.error_rate for one in found.bins]
    bars = hv.Rectangles(
        [(x - 0.36, 0, x + 0.36, rate) for x, rate in zip(place, rates, strict=True) if np.isfinite(rate)]
    )
    spans = [
        (x, 100 * one.interval[0], x, 100 * one.interval[1])
        for x, one in zip(place, found.bins, strict=True)
        if one.interval is not None
    ]
    top = min(100.0, 1.18 * max([span[3] for span in spans] + [1.0]))
    counts = [
        (x, min(100 * one.interval[1], top) + 0.02 * top, f"{one.wrong:,}/{one.pixels:,}")
        for x, one in zip(place, found.bins, strict=True)
        if one.interval is not None
    ]
    overall = 100 * found.wrong / found.pixels
    element: Any = (
        bars.opts(color=WRONG, fill_alpha=0.75, line_alpha=0, hooks=[dress])
        * hv.Segments(spans).opts(color=MUTED, line_width=2, hooks=[dress])
        * hv.HLine(overall).opts(color=MUTED, line_dash="dashed", line_width=1)
        * hv.Labels(counts, ["x", "y"], "text").opts(
            text_color=MUTED, text_font_size="10px", text_baseline="bottom", hooks=[dress]
        )
    )
    return Picture(
        element.opts(
            frame_width=SIZE[0],
            frame_height=SIZE[1],
            xlim=(-0.6, len(found.bins) - 0.4),
            ylim=(0, 1.1 * top),
            xticks=[(int(x), one.name) for x, one in zip(place, found.bins, strict=True)],
            xlabel=f"{what}{unit}",
            ylabel="wrong (%)",
            xrotation=20 if max(len(one.name) for one in found.bins) > 10 else 0,
            toolbar=None,
            show_legend=False,
            hooks=[dress],
        ),
        f"Errors against {what}, {analysis.title(value)}",
        f"{_larger(found, what)} Dashed: all, {overall:.1f} %. Above the bars: wrong of all pixels.",
        found.to_frame(f"{what}{unit}"),
        method=sentences(
            known.how,
            "Whiskers: Wilson's 95 % interval, as if pixels were independent; neighbours are not, so it is wider",
            f"{found.missing:,} test pixels without a value" if found.missing else "",
        ),
    )


def _larger(found: Strata, what: str) -> str:
    if found.larger is None:
        return "All pixels are wrong." if found.wrong else "No pixel is wrong."
    if abs(found.larger - 0.5) < 0.02:
        return f"Wrong and right pixels have the same {what} as often as not."
    more = "larger" if found.larger > 0.5 else "smaller"
    share = max(found.larger, 1 - found.larger)
    return f"A wrong pixel has a {more} value than a right one in {100 * share:.0f} % of all pairs of them."
