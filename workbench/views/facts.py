"""Facts of a scene and of a run as tables: radiometry, alignment, labels, how to do it again."""

import json
import shlex
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.base.files import read_json
from workbench.runs import RunFolder, list_runs
from workbench.scenes import Collection, Scene
from workbench.scenes.align import AlignmentReport
from workbench.views.headline import Html
from workbench.views.layers import quantity_name

if TYPE_CHECKING:
    import pandas as pd

LIBRARIES = ("numpy", "torch", "lightning", "zarr", "rasterio", "holoviews", "papermill")


def modality_table(scene: Scene | Collection) -> "pd.DataFrame":
    """One row per modality: bands, what its numbers are, wavelengths, scale, no-data and date."""
    import pandas as pd

    rows = []
    for name in scene.modalities:
        info = scene.info(name)
        waves = info.wavelengths
        rows.append(
            {
                "modality": name,
                "bands": info.bands,
                "quantity": quantity_name(info),
                "wavelengths": f"{min(waves):.0f} to {max(waves):.0f} nm" if waves else "not documented",
                "stored as": info.dtype + ("" if info.is_raw else f" × {info.scale:g} + {info.offset:g}"),
                "no-data": "none" if info.nodata is None else f"{info.nodata:g}",
                "date": info.date or "not documented",
            }
        )
    return pd.DataFrame(rows)


def alignment_table(scene: Scene | Collection) -> "pd.DataFrame":
    """The alignment report of the import; for a scene that was not imported, the one grid it has."""
    import pandas as pd

    report = AlignmentReport.of(scene)
    if report is not None:
        return pd.DataFrame(report.table())
    rows = [
        {"tile": tile.name, "size": f"{tile.shape[0]} x {tile.shape[1]}", "note": "every modality on this grid"}
        for tile in scene.scenes
    ]
    return pd.DataFrame(rows)


def alignment_notes(scene: Scene | Collection) -> list[str]:
    """What the import said beside the table: shifts between modalities, how labels were made, what was corrected."""
    report = AlignmentReport.of(scene)
    return [] if report is None else [*map(str, report.shifts), *report.notes]


def class_table(scene: Scene | Collection) -> "pd.DataFrame":
    """Labelled pixels of each class at full resolution, in how many tiles, and its area where the grid has metres."""
    import pandas as pd

    counts = dict.fromkeys(scene.classes.values, 0)
    tiles = dict.fromkeys(scene.classes.values, 0)
    for tile in scene.scenes:
        labels = tile.read_labels()
        if labels is None:
            continue
        found = np.bincount(labels.ravel(), minlength=max(counts, default=0) + 1)
        for value in counts:
            counts[value] += int(found[value])
            tiles[value] += bool(found[value])
    total = max(sum(counts.values()), 1)
    rows = [
        {
            "class": f"{entry.value} {entry.name}",
            "labelled pixels": counts[entry.value],
            "%": round(100 * counts[entry.value] / total, 1),
            "tiles": tiles[entry.value],
        }
        for entry in scene.classes
    ]
    return pd.DataFrame(rows, columns=["class", "labelled pixels", "%", "tiles"])


def shown_tiles(scene: Scene | Collection, run: RunFolder | None = None, most: int = 4) -> list[int]:
    """Numbers of the tiles to draw: those with most test pixels of a run, else the largest; the best first."""
    weights = np.array([rows * cols for rows, cols in scene.shapes], float)
    if run is not None:
        frame = run.predictions
        test = frame[frame["set"] == "test"]["tile"].to_numpy()
        if len(test):
            weights = np.bincount(test, minlength=len(weights)).astype(float)
    order = np.argsort(-weights, kind="stable")
    return [int(number) for number in order[:most] if weights[number] > 0]


def shown_tile(scene: Scene | Collection, run: RunFolder | None = None) -> int:
    """Number of the one tile to draw."""
    return shown_tiles(scene, run, 1)[0]


