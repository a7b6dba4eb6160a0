"""Map whole scenes with a trained run."""

import shutil
from pathlib import Path

from workbench.base.errors import WorkbenchError
from workbench.base.files import explained, read_json, remove_left_files, write_json
from workbench.experiments.inputs import RunInputs
from workbench.experiments.run import Run, as_run
from workbench.jobs import file_lock
from workbench.mapping import stream_classes, write_class_map
from workbench.mapping.stream import Progress
from workbench.runs import RunFolder
from workbench.scenes import ClassTable, Collection, Scene, open_scene


def map_scene(
    run: RunFolder | str, scene: str | Path | None = None, device: str = "auto", progress: Progress | None = None
) -> dict[str, Path]:
    """Class maps of a whole scene or of every tile of a collection, in the run's view.

    Maps that are there already are kept. Another scene than that of the training must have the same modalities,
    quantities and band centres; it is scaled as the training was, and pixels beyond the training's range are counted.

    Args:
        run: A run or its id.
        scene: Name or path of a scene; None is the scene of the training.
        device: Where to compute.
        progress: Called with tiles or windows done and of all.

    Returns:
        Tile name to the path of its Cloud-Optimised GeoTIFF under the run's `maps/`. Its values, names and colours
        are those of the run's classes, whatever the class table of the mapped scene.

    Raises:
        WorkbenchError: The scene does not fit the run, or the disk is full.
    """
    run = as_run(run)
    opened = run.scene if scene is None else open_scene(scene)
    RunInputs.load(run.path).check(opened)
    classes = run.class_table
    with file_lock(run.path / ".map.lock", f"the mapping of run {run.id}"):
        return _map(run, opened, classes, device, progress)


def _map(
    run: Run, opened: Scene | Collection, classes: ClassTable, device: str, progress: Progress | None
) -> dict[str, Path]:
    single = len(opened.scenes) == 1
    folder = run.path / "maps" if single else run.path / "maps" / opened.name
    with explained("making a folder for class maps", folder):
        folder.mkdir(parents=True, exist_ok=True)
    remove_left_files(folder)
    paths: dict[str, Path] = {}
    predictor = None
    for number, tile in enumerate(opened.scenes):
        name = opened.name if single else tile.name
        paths[name] = path = folder / f"{name}.tif"
        note = path.with_suffix(".json")
        if not (path.is_file() and _mapped_hash(note) == tile.content_hash):
            if predictor is None:
                predictor = run.predictor(device)
            store = folder / f".{name}.zarr"
            result = stream_classes(predictor, tile, store, progress if single else None)
            write_class_map(result, tile, classes, path)
            facts = {
                "scene": opened.name,
                "tile": tile.name,
                "scene_hash": tile.content_hash,
                "view": predictor.view,
                "no_data_share": result.no_data_share,
                "outside_training_range_share": result.outside_share,
            }
            write_json(note, facts, "noting facts of a class map")
            shutil.rmtree(store, ignore_errors=True)
        if progress is not None and not single:
            progress(number + 1, len(opened.scenes))
    return paths


def _mapped_hash(note: Path) -> str | None:
    """Content hash of the tile that a map was made of, None where there is no map yet."""
    try:
        facts = read_json(note)
    except WorkbenchError:  # missing, or damaged: map again
        return None
    return facts.get("scene_hash") if isinstance(facts, dict) else None
