"""Map whole scenes with a trained run."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from workbench.base.errors import WorkbenchError
from workbench.base.files import explained, read_json, remove_left_files, write_json
from workbench.experiments.absent import answer_without, left_out, stand_ins
from workbench.experiments.inputs import RunInputs
from workbench.experiments.run import Run, as_run
from workbench.jobs import file_lock
from workbench.mapping import Predictor, stream_classes, write_class_map
from workbench.mapping.stream import Progress
from workbench.runs import RunFolder
from workbench.scenes import ClassTable, Collection, Scene, open_scene


def map_scene(
    run: RunFolder | str,
    scene: str | Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
    without: Sequence[str] = (),
    tta: bool | None = None,
) -> dict[str, Path]:
    """Class maps of a whole scene or of every tile of a collection, in the run's view.

    Maps that are there already are kept. Another scene than that of the training must have the same modalities,
    quantities and band centres; it is scaled as the training was, and pixels beyond the training's range are counted.
    A run that was trained to answer without a modality maps scenes that lack it; such maps have names and notes of
    their own (`scene~without-lidar.tif`).

    Args:
        run: A run or its id.
        scene: Name or path of a scene; None is the scene of the training.
        device: Where to compute.
        progress: Called with tiles or windows done and of all.
        without: Modalities that are not read although the scene has them; see `evaluate`.
        tta: Whether to answer by the mean over the eight turns of the square, at eight times the arithmetic; None is as
            the run was scored. A map that is not made so has a file of its own, `NAME+tta.tif` or `NAME+plain.tif`.

    Returns:
        Tile name to the path of its Cloud-Optimised GeoTIFF under the run's `maps/`. Its values, names and colours
        are those of the run's classes, whatever the class table of the mapped scene.

    Raises:
        WorkbenchError: The scene does not fit the run, the run was not trained to answer without a modality, or the
            disk is full.
    """
    run = as_run(run)
    opened = run.scene if scene is None else open_scene(scene)
    predictor = _reduced(run, opened, left_out(run, without), device, tta)
    in_place = {} if predictor is None else stand_ins(run.config.inputs, predictor)
    mark = f"~without-{'+'.join(in_place)}" if in_place else ""  # no scene's name holds such signs
    classes = run.class_table
    single = len(opened.scenes) == 1
    folder = run.path / "maps" if single else run.path / "maps" / opened.name
    names = [opened.name if single else tile.name for tile in opened.scenes]
    usual = tta is None or tta == run.config.tta
    kind = "" if usual else "+tta" if tta else "+plain"  # no scene has a + in its name
    paths = {name: folder / f"{name}{mark}{kind}.tif" for name in names}
    tiles = dict(zip(names, opened.scenes, strict=True))
    if all(_is_mapped(path, tiles[name]) for name, path in paths.items()):
        return paths  # without a lock: a folder that is only to be read may hold them
    with file_lock(run.path / ".map.lock", f"the mapping of run {run.id}"):
        with explained("making a folder for class maps", folder):
            folder.mkdir(parents=True, exist_ok=True)
        remove_left_files(folder)
        for number, (name, path) in enumerate(paths.items()):
            if not _is_mapped(path, tiles[name]):
                if predictor is None:
                    predictor = run.predictor(device, tta)
                _map(predictor, tiles[name], opened.name, classes, path, in_place, progress if single else None)
            if progress is not None and not single:
                progress(number + 1, len(paths))
    return paths


def _reduced(
    run: Run, scene: Scene | Collection, given: tuple[str, ...], device: str, tta: bool | None
) -> Predictor | None:
    """The network as it answers without what is left out and what the scene lacks; None where that is nothing."""
    inputs = RunInputs.load(run.path)
    lacking = [name for name in inputs.modalities if name not in scene.modalities and name not in given]
    inputs.check(scene, (*given, *lacking))
    if not given and not lacking:
        return None
    whole = run.predictor(device, tta)
    try:
        return answer_without(run, whole, left_out(run, (*given, *lacking)))
    except WorkbenchError:
        inputs.check(scene, given)  # a scene that lacks a modality is told as such
        raise


def _map(
    predictor: Predictor,
    tile: Scene,
    scene: str,
    classes: ClassTable,
    path: Path,
    in_place: dict[str, str],
    progress: Progress | None,
) -> None:
    store, note = path.with_name(f".{path.stem}.zarr"), path.with_suffix(".json")
    result = stream_classes(predictor, tile, store, progress)
    note.unlink(missing_ok=True)  # should the work end before the next note: this one is of another map
    write_class_map(result, tile, classes, path)
    facts = {
        "scene": scene,
        "tile": tile.name,
        "scene_hash": tile.content_hash,
        "view": predictor.view,
        "tta": predictor.tta,
        "no_data_share": result.no_data_share,
        "outside_training_range_share": result.outside_share,
    }
    if in_place:
        facts["without"] = in_place
    write_json(note, facts, "noting facts of a class map")
    shutil.rmtree(store, ignore_errors=True)


def _is_mapped(path: Path, tile: Scene) -> bool:
    """Whether the map at `path` is there and was made of the tile as it is now."""
    try:
        facts = read_json(path.with_suffix(".json"))
    except WorkbenchError:  # missing, or damaged: map again
        return False
    return path.is_file() and isinstance(facts, dict) and facts.get("scene_hash") == tile.content_hash
