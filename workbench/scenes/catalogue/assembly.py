"""A packaging made into a scene: every array in its right axes, the facts held against it, then stored."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.scenes.align import AlignmentReport, Measured, alignment_row, choose_grid
from workbench.scenes.bands import refuse_empty_bands
from workbench.scenes.catalogue.entry import Progress
from workbench.scenes.catalogue.finding import Found, located
from workbench.scenes.catalogue.masks import Plane, agree, check_counts, class_values, counts, from_index, union
from workbench.scenes.catalogue.places import grid_of_positions
from workbench.scenes.catalogue.recipe import Facts, Part, SceneEntry, Sensor, Spelling
from workbench.scenes.draft import ArrayLike, TileDraft
from workbench.scenes.grid import Grid
from workbench.scenes.importing import ModalitySource, describe_source
from workbench.scenes.modality import ModalityInfo
from workbench.scenes.readers import Raster, open_raster, read_vector, split_variable
from workbench.scenes.readers.roi import is_roi_text, roi_labels
from workbench.scenes.scene import Scene
from workbench.scenes.shift import Kept, import_shifts
from workbench.scenes.store import scene_path, write_scene

SAMPLE = 64
"""Rows from the middle that are read to see whether a packaging has rescaled its values."""


def make_scene(entry: SceneEntry, source: Path, replace: bool = False, progress: Progress | None = None) -> Scene:
    """Import a single scene of the catalogue.

    Args:
        entry: What is known of it.
        source: A folder or archive that holds one of its packagings.
        replace: Whether the scene may be replaced.
        progress: Called with what is being done and the share done.

    Returns:
        The stored scene: labels of training and test pixels together, the split in ``named_splits``, what was found
        in ``AlignmentReport.of(scene)``.

    Raises:
        WorkbenchError: No packaging is there, one cannot become a scene, or what it holds contradicts the facts.
    """
    refuse_existing(entry, replace)
    with located(entry, source, progress) as found, ExitStack() as files:
        return assemble(entry, found, files, replace, progress)


def refuse_existing(entry: SceneEntry, replace: bool) -> None:
    """Refuse, before anything is read, a scene that is there already."""
    if scene_path(entry.name).exists() and not replace:
        raise WorkbenchError(
            f"The scene {entry.name!r} exists already ({scene_path(entry.name)}). Say to replace it, to import it again."
        )


def assemble(
    entry: SceneEntry, found: Found, files: ExitStack, replace: bool = False, progress: Progress | None = None
) -> Scene:
    """Read, check and store a packaging; see `make_scene`."""
    facts, notes = facts_of(entry), []
    pixels: dict[str, tuple[Measured, ModalityInfo]] = {}
    kept: dict[str, Kept] = {}
    grids: dict[str, Grid] = {}
    told: dict[str, str] = {}
    for name, part in found.recipe.parts.items():
        raster, told[name] = open_part(files, found, part, name, facts)
        values, info, doubt = describe_part(found, part, name, facts.sensors[name], raster)
        notes += [doubt] if doubt else []
        kept[name] = Kept(values, info)
        pixels[name], grids[name] = (Measured(kept[name], info), info), raster.grid
    grid, _ = choose_grid(grids, None, None)
    if found.recipe.place is not None:
        grid, doubt = _placed(found, grid)
        notes += [doubt] if doubt else []
    labels, splits, more = read_truth(found, facts)
    notes += more

    def attributes() -> dict[str, Any]:
        for name, (values, info) in pixels.items():
            refuse_empty_bands(name, values, info)
        rows = [alignment_row(name, grids[name], grid, values, told[name]) for name, (values, _) in pixels.items()]
        shifts = import_shifts(kept, {}, grid, next(iter(kept)))
        report = AlignmentReport(grid=str(grid), rows=tuple(rows), notes=tuple(notes), shifts=shifts)
        return attributes_of(entry, found, splits, report)

    draft = TileDraft(entry.name, dict(pixels), labels, grid.transform, grid.crs, splits=splits)
    stored = write_scene(scene_path(entry.name), [draft], facts.classes, attributes, replace, progress)
    assert isinstance(stored, Scene)  # one draft is one scene
    return stored


def facts_of(entry: SceneEntry) -> Facts:
    """The facts of an entry that has some."""
    assert entry.facts is not None
    return entry.facts


def attributes_of(
    entry: SceneEntry, found: Found, splits: Mapping[str, Any], report: AlignmentReport
) -> dict[str, Any]:
    """What is kept with the scene besides its arrays."""
    facts = facts_of(entry)
    words = [entry.note, found.recipe.note]
    words += [f"Not verified: {facts.unverified}."] if facts.unverified else []
    if "official" in splits:
        words.append("It carries the standard split: take the protocol 'official'.")
    elif "packaged" in splits:
        words.append(
            "There is no official split; this packaging's own is stored as 'packaged' (protocol 'official' with "
            "split='packaged')."
        )
    else:
        words.append("No split is stored with it, and none was invented.")
    return {
        "description": entry.description,
        "licence": entry.licence,
        "citation": entry.citation,
        "packaging": found.recipe.name,
        "note": " ".join(word for word in words if word),
        "alignment": report.model_dump(mode="json"),
    }


def open_part(files: ExitStack, found: Found, part: Part, name: str, facts: Facts) -> tuple[Raster, str]:
    """A modality's raster in its right axes, and what had to be done for that."""
    source, fault = _there(found, part.spellings), None
    for bands in part.bands or (facts.sensors[name].bands,):
        try:
            return open_oriented(files, source, (bands + part.drop_last, *facts.shape), found)
        except WrongSize as error:
            fault = fault or error
    assert fault is not None  # at least one number of bands is allowed
    raise fault


