"""Scores of runs in words, numbers and pictures: score card, confusion matrix, per class, runs beside each other."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.analysis import Scores
from workbench.base.errors import WorkbenchError
from workbench.runs.words import caution, kappa_words, paper_words, score_words
from workbench.views.backend import hv
from workbench.views.picture import Picture
from workbench.views.style import BGY, dress, ink_on

if TYPE_CHECKING:
    import pandas as pd

SYNTHETIC = "Synthetic scene: fusion wins by construction."
MODELS = {
    "fusatnet": "FusAtNet",
    "selfloop": "Self-looping CNN",
    "ammfusenet": "AMM-FuseNet",
    "mmrs": "MMRS",
    "mft": "MFT",
    "deeplabv3plus": "DeepLabV3+",
    "pspnet": "PSPNet",
    "unet": "UNet",
    "segnet": "SegNet",
    "denseaspp": "DenseASPP",
    "danet": "DANet",
    "svm": "SVM",
    "random_forest": "Random forest",
    "knn": "k-NN",
}
CONTROLS = {
    "coordinates_only": "class of the nearest training pixel",
    "spectrum_only": "random forest on single spectra",
    "site_only": "commonest training class of the site",
    "majority_class": "commonest training class",
}
SEEING = ("spectrum_only",)  # controls that see the image, but no neighbour and no other modality
RULES = {
    "coordinates_only": "a rule that only knows where the training pixels lie",
    "spectrum_only": "a random forest that sees single spectra only",
    "site_only": "a rule that only knows the site",
    "majority_class": "always giving the commonest training class",
}
TEXT_UP_TO = 20  # classes up to which the cells of a confusion matrix hold their counts


def percent(share: float | None) -> str:
    """A share from 0 to 1 as percent with one decimal; an en dash for None."""
    return "–" if share is None or math.isnan(share) else f"{100 * share:.1f} %"


def model_title(name: str) -> str:
    """A model as its paper writes it."""
    return MODELS.get(name, name)


def network_title(metrics: Mapping[str, Any]) -> str:
    """What answered: the model, how many of them, and whether turned."""
    members = len(metrics.get("ensemble", {}).get("members", []))
    how = [f"ensemble of {members}"] * bool(members) + ["test-time augmentation"] * bool(metrics.get("tta"))
    return model_title(metrics["model"]) + (f" ({', '.join(how)})" if how else "")


def run_title(metrics: Mapping[str, Any]) -> str:
    """A run in words: model, scene, protocol, and a caution where it follows the publications' habits."""
    return ", ".join(
        [f"{network_title(metrics)} on {metrics['scene']}", f"{metrics['protocol']} split", *_cautions(metrics)]
    )


def _cautions(metrics: Mapping[str, Any]) -> list[str]:
    return [caution(metrics)] if caution(metrics) else []


def title_about(metrics: Mapping[str, Any], before: str, after: str) -> str:
    """A run in words inside a longer sentence."""
    how = ", ".join([f"{metrics['protocol']} split", *_cautions(metrics)])
    name = f"{network_title(metrics)} on {metrics['scene']} ({how})"
    return f"{before} {name} {after}"


def protocol_tag(protocol: str, told: str = "") -> str:
    """The protocol as a tag, amber for random splits; beside it a caution, red, where there is one."""
    tag = f'<span class="wb-tag{" amber" if protocol == "random" else ""}">{escape(protocol)} split</span>'
    return tag + (f' <span class="wb-tag red">{escape(told)}</span>' if told else "")


def score_card(metrics: Mapping[str, Any]) -> str:
    """Overall and average score and kappa on the test pixels with the protocol, controls under them: HTML."""
    test = metrics["test"]
    if test is None:
        return '<p class="wb-note">No test pixel has data in every modality: there is no score.</p>'
    words = score_words(metrics)
    figures: tuple[tuple[str, str], ...] = (
        (words.overall.capitalize(), percent(test["oa"])),
        (words.average.capitalize(), percent(test["aa"])),
        ("Kappa", kappa_words(test)),
    )
    objects = metrics.get("objects")
    if objects:
        figures += ((f"of {objects['count']:,} {objects['layer']}s, by majority", percent(objects["oa"])),)
    cards = "".join(f'<div class="figure"><b>{value}</b><span>{escape(name)}</span></div>' for name, value in figures)
    pixels = sum(test["support"])
    return (
        f'<div class="wb-score">{cards}<div class="figure">{protocol_tag(metrics["protocol"], caution(metrics))}<br>'
        f"<span>{pixels:,} test pixels, {len(test['classes'])} classes</span></div></div>"
        f'{_undefined(test)}{second_row(metrics)}<p class="wb-controls">{controls_text(metrics)}</p>'
    )


def _undefined(test: Mapping[str, Any]) -> str:
    reason = test.get("kappa_reason")
    return f'<p class="wb-controls">Kappa is not defined: {escape(reason)}.</p>' if reason else ""


