"""Sub-pixel shift between modalities that lie on one grid; given only where parts of the scene agree."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.base.config import StrictModel
from workbench.scenes.draft import ArrayLike
from workbench.scenes.edges import Plane, central, feature, few_bands, part_shifts
from workbench.scenes.grid import Grid
from workbench.scenes.modality import ModalityInfo
from workbench.scenes.resample import Warped, source_window
from workbench.scenes.scene import Collection, Scene

Stage = Literal["as stored", "before resampling", "after resampling"]

TOGETHER = 0.5
"""Pixels by which parts may differ and still agree."""
TILES = 25
"""Tiles of a collection that are looked at."""
TOO_MUCH = 2**27
"""Values of a file under the crop above which its shift before resampling is not looked for."""
FAR = "Check the georeference, unless shadow, layover or height displaces its edges"


class ModalityShift(StrictModel):
    """How far the content of one modality lies from another's.

    Attributes:
        moving: The modality.
        reference: The modality it is held against.
        stage: ``before resampling``: pixels laid on the scene's grid as they are, by the nearest one; ``after
            resampling``: as they are stored; ``as stored`` where nothing was resampled.
        rows: Pixels of the scene's grid by which it lies further down, None where it cannot be told.
        cols: Pixels by which it lies further right.
        spread: Standard deviation of the parts that agree, in pixels, the larger of both axes.
        agreed: Parts that agree.
        parts: Parts that were compared.
        note: Why no shift is given, or what the reader must know.
    """

    moving: str
    reference: str
    stage: Stage
    rows: float | None = None
    cols: float | None = None
    spread: float | None = None
    agreed: int = 0
    parts: int = 0
    note: str = ""

    def __str__(self) -> str:
        what = f"Shift of {self.moving} against {self.reference}, {self.stage}: "
        if self.rows is None or self.cols is None:
            return f"{what}cannot be told ({self.note})."
        far = max(abs(self.rows), abs(self.cols)) - (self.spread or 0.0) > 0.5
        return (
            f"{what}{self.rows:+.2f} rows, {self.cols:+.2f} columns (parts differ by {self.spread:.2f}; "
            f"{self.agreed} of {self.parts} agree){'. ' + FAR if far else ''}."
        )


class Kept:
    """Pixels of which a central crop of few bands is kept while they are read once.

    Args:
        pixels: Stored values (band, y, x).
        info: Their description.
    """

    def __init__(self, pixels: ArrayLike, info: ModalityInfo) -> None:
        self._pixels, self._info = pixels, info
        self.shape: tuple[int, ...] = tuple(pixels.shape)
        self.dtype: np.dtype[Any] = np.dtype(pixels.dtype)
        self._rows, self._cols = central(self.shape[-2:])
        self._bands = few_bands(info.bands)
        size = (len(self._bands), self._rows.stop - self._rows.start, self._cols.stop - self._cols.start)
        self._crop = np.full(size, np.nan, np.float32)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        values = np.asarray(self._pixels[key])
        _, rows, cols = key
        top, left = max(rows.start, self._rows.start), max(cols.start, self._cols.start)
        down, right = min(rows.stop, self._rows.stop), min(cols.stop, self._cols.stop)
        if top < down and left < right:
            part = values[self._bands, top - rows.start : down - rows.start, left - cols.start : right - cols.start]
            first, second = top - self._rows.start, left - self._cols.start
            place = (slice(first, first + part.shape[1]), slice(second, second + part.shape[2]))
            self._crop[:, *place] = self._info.to_physical(part)
        return values

    @property
    def plane(self) -> Plane:
        """One plane that stands for what was read of the crop."""
        return feature(self._crop, self._info)

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the crop."""
        return self._rows, self._cols


class ShiftMeter:
    """Gathers parts of one or more tiles, and gives the shift of each modality against the first.

    Args:
        stage: Of what is added.
    """

    def __init__(self, stage: Stage = "as stored") -> None:
        self._stage: Stage = stage
        self._found: dict[tuple[str, str], list[tuple[float, float] | None]] = {}
        self._notes: dict[tuple[str, str], str] = {}
        self._tiles = 0

    def add(self, planes: Mapping[str, Plane]) -> None:
        """Add the planes of one tile, all of one size; the first is the reference. Some tiles stand for many."""
        self._tiles += 1
        if self._tiles > TILES:
            return
        names = list(planes)
        for name in names[1:]:
            pair = (name, names[0])
            parts, note = part_shifts(planes[names[0]], planes[name])
            self._found.setdefault(pair, []).extend(parts)
            if note:
                self._notes[pair] = note

    def shifts(self) -> tuple[ModalityShift, ...]:
        """A shift for each modality but the first."""
        return tuple(
            _agreed(moving, reference, self._stage, parts, self._notes.get((moving, reference), ""))
            for (moving, reference), parts in self._found.items()
        )


