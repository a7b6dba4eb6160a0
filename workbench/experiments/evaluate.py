"""Score a trained network: test and validation pixels, controls, Bayes rules, objects, and what its view differs by."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from workbench.analysis import confusion_matrix, scores
from workbench.base.errors import WorkbenchError
from workbench.experiments.absent import answer_without, left_out, stand_ins
from workbench.experiments.calibration import calibration_figures
from workbench.experiments.controls import spectrum_only
from workbench.experiments.ensemble import ensemble_figures
from workbench.experiments.overlap import scores_without_overlap
from workbench.experiments.run import as_run
from workbench.mapping import Predictor
from workbench.models.pixels import PixelTable, load_pixels, square, valid_positions
from workbench.models.predict import logits_at, precision_context
from workbench.runs import RunFolder
from workbench.runs.folder import probability_column
from workbench.scenes import Collection, Scene
from workbench.splits import Sample, Split, sampled_accuracy
from workbench.splits.probability import NAME as PROBABILITY

COMPARED = 256  # pixels on which the two views, and tiles with and without halo, are compared


def evaluate(
    run: RunFolder | str,
    device: str = "auto",
    without: Sequence[str] = (),
    blank: Sequence[str] = (),
    tta: bool | None = None,
) -> dict[str, Any]:
    """Score a finished run again from its weights; nothing of the run is changed.

    Args:
        run: A run or its id.
        device: Where to compute.
        without: Modalities that are not there: they are not read, and pixels where only they have no data are scored
            too. For runs trained with modality dropout, or whose network generates an absent role.
        blank: Modalities whose values are replaced by their training mean, of any run and on the same pixels as ever. A
            diagnostic of how much the network leans on them; what they add is told by training without them.
        tta: Whether to answer by the mean over the eight turns of the square (test-time augmentation), at eight times
            the arithmetic; None is as the run was scored.

    Returns:
        What `metrics.json` holds, but for the figures of the training; with `without` (what stands in the place of
        each such modality) or `blank` where they were given.

    Raises:
        WorkbenchError: The run is not trained, its scene has changed, it was not trained to answer without a modality,
            or none would be left.
        UnknownNameError: The run does not use such a modality.
    """
    run = as_run(run)
    gone, blanked = left_out(run, without), left_out(run, blank)
    if gone and blanked:
        raise WorkbenchError("Evaluate either without modalities or with some blanked: they are two questions.")
    predictor = run.predictor(device, tta)
    if gone:
        predictor = answer_without(run, predictor, gone)
    scene = run.scene
    table = load_pixels(scene, predictor.roles, predictor.device, predictor.scaling, absent=predictor.absent)
    table = table.blanked(blanked) if blanked else table
    metrics, _ = evaluate_predictor(predictor, table, scene, run.split, run.config.recipe.tile)
    if run.config.members > 1:
        metrics["ensemble"] = ensemble_figures(predictor, table, run.split, run.config)
    metrics |= {key: run.metrics[key] for key in ("model", "inputs", "seed", "scaling_from") if key in run.metrics}
    metrics["audit"]["fitted"] = run.metrics["audit"].get("fitted", [])
    if run.config.chosen_on == "test":
        metrics |= {"chosen_on": "test", "paper": run.metrics.get("paper")}
    if gone:
        metrics["without"] = stand_ins(run.config.inputs, predictor)
    if blanked:
        metrics["blank"] = list(blanked)
    return metrics


def scores_on_test(predictor: Predictor, table: PixelTable, split: Split) -> dict[str, Any]:
    """Scores on the test pixels alone, as `metrics["test"]` of `evaluate`."""
    return _scores(_predictions(predictor, table, split.test, "test"), split.classes)


def evaluate_predictor(
    predictor: Predictor, table: PixelTable, scene: Scene | Collection, split: Split, tile: int
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Scores of a trained network, and the table of its predictions on test and validation pixels.

    Args:
        predictor: The network.
        table: The scene on the network's device.
        scene: The scene.
        split: The split it was trained with.
        tile: Side of the tiles that the dense view was trained on.
    """
    names = dict(zip(split.classes, split.class_names, strict=True))
    colors = {entry.value: entry.color for entry in scene.classes}
    audit = split.audit(predictor.model.receptive_field(predictor.view))
    metrics: dict[str, Any] = {
        "scene": scene.name,
        "synthetic": bool(scene.attrs.get("synthetic", False)),
        "labels_are": scene.attrs.get("labels_are"),
        "protocol": split.protocol,
        "view": predictor.view,
        "tta": predictor.tta,
        "classes": [{"value": v, "name": names[v], "color": colors[v]} for v in split.classes],
        "audit": audit.to_dict(),
    }
    spectra = spectrum_only(scene, split)
    metrics["controls"] = {"coordinates_only": audit.coordinates_only}
    metrics["controls"] |= {} if spectra.scores is None else {"spectrum_only": spectra.scores}
    metrics["controls"] |= _attribute_controls(scene, split) | {"majority_class": audit.majority_class}
    metrics["controls_how"] = {"coordinates_only": audit.coordinates_how, "spectrum_only": spectra.how}
    tables = []
    for side in ("test", "validation"):
        sample: Sample = split.sides[side]
        frame = _predictions(predictor, table, sample, side)
        metrics[f"{side}_pixels_without_data"] = len(sample) - len(frame)
        metrics[side] = _scores(frame, split.classes) if len(frame) else None
        tables.append(frame)
    metrics["calibration"] = calibration_figures(pd.concat(tables), split.classes)
    test = tables[0]
    if split.protocol == PROBABILITY and len(test):
        metrics["sampling"] = sampled_accuracy(split, test["reference"], test["predicted"]).to_dict()
    metrics["bayes"] = _bayes(scene, test)
    metrics["objects"] = _objects(scene, test, split.classes)
    metrics["test_without_overlap"], metrics["test_without_overlap_note"] = scores_without_overlap(test, split)
    metrics |= _view_differences(predictor, table, split, tile)
    return metrics, pd.concat(tables, ignore_index=True)


