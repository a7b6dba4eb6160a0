"""A split: which labelled pixels train, validate and test, and by which rule."""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import WorkbenchError
from workbench.base.files import atomic_file
from workbench.base.hashing import hash_arrays, hash_json
from workbench.splits.pool import LabelledScene, TileGrid

if TYPE_CHECKING:
    from workbench.splits.audit import Audit

ProtocolName = Literal["random", "blocks", "regions", "polygons", "groups", "probability", "official", "masks"]
"""All of `make_split`, and `masks`: sides read from somebody's files by `split_of_masks`."""

SIDES = ("train", "validation", "test")
FORMAT = 1
UNREADABLE = (
    ValueError, LookupError, TypeError, AttributeError, EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What NumPy and zipfile raise on files that are damaged or something else."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Labelled pixels of one side of a split.

    Attributes:
        positions: Tile index, row, column; int32 (n, 3), sorted, read-only.
        labels: Class values, uint16 (n,), read-only.
    """

    positions: NDArray[np.int32]
    labels: NDArray[np.uint16]

    def __post_init__(self) -> None:
        positions = np.array(self.positions, np.int32).reshape(-1, 3)
        labels = np.array(self.labels, np.uint16).reshape(-1)
        if len(positions) != len(labels):
            raise WorkbenchError(f"While making a sample: {len(positions)} positions for {len(labels)} labels.")
        order = np.lexsort(positions.T[::-1])
        positions, labels = positions[order], labels[order]
        for array in (positions, labels):
            array.setflags(write=False)
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "labels", labels)

    def __len__(self) -> int:
        return len(self.labels)

    def count(self, value: int) -> int:
        """Number of pixels of a class."""
        return int((self.labels == value).sum())


@dataclass(frozen=True, eq=False)
class Split:
    """Training, validation and test pixels, with the rule that made them.

    Attributes:
        protocol: Name of the rule.
        seed: Seed of its random choices.
        patch_size: Side of the nominal window in pixels.
        buffer: Pixels (Chebyshev) that were kept between the sides; 0 for none.
        parameters: All parameters of the rule, defaults filled in.
        scene_hash: Content hash of the scene that was split.
        classes: Class values in use, sorted; model output i stands for ``classes[i]``.
        dropped: Class value to the reason why it is left out.
        train: Pixels that train.
        validation: Pixels that choose epochs and the like; a part of training. May be empty.
        test: Pixels that are only scored.
        tiles: Where the tiles lie.
        names: Class names by value, dropped ones included.
        notes: What a reader must know, such as classes without validation.
    """

    protocol: ProtocolName
    seed: int
    patch_size: int
    buffer: int
    parameters: dict[str, Any]
    scene_hash: str
    classes: tuple[int, ...]
    dropped: dict[int, str]
    train: Sample
    validation: Sample
    test: Sample
    tiles: tuple[TileGrid, ...]
    names: dict[int, str]
    notes: tuple[str, ...] = field(default=())

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of `classes`."""
        return tuple(self.names[value] for value in self.classes)

    @property
    def sides(self) -> Mapping[str, Sample]:
        """The three samples by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @cached_property
    def hash(self) -> str:
        """Hash of the rule, its parameters and the three position arrays; 64 hexadecimal digits."""
        rule = {
            "protocol": self.protocol,
            "seed": self.seed,
            "patch_size": self.patch_size,
            "buffer": self.buffer,
            "parameters": self.parameters,
        }
        return hash_json([rule, hash_arrays({name: sample.positions for name, sample in self.sides.items()})])

    @property
    def citation(self) -> str:
        """The split in one line, for a paper or a log: rule, seed, window, buffer, and both hashes."""
        folds = self.parameters.get("folds")
        fold = f", fold {self.parameters['fold'] + 1} of {folds}" if folds else ""
        return (
            f"split by {self.protocol}, seed {self.seed}{fold}, patch {self.patch_size}, buffer {self.buffer}, "
            f"sha256 {self.hash}, of scene sha256 {self.scene_hash}"
        )

    def check(self, scene: LabelledScene) -> None:
        """Refuse a scene that this split was not made of.

        Raises:
            WorkbenchError: The scene has another content hash; the message has both.
        """
        if scene.content_hash != self.scene_hash:
            raise WorkbenchError(
                f"While using a split of {self.protocol!r} on scene {scene.name!r}: it was made of the scene with the hash "
                f"{self.scene_hash}, and {scene.name!r} has {scene.content_hash}. Labels or pixels differ; make the split "
                "again on this scene."
            )

    def audit(self, receptive_field: tuple[int, int] | None = None, fitted: Sequence[str] = ()) -> "Audit":
        """Leakage figures and the controls that see no image.

        Args:
            receptive_field: Pixels before and after the centre that the trained view sees; the nominal window
                where None.
            fitted: What was fitted to pixels before training, and to which, in words: ``"scaling: training pixels"``.
        """
        from workbench.splits.audit import audit_split

        return audit_split(self, receptive_field, fitted)

    def save(self, path: Path | str) -> None:
        """Write the split as ``.npz`` (no pickle), atomically.

        Raises:
            WorkbenchError: The disk is full or the place is not writable.
        """
        facts = {
            "format": FORMAT,
            "protocol": self.protocol,
            "seed": self.seed,
            "patch_size": self.patch_size,
            "buffer": self.buffer,
            "parameters": self.parameters,
            "scene_hash": self.scene_hash,
            "classes": list(self.classes),
            "dropped": self.dropped,
            "tiles": [[t.name, t.group, t.shape, t.transform, t.crs] for t in self.tiles],
            "names": self.names,
            "notes": list(self.notes),
            "hash": self.hash,
        }
        arrays: dict[str, NDArray[Any]] = {f"{name}_positions": sample.positions for name, sample in self.sides.items()}
        arrays |= {f"{name}_labels": sample.labels for name, sample in self.sides.items()}
        text = np.frombuffer(json.dumps(facts, allow_nan=False).encode(), np.uint8)
        with atomic_file(Path(path), "writing a split") as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, facts=text, **arrays)

    @staticmethod
    def load(path: Path | str) -> "Split":
        """Read what `save` wrote.

        Raises:
            WorkbenchError: The file is missing, damaged, or not a split.
        """
        path = Path(path)
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as store:
                arrays = {name: store[name] for name in store.files}
            facts = json.loads(arrays["facts"].tobytes())
            if facts["format"] != FORMAT:
                raise WorkbenchError(f"{path} is a split of format {facts['format']}; this version reads {FORMAT}.")
            split = Split(
                protocol=facts["protocol"],
                seed=facts["seed"],
                patch_size=facts["patch_size"],
                buffer=facts["buffer"],
                parameters=facts["parameters"],
                scene_hash=facts["scene_hash"],
                classes=tuple(facts["classes"]),
                dropped={int(value): reason for value, reason in facts["dropped"].items()},
                tiles=tuple(
                    TileGrid(name, group, (shape[0], shape[1]), tuple(transform) if transform else None, crs)
                    for name, group, shape, transform, crs in facts["tiles"]
                ),
                names={int(value): name for value, name in facts["names"].items()},
                notes=tuple(facts["notes"]),
                **{name: Sample(arrays[f"{name}_positions"], arrays[f"{name}_labels"]) for name in SIDES},
            )
        except FileNotFoundError as error:
            raise WorkbenchError(
                f"{path} is missing while reading a split. `workbench split make SCENE --output {path}` makes one."
            ) from error
        except UNREADABLE as error:
            raise WorkbenchError(f"{path} is damaged or not a split. Make the split again.") from error
        if split.hash != facts["hash"]:
            raise WorkbenchError(f"{path} was changed after it was written: its hash does not fit. Make it again.")
        return split
