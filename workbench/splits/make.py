"""Make a split: check the request, run the protocol, thin training, name what was left out."""

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.splits.blocks import BlocksParameters, assign_blocks
from workbench.splits.buffer import nominal_buffer
from workbench.splits.groups import GroupsParameters, assign_groups
from workbench.splits.official import NAME as OFFICIAL
from workbench.splits.official import OfficialParameters, assign_official
from workbench.splits.parameters import SplitParameters
from workbench.splits.polygons import PolygonsParameters, assign_polygons
from workbench.splits.pool import LabelledScene, Pool
from workbench.splits.probability import NAME as PROBABILITY
from workbench.splits.probability import ProbabilityParameters, assign_probability
from workbench.splits.random import RandomParameters, assign_random
from workbench.splits.regions import RegionsParameters, assign_regions
from workbench.splits.sides import LEFT_OUT, TEST, TRAIN, VALIDATION, Assigned
from workbench.splits.split import Sample, Split
from workbench.splits.windows import is_receptive_field

PROTOCOLS: dict[str, tuple[type[SplitParameters], Callable[..., Assigned]]] = {
    "random": (RandomParameters, assign_random),
    "blocks": (BlocksParameters, assign_blocks),
    "regions": (RegionsParameters, assign_regions),
    "polygons": (PolygonsParameters, assign_polygons),
    "groups": (GroupsParameters, assign_groups),
    PROBABILITY: (ProbabilityParameters, assign_probability),
    OFFICIAL: (OfficialParameters, assign_official),
}