def second_row(metrics: Mapping[str, Any]) -> str:
    """The score on test pixels that are clear of training, of splits that keep no distance: HTML, may be empty."""
    note = metrics.get("test_without_overlap_note")
    if not note:
        return ""
    clear = metrics["test_without_overlap"]
    words = score_words(metrics)
    row = "" if clear is None else (
        f"Without overlap: {escape(words.overall)} <b>{percent(clear['oa'])}</b>, {escape(words.average)} "
        f"<b>{percent(clear['aa'])}</b>, kappa <b>{kappa_words(clear)}</b>; "
    )  # fmt: skip
    return f'<p class="wb-controls">{row}{escape(note if row else note[:1].upper() + note[1:])}.</p>'


def controls_text(metrics: Mapping[str, Any]) -> str:
    """What scores without seeing the image or with single spectra, and the Bayes rule where it is known: HTML."""
    parts = {
        key: f"{escape(words)} <b>{percent(metrics['controls'][key]['oa'])}</b>"
        for key, words in CONTROLS.items()
        if key in metrics["controls"]
    }
    text = f"Without seeing the image: {', '.join(part for key, part in parts.items() if key not in SEEING)}."
    seeing = [part for key, part in parts.items() if key in SEEING]
    if seeing:
        text += f" With neither neighbours nor other modalities: {', '.join(seeing)}."
    best = bayes_of(metrics)
    if best is not None:
        text += f" The best possible rule for a single pixel reaches <b>{percent(best)}</b> (known: synthetic scene)."
    return text


def warnings_html(metrics: Mapping[str, Any]) -> str:
    """What must not be overlooked: a synthetic scene, a map in place of labels, a leaking split. HTML, may be empty."""
    notes = [("", SYNTHETIC)] if metrics.get("synthetic") else []
    if score_words(metrics).note:
        notes.append(("", score_words(metrics).note))
    if paper_words(metrics):
        notes.append(("red", paper_words(metrics)))
    audit = metrics.get("audit") or {}
    if audit.get("banner"):
        notes.append((audit.get("banner_level", ""), audit["banner"][:1].upper() + audit["banner"][1:] + "."))
    return "".join(f'<p class="wb-note {level}">{escape(words)}</p>' for level, words in notes)


def bayes_of(metrics: Mapping[str, Any], rule: str = "pixel") -> float | None:
    """Accuracy of the known Bayes rule that sees the modalities of the run, None where it is not known."""
    known = (metrics.get("bayes") or {}).get(rule) or {}
    used = sorted({name for names in metrics.get("inputs", {}).values() for name in names})
    alone = {name for name in known if name != "all" and "_" not in name}
    value = known.get("all") if set(used) == alone else known.get("_".join(used))
    return None if value is None else float(value)


def verdict(metrics: Mapping[str, Any]) -> str:
    """Two plain sentences: how good the run is against its control, and where it is weakest."""
    test = metrics["test"]
    if test is None:
        return "The run could not be scored. No test pixel has data in every modality."
    known = {key: control["oa"] for key, control in metrics["controls"].items() if key in RULES}
    best = max(known, key=lambda key: known[key])
    than = "against" if test["oa"] > known[best] else "no more than the"
    given = "the class of the map" if score_words(metrics).note else "their right class"
    first = (
        f"{network_title(metrics)} gives {percent(test['oa'])} of the test pixels {given}, {than} "
        f"{percent(known[best])} {'for' if than == 'against' else 'of'} {RULES[best]}."
    )
    if caution(metrics):
        return f"{first} It follows the publications' habits, and is for comparison with them only."
    if metrics["protocol"] == "random":
        return f"{first} The split is random, so neighbours of test pixels were trained on and the score says little."
    worst = confusions(metrics).head(1)
    names = {entry["value"]: entry["name"] for entry in metrics["classes"]}
    shares = {v: share for v, share in zip(test["classes"], test["producers"], strict=True) if share is not None}
    weakest = min(shares, key=lambda value: shares[value])
    second = f"It finds {names[weakest]!r} least often, in {percent(shares[weakest])} of its pixels"
    if len(worst):
        row = worst.iloc[0]
        second += f"; the commonest mistake takes {row['reference']!r} for {row['mapped as']!r}"
    return f"{first} {second}."


def confusions(metrics: Mapping[str, Any]) -> "pd.DataFrame":
    """Pairs of classes that are taken for each other, most pixels first."""
    import pandas as pd

    matrix = np.asarray(_test(metrics)["confusion"])
    names = [entry["name"] for entry in metrics["classes"]]
    rows = [
        {
            "reference": names[i],
            "mapped as": names[j],
            "pixels": int(matrix[i, j]),
            "% of the reference": round(100 * matrix[i, j] / matrix[i].sum(), 1),
        }
        for i, j in np.argwhere(matrix > 0)
        if i != j
    ]
    table = pd.DataFrame(rows, columns=["reference", "mapped as", "pixels", "% of the reference"])
    return table.sort_values("pixels", ascending=False, kind="stable", ignore_index=True)