def find_tile(scene: Scene | Collection, name: str = "") -> Scene:
    """A tile by name; the one to draw where the name is empty.

    Raises:
        UnknownNameError: There is no such tile.
    """
    tiles = {tile.name: tile for tile in scene.scenes}
    if name and name not in tiles:
        raise UnknownNameError(f"tile of {scene.name!r}", name, tiles)
    return tiles[name] if name else scene.scenes[shown_tile(scene)]


def newest_run() -> RunFolder:
    """The newest finished run; raises `WorkbenchError` where there is none."""
    for run in list_runs():
        if run.finished:
            return run
    raise WorkbenchError("There is no finished run yet. Train one: workbench train demo --width 0.125 --view dense")


def scene_title(scene: Scene | Collection) -> str:
    """A scene in a sentence."""
    kinds = [scene.info(name).quantity for name in scene.modalities]
    names = ", ".join(
        f"{name} ({kind})" if kind != "unknown" else name for name, kind in zip(scene.modalities, kinds, strict=True)
    )
    return f"{scene.name}: {names}"


def scene_words(scene: Scene | Collection) -> str:
    """Two sentences: how large the scene is, and what is labelled."""
    sizes = sorted(scene.shapes)
    size = f"{sizes[-1][0]} x {sizes[-1][1]} pixels"
    many = len(scene.scenes)
    first = f"It has {size}" if many == 1 else f"It has {many} tiles of up to {size}"
    bands = sum(scene.info(name).bands for name in scene.modalities)
    if not scene.has_labels:
        return f"{first} and {bands} bands. Nothing is labelled: it can be looked at and mapped, not trained on."
    table = class_table(scene)
    least = table.loc[table["labelled pixels"].idxmin()]
    total = int(table["labelled pixels"].sum())
    return (
        f"{first} and {bands} bands. {total:,} pixels of {len(table)} classes are labelled; the rarest, "
        f"{least['class']}, has {int(least['labelled pixels']):,}."
    )


def scene_figures(scene: Scene | Collection) -> dict[str, Any]:
    """The figures of a scene as JSON types."""
    return {
        "scene": scene.name,
        "content_hash": scene.content_hash,
        "synthetic": bool(scene.attrs.get("synthetic", False)),
        "tiles": len(scene.scenes),
        "shapes": [list(shape) for shape in scene.shapes],
        "modalities": {name: scene.info(name).bands for name in scene.modalities},
        "labelled": dict(zip(*(class_table(scene)[key].tolist() for key in ("class", "labelled pixels")), strict=True)),
    }


def command(run: RunFolder) -> str:
    """The command that makes the same run."""
    from workbench.models import resolve_options
    from workbench.training.recipes import recipe

    config = run.config
    usual = recipe(config.model, config.recipe_name).model_dump()
    changed = {k: v for k, v in config.recipe.model_dump().items() if v != usual[k] and k not in ("epochs", "steps")}
    parts = [f"workbench train {config.scene} --model {config.model}"]
    parts += [f"--input {role}={','.join(names)}" for role, names in config.inputs.items()]
    parts += [f"--view {config.view}", *_split_options(run)]
    own = resolve_options(config.model)
    parts += [f"--option {k}={json.dumps(v)}" for k, v in config.options.items() if v != own.get(k)]
    long = f"--epochs {config.recipe.epochs}" if config.recipe.steps is None else f"--set steps={config.recipe.steps}"
    parts += [f"--recipe {config.recipe_name} {long}"]
    parts += [f"--init {shlex.quote(config.init.source)}"] if config.init else []
    parts += [f"--set {key}={value}" for key, value in changed.items()]
    parts += [f"--width {config.width:g} --seed {config.seed} --device {config.device} --threads {config.threads}"]
    parts += [f"--precision {config.precision}"] if config.precision != "32-true" else []
    parts += ["--compile"] if config.compile else []
    parts += [f"--members {config.members}"] if config.members > 1 else []
    parts += ["--tta"] if config.tta else []
    return " ".join(parts)