def make_split(
    scene: LabelledScene,
    protocol: str = "blocks",
    patch_size: int = 11,
    seed: int = 0,
    receptive_field: tuple[int, int] | None = None,
    **parameters: Any,
) -> Split:
    """Share the labelled pixels of a scene or collection out to training, validation and test.

    Args:
        scene: A `Scene` or `Collection` with labels.
        protocol: For new ground: ``"blocks"`` of a grid, ``"regions"`` grown inside each field (Liang et al. 2017),
            whole ``"polygons"``, ``"groups"`` of tiles; ``"official"``, the split published with the data. For the
            accuracy of a map of this ground: ``"probability"``, a stratified random sample. ``"random"`` leaks.
        patch_size: Side of the window around a pixel that a model will see, in pixels.
        seed: Seed of all random choices; the same request gives the same split.
        receptive_field: Pixels before and after the centre that the view to be trained sees, for ``buffer="view"``.
        **parameters: Of the protocol. All take `validation_fraction` (0.2; share of training that validates; 0 for
            none; `official`: only where no validation was published) and `train_per_class` (None; at most so many
            training pixels of each class, drawn at random; the others are left out) and `leave_out` (names of
            classes, such as clouds, that neither train nor are scored). All but `official` take
            `test_fraction` (0.5; share of each class that tests). `blocks`, `regions` and `polygons` take `buffer`:
            pixels kept between the sides, patch_size - 1 if not given, so that no two patches meet; ``"view"`` for as
            many that no two receptive fields meet. `blocks` takes `block_size` (3 x patch_size, at least the buffer),
            and `folds` and `fold` (from 0): blocks are dealt out to so many folds and one tests. `groups` takes
            `min_pixels` (100) and `min_groups` (2): a class needs so many on each side; or `folds` and `fold` as well.
            `probability` takes `test_per_class` (None; as many sampled pixels of each class, instead of a share).
            `official` takes `split` (``"official"``): name of the stored split. What would change nothing, such as `fold`
            without `folds`, is refused.

    Returns:
        The split; print ``split.audit()`` before believing any score on it.

    Raises:
        WorkbenchError: The scene has no labels, a patch is larger than a tile, a parameter is unknown, impossible or
            without effect, or fewer than two classes are on both sides.
        UnknownNameError: There is no such protocol, or no such class to leave out.
    """
    if protocol not in PROTOCOLS:
        raise UnknownNameError("split protocol", protocol, PROTOCOLS)
    for name, value, least in (("patch_size", patch_size, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise WorkbenchError(
                f"While splitting {scene.name!r}: {name} = {value!r} must be a whole number >= {least}."
            )
    kind, assign = PROTOCOLS[protocol]
    if parameters.get("buffer") == "view" and "buffer" in kind.model_fields:
        parameters["buffer"] = max(_reach(receptive_field, scene.name), nominal_buffer(None, patch_size))
    settings = kind.build(parameters, f"splitting {scene.name!r} by protocol {protocol!r}")
    stored = settings.split if isinstance(settings, OfficialParameters) else None
    pool = Pool.of(scene, stored, objects=isinstance(settings, PolygonsParameters))
    unwanted = _left_out(pool, settings.leave_out, scene.name)
    pool = pool.without(unwanted)
    for tile in pool.tiles:
        if patch_size > min(tile.shape):
            raise WorkbenchError(
                f"While splitting {scene.name!r}: a patch of {patch_size} x {patch_size} pixels is larger than the "
                f"tile {tile.name!r} of {tile.shape[0]} x {tile.shape[1]}. Choose a smaller patch_size."
            )
    assigned = assign(pool, settings, patch_size, seed)
    side, dropped = assigned.side.copy(), dict(assigned.dropped)
    for value in pool.values:
        mine = pool.labels == value
        if int(value) not in dropped:
            needed = {"training": TRAIN} if assigned.untested else {"training": TRAIN, "test": TEST}
            missing = [name for name, number in needed.items() if not (side[mine] == number).any()]
            if missing:
                dropped[int(value)] = f"absent from {' and '.join(missing)} ({int(mine.sum())} labelled pixels)"
        if int(value) in dropped:
            side[mine] = LEFT_OUT
    for value in sorted(set(pool.names) - set(pool.values.tolist())):
        dropped[value] = "left out as asked" if value in unwanted else "no labelled pixel"
    classes = tuple(int(value) for value in pool.values if int(value) not in dropped)
    if len(classes) < 2:
        reasons = (
            "; ".join(f"{pool.names[value]}: {reason}" for value, reason in sorted(dropped.items()))
            or "No other is labelled"
        )
        raise WorkbenchError(
            f"While splitting {scene.name!r} by protocol {protocol!r}: {len(classes)} class(es) are on both sides, two "
            f"are needed. {reasons}. {_what_helps(kind)}"
        )
    if not (side == TEST).any():
        raise WorkbenchError(
            f"While splitting {scene.name!r} by protocol {protocol!r}: this fold has no test pixel of a class that the other "
            "folds can learn. Ask for fewer folds, or take another seed."
        )
    if settings.train_per_class is not None:
        _thin(pool, side, settings.train_per_class, seed)
    return Split(
        protocol=protocol,  # type: ignore[arg-type]  # one of PROTOCOLS, checked above
        seed=seed,
        patch_size=patch_size,
        buffer=assigned.buffer,
        parameters=settings.recorded() | assigned.resolved,
        scene_hash=pool.scene_hash,
        classes=classes,
        dropped=dict(sorted(dropped.items())),
        train=Sample(pool.positions[side == TRAIN], pool.labels[side == TRAIN]),
        validation=Sample(pool.positions[side == VALIDATION], pool.labels[side == VALIDATION]),
        test=Sample(pool.positions[side == TEST], pool.labels[side == TEST]),
        tiles=pool.tiles,
        names=pool.names,
        notes=(*assigned.notes, *_validation_notes(pool, side, classes, settings.validation_fraction)),
    )


def _reach(receptive_field: tuple[int, int] | None, scene: str) -> int:
    """The distance at which two receptive fields can still share a pixel."""
    if receptive_field is None or not is_receptive_field(receptive_field):
        raise WorkbenchError(
            f"While splitting {scene!r}: buffer='view' needs receptive_field=(before, after), the pixels that the view to "
            f"be trained sees around a centre, such as model.receptive_field('dense'); got {receptive_field!r}. A number "
            "of pixels is taken as well."
        )
    return receptive_field[0] + receptive_field[1]


def _what_helps(kind: type[SplitParameters]) -> str:
    """What to do where fewer than two classes are on both sides."""
    if kind is OfficialParameters:
        return "Take another protocol, such as 'blocks', or another stored split."
    named = [name for name in ("block_size", "buffer", "min_pixels", "min_groups") if name in kind.model_fields]
    return f"Label more places{', or choose a smaller ' * bool(named)}{' or '.join(named)}."


def _left_out(pool: Pool, names: list[str], scene: str) -> set[int]:
    """Values of the classes that are not wanted."""
    known = set(pool.names.values())
    for name in names:
        if name not in known:
            raise UnknownNameError(f"class of scene {scene!r}", name, known, "It was to be left out of the split.")
    unwanted = {value for value, name in pool.names.items() if name in names}
    rest = [pool.names[int(value)] for value in pool.values if int(value) not in unwanted]
    if unwanted and len(rest) < 2:
        raise WorkbenchError(
            f"While splitting {scene!r}: without {', '.join(names)} the labelled classes are "
            f"{', '.join(rest) or 'none'}; two are needed. Leave fewer classes out."
        )
    return unwanted


def _thin(pool: Pool, side: Any, most: int, seed: int) -> None:
    """Leave training pixels out, in place, down to `most` of each class."""
    random = np.random.default_rng([seed, 1])
    for value in pool.values:
        mine = np.flatnonzero((pool.labels == value) & (side == TRAIN))
        side[random.permutation(mine)[most:]] = LEFT_OUT


def _validation_notes(pool: Pool, side: Any, classes: tuple[int, ...], fraction: float) -> list[str]:
    if not fraction and not (side == VALIDATION).any():
        return ["no validation was asked for: train for a fixed number of epochs"]
    if not (side == VALIDATION).any():
        return ["no class can spare training pixels for validation: train for a fixed number of epochs"]
    without = [pool.names[value] for value in classes if not (side[pool.labels == value] == VALIDATION).any()]
    if without:
        return [f"no validation pixels of {', '.join(without)}: validation scores do not see them"]
    return []
