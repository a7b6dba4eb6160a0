"""Scores in words and rows: the protocol beside the number, the controls directly under it."""

from collections.abc import Mapping
from typing import Any

from workbench.experiments.absent import told
from workbench.runs import RunFolder
from workbench.runs.published import published
from workbench.runs.words import caution, kappa_words, paper_words, score_words

Table = tuple[list[str], list[list[str]]]
"""Head and rows."""


def score_title(name: str, metrics: dict[str, Any]) -> str:
    """A line above the scores, with a warning where the split was random."""
    tag = " (RANDOM SPLIT: position alone explains much of it)" if metrics["protocol"] == "random" else ""
    tag += f" ({caution(metrics).upper()})" if caution(metrics) else ""
    note = " Synthetic scene: fusion wins by construction." if metrics["synthetic"] else ""
    reduced = told(metrics.get("without", {}), metrics.get("blank", ()))
    note += f" {reduced}" if reduced else ""
    words = score_words(metrics)
    what = words.kind if words.note else "scores"
    return (
        f"{name}: {what} on test pixels, {metrics['protocol']} split{tag}.{note}{' ' if words.note else ''}{words.note}"
    )


def score_table(metrics: dict[str, Any]) -> Table:
    """The run's scores, those without overlap and of whole objects where there are some, and the controls."""
    rows = [[f"this run{f' ({caution(metrics)})' if caution(metrics) else ''}", metrics["test"]]]
    if metrics.get("test_without_overlap_note"):
        rows.append(["test pixels clear of training patches", metrics["test_without_overlap"]])
    objects = metrics.get("objects")
    if objects:
        rows.append([f"by {objects['layer']} (n = {objects['count']})", objects])
    rows += [[f"control: {name.replace('_', ' ')}", score] for name, score in metrics["controls"].items()]
    rows += [[f"member: seed {one['seed']}", one] for one in metrics.get("ensemble", {}).get("members", [])]
    return ["", *_head(metrics)], [[title, *_cells(score)] for title, score in rows]


def split_lines(metrics: dict[str, Any]) -> list[str]:
    """What the protocol, the second row and the controls of a score table mean."""
    without = metrics.get("test_without_overlap_note") or ""
    how = (metrics.get("controls_how") or {}).get("spectrum_only", "")
    reason = (metrics["test"] or {}).get("kappa_reason")
    told = [
        f"kappa is not defined: {reason}" if reason else "",
        paper_words(metrics),
        _sampled(metrics),
        f"clear of training patches: {without}" if without else "",
    ]
    return [line for line in [*told, f"spectrum only: {how}" if how else ""] if line]


def _sampled(metrics: Mapping[str, Any]) -> str:
    """Standard errors of a probability sample."""
    found = metrics.get("sampling")
    if not found:
        return ""
    told = [
        f"{name} {100 * found[key]:.1f} %"
        + ("" if found[f"{key}_error"] is None else f" +- {100 * found[f'{key}_error']:.2f}")
        for name, key in (("OA", "oa"), ("AA", "aa"))
    ]
    why = f" (no standard error: {found['reason']})" if found["reason"] else ", with the standard error of a sample"
    return f"as a probability sample of the labelled pixels: {', '.join(told)}{why}"


def published_table(metrics: Mapping[str, Any]) -> Table:
    """What publications report on the same scene, each with its protocol; no rows where nothing is verified."""
    head = ["published, not ours", "OA %", "AA %", "kappa %", "protocol", "source"]
    return head, [[one.method, *one.cells(), one.protocol, one.source] for one in published(metrics["scene"])]


def ensemble_lines(metrics: dict[str, Any]) -> list[str]:
    """How far the members of an ensemble disagree; nothing for a single network."""
    if "ensemble" not in metrics:
        return []
    found = metrics["ensemble"]["disagreement"]
    line = (
        f"two of the {found['members']} members give a test pixel different classes, %: "
        f"{100 * found['other_class_share']:.1f}; entropy {found['entropy']:.3f} nats, of which disagreement "
        f"{found['mutual_information']:.3f}"
    )
    return [line]


def bayes_lines(metrics: dict[str, Any]) -> list[str]:
    """The known Bayes accuracies on the same test pixels, one line per rule; none for a real scene."""
    return [
        f"known Bayes accuracy, {rule} rule, %: " + ", ".join(f"{name} {100 * oa:.1f}" for name, oa in found.items())
        for rule, found in (metrics.get("bayes") or {}).items()
    ]


def comparison_table(runs: Mapping[str, RunFolder]) -> Table:
    """One row per set of modalities, beside the known Bayes accuracies of the same modalities."""
    rules = list(next(iter(runs.values())).metrics.get("bayes") or {})
    rows = []
    last: dict[str, Any] = {}
    for name, run in runs.items():
        metrics = last = run.metrics
        known = [
            f"{100 * metrics['bayes'][rule][name]:.1f}" if name in metrics["bayes"][rule] else "" for rule in rules
        ]
        rows.append([name, *_cells(metrics["test"]), *known])
    rows += [
        [f"control: {name.replace('_', ' ')}", *_cells(score), *[""] * len(rules)]
        for name, score in last["controls"].items()
    ]
    head = ["modalities", *_head(next(iter(runs.values())).metrics)]
    return head + [f"Bayes, {rule} rule %" for rule in rules], rows


def _head(metrics: Mapping[str, Any]) -> list[str]:
    words = score_words(metrics)
    return [f"{words.overall} %", f"{words.average} %", "kappa"]


def _cells(score: dict[str, Any] | None) -> list[str]:
    if score is None:
        return ["-"] * 3
    return [f"{100 * score['oa']:.1f}", f"{100 * score['aa']:.1f}", kappa_words(score)]
