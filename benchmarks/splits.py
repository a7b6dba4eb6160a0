"""What position alone scores under each way to split a label map, and how long an audit takes.

``python benchmarks/splits.py table LABELS.mat`` needs nothing but a label map (.mat, .npy, GeoTIFF, ENVI;
``file.mat:variable``). Its rows by blocks of 16 pixels take blocks in random order until training holds the share, as
is common; the last row is what the workbench does by default. ``python benchmarks/splits.py speed`` audits a made-up
label map as large as Houston 2013's, with as many labels.
"""

import argparse
import time
from types import SimpleNamespace

import numpy as np

from workbench.splits import Audit, Split, make_split, read_mask, split_of_codes
from workbench.splits.buffer import drop_near
from workbench.splits.masks import Mask
from workbench.splits.sides import TEST, TRAIN

CODES = np.array([0, 1, 0, 3], np.int64)  # of LEFT_OUT + 1, TRAIN + 1, VALIDATION + 1, TEST + 1


def random_share(labels: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Sides of labelled pixels: a share of all of them trains."""
    side = np.full(len(labels), TEST, np.int8)
    side[random.permutation(len(labels))[: round(share * len(labels))]] = TRAIN
    return side


def random_per_class(labels: np.ndarray, many: int, random: np.random.Generator) -> np.ndarray:
    """Sides: as many pixels of each class train; of a smaller class, half."""
    side = np.full(len(labels), TEST, np.int8)
    for value in np.unique(labels):
        mine = random.permutation(np.flatnonzero(labels == value))
        side[mine[: min(many, mine.size // 2)]] = TRAIN
    return side


def random_blocks(
    labels: np.ndarray, positions: np.ndarray, size: int, share: float, buffer: int, random: np.random.Generator
) -> np.ndarray:
    """Sides: blocks in random order train until they hold the share; test pixels within the buffer are left out."""
    _, block = np.unique(positions[:, 1] // size * 2**20 + positions[:, 2] // size, return_inverse=True)
    counts = np.bincount(block)
    order = random.permutation(counts.size)
    enough = int(np.searchsorted(np.cumsum(counts[order]), share * len(labels))) + 1
    side = np.where(np.isin(block, order[:enough]), TRAIN, TEST).astype(np.int8)
    drop_near(positions, side, buffer)
    return side


def coded(mask: Mask, positions: np.ndarray, side: np.ndarray, patch_size: int) -> Split:
    """The split of given sides."""
    codes = np.zeros_like(mask.values)
    codes[positions[:, 1], positions[:, 2]] = CODES[side + 1]
    return split_of_codes(Mask.of(codes, "sides"), mask, patch_size)


def as_scene(mask: Mask) -> SimpleNamespace:
    """A label map as what `make_split` needs of a scene."""
    classes = [SimpleNamespace(value=int(value), name=f"class {value}") for value in np.unique(mask.values) if value]
    tile = SimpleNamespace(name=mask.name, group="", shape=mask.values.shape, crs=None, transform=None, reference={},
                           named_splits={}, read_labels=lambda: mask.values)  # fmt: skip
    return SimpleNamespace(name=mask.name, content_hash="0" * 64, classes=classes, scenes=(tile,), attrs={})


def row(title: str, audits: list[Audit]) -> str:
    """Means over seeds, with standard deviations of the control."""
    many = np.mean([sum(audit.counts["train"]) for audit in audits])
    cells = []
    for key in ("oa", "aa", "kappa"):
        values = [100 * audit.coordinates_only[key] for audit in audits]
        cells.append(f"{np.mean(values):6.1f} +- {np.std(values, ddof=1) if len(values) > 1 else 0:4.1f}")
    leaks = [audit.leak() for audit in audits]
    inside, overlap = (100 * np.mean([getattr(leak, key) for leak in leaks]) for key in ("inside", "overlap"))
    return f"{title:48s} {many:8.0f}  {'  '.join(cells)}  {inside:7.1f}  {overlap:7.1f}"


def table(mask: Mask, patch_size: int, seeds: int, share: float, per_class: int, buffer: int) -> list[str]:
    """The rows of the table, head first."""
    positions = np.argwhere(mask.values)
    positions = np.column_stack([np.zeros(len(positions), np.int64), positions]).astype(np.int32)
    labels = mask.values[positions[:, 1], positions[:, 2]]
    ways = {
        f"random {share:.3g} of all pixels": lambda random: random_share(labels, share, random),
        f"random {per_class} of each class": lambda random: random_per_class(labels, per_class, random),
        "16-px blocks, no buffer": lambda random: random_blocks(labels, positions, 16, share, 0, random),
        f"16-px blocks, buffer {buffer}": lambda random: random_blocks(labels, positions, 16, share, buffer, random),
    }
    lines = [f"{'split':48s} {'n train':>8s}  {'OA':>14s}  {'AA':>14s}  {'kappa':>14s}  inside %  overlap %"]
    for title, way in ways.items():
        splits = [coded(mask, positions, way(np.random.default_rng(seed)), patch_size) for seed in range(seeds)]
        lines.append(row(title, [split.audit() for split in splits]))
    scene = as_scene(mask)
    made = [make_split(scene, "blocks", patch_size, seed, validation_fraction=0.0) for seed in range(seeds)]
    title = f"workbench blocks, {made[0].parameters['block_size']} px, buffer {made[0].buffer}, half tests"
    return [*lines, row(title, [split.audit() for split in made])]


def houston_like(seed: int = 0) -> Mask:
    """349 x 1905 pixels with 15,029 labels of 15 classes, in rectangles of 3 to 13 pixels that do not overlap."""
    random = np.random.default_rng(seed)
    labels = np.zeros((349, 1905), np.int64)
    while (labels > 0).sum() < 15_029:
        height, width = random.integers(3, 14, 2)
        top, left = random.integers(0, 349 - height), random.integers(0, 1905 - width)
        if not labels[top : top + height, left : left + width].any():
            labels[top : top + height, left : left + width] = random.integers(1, 16)
    labels.flat[np.flatnonzero(labels)[15_029:]] = 0
    return Mask.of(labels, "made up")


def speed(repeats: int) -> list[str]:
    """Seconds to make a split and to audit it with the nominal window and FusAtNet's dense view (30, 27)."""
    mask = houston_like()
    scene = as_scene(mask)
    lines = [
        f"{mask.values.shape[0]} x {mask.values.shape[1]} pixels, {(mask.values > 0).sum()} labelled; median of {repeats}"
    ]
    for protocol in ("random", "blocks", "polygons", "probability"):
        made, audited = [], []
        for seed in range(repeats):
            start = time.perf_counter()
            split = make_split(scene, protocol, 11, seed)
            middle = time.perf_counter()
            str(split.audit((30, 27)))
            made.append(middle - start)
            audited.append(time.perf_counter() - middle)
        lines.append(f"{protocol:12s} made in {np.median(made):.2f} s, audited in {np.median(audited):.2f} s")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    of = verbs.add_parser("table", help="Coordinates-only scores and leakage of a label map.")
    of.add_argument("labels", help="Label map: file, or file.mat:variable.")
    of.add_argument("--patch-size", type=int, default=11)
    of.add_argument("--seeds", type=int, default=10)
    of.add_argument("--share", type=float, default=0.05, help="Share that trains; 0.1 is usual on Indian Pines.")
    of.add_argument("--per-class", type=int, default=130)
    of.add_argument("--buffer", type=int, default=10)
    verbs.add_parser("speed", help="Time of an audit.").add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    if given.verb == "speed":
        lines = speed(given.repeats)
    else:
        mask = read_mask(given.labels)
        lines = table(mask, given.patch_size, given.seeds, given.share, given.per_class, given.buffer)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
