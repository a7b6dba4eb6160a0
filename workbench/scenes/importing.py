"""Import: files of one place become a stored scene, aligned, described and checked."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator

from workbench.base.config import StrictModel
from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.scenes.align import AlignmentReport, AlignmentRow, Measured, alignment_row, choose_grid
from workbench.scenes.bands import bad_bands_note, check_wavelengths, refuse_empty_bands
from workbench.scenes.classes import HIGHEST, ClassTable
from workbench.scenes.draft import ArrayLike, TileDraft, check_labels
from workbench.scenes.grid import Grid
from workbench.scenes.modality import ModalityInfo, Quantity, storable_nodata
from workbench.scenes.readers import Raster, open_raster, read_vector, split_variable
from workbench.scenes.readers.roi import is_roi_text, roi_labels
from workbench.scenes.readers.vector import SUFFIXES, burn_labels, class_table, numbered_classes
from workbench.scenes.resample import Warped, check_method, warp_labels, warped_info
from workbench.scenes.scene import Scene
from workbench.scenes.schema import check_name
from workbench.scenes.shift import Kept, import_shifts
from workbench.scenes.steps import Picked
from workbench.scenes.store import Progress, scene_path, write_scene


class ModalitySource(StrictModel):
    """A raster file and what is known of it; what is not given here is taken from the file, or is unknown.

    Attributes:
        path: File; of several arrays in one, ``file.mat:variable``.
        quantity: What its numbers are, after scale and offset.
        unit: Unit of the physical values.
        scale: Factor from stored to physical values.
        offset: Added after scaling.
        nodata: Stored value that means no-data.
        wavelengths: Band centres in nm, or where to read them: ``file.mat:variable``, an ENVI header or a text file;
            ``"none"`` to go without those of the file.
        fwhm: Band widths in nm.
        date: When it was measured.
        drop_bands: Bands of the file, counted from 0, that are not wanted; ``"bad"`` for those that the file marks.
        axes: What the stored axes are, such as ``"band,y,x"``, where the file does not say.
    """

    path: str | Path
    quantity: Quantity = "unknown"
    unit: str | None = None
    scale: float | None = None
    offset: float | None = None
    nodata: float | None = None
    wavelengths: tuple[float, ...] | str | None = None
    fwhm: tuple[float, ...] | None = None
    date: str | None = None
    drop_bands: tuple[int, ...] | Literal["bad"] = ()
    axes: str | None = None

    @field_validator("drop_bands", mode="before")
    @classmethod
    def _numbers(cls, given: Any) -> Any:
        """Bands as a terminal gives them: ``"1,3"``, or one number."""
        if isinstance(given, int):
            return (given,)
        if isinstance(given, str) and given != "bad":
            words = given.replace(" ", "").strip("()").split(",")
            return tuple(int(word) for word in words) if all(word.isdigit() for word in words) else given
        return given


def import_scene(
    name: str,
    modalities: Mapping[str, ModalitySource | str | Path],
    labels: str | Path | None = None,
    class_column: str | None = None,
    class_names: Mapping[int, str] | Sequence[str] | None = None,
    grid: str | None = None,
    resample: str | None = None,
    replace: bool = False,
    attrs: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    compress: bool = True,
) -> Scene:
    """Import raster files of one place, and labels if there are, as the scene `name`.

    Args:
        name: Name of the scene; it lands in the data root.
        modalities: A source per modality; a bare path means an unknown quantity.
        labels: A raster of whole numbers (0 and no-data are unlabelled), a file of polygons, or ENVI regions of
            interest exported as text.
        class_column: Column of the polygons' classes.
        class_names: Names of the values 1 to n, or by value. None: what a text column holds, else ``class 3``.
        grid: Modality whose grid is the scene's, where grids differ.
        resample: How the others are brought to it, such as ``average``; labels always by majority, backscatter in dB
            as linear power.
        replace: Whether an existing scene of that name may be replaced.
        attrs: More to keep: description, licence, citation, note.
        progress: Called with what is being done and the share done.
        compress: Whether pixels are stored compressed, without loss.

    Returns:
        The stored scene; its alignment report is ``AlignmentReport.of(scene)``.

    Raises:
        WorkbenchError: A file is missing, truncated or unfit, grids differ, labels do not fit the class table, or the
            disk is full. Nothing is left half-written.
    """
    check_name(name, "scene")
    if not modalities:
        raise WorkbenchError(f"While importing the scene {name!r}: no raster was given. Name at least one modality.")
    if grid is not None and grid not in modalities:
        raise UnknownNameError("modality to take the grid from", grid, modalities)
    if resample is not None:
        check_method(resample)
    if scene_path(name).exists() and not replace:
        raise WorkbenchError(
            f"The scene {name!r} exists already ({scene_path(name)}). Choose another name, or replace it."
        )
    sources = {
        key: source if isinstance(source, ModalitySource) else ModalitySource(path=source)
        for key, source in modalities.items()
    }
    table = None if class_names is None else class_table(class_names)
    with ExitStack() as files:
        rasters = {key: files.enter_context(open_raster(source.path, source.axes)) for key, source in sources.items()}
        label_raster = None
        label_path = Path() if labels is None else split_variable(labels)[0]
        regions = is_roi_text(label_path)
        if labels is not None and not regions and label_path.suffix.lower() not in SUFFIXES:
            label_raster = files.enter_context(open_raster(labels))
        grids = {key: raster.grid for key, raster in rasters.items()}
        place, differ = choose_grid(
            grids | ({} if label_raster is None else {"labels": label_raster.grid}), grid, resample
        )
        pixels: dict[str, tuple[Measured, ModalityInfo, str]] = {}
        kept: dict[str, Kept] = {}
        resampled: dict[str, tuple[ArrayLike, ModalityInfo, Grid]] = {}
        for key, source in sources.items():
            values, info = describe_source(key, source, rasters[key])
            note = bad_bands_note(source.drop_bands, rasters[key])
            if key in differ:
                resampled[key] = (values, info, grids[key])
                values = Warped(values, info, grids[key], place, str(resample))
                how = f"resampled by {resample}{', as linear power' if values.as_power else ''}"
                note = f"{how}; {note}" if note else how
                info = warped_info(info)
            kept[key] = Kept(values, info)
            pixels[key] = (Measured(kept[key], info), info, note)
        notes: tuple[str, ...] = ()
        burnt: NDArray[Any] | None = None
        if label_raster is not None:
            burnt, table = _raster_labels(label_raster, str(labels), table, place if "labels" in differ else None)
        elif labels is not None:
            if regions:
                found = roi_labels(label_path, place, table)
            else:
                found = burn_labels(label_path, class_column, place, table)
            burnt, table = found.labels, found.classes
            notes = (f"Labels from {label_path.name}: {_counted(found.counts)}.",)

        def rows() -> list[AlignmentRow]:
            told = [alignment_row(key, grids[key], place, got, note) for key, (got, _, note) in pixels.items()]
            if label_raster is not None:
                note = "resampled by majority" if "labels" in differ else ""
                told.append(alignment_row("labels", label_raster.grid, place, None, note))
            return told

        def told() -> dict[str, Any]:
            for key, (got, info, _) in pixels.items():
                refuse_empty_bands(key, got, info)
            shifts = import_shifts(kept, resampled, place, grid or next(iter(kept)))
            report = AlignmentReport(grid=str(place), rows=tuple(rows()), notes=notes, shifts=shifts)
            return {**(attrs or {}), "alignment": report.model_dump(mode="json")}

        draft = TileDraft(
            name,
            {key: (got, info) for key, (got, info, _) in pixels.items()},
            burnt,
            place.transform,
            place.crs,
        )
        stored = write_scene(
            scene_path(name), [draft], table or ClassTable(), told, replace, progress, compress=compress
        )
    assert isinstance(stored, Scene)  # one draft is one scene
    return stored


def describe_source(name: str, source: ModalitySource, raster: Raster) -> tuple[ArrayLike, ModalityInfo]:
    """Pixels and description of a modality: what the user says goes before what the file says."""
    bands = raster.pixels.shape[0]
    dropped = raster.bad_bands if source.drop_bands == "bad" else tuple(sorted(set(source.drop_bands)))
    wrong = [band for band in dropped if not 0 <= band < bands]
    if wrong or len(dropped) >= bands:
        raise WorkbenchError(
            f"While importing {name!r}: of its {bands} bands, counted from 0, "
            f"{f'band {wrong[0]} cannot be dropped' if wrong else 'all would be dropped'}."
        )
    kept = [band for band in range(bands) if band not in dropped]
    pixels = Picked(raster.pixels, kept) if dropped else raster.pixels
    wavelengths = source.wavelengths
    if wavelengths == "none":
        wavelengths = ()
    elif isinstance(wavelengths, str):
        wavelengths = tuple(float(value) for value in read_vector(wavelengths))
    if wavelengths is None and raster.wavelength_fault:
        raise WorkbenchError(f"{raster.wavelength_fault} To go without any: wavelengths=none.")
    per_band: dict[str, Any] = {
        "wavelengths": raster.wavelengths if wavelengths is None else wavelengths or None,
        "fwhm": source.fwhm or raster.fwhm,
        "band_names": raster.band_names,
    }
    for key, values in per_band.items():
        if values is not None and len(values) == bands:
            per_band[key] = tuple(values[band] for band in kept)
    info = ModalityInfo.of(
        name,
        pixels,
        quantity=raster.quantity if source.quantity == "unknown" else source.quantity,
        unit=raster.unit if source.unit is None else source.unit,
        scale=raster.scale if source.scale is None else source.scale,
        offset=raster.offset if source.offset is None else source.offset,
        nodata=raster.nodata if source.nodata is None else source.nodata,
        date=source.date or raster.date,
        dropped_bands=dropped,
        **per_band,
    )
    check_wavelengths(f"{source.path} ({name!r})", info.wavelengths or (), kept)
    return pixels, info


def _raster_labels(
    raster: Raster, where: str, table: ClassTable | None, target: Grid | None
) -> tuple[NDArray[Any], ClassTable]:
    """Labels of a raster, checked on their own grid, then brought to `target` where one is given."""
    if raster.pixels.shape[0] != 1:
        raise WorkbenchError(
            f"While reading labels from {where}: it has {raster.pixels.shape[0]} bands; labels are one band."
        )
    rows, cols = raster.grid.shape
    values = np.asarray(raster.pixels[:, slice(0, rows), slice(0, cols)])[0]
    empty = np.zeros(values.shape, bool) if values.dtype.kind != "f" else np.isnan(values)
    nodata = storable_nodata(raster.nodata, values.dtype)
    if nodata is not None:
        empty |= values == values.dtype.type(nodata)
    if values.dtype.kind == "f":  # MATLAB keeps whole numbers as double
        fractional = ~empty & (values != np.round(values))
        if fractional.any():
            raise WorkbenchError(
                f"While reading labels from {where}: it holds {values[fractional][0]}; labels are whole numbers."
            )
    whole = np.where(empty, 0, values)
    if whole.max() > HIGHEST:
        raise WorkbenchError(f"While reading labels from {where}: it holds {whole.max():g}; the highest is {HIGHEST}.")
    labels = whole.astype(np.int32)
    if table is None:
        table = class_table(raster.class_names) if raster.class_names else numbered_classes(labels, where)
    check_labels(labels, table, where)
    return (labels if target is None else warp_labels(labels, raster.grid, target)), table


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in counts.items())
