"""What a reader must know of a sweep, beside its scores: the audits of its splits, what failed, which habits it follows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.runs.words import score_words
from workbench.splits.audit import Leak

if TYPE_CHECKING:
    from workbench.experiments.sweep_result import Entry


def sweep_notes(protocol: str, entries: "Sequence[Entry]", done: "Sequence[Entry]") -> list[str]:
    """The notes, a sentence or two each.

    Args:
        protocol: Rule of the splits.
        entries: Every run.
        done: Those that have scores, at least one.
    """
    metrics: Any = done[0].metrics
    told = []
    failed = [entry for entry in entries if entry not in done]
    if failed:
        told.append(
            f"{len(failed)} of {len(entries)} runs failed and count nowhere; they are listed with their errors."
        )
    # the publications' habits are a random split where none is published
    if "random" in {protocol, *((entry.metrics or {}).get("protocol") for entry in done)}:
        told.append("RANDOM SPLIT: position alone explains much of the scores.")
    told += _audited(done)
    if any(entry.fold is not None for entry in entries):
        told.append(
            "Folds of a split are pooled: their confusion matrices are summed. Controls are means over the folds."
        )
    told += _chosen(done)
    told += [score_words(metrics).note] if score_words(metrics).note else []
    told += ["Synthetic scene: fusion wins by construction."] if metrics["synthetic"] else []
    return told


def _audited(done: "Sequence[Entry]") -> list[str]:
    """How much of the test side training sees, for the nominal window and for each view that was trained."""
    found: dict[str, list[Leak]] = {}
    for entry in done:
        for row in ((entry.metrics or {}).get("audit") or {}).get("leaks", ()):
            leak = Leak(**row)
            if (leak.side, leak.against) == ("test", "train"):
                found.setdefault(leak.title, []).append(leak)
    return [
        f"Audit, {title}: {_range([leak.inside for leak in leaks])} of test centres lie inside a training window, "
        f"{_range([leak.overlap for leak in leaks])} of test windows overlap one."
        for title, leaks in found.items()
    ]


def _range(shares: Sequence[float]) -> str:
    """The least and the most of some shares, in percent."""
    low, high = f"{100 * min(shares):.1f}", f"{100 * max(shares):.1f}"
    return f"{low} %" if low == high else f"{low} to {high} %"


def _chosen(done: "Sequence[Entry]") -> list[str]:
    """What the publications' habits are, and by how much choosing on test flatters each model; nothing for other runs."""
    habits = [entry for entry in done if entry.metrics is not None and entry.metrics.get("chosen_on") == "test"]
    if not habits:
        return []
    words = (
        "Publications' habits, for comparison with publications only: scaling over the whole scene, no validation, and"
    )
    found = [f"{words} the epoch that scores best on test."]
    for name in dict.fromkeys(entry.model for entry in habits):
        mine = [entry.metrics["paper"] for entry in habits if entry.model == name and entry.metrics is not None]
        pairs = [(one["oa"], one["last_oa"]) for one in mine if one]
        if pairs:
            chosen, last = (100 * float(np.mean(column)) for column in zip(*pairs, strict=True))
            found.append(f"{name}: chosen on test {chosen:.1f} %, last epoch {last:.1f} % (means over the runs).")
    return found