def _predictions(predictor: Predictor, table: PixelTable, sample: Sample, side: str) -> pd.DataFrame:
    chosen = valid_positions(table, sample.positions)
    positions = sample.positions[chosen]
    with precision_context(predictor.precision, predictor.device):
        logits = logits_at(predictor.model, predictor.model, table, positions, predictor.view)
    probabilities = torch.from_numpy(logits).softmax(1)
    confidence, index = probabilities.max(1)
    return pd.DataFrame(
        {
            "set": side,
            "tile": positions[:, 0],
            "row": positions[:, 1],
            "col": positions[:, 2],
            "reference": sample.labels[chosen],
            "predicted": predictor.classes[index.numpy()],
            "confidence": confidence.numpy(),
            **{
                probability_column(int(value)): probabilities[:, k].numpy() for k, value in enumerate(predictor.classes)
            },
        }
    )


def _scores(frame: pd.DataFrame, classes: Iterable[int]) -> dict[str, Any]:
    kinds = list(classes)
    return scores(confusion_matrix(frame["reference"], frame["predicted"], kinds), kinds).to_dict()


def _layer(scene: Scene | Collection, name: str, frame: pd.DataFrame) -> NDArray[Any]:
    """Values of a reference layer at the pixels of a prediction table."""
    out = np.zeros(len(frame), dtype=np.int64)
    for number, rows in frame.groupby("tile").indices.items():
        layer = scene.scenes[int(number)].reference[name]
        out[rows] = layer[frame["row"].to_numpy()[rows], frame["col"].to_numpy()[rows]]
    return out


def _bayes(scene: Scene | Collection, test: pd.DataFrame) -> dict[str, dict[str, float]] | None:
    """Accuracy of the known Bayes rules on the same test pixels, by rule and modality."""
    if not len(test):
        return None
    layers = [name for name in scene.scenes[0].reference if name.startswith("bayes_")]
    found: dict[str, dict[str, float]] = {}
    for name in layers:
        _, rule, modality = name.split("_", 2)
        right = _layer(scene, name, test) == test["reference"].to_numpy()
        found.setdefault(rule, {})[modality] = float(right.mean())
    return found or None