def figures(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a run that a report keeps, as JSON types."""
    test = metrics["test"] or {}
    return {
        **{key: metrics.get(key) for key in ("scene", "model", "inputs", "view", "protocol", "seed", "synthetic")},
        "labels_are": metrics.get("labels_are"),
        "chosen_on": metrics.get("chosen_on", "validation"),
        **{key: test.get(key) for key in ("oa", "aa", "kappa", "miou")},
        "controls": {name: control["oa"] for name, control in metrics["controls"].items()},
        "bayes": {rule: bayes_of(metrics, rule) for rule in ("pixel", "object")},
    }


def per_class(metrics: Mapping[str, Any]) -> "pd.DataFrame":
    """How much of each class is found (producer's), how much of what is called it is it (user's), F1, IoU; in percent."""
    names = [f"{entry['value']} {entry['name']}" for entry in metrics["classes"]]
    frame = Scores.from_dict(_test(metrics)).to_frame(names)
    words = score_words(metrics)
    frame = frame.rename(columns={"producer's accuracy": words.producers, "user's accuracy": words.users})
    shares = [words.producers, words.users, "F1", "IoU"]
    table = frame.assign(**{name: (100 * frame[name]).round(1) for name in shares})
    return table.rename(columns={name: f"{name} %" for name in shares})


def confusion_picture(metrics: Mapping[str, Any]) -> Picture:
    """The confusion matrix as a heat map: rows reference, columns map, coloured by the share of the row."""
    import pandas as pd

    matrix = np.asarray(_test(metrics)["confusion"])
    entries = metrics["classes"]
    across = [str(entry["value"]) for entry in entries]
    down = [f"{entry['value']} {entry['name']}" for entry in entries]
    share = np.where(matrix > 0, 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1), np.nan)
    count = len(entries)
    frame = int(np.clip(46 * count, 240, 620))
    options: dict[str, Any] = {
        "frame_width": frame,
        "frame_height": frame,
        "xlabel": "map",
        "ylabel": "reference",
        "xticks": [(number + 0.5, name) for number, name in enumerate(across)],
        "yticks": [(count - number - 0.5, name) for number, name in enumerate(down)],
        "hooks": [dress],
    }
    element: Any = hv.Image(
        np.dstack([share, matrix]), bounds=(0, 0, count, count), vdims=["share of the reference (%)", "pixels"]
    ).opts(
        cmap=BGY,
        clim=(0, 100),
        colorbar=True,
        clabel="% of the reference",
        colorbar_opts={"width": 10, "padding": 4},
        clipping_colors={"NaN": "transparent"},
        tools=["hover"],
        hooks=[dress],
    )
    if count <= TEXT_UP_TO:
        cells = [
            (j + 0.5, count - i - 0.5, str(matrix[i, j]), _ink(share[i, j] / 100)) for i, j in np.argwhere(matrix > 0)
        ]
        element *= hv.Labels(cells, ["x", "y"], ["pixels", "ink"]).opts(
            text_color="ink", text_font_size="11px", hooks=[dress]
        )
    table = pd.DataFrame(matrix, index=pd.Index(down, name="reference"), columns=[f"map {name}" for name in across])
    return Picture(
        element.opts(**options),
        "Confusion matrix",
        "Test pixels: rows are the reference, columns the map, by class number. The colour is the share of the row, the "
        "number counts pixels; empty cells have none.",
        table,
    )


def comparison(runs: Sequence[Mapping[str, Any]]) -> "pd.DataFrame":
    """Runs beside each other: what they saw, their scores and controls in percent, and the Bayes rule where known.

    Args:
        runs: Metrics of runs on one scene.
    """
    import pandas as pd

    # runs beside each other are of one scene; one on a map's labels decides the words
    words = score_words(next((metrics for metrics in runs if metrics.get("labels_are")), {}))
    rows = []
    for metrics in runs:
        used = list(dict.fromkeys(name for names in metrics["inputs"].values() for name in names))
        row: dict[str, Any] = {
            "modalities": " + ".join(used) if len(used) > 1 else f"{used[0]} alone",
            "model": network_title(metrics),
            f"{words.overall} %": 100 * _test(metrics)["oa"],
            f"{words.average} %": 100 * _test(metrics)["aa"],
            "kappa": _test(metrics)["kappa"],
            "position alone %": 100 * metrics["controls"]["coordinates_only"]["oa"],
        }
        spectra = metrics["controls"].get("spectrum_only")
        if spectra:
            row["spectrum alone %"] = 100 * spectra["oa"]
        for rule, title in (("pixel", "best rule per pixel %"), ("object", "best rule per object %")):
            best = bayes_of(metrics, rule)
            if best is not None:
                row[title] = 100 * best
        row["split"] = ", ".join(filter(None, (metrics["protocol"], caution(metrics))))
        rows.append(row)
    found = pd.DataFrame(rows)
    found = found.round({name: 1 for name in found.columns if name.endswith("%")} | {"kappa": 2})
    return found.astype(object).where(found.notna(), "–")


def _test(metrics: Mapping[str, Any]) -> Mapping[str, Any]:
    """The scores on the test pixels."""
    if metrics["test"] is None:
        raise WorkbenchError(
            f"While showing the scores of {run_title(metrics)}: no test pixel has data in every modality, so there are none."
        )
    test: Mapping[str, Any] = metrics["test"]
    return test


def _ink(share: float) -> str:
    return ink_on(BGY[round(share * (len(BGY) - 1))])
