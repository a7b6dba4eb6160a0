"""The course of a training."""

from typing import TYPE_CHECKING, Any

from workbench.views.backend import hv
from workbench.views.classes import LegendEntry
from workbench.views.picture import Picture
from workbench.views.style import PICKED, dress

if TYPE_CHECKING:
    import pandas as pd

TRAINING, VALIDATION = PICKED[5], PICKED[3]


def training_curves(history: "pd.DataFrame", best_epoch: int | None = None) -> Picture:
    """Loss and accuracy over the epochs, of training and validation.

    Args:
        history: `history.parquet` of a run: one row per epoch.
        best_epoch: The epoch whose weights were kept; marked where given.
    """
    groups = (
        ("loss", (("train_loss", TRAINING), ("validation_loss", VALIDATION))),
        ("accuracy (%)", (("train_accuracy", TRAINING), ("validation_oa", VALIDATION))),
    )
    plots = []
    for label, columns in groups:
        factor = 100 if label.startswith("accuracy") else 1
        parts: list[Any] = []
        for name, color in columns:
            if name in history and history[name].notna().any():
                points = (history["epoch"].to_numpy(), factor * history[name].to_numpy(float))
                parts.append(hv.Curve(points, "epoch", label).opts(color=color, line_width=2, hooks=[dress]))
                parts.append(hv.Scatter(points, "epoch", label).opts(color=color, size=4, hooks=[dress]))
        if best_epoch is not None:
            parts.append(hv.VLine(best_epoch).opts(color=TRAINING, line_dash="dotted", line_width=1))
        options: dict[str, Any] = {
            "xlabel": "epoch",
            "ylabel": label,
            "frame_width": 380,
            "frame_height": 240,
            "hooks": [dress],
        }
        if len(history) <= 12:
            options["xticks"] = history["epoch"].tolist()
        plots.append(hv.Overlay(parts).opts(hv.opts.Overlay(show_legend=False, **options)))
    kept = "" if best_epoch is None else f" The dotted line marks epoch {best_epoch}, whose weights were kept."
    return Picture(
        hv.Layout(plots).cols(2).opts(shared_axes=False),
        "Training",
        f"Loss and overall accuracy over {len(history)} epochs.{kept}",
        history.set_index("epoch"),
        (LegendEntry(TRAINING, "–", "training pixels"), LegendEntry(VALIDATION, "–", "validation pixels")),
    )
