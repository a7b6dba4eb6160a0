"""Accuracy of a class map and areas of its classes from interpreted points, with 95 % confidence intervals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.analysis import confusion_matrix
from workbench.analysis.area import MAPPED, AreaEstimate, Estimate, estimate_area
from workbench.base.errors import WorkbenchError, nearest
from workbench.experiments.point_file import PointSample, read_points
from workbench.mapping.class_map import open_class_map
from workbench.scenes import ClassTable

if TYPE_CHECKING:
    import pandas as pd

HECTARE = 10_000.0  # square metres
SHOWN = 10  # ids that a message lists


@dataclass(frozen=True, eq=False)
class SampleScore:
    """What a sample of interpreted points says of a map.

    Attributes:
        estimate: Accuracy and area in pixels, corrected for finite strata.
        classes: What could be answered.
        answered: Points with an answer.
        unanswered: Ids of the points without.
        pixel_area: Square metres of a pixel, None where the map's CRS has no metres.
        about: How the points were drawn.
    """

    estimate: AreaEstimate
    classes: ClassTable
    answered: int
    unanswered: tuple[int, ...]
    pixel_area: float | None
    about: Mapping[str, str]

    def to_frame(self) -> "pd.DataFrame":
        """One row per class: points, accuracies in percent and areas, each with ± 95 %; None where `note` says why."""
        import pandas as pd

        found = self.estimate
        columns: dict[str, list[Any]] = {
            "class": [f"{value} {self.classes.name(value)}" for value in found.classes],
            "points on the map's class": found.counts.sum(axis=0).tolist(),
            "points of the reference class": found.counts.sum(axis=1).tolist(),
            MAPPED: [int(pixels) for pixels in found.mapped],
        }
        for title, figures in (("user's accuracy", found.users), ("producer's accuracy", found.producers)):
            columns[f"{title} %"] = [_times(figure.value, 100) for figure in figures]
            columns[f"± {title} %"] = [_times(figure.margin, 100) for figure in figures]
        units = {"pixels": 1.0} | ({} if self.pixel_area is None else {"ha": self.pixel_area / HECTARE})
        for unit, factor in units.items():
            columns[f"estimated area, {unit}"] = [figure.value for figure in found.areas(factor)]
            columns[f"± area, {unit}"] = [figure.margin for figure in found.areas(factor)]
        columns["note"] = [
            "; ".join(dict.fromkeys(figure.reason for figure in group if figure.reason))
            for group in zip(found.users, found.producers, found.shares, strict=True)
        ]
        return pd.DataFrame({name: pd.Series(column, dtype="object") for name, column in columns.items()})

    def notes(self) -> list[str]:
        """What must be read with the table, as sentences."""
        first = (
            "Reference classes are those of the interpreter. ± is half of a 95 % confidence interval (Olofsson et al. "
            "2014, with the correction for finite strata); areas are estimated from the points, not counted on the map. "
            "Where a class hides in small parts of a large one, few points meet it, and its interval is too narrow."
        )
        lines = [first]
        if self.unanswered:
            lines.append(
                f"Left out for want of an answer, as if chance had chosen them: {len(self.unanswered)} of "
                f"{self.answered + len(self.unanswered)} points, {_ids(self.unanswered)}. Where the hard ones are left out, accuracy comes out too high."
            )
        if self.pixel_area is None:
            lines.append(
                "The map's CRS has no metres: areas are in pixels. In degrees pixels differ in size, and shares of "
                "pixels are not shares of ground; map on an equal-area grid to know areas."
            )
        return lines

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        found = self.estimate
        hectares = None if self.pixel_area is None else found.areas(self.pixel_area / HECTARE)
        classes = [
            {
                "value": value,
                "name": self.classes.name(value),
                "points_on_map_class": int(found.counts[:, k].sum()),
                "points_of_reference_class": int(found.counts[k].sum()),
                "mapped_pixels": int(found.mapped[k]),
                "users_accuracy": found.users[k].to_dict(),
                "producers_accuracy": found.producers[k].to_dict(),
                "area_pixels": found.areas()[k].to_dict(),
                "area_ha": None if hectares is None else hectares[k].to_dict(),
            }
            for k, value in enumerate(found.classes)
        ]
        return {
            "overall_accuracy": found.overall.to_dict(),
            "classes": classes,
            "counts": found.counts.tolist(),
            "proportions": None if found.proportions is None else found.proportions.tolist(),
            "matrices": "rows reference, columns map",
            "mapped": MAPPED,
            "answered": self.answered,
            "unanswered": list(self.unanswered),
            "about": dict(self.about),
            "notes": self.notes(),
        }


def score_sample(points: str | Path, class_map: str | Path | None = None) -> SampleScore:
    """Read a sample that was drawn by `sample_map` and answered, and estimate accuracy and area.

    An answer is the value or the name of a class of the layer `classes`; classes that the map never shows may be added
    there. Points without an answer are left out and listed.

    Args:
        points: The GeoPackage.
        class_map: The map, to be sure that it is the one that the points were drawn from.

    Raises:
        WorkbenchError: The file has lost its design, points are missing, new, doubled or moved, an answer is no class,
            nothing is answered, or the map has changed; ids are listed.
    """
    path = Path(points)
    sample = read_points(path)
    doing = f"While scoring the sample {path}"
    if class_map is not None:
        _same_map(sample, Path(class_map), doing)
    frame = _joined(sample, doing)
    answers = _answers(frame["id"].tolist(), frame["reference"].tolist(), sample.classes, doing)
    known = answers > 0
    if not known.any():
        raise WorkbenchError(
            f"{doing}: none of its {len(frame)} points has an answer. Fill the column 'reference' of the layer 'points' "
            "with values or names of the layer 'classes'."
        )
    values = list(sample.classes.values)
    pixels = dict(zip(sample.strata["value"].tolist(), sample.strata["pixels"].tolist(), strict=True))
    counts = confusion_matrix(answers[known], frame["stratum"].to_numpy()[known], values)
    return SampleScore(
        estimate=estimate_area(counts, [pixels.get(value, 0) for value in values], values, corrected=True),
        classes=sample.classes,
        answered=int(known.sum()),
        unanswered=tuple(int(number) for number in frame["id"][~known]),
        pixel_area=_length(sample.about, "pixel_area_m2", doing),
        about=sample.about,
    )


def _same_map(sample: PointSample, path: Path, doing: str) -> None:
    _, digest = open_class_map(path).survey()
    drawn = sample.about.get("map_hash", "")
    if digest != drawn:
        raise WorkbenchError(
            f"{doing}: {path} is not the map that the points were drawn from ({sample.about.get('map', 'unknown')}): its "
            f"hash is {digest[:12]}, theirs {drawn[:12]}. Points tell of their own map only; draw new ones from this."
        )


def _joined(sample: PointSample, doing: str) -> "pd.DataFrame":
    """Points with their design, once both are whole."""
    points, design, strata = sample.points, sample.design, sample.strata
    for what, table in (("points", points), ("design", design)):
        twice = table["id"][table["id"].duplicated()].unique().tolist()
        if twice:
            raise WorkbenchError(f"{doing}: ids of {what} occur twice: {_ids(twice)}. Remove the copies.")
    new = sorted(set(points["id"].tolist()) - set(design["id"].tolist()), key=str)
    if new:
        raise WorkbenchError(
            f"{doing}: points {_ids(new)} have no design: they were not drawn, and nobody knows how likely they were. "
            "Remove them; points chosen by hand cannot be scored."
        )
    gone = sorted(set(design["id"].tolist()) - set(points["id"].tolist()))
    if gone:
        raise WorkbenchError(
            f"{doing}: points {_ids(gone)} are gone. Put them back and leave 'reference' empty where you cannot tell."
        )
    unknown = sorted(set(strata["value"].tolist()) - set(sample.classes.values))
    if unknown:
        raise WorkbenchError(f"{doing}: the layer 'classes' has lost class {unknown[0]}, which the map shows. Add it.")
    drawn = design.groupby("stratum").size()
    told = dict(zip(strata["value"].tolist(), strata["points"].tolist(), strict=True))
    if {value: count for value, count in told.items() if count} != {int(v): int(n) for v, n in drawn.items()}:
        raise WorkbenchError(f"{doing}: the layers 'design' and 'strata' contradict each other. Draw the points again.")
    frame = points.merge(design, on="id", how="left", validate="one_to_one")
    moved = _moved(frame, (_length(sample.about, "pixel_width", doing) or 1) / 4)
    if moved:
        raise WorkbenchError(
            f"{doing}: points {_ids(moved)} were moved off their pixels. Move them back to x and y; their answers are for "
            "other places."
        )
    return frame


def _moved(frame: Any, reach: float) -> list[int]:
    """Ids of points whose geometry lies further than `reach` from x and y, or is gone."""
    places = frame.geometry
    off = places.is_empty | places.isna()
    far = np.hypot(places.x - frame["x"], places.y - frame["y"]) > reach
    return [int(number) for number in frame["id"][off | far]]


def _answers(ids: Sequence[int], given: Sequence[Any], classes: ClassTable, doing: str) -> NDArray[np.int64]:
    """Class values of the answers, 0 where there is none."""
    by_value = {str(entry.value): entry.value for entry in classes}
    by_name = {entry.name.strip().casefold(): entry.value for entry in classes}
    if len(by_name) < len(classes):
        raise WorkbenchError(
            f"{doing}: two classes of the layer 'classes' have the same name but for case or space around it, so that an "
            "answer by name could be either. Rename one in 'classes'."
        )
    both = [name for name in by_value if name in by_name and by_name[name] != by_value[name]]
    if both:
        raise WorkbenchError(
            f"{doing}: {both[0]!r} is the value of one class and the name of another. Rename the class in 'classes'."
        )
    known = by_value | by_name
    found, wrong = np.zeros(len(given), np.int64), []
    for place, answer in enumerate(given):
        text = _text(answer)
        if not text:
            continue
        if text not in known:
            wrong.append((ids[place], str(answer)))
        found[place] = known.get(text, 0)
    if wrong:
        listed = ", ".join(f"point {number}: {answer!r}" for number, answer in wrong[:SHOWN])
        near = nearest(wrong[0][1], [entry.name for entry in classes])
        there = ", ".join(f"{entry.value} {entry.name}" for entry in list(classes)[:20])
        raise WorkbenchError(
            f"{doing}: {len(wrong)} answers are no class ({listed}{', ...' if len(wrong) > SHOWN else ''}). "
            f"{f'Nearest: {near[0]}. ' if near else ''}Classes are {there}; others can be added to the layer 'classes'."
        )
    return found


def _text(answer: Any) -> str:
    """An answer as it is looked up: without case or space around it, whole numbers without decimals."""
    if answer is None or (isinstance(answer, float) and math.isnan(answer)):
        return ""
    if isinstance(answer, float) and answer.is_integer():  # a column of numbers with gaps
        return str(int(answer))
    return str(answer).strip().casefold()


def _ids(numbers: Sequence[Any]) -> str:
    words = ["without id" if math.isnan(number) else str(int(number)) for number in numbers[:SHOWN]]
    return ", ".join(words) + (f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else "")


def _length(about: Mapping[str, str], key: str, doing: str) -> float | None:
    """A length or an area of the layer `about`, None where it is empty."""
    text = about.get(key, "")
    if not text:
        return None
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found < math.inf:
        raise WorkbenchError(
            f"{doing}: its layer 'about' says {text!r} for {key!r}, which is no number above 0. Draw the points again."
        )
    return found


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else factor * value


def told(figure: Estimate, factor: float = 1.0, digits: int = 1) -> str:
    """An estimate with its margin as text, an en dash for what the sample cannot tell."""
    value = "–" if figure.value is None else f"{factor * figure.value:,.{digits}f}"
    margin = "–" if figure.margin is None else f"{factor * figure.margin:,.{digits}f}"
    return value if value == "–" else f"{value} ± {margin}"