def _split_options(run: RunFolder) -> list[str]:
    """Options that make the run's split again, or name its file where no rule makes it."""
    from workbench.splits.make import PROTOCOLS

    split, paper = run.config.split, run.config.chosen_on == "test"
    settings = {key: value for key, value in split.parameters.items() if value not in (None, [])}
    if split.protocol == "official":
        settings.pop("validation", None)  # what was found, not what was asked
    if settings.get("folds"):
        settings.pop("test_fraction", None)  # which older runs may hold, without effect
    rule = PROTOCOLS.get(split.protocol)
    own = paper and (split.protocol not in ("official", "random") or settings.get("validation_fraction"))
    if own or rule is None or settings.keys() - rule[0].model_fields.keys():  # such as a part of another split
        file = shlex.quote(str(run.path / "split.npz"))
        return [f"--split-file {file}", *(["--protocol paper"] if paper else [])]
    if paper:
        settings.pop("validation_fraction", None)
    parts = [f"--protocol {'paper' if paper else split.protocol} --split-seed {split.seed}"]
    return parts + [f"--split {shlex.quote(f'{key}={_option(value)}')}" for key, value in settings.items()]


def _option(value: Any) -> str:
    """A value of `KEY=VALUE` as the terminal reads it back."""
    return json.dumps(value) if isinstance(value, list) else str(value)


def audit_table(metrics: dict[str, Any]) -> "pd.DataFrame":
    """What training sees of the test side, in percent."""
    import pandas as pd

    rows = [
        {
            "window": f"{leak['window']}: -{leak['before']} to +{leak['after']} pixels",
            "side": leak["side"],
            "against": leak["against"],
            "centres inside %": round(100 * leak["inside"], 1),
            "windows that overlap %": round(100 * leak["overlap"], 1),
        }
        for leak in metrics["audit"]["leaks"]
    ]
    columns = ["window", "side", "against", "centres inside %", "windows that overlap %"]
    return pd.DataFrame(rows, columns=columns)


def split_table(metrics: dict[str, Any]) -> "pd.DataFrame":
    """Pixels of each class that train, validate and test."""
    import pandas as pd

    audit = metrics["audit"]
    names = [f"{value} {name}" for value, name in zip(audit["classes"], audit["names"], strict=True)]
    return pd.DataFrame({"class": names, **audit["counts"]})


def reproduce(run: RunFolder) -> Html:
    """How to do it again: command, hashes of scene and split, versions, the whole configuration folded away."""
    config, metrics, again = run.config, run.metrics, command(run)
    environment = read_json(run.path / "environment.json", "reading the environment of a run")
    packages = environment.get("packages", {})
    versions = ", ".join(f"{name} {packages[name]}" for name in LIBRARIES if name in packages)
    facts = {
        "Run": run.id,
        "Scene": f"{config.scene}, content {config.scene_hash[:16]}",
        "Split": f"{config.split.protocol}, seed {config.split.seed}, {config.split.hash[:16]}",
        "Workbench": f"{environment.get('workbench', '?')}, commit {environment.get('commit') or 'unknown'}",
        "Versions": f"Python {environment.get('python', '?')}, {versions}",
        "Machine": f"{environment.get('device', '?')}, {config.threads} threads, {environment.get('processor', '')}",
        "Scaling": str(metrics.get("scaling_from", "")),
    }
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items() if value)
    text = (
        f'<p>The same command gives the same figures:</p><pre class="wb-code">{escape(again)}</pre>'
        f'<dl class="wb-facts">{lines}</dl><details class="wb-details"><summary>The whole configuration</summary>'
        f'<pre class="wb-code">{escape((run.path / "config.yaml").read_text(encoding="utf-8"))}</pre></details>'
    )
    return Html(text, again)