class WrongSize(WorkbenchError):
    """A raster has another size than expected, however its axes are turned."""


def open_oriented(files: ExitStack, source: str, expected: tuple[int, int, int], found: Found) -> tuple[Raster, str]:
    """Open a raster whose size is known, turning its axes where they are swapped.

    Args:
        files: Keeps it open.
        source: ``path`` or ``path:variable``.
        expected: Bands, rows, columns.
        found: The packaging, for messages.

    Returns:
        The raster, and a note if its axes were turned.

    Raises:
        WrongSize: It has another size.
        WorkbenchError: Its axes could be turned in several ways.
    """
    with ExitStack() as trial:
        raster = trial.enter_context(open_any(source))
        shape = tuple(raster.pixels.shape)
        if shape == expected:
            files.push(trial.pop_all())
            return raster, ""
    stored = [axis for axis in raster.axes if axis]
    sizes = dict(zip(("band", "y", "x"), shape, strict=True))
    wanted = dict(zip(("band", "y", "x"), expected, strict=True))
    fits = [
        order
        for order in permutations(stored)
        if all(sizes[old] == wanted[new] for old, new in zip(stored, order, strict=True))
    ]
    if not stored or (len(stored) == 2 and (shape[0], expected[0]) != (1, 1)):
        fits = []
    held = f"{' x '.join(str(sizes[axis]) for axis in stored) if stored else ' x '.join(map(str, shape))}"
    meant = f"{expected[1]} rows x {expected[2]} columns x {expected[0]} bands"
    if len(fits) > 1:
        raise WorkbenchError(
            f"While reading {source} of the {found.title}: {meant} were expected and {held} was found. Its axes are "
            f"transposed, and could be {' or '.join(', '.join(order) for order in fits)}. Save it as rows x columns x "
            "bands."
        )
    if not fits:
        raise WrongSize(
            f"While reading {source} of the {found.title}: {meant} were expected and {held} was found. It is another data "
            "set, a part of this one, or a packaging that is not known."
        )
    turned = files.enter_context(open_any(source, ",".join(fits[0])))
    return turned, f"stored as {held} ({', '.join(fits[0])}): axes turned, recognised by the expected shape"


def describe_part(
    found: Found, part: Part, name: str, sensor: Sensor, raster: Raster
) -> tuple[ArrayLike, ModalityInfo, str]:
    """Pixels and description of a modality, and a note where the packaging has rescaled it."""
    bands = raster.pixels.shape[0]
    quantity, unit, doubt = sensor.quantity, sensor.unit if part.unit is None else part.unit, ""
    if sensor.first is not None and bands == 1 < sensor.bands:
        quantity, unit = sensor.first
    if not part.original or rescaled(raster.pixels):
        quantity, unit = "unknown", ""
        if part.original:
            doubt = f"{name}: values lie between 0 and 1, so this packaging rescaled them: what they are is unknown."
    wavelengths, fault = _wavelengths(found, part)
    doubt += fault and f"{name}: wavelengths are unknown: {fault}"
    source = ModalitySource(
        path=_there(found, part.spellings),
        quantity=quantity,
        unit=unit or None,
        date=sensor.date,
        drop_bands=tuple(range(bands - part.drop_last, bands)),
        wavelengths=wavelengths,
    )
    values, info = describe_source(name, source, raster)
    if sensor.band_names is not None and len(sensor.band_names) == info.bands and info.band_names is None:
        info = info.model_copy(update={"band_names": sensor.band_names})
    if part.drop_last:
        doubt += f"{name}: the last {part.drop_last} layers of the file are no measurement and were left out."
    return values, info, doubt


def _wavelengths(found: Found, part: Part) -> tuple[tuple[float, ...] | None, str]:
    """Band centres in nm that the packaging writes down, and why it has none where it should."""
    header = None if part.header is None else found.where((part.header,))
    if header is None:
        return None, ""
    try:
        return tuple(read_vector(header).tolist()), ""
    except WorkbenchError as error:
        return None, str(error)


