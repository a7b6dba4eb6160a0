"""The course of a training."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.runs.words import score_words
from workbench.views.backend import hv
from workbench.views.classes import LegendEntry
from workbench.views.picture import Picture
from workbench.views.style import PICKED, dress

if TYPE_CHECKING:
    import pandas as pd

TRAINING, VALIDATION = PICKED[5], PICKED[3]


def training_curves(
    history: "pd.DataFrame", best_epoch: int | None = None, metrics: Mapping[str, Any] | None = None
) -> Picture:
    """Loss and overall score over the epochs, of training and validation.

    Args:
        history: `history.parquet` of a run: one row per epoch; of an ensemble, per member and epoch, a line each.
        best_epoch: The epoch whose weights were kept; marked where given.
        metrics: Of the run: says what a score is called.
    """
    words = score_words(metrics or {})
    epochs = int(history["epoch"].max())
    groups = (
        ("loss", (("train_loss", TRAINING), ("validation_loss", VALIDATION))),
        (f"{words.kind} (%)", (("train_accuracy", TRAINING), ("validation_oa", VALIDATION))),
    )
    plots = []
    for label, columns in groups:
        factor = 1 if label == "loss" else 100
        parts: list[Any] = []
        for name, color in columns:
            if name in history and history[name].notna().any():
                for _, rows in history.groupby("member") if "member" in history else [(1, history)]:
                    points = (rows["epoch"].to_numpy(), factor * rows[name].to_numpy(float))
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
        if epochs <= 12:
            options["xticks"] = list(range(1, epochs + 1))
        plots.append(hv.Overlay(parts).opts(hv.opts.Overlay(show_legend=False, **options)))
    unlabelled = int((history["epoch"] < 1).sum())
    before = f" The first {unlabelled}, up to epoch 0, are of the stage without labels." if unlabelled else ""
    kept = "" if best_epoch is None else f" The dotted line marks epoch {best_epoch}, whose weights were kept."
    return Picture(
        hv.Layout(plots).cols(2).opts(shared_axes=False),
        "Training",
        f"Loss and {words.overall} over {epochs} epochs.{before}{kept}",
        history.set_index("epoch"),
        (LegendEntry(TRAINING, "–", "training pixels"), LegendEntry(VALIDATION, "–", "validation pixels")),
    )
