"""A comparison of runs as tables: controls on top, pairs, classes, cost, repetitions."""

from typing import Any

import numpy as np
import pandas as pd

from workbench.experiments.comparison import ComparedPair, Comparison
from workbench.runs.words import score_words

NOT_RECORDED = "not recorded"
DASH = "–"


def scores_frame(comparison: Comparison, controls: dict[str, str] | None = None) -> pd.DataFrame:
    """Controls first, then the runs by falling overall accuracy; shares in percent, a dash where there is no figure.

    Args:
        comparison: The comparison.
        controls: Words for the controls; their names where not given.
    """
    words = score_words(comparison.about)
    head = [
        f"{words.overall} %",
        f"{words.average} %",
        "kappa",
        "mIoU %",
        "quantity dis. %",
        "allocation dis. %",
        "ECE %",
    ]
    rows: dict[str, list[Any]] = {}
    for name, score in comparison.controls.items():
        title = (controls or {}).get(name, name.replace("_", " "))
        known = [_percent(score.get("oa")), _percent(score.get("aa")), _number(score.get("kappa"), 2)]
        rows[f"control: {title}"] = [*known, *[DASH] * 4]
    for run in comparison.runs:
        got = run.scores
        rows[run.label] = [
            *(
                _percent(got.oa),
                _percent(got.aa),
                DASH if got.kappa_reason else _number(got.kappa, 2),
                _percent(got.miou),
            ),
            *(_percent(got.quantity_disagreement), _percent(got.allocation_disagreement), _percent(run.ece)),
        ]
    return pd.DataFrame.from_dict(rows, orient="index", columns=head).rename_axis("run")


def pairs_frame(comparison: Comparison) -> pd.DataFrame:
    """One row per pair: the difference in overall accuracy in points with its interval, and both tests."""
    rows = [
        {
            "first": pair.first,
            "second": pair.second,
            "OA difference, points": f"{100 * pair.blocks['oa'].difference:+.1f}",
            "95 % interval (blocks)": interval(pair),
            "p (blocks, Holm)": p_words(pair.blocks_p),
            "only first right": pair.pixels.only_first,
            "only second right": pair.pixels.only_second,
            "p (McNemar, Holm)": p_words(pair.pixels_p),
            "McNemar": pair.pixels.method,
            "AA difference": f"{100 * pair.blocks['aa'].difference:+.1f}",
            "kappa difference": f"{pair.blocks['kappa'].difference:+.3f}",
            "blocks": pair.blocks.blocks,
            "by the blocks": verdict_words(pair),
        }
        for pair in comparison.pairs
    ]
    columns = ["first", "second"] if not rows else list(rows[0])
    return pd.DataFrame(rows, columns=columns)


def classes_frame(comparison: Comparison) -> pd.DataFrame:
    """One row per run and class: producer's and user's accuracy and F1 as shares with their pixels, None where undefined.

    Intervals are Wilson's for independent pixels (Wilson 1927, Journal of the American Statistical Association
    22:209-212): too narrow where neighbours are alike.
    """
    from scipy.stats import binomtest

    rows = []
    for run in comparison.runs:
        got = run.scores
        hits = got.confusion.diagonal()
        for k, entry in enumerate(comparison.about["classes"]):
            row: dict[str, Any] = {"run": run.label, "value": entry["value"], "class": entry["name"]}
            for name, share, whole in (
                ("producers", got.producers[k], got.support[k]),
                ("users", got.users[k], got.mapped[k]),
            ):
                found = binomtest(int(hits[k]), whole).proportion_ci(method="wilson") if whole else None
                row |= {
                    name: share,
                    f"{name}_low": found and float(found.low),
                    f"{name}_high": found and float(found.high),
                }
            rows.append(row | {"f1": got.f1[k], "reference pixels": got.support[k], "mapped pixels": got.mapped[k]})
    frame = pd.DataFrame(rows)
    return frame.astype(object).where(frame.notna(), None)


def cost_frame(comparison: Comparison) -> pd.DataFrame:
    """One row per run: what it took to train."""
    rows = {
        run.label: [
            "none" if run.parameters is None else f"{run.parameters:,}",
            NOT_RECORDED
            if run.seconds is None
            else f"{run.seconds:,.0f}"
            if run.seconds >= 10
            else f"{run.seconds:.2g}",
            NOT_RECORDED if run.samples_per_second is None else f"{run.samples_per_second:,.0f}",
            NOT_RECORDED if run.peak_memory is None else f"{run.peak_memory / 2**20:,.0f}",
            f"{100 * run.scores.oa:.1f}",
            run.run,
        ]
        for run in comparison.runs
    }
    head = ["parameters", "training, s", "samples per s", "peak memory, MiB", "OA %", "run id"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=head).rename_axis("run")


def groups_frame(comparison: Comparison) -> pd.DataFrame:
    """One row per configuration: mean ± sample standard deviation over its seeds, with every run listed.

    Seeds of one split say how far weights and sampling move a score, not how far another split would.
    """
    groups: dict[str, list[Any]] = {}
    for run in comparison.runs:
        groups.setdefault(run.group, []).append(run)
    rows = {
        name: [
            len(runs),
            *(mean_sd([100 * getattr(run.scores, key) for run in runs], 1) for key in ("oa", "aa")),
            mean_sd([run.scores.kappa for run in runs], 2),
            mean_sd([100 * run.scores.miou for run in runs], 1),
            ", ".join(f"{run.run} ({100 * run.scores.oa:.1f})" for run in runs),
        ]
        for name, runs in groups.items()
    }
    head = ["seeds", "OA %", "AA %", "kappa", "mIoU %", "runs (OA %)"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=head).rename_axis("configuration")


def interval(pair: ComparedPair, statistic: str = "oa", sign: int = 1) -> str:
    """The interval of a difference in points as text; a dash where there is none."""
    found = pair.blocks[statistic]
    if found.low is None or found.high is None:
        return DASH
    ends = sorted((100 * sign * found.low, 100 * sign * found.high))
    return f"{ends[0]:+.1f} to {ends[1]:+.1f}"


def p_words(p: float | None) -> str:
    """A p-value as text; a dash for None."""
    return DASH if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def verdict_words(pair: ComparedPair) -> str:
    """What the blocks say of a pair."""
    if pair.told_apart is None:
        return f"{DASH} ({pair.blocks.reason})"
    if not pair.told_apart:
        return "not told apart"
    return f"{pair.first if pair.blocks['oa'].difference > 0 else pair.second} better"


def mean_sd(values: list[float], digits: int) -> str:
    """Mean ± sample standard deviation; of a single value itself."""
    mean = f"{np.mean(values):.{digits}f}"
    return mean if len(values) < 2 else f"{mean} ± {np.std(values, ddof=1):.{digits}f}"


def _percent(share: float | None) -> str:
    return DASH if share is None else f"{100 * share:.1f}"


def _number(value: float | None, digits: int) -> str:
    return DASH if value is None else f"{value:.{digits}f}"