def rescaled(pixels: ArrayLike) -> bool:
    """Whether floating values of the middle rows all lie between 0 and 1, as after min-max scaling."""
    if np.dtype(pixels.dtype).kind != "f":
        return False
    rows, cols = pixels.shape[1:]
    start = max(0, rows // 2 - SAMPLE // 2)
    values = np.asarray(pixels[:, slice(start, min(rows, start + SAMPLE)), slice(0, cols)])
    values = values[np.isfinite(values)]
    return bool(values.size and values.min() >= 0 and values.max() <= 1)


def read_truth(
    found: Found, facts: Facts, shape: tuple[int, int] | None = None
) -> tuple[Plane, dict[str, NDArray[np.uint8]], list[str]]:
    """Labels, the split that the packaging carries, and notes; all counts held against the facts.

    Args:
        found: The packaging.
        facts: What must hold.
        shape: Rows and columns of the labels, where they differ from the scene's.
    """
    truth, table, notes = found.recipe.truth, facts.classes, []
    official = truth.split == "official"

    def plane(
        spellings: tuple[Spelling, ...], expected: tuple[int, ...] | None, mask: tuple[Spelling, ...] = ()
    ) -> Plane:
        source = _there(found, spellings)
        stored, note = read_plane(source, shape or facts.shape, found)
        if mask:  # what counts is labelled, whatever stands elsewhere
            chosen, _ = read_plane(_there(found, mask), shape or facts.shape, found)
            stored = np.where(chosen > 0, stored.astype(np.float64), -1)
        notes.extend([note] if note else [])
        return class_values(stored, table, f"{source} of the {found.title}", expected)

    splits: dict[str, NDArray[np.uint8]] = {}
    whole = found.where(truth.labels) and plane(truth.labels, facts.labelled)
    expected = (facts.train, facts.test) if official else (None, None)
    if truth.train:
        masks = (truth.train_mask, truth.test_mask)
        sides = [
            plane(side, wanted, mask)
            for side, wanted, mask in zip((truth.train, truth.test), expected, masks, strict=True)
        ]
        labels, codes = union(sides[0], sides[1], f"the {found.title}")
        if isinstance(whole, np.ndarray):
            agree(whole, labels, f"the {found.title}")
            labels = labels if official else whole
        for values, wanted, side_name in zip(sides, expected, ("training", "test"), strict=True):
            check_counts(values, table, wanted, f"{side_name} pixels of the {found.title}", facts.unverified)
        splits[truth.split] = codes
    else:
        assert isinstance(whole, np.ndarray)  # a recipe has masks or a label map
        labels = whole
        if truth.train_index:
            lists = [_index(_there(found, side)) for side in (truth.train_index, truth.test_index)]
            codes, base = from_index(labels, lists[0], lists[1], f"the {found.title}", expected, table)
            splits[truth.split] = codes
            notes.append(f"Index lists count rows and columns from {base}: only so do all pixels lie on labels.")
    check_counts(labels, table, facts.labelled, f"labelled pixels of the {found.title}", facts.unverified)
    told = ", ".join(f"{entry.name} {count}" for entry, count in zip(table, counts(labels, table), strict=True))
    notes.append(f"Labels: {told}.")
    return labels, splits, notes


def read_plane(source: str, shape: tuple[int, int], found: Found) -> tuple[NDArray[Any], str]:
    """A label map or mask in its right axes (rows, cols), and a note if they were turned."""
    path = split_variable(source)[0]
    if is_roi_text(path):
        return np.asarray(roi_labels(path, Grid(shape)).labels), ""
    with ExitStack() as files:
        raster, note = open_oriented(files, source, (1, *shape), found)
        values = np.asarray(raster.pixels[:, slice(0, shape[0]), slice(0, shape[1])])[0]
        if raster.nodata is not None:
            values = np.where(values == raster.nodata, 0, values)
        return values, f"{path.name}: {note}" if note else ""


def _index(source: str) -> NDArray[Any]:
    with open_any(source) as raster:
        _, rows, cols = raster.pixels.shape
        values: NDArray[Any] = np.asarray(raster.pixels[:, slice(0, rows), slice(0, cols)])[0]
        return values


def _placed(found: Found, grid: Grid) -> tuple[Grid, str]:
    place = found.recipe.place
    assert place is not None
    positions = [_index(_there(found, (spelling,))) for spelling in (place.easting, place.northing)]
    return grid_of_positions(positions[0], positions[1], grid.shape, place.crs)


def _there(found: Found, spellings: tuple[Spelling, ...]) -> str:
    where = found.where(spellings)
    assert where is not None  # the packaging is complete
    return where


def open_any(source: str, axes: str | None = None) -> AbstractContextManager[Raster]:
    """Open any raster; PCI's ``.pix`` through the same library as GeoTIFF."""
    path = Path(source)
    if path.suffix.lower() == ".pix":
        from workbench.scenes.readers import geotiff

        return geotiff.open_raster(path, None)
    return open_raster(source, axes)
