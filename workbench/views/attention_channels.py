"""The weights that a network gives its channels at chosen pixels, a bar per channel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.views.backend import hv
from workbench.views.picture import Picture
from workbench.views.style import MUTED, PICKED, dress

if TYPE_CHECKING:
    from workbench.explain import AttentionResult

SIZE = (230, 90)
COLUMNS = 3


def channel_weights(results: "Sequence[AttentionResult]") -> Picture | None:
    """Every channel mask as bars: the mean over the pixels, with a whisker from the lowest to the highest.

    Args:
        results: What a network saw and answered.

    Returns:
        The picture; None for a network that weighs no channels.
    """
    import pandas as pd

    names = list(results[0].vectors) if results else []
    if not names:
        return None
    plots, rows = [], {}
    for name in names:
        weights = np.stack([result.vectors[name] for result in results]).astype(np.float64)
        mean, low, high = weights.mean(axis=0), weights.min(axis=0), weights.max(axis=0)
        channels = np.arange(len(mean))
        bars = hv.Rectangles(
            np.column_stack([channels - 0.4, np.minimum(mean, 0), channels + 0.4, np.maximum(mean, 0)])
        )
        spans = hv.Segments(np.column_stack([channels, low, channels, high]))
        top, bottom = max(float(high.max()), 0.0), min(float(low.min()), 0.0)
        element: Any = bars.opts(color=PICKED[5], line_alpha=0, hooks=[dress]) * spans.opts(color=MUTED, hooks=[dress])
        plots.append(
            element.opts(
                frame_width=SIZE[0],
                frame_height=SIZE[1],
                ylim=(1.05 * bottom, 1.05 * top if top > bottom else 1.0),
                xlabel="channel",
                ylabel="weight",
                title=name,
                fontsize={"title": "11px"},
                toolbar=None,
                hooks=[dress],
            )
        )
        order = np.argsort(-mean, kind="stable")
        rows[name] = {
            "channels": len(mean),
            "lowest": float(mean.min()),
            "mean": float(mean.mean()),
            "highest": float(mean.max()),
            "heaviest channels, from 0": ", ".join(str(int(channel)) for channel in order[:3]),
            "widest range over the pixels": float((high - low).max()),
        }
    many = len(results)
    over = "at the pixel" if many == 1 else f"the mean over {many} pixels, with a line from the lowest to the highest"
    return Picture(
        hv.Layout(plots).cols(COLUMNS).opts(shared_axes=False, toolbar=None),
        "Weights of channels",
        f"Every channel mask of the network, a bar per channel: {over}. Channels are learnt: they have no names.",
        pd.DataFrame.from_dict(rows, orient="index").rename_axis("mask"),
    )