def _objects(scene: Scene | Collection, test: pd.DataFrame, classes: Iterable[int]) -> dict[str, Any] | None:
    """Scores of whole objects (crowns): the majority of an object's test pixels against its label."""
    layer = scene.attrs.get("object_layer")
    if not layer or not len(test):
        return None
    objects = test.assign(object=_layer(scene, layer, test))
    objects = objects[objects["object"] > 0]
    if not len(objects):
        return None
    majority = objects.groupby("object")[["reference", "predicted"]].agg(lambda values: values.mode().iloc[0])
    return {"layer": layer, "count": len(majority), **_scores(majority, classes)}


def _attribute_controls(scene: Scene | Collection, split: Split) -> dict[str, dict[str, float]]:
    """What knowing only the site of a tile scores: the commonest training class of that site."""
    tiles = scene.attrs.get("tiles") or {}
    if not all("site" in tiles.get(tile.name, {}) for tile in scene.scenes):
        return {}
    site = np.array([tiles[tile.name]["site"] for tile in scene.scenes])
    values, everywhere = np.unique(split.train.labels, return_counts=True)
    guess = np.full(len(split.test), values[everywhere.argmax()], dtype=np.uint16)
    for name in np.unique(site):
        labels = split.train.labels[site[split.train.positions[:, 0]] == name]
        if len(labels):
            kinds, counts = np.unique(labels, return_counts=True)
            guess[site[split.test.positions[:, 0]] == name] = kinds[counts.argmax()]
    found = scores(confusion_matrix(split.test.labels, guess, split.classes), split.classes)
    return {"site_only": {"oa": found.oa, "aa": found.aa, "kappa": found.kappa}}


def _view_differences(predictor: Predictor, table: PixelTable, split: Split, tile: int) -> dict[str, Any]:
    """How far the views disagree, what training on tiles without halo leaves out, and what the cut into windows does.

    Measured on some pixels.
    """
    model = predictor.model
    found: dict[str, Any] = {"view_disagreement": None, "tile_without_halo": None, "seam_disagreement": None}
    rng = np.random.default_rng(0)
    test = split.test.positions[valid_positions(table, split.test.positions)]
    chosen = test[np.sort(rng.permutation(len(test))[:COMPARED])]
    if len(chosen) and len(model.views) > 1:
        with precision_context(predictor.precision, predictor.device):
            pair = [logits_at(model, model, table, chosen, view) for view in model.views]
        found["view_disagreement"] = {"pixels": len(chosen), "views": list(model.views), **_compare(*pair)}
    if predictor.view == "dense":
        train = split.train.positions[valid_positions(table, split.train.positions)]
        chosen = train[np.sort(rng.permutation(len(train))[:COMPARED])]
        corners = torch.as_tensor(chosen, dtype=torch.int64, device=table.device)
        bare = []
        with torch.inference_mode(), precision_context(predictor.precision, predictor.device):
            for start in range(0, len(corners), 32):
                rows = table.window_rows(corners[start : start + 32], square(tile // 2, tile).to(table.device))
                logits = model(table.gather(rows), view="dense").logits
                bare.append(logits[:, :, tile // 2, tile // 2].float().cpu().numpy())
            whole = logits_at(model, model, table, chosen, "dense")
            if model.window is not None:  # the same pixels from windows that lie elsewhere
                quarter = (model.window // 4, model.window // 4)
                moved = logits_at(model, model, table, chosen, "dense", origin=quarter)
                found["seam_disagreement"] = {"pixels": len(chosen), "window": model.window, **_compare(moved, whole)}
        found["tile_without_halo"] = {"pixels": len(chosen), "tile": tile, **_compare(np.concatenate(bare), whole)}
    return found


def _compare(one: NDArray[np.float32], other: NDArray[np.float32]) -> dict[str, float]:
    """Share of pixels of another class, and the largest difference of logits as a share of the largest logit."""
    return {
        "other_class_share": float((one.argmax(1) != other.argmax(1)).mean()),
        "largest_logit_difference": float(np.abs(one - other).max() / max(float(np.abs(other).max()), 1e-12)),
    }
