"""The audit of a split: who is where, how much test ground training sees, and what position alone scores."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from workbench.analysis import Scores
from workbench.base.errors import WorkbenchError
from workbench.splits.control import coordinates_only, majority_class, nearest_training_pixel
from workbench.splits.probability import NAME as PROBABILITY
from workbench.splits.probability import SampledAccuracy, sampled_accuracy
from workbench.splits.split import SIDES, Split
from workbench.splits.windows import inside_windows, is_receptive_field, nominal_window, windows_overlap

RANDOM_BANNER = "random split: neighbours of test pixels are in training; position alone explains much of this score"
PROBABILITY_BANNER = (
    "probability sample: tells how accurate a map of this ground is, where it is labelled, and not how the model does on "
    "new ground; neighbours of test pixels are in training"
)
FAR = "no test pixel lies in a place (scene, CRS) where training pixels lie"
PAIRS = (("test", "train"), ("validation", "train"), ("test", "validation"))


@dataclass(frozen=True)
class Leak:
    """How much one side sees of another through windows of one size.

    Attributes:
        window: ``"nominal"`` or ``"receptive field"``.
        before: Pixels of the window before its centre.
        after: Pixels after it.
        side: The side whose pixels are counted.
        against: The side whose windows they may meet.
        inside: Share of centres that lie inside a window of the other side, 0 to 1.
        overlap: Share of windows that share a pixel with a window of the other side, 0 to 1.
    """

    window: str
    before: int
    after: int
    side: str
    against: str
    inside: float
    overlap: float

    @property
    def title(self) -> str:
        """The window in words."""
        size = self.before + self.after + 1
        if self.window == "nominal":
            return f"patch of {size} x {size}"
        return f"view of {size} x {size} (-{self.before} to +{self.after})"


@dataclass(frozen=True)
class Audit:
    """Figures of a split; print it for a table, or take `to_dict` and `to_frame`.

    Attributes:
        protocol: Name of the rule.
        seed: Its seed.
        patch_size: Side of the nominal window.
        buffer: Pixels kept between the sides.
        split_hash: Hash of rule and positions.
        scene_hash: Hash of the scene.
        classes: Class values in use.
        names: Their names.
        counts: Side to pixels of each class.
        absent: Side to the names of classes in use that it lacks.
        dropped: Name of a class that is left out, to the reason.
        leaks: Overlap of windows, nominal first.
        distance_min: Smallest distance from a test pixel to its nearest training pixel, in pixels; None where no test
            pixel shares a place (scene, CRS) with training.
        distance_median: Median of the same distances.
        coordinates_only: OA, AA, kappa of the nearest training pixel's class.
        coordinates_how: What served as position.
        majority_class: OA, AA, kappa of the commonest training class.
        tiles: Side to the number of tiles it has pixels in.
        groups: Side to the number of groups it has pixels in.
        tiles_shared: Tiles that both train (validation included) and test.
        groups_shared: Groups that both train (validation included) and test.
        conflicts: Pixels whose class in a mask is another than in the label map; None where there was but one of them.
        fitted: What was fitted to pixels before training, and to which, in words; empty where no training has told.
        sampling: Of `probability`: accuracy of the nearest training pixel's class as estimated from the sample, with
            standard errors.
        banner: A warning in words, or "".
        banner_level: ``"red"``, ``"amber"`` or "".
        notes: What a reader must know.
    """

    protocol: str
    seed: int
    patch_size: int
    buffer: int
    split_hash: str
    scene_hash: str
    classes: tuple[int, ...]
    names: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    absent: dict[str, tuple[str, ...]]
    dropped: dict[str, str]
    leaks: tuple[Leak, ...]
    distance_min: float | None
    distance_median: float | None
    coordinates_only: dict[str, float]
    coordinates_how: str
    majority_class: dict[str, float]
    tiles: dict[str, int]
    groups: dict[str, int]
    tiles_shared: int
    groups_shared: int
    conflicts: int | None
    fitted: tuple[str, ...]
    sampling: SampledAccuracy | None
    banner: str
    banner_level: str
    notes: tuple[str, ...]

    def leak(self, window: str = "nominal", side: str = "test", against: str = "train") -> Leak | None:
        """The figures of one window and pair of sides, or None where a side is empty."""
        wanted = (window, side, against)
        return next((leak for leak in self.leaks if (leak.window, leak.side, leak.against) == wanted), None)

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        values = asdict(self)
        for key in ("classes", "names", "notes", "leaks", "fitted"):
            values[key] = list(values[key])
        for key in ("counts", "absent"):
            values[key] = {side: list(items) for side, items in values[key].items()}
        return values

    def to_frame(self) -> Any:
        """The figures as a pandas DataFrame with the columns figure and value, in the order of the printed table."""
        import pandas as pd

        return pd.DataFrame(self._figures(), columns=["figure", "value"])

    def counts_frame(self) -> Any:
        """Pixels of each class on each side, as a pandas DataFrame indexed by class name."""
        import pandas as pd

        columns = {side: list(self.counts[side]) for side in SIDES}
        return pd.DataFrame(columns, index=pd.Index(list(self.names), name="class"))

    def __str__(self) -> str:
        head = f"Audit of the {self.protocol} split: seed {self.seed}, patch {self.patch_size} x {self.patch_size}"
        lines = [
            f"{head}, buffer {self.buffer}",
            f"split {self.split_hash[:12]} of scene {self.scene_hash[:12]}",
        ]
        if self.banner:
            lines += ["", f"!! {self.banner_level.upper()} !! {self.banner}"]
        rows = [["pixels", "value", *SIDES]]
        for index, name in enumerate(self.names):
            rows.append([name, str(self.classes[index]), *(str(self.counts[side][index]) for side in SIDES)])
        rows.append(["all classes", "", *(str(sum(self.counts[side])) for side in SIDES)])
        if max(self.tiles.values()) > 1:
            rows.append(["tiles", "", *(str(self.tiles[side]) for side in SIDES)])
            rows.append(["groups", "", *(str(self.groups[side]) for side in SIDES)])
        lines += ["", *_table(rows)]
        for side, names in self.absent.items():
            if names and side != "validation":  # a note says what that means
                lines.append(f"absent from {side}: {', '.join(names)}")
        lines += [f"left out: {name} ({reason})" for name, reason in self.dropped.items()]
        rows = [["share seen by the other side, %", *(f"{side}/{against}" for side, against in PAIRS)]]
        for window in dict.fromkeys(leak.window for leak in self.leaks):
            found = [self.leak(window, *pair) for pair in PAIRS]
            title = next(leak.title for leak in found if leak)
            inside = [f"{100 * leak.inside:.1f}" if leak else "-" for leak in found]
            overlap = [f"{100 * leak.overlap:.1f}" if leak else "-" for leak in found]
            rows += [[f"{title}: centre inside", *inside], [f"{title}: overlap", *overlap]]
        lines += ["", *_table(rows), ""]
        if self.distance_min is None:
            lines.append(FAR)
        else:
            near, middle = f"{self.distance_min:.1f}", f"{self.distance_median:.1f}"
            lines.append(f"from a test pixel to the nearest training pixel: at least {near} pixels, median {middle}")
        if max(self.tiles.values()) > 1:
            lines.append(f"in both training and test: {self.tiles_shared} tiles, {self.groups_shared} groups")
        if self.conflicts is not None:
            lines.append(f"pixels whose class differs between mask and label map: {self.conflicts}")
        lines.append(f"fitted before training: {'; '.join(self.fitted) or 'not known to a split; a run tells'}")
        rows = [["controls that see no image, %", "OA", "AA", "kappa"]]
        for title, control in (
            ("class of the nearest training pixel", self.coordinates_only),
            ("commonest training class", self.majority_class),
        ):
            rows.append([title, *(f"{100 * control[key]:.1f}" for key in ("oa", "aa", "kappa"))])
        lines += ["", *_table(rows), f"nearest by {self.coordinates_how}"]
        if self.sampling is not None:
            lines.append(f"of the first, estimated from the sample: {_estimate(self.sampling)}")
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)

    def _figures(self) -> list[tuple[str, Any]]:
        figures: list[tuple[str, Any]] = []
        for leak in self.leaks:
            figures.append((f"{leak.title}: {leak.side} centres inside those of {leak.against}, %", 100 * leak.inside))
            figures.append((f"{leak.title}: {leak.side} overlapping those of {leak.against}, %", 100 * leak.overlap))
        figures += [
            ("distance of test to training, min, pixels", FAR if self.distance_min is None else self.distance_min),
            (
                "distance of test to training, median, pixels",
                FAR if self.distance_median is None else self.distance_median,
            ),
            ("tiles in both training and test", self.tiles_shared),
            ("groups in both training and test", self.groups_shared),
        ]
        if self.conflicts is not None:
            figures.append(("pixels whose class differs between mask and label map", self.conflicts))
        absent = {side: len(names) for side, names in self.absent.items()}
        figures += [(f"classes absent from {side}", many) for side, many in absent.items()]
        for title, control in (
            ("coordinates only", self.coordinates_only),
            ("commonest class", self.majority_class),
        ):
            figures += [(f"{title}: {key} %", 100 * control[key]) for key in ("oa", "aa", "kappa")]
        if self.sampling is not None and self.sampling.oa_error is not None and self.sampling.aa_error is not None:
            figures += [
                ("coordinates only: standard error of oa, %", 100 * self.sampling.oa_error),
                ("coordinates only: standard error of aa, %", 100 * self.sampling.aa_error),
            ]
        return figures


def audit_split(split: Split, receptive_field: tuple[int, int] | None = None, fitted: Sequence[str] = ()) -> Audit:
    """Audit a split.

    Args:
        split: The split.
        receptive_field: Pixels before and after the centre that the trained view sees. Rows for it are added where
            it differs from the nominal window.
        fitted: What was fitted to pixels before training, and to which: ``"scaling: training pixels"``.

    Raises:
        WorkbenchError: The receptive field is not two whole numbers from 0, or training or test is empty.
    """
    nominal = nominal_window(split.patch_size)
    windows = [("nominal", *nominal)]
    if receptive_field is not None:
        if not is_receptive_field(receptive_field):
            raise WorkbenchError(
                f"While auditing a split: the receptive field {receptive_field!r} must be two whole numbers, not negative: "
                "pixels before and after a centre, such as (30, 27)."
            )
        if tuple(receptive_field) != nominal:
            windows.append(("receptive field", *receptive_field))
    for side in ("train", "test"):
        if not len(split.sides[side]):
            raise WorkbenchError(f"While auditing a split: its {side} side is empty.")
    leaks = []
    for window, before, after in windows:
        for side, against in PAIRS:
            mine, theirs = split.sides[side].positions, split.sides[against].positions
            if len(mine) and len(theirs):
                inside = float(inside_windows(mine, theirs, before, after).mean())
                overlap = float(windows_overlap(mine, theirs, before, after).mean())
                leaks.append(Leak(window, before, after, side, against, inside, overlap))
    nearest = nearest_training_pixel(split)
    measured = nearest.distance[np.isfinite(nearest.distance)]
    counts = {side: tuple(split.sides[side].count(value) for value in split.classes) for side in SIDES}
    units = [tile.unit for tile in split.tiles]
    tiles = {side: set(np.unique(split.sides[side].positions[:, 0]).tolist()) for side in SIDES}
    groups = {side: {units[tile] for tile in tiles[side]} for side in SIDES}
    groups_shared = len((groups["train"] | groups["validation"]) & groups["test"])
    banner, level = _banner(split, leaks, groups_shared)
    return Audit(
        protocol=split.protocol,
        seed=split.seed,
        patch_size=split.patch_size,
        buffer=split.buffer,
        split_hash=split.hash,
        scene_hash=split.scene_hash,
        classes=split.classes,
        names=split.class_names,
        counts=counts,
        absent={
            side: tuple(name for name, count in zip(split.class_names, counts[side], strict=True) if not count)
            for side in SIDES
        },
        dropped={split.names[value]: reason for value, reason in split.dropped.items()},
        leaks=tuple(leaks),
        distance_min=float(measured.min()) if measured.size else None,
        distance_median=float(np.median(measured)) if measured.size else None,
        coordinates_only=_figures_of(coordinates_only(split, nearest)),
        coordinates_how=nearest.how,
        majority_class=_figures_of(majority_class(split)),
        tiles={side: len(there) for side, there in tiles.items()},
        groups={side: len(there) for side, there in groups.items()},
        tiles_shared=len((tiles["train"] | tiles["validation"]) & tiles["test"]),
        groups_shared=groups_shared,
        conflicts=split.parameters.get("conflicts"),
        fitted=tuple(fitted),
        sampling=sampled_accuracy(split, split.test.labels, nearest.predicted)
        if split.protocol == PROBABILITY
        else None,
        banner=banner,
        banner_level=level,
        notes=split.notes,
    )


def _banner(split: Split, leaks: list[Leak], groups_shared: int) -> tuple[str, str]:
    if split.protocol == "random":
        return RANDOM_BANNER, "red"
    if split.protocol == PROBABILITY:
        return PROBABILITY_BANNER, "amber"
    worst = [leak for leak in leaks if (leak.side, leak.against) == ("test", "train") and leak.overlap > 0]
    if any(leak.window == "nominal" for leak in worst):
        return f"{worst[0].overlap:.1%} of test patches share pixels with training patches", "red"
    if groups_shared and len(split.tiles) > 1:
        words = f"{groups_shared} groups of tiles that belong together are in both training and test"
        return f"{words}; the protocol 'groups' keeps them apart", "amber"
    if worst:
        leak = worst[0]
        size = leak.before + leak.after + 1
        words = f"the trained view sees {size} x {size} pixels: {leak.overlap:.1%} of test views share pixels with"
        return f"{words} training views, {leak.inside:.1%} of test centres lie inside one", "amber"
    return "", ""


def _estimate(found: SampledAccuracy) -> str:
    def words(name: str, value: float, error: float | None) -> str:
        return f"{name} {100 * value:.1f}" + ("" if error is None else f" +- {100 * error:.1f}")

    told = f"{words('OA', found.oa, found.oa_error)}, {words('AA', found.aa, found.aa_error)} %"
    if found.reason:
        return f"{told} (standard errors not known: {found.reason})"
    if found.oa_error == 0:
        return f"{told} (standard errors of 0: no class was answered both right and wrong, or all of it is sampled)"
    return f"{told} (standard errors)"


def _figures_of(result: Scores) -> dict[str, float]:
    return {"oa": result.oa, "aa": result.aa, "kappa": result.kappa}


def _table(rows: list[list[str]]) -> list[str]:
    """Rows as aligned text: first column left, the others right, a rule under the head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]))
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]
