"""The trained network of a run as one ONNX file that takes raw values, checked against onnxruntime before it is kept."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import workbench
from workbench.base.errors import WorkbenchError
from workbench.base.files import atomic_file
from workbench.experiments.inputs import RunInputs
from workbench.experiments.run import Run, as_run
from workbench.mapping import Predictor
from workbench.mapping.onnx_graph import RawWindow, build_graph, compare, fixed_side, played, random_windows
from workbench.models.contract import FusionModel
from workbench.runs import RunFolder
from workbench.scenes import Collection, Scene

FILE = "model.onnx"  # in the run folder
TOLERANCE = 1e-4  # by which a probability may differ from torch's
CHECKED = {"patch": 32, "dense": 4}  # windows of the scene that both answer
DENSE_SIDE = 48  # rows and columns of these windows where any number is taken, pixels

_USE = (
    "Inputs are raw physical values, one per modality, NaN where nothing was measured or where a window leaves the "
    "scene; scaling is inside. "
)
_USES = {
    "patch": "An answer holds for the pixel at the centre of its window.",
    "dense": "Answers hold for pixels at least `receptive_field` (before, after) inside the tile; pad the scene so with "
    "NaN for answers up to its edge.",
    "window": "All of a window counts for each of its pixels: the workbench blends windows that overlap by half.",
}


def export_onnx(run: RunFolder | str, path: str | Path | None = None, tile: int | None = None) -> Path:
    """Write the trained network as ONNX, for programs without the workbench.

    The graph takes raw physical values: one input per modality, named after it, float32 `(batch, bands, rows, cols)`,
    NaN where there is no data. Its output `probabilities` is float32 `(batch, K)` in the patch view, `(batch, K, rows,
    cols)` in the dense view. The batch is free; rows and columns are those of the patch, those of the window that the
    workbench blends, or free. What a user must know of the run is in the file's metadata, see `onnx_facts`. It computes
    in float32, whatever the precision of the training, answers for pixels without data too, which the workbench's maps
    leave out, and answers once also where the run answers by test-time augmentation. An ensemble is exported as a whole.

    Before it is written it answers random windows and pixels of the run's scene in onnxruntime; the largest difference
    of a probability and the share of equal classes are part of the metadata.

    Args:
        run: A run or its id.
        path: Where to write; None is `model.onnx` in the run folder.
        tile: Rows and columns of a network that takes any number, for programs that need them fixed.

    Returns:
        The file.

    Raises:
        WorkbenchError: The run is not trained or holds no neural network, the tile does not fit, the network cannot
            be translated or is too large for one file, its answers differ by more than 1e-4, or the place is not
            writable. Nothing is written then.
    """
    import onnx

    run = as_run(run)
    predictor = run.predictor("cpu", tta=False)
    model = _network(run, predictor.model)
    side = fixed_side(predictor, tile)
    graph = build_graph(predictor, side)
    facts = _facts(run, predictor, model)
    facts["parity"] = _check(run, predictor, graph.SerializeToString(), side)
    graph.producer_name, graph.producer_version = "workbench", workbench.__version__
    use = "window" if model.window is not None else predictor.view
    graph.doc_string = f"{run.kind.summary}. {_USE}{_USES[use]}"
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in facts.items()}
    onnx.helper.set_model_props(graph, texts)
    onnx.checker.check_model(graph)
    path = run.path / FILE if path is None else Path(path)
    with atomic_file(path, f"exporting run {run.id}") as temporary:
        temporary.write_bytes(graph.SerializeToString())
    return path


def onnx_facts(path: str | Path) -> dict[str, Any]:
    """The metadata of a file of `export_onnx`.

    Returns:
        `run`, `scene`, `model`, `view`, `workbench` (its version); `classes` (value, name and colour of each output);
        `inputs` (bands, quantity, unit and, where known, wavelengths of each modality); `roles`; `receptive_field`
        (pixels before and after the centre); `patch_size` and `window`, null where they do not apply; `parity`.

    Raises:
        WorkbenchError: The file is missing or was not written by `export_onnx`.
    """
    import onnx

    try:
        graph = onnx.load(path, load_external_data=False)
        texts = {entry.key: entry.value for entry in graph.metadata_props}
        return {key: texts[key] if key in _TEXTS else json.loads(texts[key]) for key in (*_TEXTS, *_VALUES)}
    except OSError as error:
        raise WorkbenchError(f"{path} cannot be read as an exported network: {error.strerror}.") from error
    except Exception as error:  # what a strange file makes protobuf and JSON raise is theirs
        raise WorkbenchError(f"{path} is no network that the workbench exported. Export the run again.") from error


_TEXTS = ("run", "scene", "model", "view", "workbench")
_VALUES = ("classes", "inputs", "roles", "receptive_field", "patch_size", "window", "parity")


def _network(run: Run, model: object) -> FusionModel:
    if not isinstance(model, FusionModel):
        raise WorkbenchError(
            f"Run {run.id} trained {run.config.model!r}, which is no neural network (not an nn.Module); only those are "
            "exported as ONNX."
        )
    return model


def _facts(run: Run, predictor: Predictor, model: FusionModel) -> dict[str, Any]:
    described = RunInputs.load(run.path).modalities
    return {
        "run": run.id,
        "scene": run.config.scene,
        "model": run.config.model,
        "view": predictor.view,
        "workbench": workbench.__version__,
        "classes": [{"value": one.value, "name": one.name, "color": one.color} for one in run.class_table],
        "inputs": {
            name: described[name].model_dump(
                mode="json", include={"bands", "quantity", "unit", "wavelengths", "fwhm", "band_names"}
            )
            for name in played(predictor)
        },
        "roles": {role: list(names) for role, names in predictor.roles.items()},
        "receptive_field": list(model.receptive_field(predictor.view)),
        "patch_size": model.patch_size if predictor.view == "patch" else None,
        "window": model.window,
    }


def _check(run: Run, predictor: Predictor, graph: bytes, side: int | None) -> dict[str, Any]:
    """Parity on random windows and on the run's scene, None where that is gone; what is too far apart is an error."""
    found = {"random": compare(graph, predictor, random_windows(predictor, side))}
    try:
        scene = run.scene
    except WorkbenchError:  # gone or changed since: the trained network stands on its own
        pass
    else:
        size = side or DENSE_SIDE
        found["scene"] = compare(graph, predictor, [list(_windows(run, predictor, scene, size))])
    for what, parity in found.items():
        if not parity.largest_difference <= TOLERANCE:  # NaN is no agreement either
            raise WorkbenchError(
                f"While exporting run {run.id}: on {what} windows onnxruntime's probabilities differ from torch's by up "
                f"to {parity.largest_difference:.2g} (at most {TOLERANCE:g}), {100 * parity.equal_classes:.2f} % of "
                f"{parity.answers} classes are equal. Nothing was written. Other versions of torch, onnxscript or "
                "onnxruntime may agree."
            )
    return {"tolerance": TOLERANCE, "random": asdict(found["random"]), "scene": None} | {
        key: asdict(value) for key, value in found.items()
    }


def _windows(run: Run, predictor: Predictor, scene: Scene | Collection, side: int) -> Iterator[RawWindow]:
    """Windows around some test pixels of the run."""
    positions = run.split.test.positions
    rng = np.random.default_rng(0)
    for number in np.sort(rng.permutation(len(positions))[: CHECKED[predictor.view]]):
        tile, row, col = (int(value) for value in positions[number])
        one = scene.scenes[tile]
        top, left = row - side // 2, col - side // 2
        rows = slice(max(top, 0), min(top + side, one.shape[0]))
        cols = slice(max(left, 0), min(left + side, one.shape[1]))
        beyond = ((0, 0), (rows.start - top, top + side - rows.stop), (cols.start - left, left + side - cols.stop))
        yield {name: np.pad(one.read(name, rows, cols), beyond, constant_values=np.nan) for name in played(predictor)}
