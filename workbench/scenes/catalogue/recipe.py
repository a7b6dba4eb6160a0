"""What is known of a single scene, and how each of its packagings becomes that scene: data, no reading."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Union

from workbench.scenes.catalogue.entry import CatalogueEntry, Download, Packaging, Progress
from workbench.scenes.classes import ClassTable
from workbench.scenes.modality import Quantity

if TYPE_CHECKING:
    from workbench.scenes.scene import Collection, Scene

Spelling = str
"""Where an array may lie: ``"HSI.mat:HSI"``, or ``"HSI.mat"`` for the only raster of a file.

File names may be globs; files and variables are matched without regard to case.
"""


@dataclass(frozen=True)
class Sensor:
    """What is documented of one modality.

    Args:
        bands: Number of bands that the scene keeps.
        quantity: What the numbers are, where they are as their provider made them.
        unit: Unit of the numbers.
        band_names: Names of the bands where they differ in kind.
        date: When it was measured.
        first: Quantity and unit of the first band, which some packagings have alone.
    """

    bands: int
    quantity: Quantity = "unknown"
    unit: str = ""
    band_names: tuple[str, ...] | None = None
    date: str | None = None
    first: tuple[Quantity, str] | None = None


@dataclass(frozen=True)
class Facts:
    """What must hold of a scene, whatever packaging it came in.

    Args:
        shape: Rows and columns.
        sensors: By modality.
        classes: The class table.
        train: Pixels of each class in the standard training mask, in the order of `classes`; None where there is none.
        test: The same of the standard test mask.
        total: Labelled pixels of each class; None: training plus test.
        unverified: Which of these facts nobody counted in the files; empty where all are.
    """

    shape: tuple[int, int]
    sensors: Mapping[str, Sensor]
    classes: ClassTable
    train: tuple[int, ...] | None = None
    test: tuple[int, ...] | None = None
    total: tuple[int, ...] | None = None
    unverified: str = ""

    @property
    def labelled(self) -> tuple[int, ...] | None:
        """Labelled pixels of each class, None where they are not known."""
        if self.total is not None or self.train is None or self.test is None:
            return self.total
        return tuple(a + b for a, b in zip(self.train, self.test, strict=True))


@dataclass(frozen=True)
class Part:
    """Where a packaging keeps one modality.

    Args:
        spellings: Any of these, the first that is there.
        bands: How many bands the packaging may have, where it is not the sensor's number.
        drop_last: Bands at the end of the file that are no measurement.
        original: Whether the values are as their provider made them; then quantity and unit are the sensor's.
        unit: Unit of the values, where it is not the sensor's.
        header: Where wavelengths are written, if anywhere: ``"file.mat:variable"``, or an ENVI header.
    """

    spellings: tuple[Spelling, ...]
    bands: tuple[int, ...] = ()
    drop_last: int = 0
    original: bool = True
    unit: str | None = None
    header: Spelling | None = None


@dataclass(frozen=True)
class Truth:
    """Where a packaging keeps labels and split.

    Args:
        train: Labels of training pixels, 0 or -1 elsewhere.
        test: Labels of test pixels.
        train_mask: Which pixels of `train` count; without it all that are labelled.
        test_mask: Which pixels of `test` count.
        labels: Labels of all pixels; with `train` they are only held against them.
        train_index: Rows and columns of training pixels among `labels`, counted from 0 or 1.
        test_index: The same of test pixels.
        split: ``official`` for the data set's standard split, ``packaged`` for one that only this packaging has.
    """

    train: tuple[Spelling, ...] = ()
    test: tuple[Spelling, ...] = ()
    train_mask: tuple[Spelling, ...] = ()
    test_mask: tuple[Spelling, ...] = ()
    labels: tuple[Spelling, ...] = ()
    train_index: tuple[Spelling, ...] = ()
    test_index: tuple[Spelling, ...] = ()
    split: Literal["official", "packaged"] = "official"


@dataclass(frozen=True)
class Place:
    """Map positions of pixel centres that a file holds.

    Args:
        easting: Of each column, or of each pixel.
        northing: Of each row, or of each pixel.
        crs: Their coordinate reference system.
    """

    easting: Spelling
    northing: Spelling
    crs: str


@dataclass(frozen=True)
class Recipe:
    """One packaging of a scene, and how it is read.

    Args:
        name: What messages call it.
        source: Who hands it around.
        parts: Where each modality lies.
        truth: Where labels and split lie.
        note: What to know of it; kept with the scene.
        place: Where map positions lie, if not with the rasters.
        refusal: Why it cannot become a scene, and what to get instead; empty for those that can.
        files: Of a refused packaging, the files that it is recognised by.
    """

    name: str
    source: str
    parts: Mapping[str, Part] = field(default_factory=dict)
    truth: Truth = field(default_factory=Truth)
    note: str = ""
    place: Place | None = None
    refusal: str = ""
    files: tuple[Spelling, ...] = ()

    @property
    def needed(self) -> dict[str, tuple[Spelling, ...]]:
        """Spellings of everything that must be there, by role."""
        wanted = {name: part.spellings for name, part in self.parts.items()}
        wanted |= {f"file {name}": (name,) for name in self.files}
        truth = self.truth
        for role in ("train", "test", "train_mask", "test_mask", "train_index", "test_index"):
            if getattr(truth, role):
                wanted[role.replace("_", " ")] = getattr(truth, role)
        if truth.labels and not truth.train:
            wanted["labels"] = truth.labels
        return wanted

    @property
    def packaging(self) -> Packaging:
        """The packaging in words."""
        files = tuple(" or ".join(_distinct(spellings)) for spellings in self.needed.values())
        note = f"It cannot become a scene: {self.refusal}" if self.refusal else self.note
        return Packaging(self.name, files, self.source, note)


def _distinct(spellings: tuple[Spelling, ...]) -> tuple[Spelling, ...]:
    """The first spelling of each file."""
    first: dict[str, Spelling] = {}
    for spelling in spellings:
        first.setdefault(spelling.partition(":")[0].lower(), spelling)
    return tuple(first.values())


@dataclass(frozen=True)
class SceneEntry(CatalogueEntry):
    """A single scene of the catalogue.

    Args:
        facts: What must hold of it.
        recipes: How each packaging becomes it.
        note: What to know of the scene, whatever its packaging; kept with it.
    """

    facts: Facts | None = None
    recipes: tuple[Recipe, ...] = ()
    note: str = ""


def scene_entry(
    name: str,
    description: str,
    licence: str,
    citation: str,
    how_to_get: str,
    facts: Facts,
    recipes: tuple[Recipe, ...],
    note: str = "",
    downloads: tuple[Download, ...] = (),
) -> SceneEntry:
    """The entry of a single scene whose packagings are all on its grid; see `SceneEntry`."""
    return SceneEntry(
        name,
        description,
        licence,
        citation,
        how_to_get,
        bring_in_scene,
        downloads,
        packagings=tuple(recipe.packaging for recipe in recipes),
        classes=facts.classes,
        facts=facts,
        recipes=recipes,
        note=note,
    )


def bring_in_scene(
    entry: CatalogueEntry, source: Path | None, replace: bool, progress: Progress | None
) -> Union["Scene", "Collection"]:
    """Make the scene of a `SceneEntry`; see `workbench.scenes.catalogue.assembly.make_scene`."""
    from workbench.scenes.catalogue.assembly import make_scene

    assert isinstance(entry, SceneEntry)
    assert source is not None  # `import_catalogue_entry` saw to it
    return make_scene(entry, source, replace, progress)