def import_shifts(
    kept: Mapping[str, Kept],
    files: Mapping[str, tuple[ArrayLike, ModalityInfo, Grid]],
    place: Grid,
    reference: str,
) -> tuple[ModalityShift, ...]:
    """Shifts of a scene that was just read, before and after resampling.

    Args:
        kept: Pixels of each modality on the scene's grid, which have been read.
        files: Of those that were resampled, the pixels of the file, their description and grid.
        place: The scene's grid.
        reference: Modality that the others are held against.
    """
    planes = {name: kept[name].plane for name in (reference, *(key for key in kept if key != reference))}
    found: list[ModalityShift] = []
    for name, plane in planes.items():
        if name == reference:
            continue
        if name in files:
            before = _laid_nearest(*files[name], place, kept[name].window)
            if before is None:
                note = "the file's pixels under the crop are too many"
                found.append(ModalityShift(moving=name, reference=reference, stage="before resampling", note=note))
            else:
                found += _pair(planes[reference], before, name, reference, "before resampling")
        found += _pair(planes[reference], plane, name, reference, "after resampling" if name in files else "as stored")
    return tuple(found)


def stored_shifts(scene: Scene | Collection) -> tuple[ModalityShift, ...]:
    """Shifts of a stored scene, each modality against the first; of a collection, over some of its tiles."""
    meter = ShiftMeter()
    for tile in scene.scenes[:: -(-len(scene.scenes) // TILES)]:
        window = central(tile.shape)
        planes = {}
        for name in scene.modalities:
            info = scene.info(name)
            planes[name] = feature(tile.read(name, *window, few_bands(info.bands)), info)
        meter.add(planes)
    return meter.shifts()


def _pair(one: Plane, two: Plane, moving: str, reference: str, stage: Stage) -> tuple[ModalityShift, ...]:
    meter = ShiftMeter(stage)
    meter.add({reference: one, moving: two})
    return meter.shifts()


def _laid_nearest(
    pixels: ArrayLike, info: ModalityInfo, source: Grid, place: Grid, window: tuple[slice, slice]
) -> Plane | None:
    """The plane of a file's pixels laid on the scene's grid as they are; None where they are too many."""
    under = source_window(place.window(*window), source)
    if under is None:
        return np.full([span.stop - span.start for span in window], np.nan, np.float32)
    rows, cols = under
    if info.bands * (rows.stop - rows.start) * (cols.stop - cols.start) > TOO_MUCH:
        return None
    laid = Warped(pixels, info, source, place, "nearest")[:, window[0], window[1]]
    return feature(laid[few_bands(info.bands)], info)


def _agreed(
    moving: str, reference: str, stage: Stage, parts: list[tuple[float, float] | None], note: str
) -> ModalityShift:
    found = np.array([part for part in parts if part is not None], np.float64).reshape(-1, 2)
    told: dict[str, Any] = {"moving": moving, "reference": reference, "stage": stage, "parts": len(parts)}
    if not parts:
        return ModalityShift(**told, note=note or "no part has enough pixels with values")
    near = np.zeros(0, bool)
    if len(found):  # the part that most others agree with
        close = np.asarray((np.abs(found[:, None] - found[None]) <= TOGETHER).all(axis=2), bool)
        near = np.asarray(close[int(np.sum(close, axis=1).argmax())], bool)
    agreed = int(near.sum())
    if agreed < max(3, 0.6 * len(parts)):
        return ModalityShift(**told, agreed=agreed, note=f"{agreed} of {len(parts)} parts agree: too little in common")
    rows, cols = np.median(found[near], axis=0)
    spread = float(found[near].std(axis=0).max())
    return ModalityShift(**told, rows=float(rows), cols=float(cols), spread=spread, agreed=agreed)
