"""FusAtNet: memory of starting a training, on a scene of 349 x 1905 pixels with 145 bands and 15,029 labelled pixels.

Its speed is `python benchmarks/models.py speed fusatnet`.
"""

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

SHAPE, BANDS, CLASSES = (349, 1905), 144, 15
LABELLED = 15_029


def peak() -> int:
    """Largest resident set of this process so far, bytes."""
    text = Path("/proc/self/status").read_text()
    return 1024 * int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmHWM")))


def make(path: Path) -> None:
    """Write a random scene of Houston2013's size; labels in small polygons."""
    from workbench.scenes import ClassTable, ModalityInfo, TileDraft, write_scene

    rng = np.random.default_rng(0)
    labels = np.zeros(SHAPE[0] * SHAPE[1], np.uint16)
    starts = rng.choice(len(labels) // 20, LABELLED // 20 + 1, replace=False) * 20
    chosen = (starts[:, None] + np.arange(20)).ravel()[:LABELLED]
    labels[chosen] = np.repeat(rng.integers(1, CLASSES + 1, len(starts)), 20)[:LABELLED]
    hsi = rng.standard_normal((BANDS, *SHAPE), dtype=np.float32)
    lidar = rng.standard_normal((1, *SHAPE), dtype=np.float32)
    tile = TileDraft(
        name="big",
        modalities={
            "hsi": (hsi, ModalityInfo(name="hsi", quantity="reflectance", dtype="float32", bands=BANDS)),
            "lidar": (lidar, ModalityInfo(name="lidar", quantity="elevation", unit="m", dtype="float32", bands=1)),
        },
        labels=labels.reshape(SHAPE),
        transform=(2.5, 0.0, 0.0, 0.0, -2.5, 0.0),
        crs="EPSG:32615",
    )
    write_scene(path, [tile], ClassTable.from_names([f"class {n}" for n in range(1, CLASSES + 1)]))


def start(path: Path, width: float) -> None:
    """What a training does before its second step, in a process of its own."""
    # the libraries' memory is part of the ground that the scene stands on
    import lightning  # noqa: F401
    import rioxarray  # noqa: F401
    import scipy.spatial  # noqa: F401
    import zarr  # noqa: F401

    from workbench.models import create_model
    from workbench.models.pixels import load_pixels
    from workbench.scenes import open_scene
    from workbench.splits import make_split
    from workbench.training.recipes import recipe
    from workbench.training.task import FusionTask, Samples

    torch.set_num_threads(2)
    torch.nn.Conv2d(3, 3, 3)(torch.zeros(1, 3, 5, 5))
    ground = peak()
    scene = open_scene(path)
    split = make_split(scene, "random", 11, 0)
    began = time.perf_counter()
    roles = {"hsi": ("hsi",), "aux": ("lidar",)}
    table = load_pixels(scene, roles, fit=("standard", split.train.positions))
    seconds = time.perf_counter() - began
    samples = Samples(split.train.positions, np.searchsorted(split.classes, split.train.labels).astype(np.int64))
    empty = Samples(split.train.positions[:0], samples.targets[:0])
    model = create_model("fusatnet", {"hsi": BANDS, "aux": 1}, len(split.classes), width)
    task = FusionTask(model, table, samples, empty, recipe("fusatnet", "quick"), "patch", 0)
    inputs, targets = task.batch(0, 0)
    prepared = peak()
    torch.nn.functional.cross_entropy(model(inputs).logits, targets).backward()
    stepped = peak()
    size = 4 * SHAPE[0] * SHAPE[1] * (BANDS + 1)
    print(f"scene in memory: {size / 1e6:.0f} MB; interpreter and libraries before it is opened: {ground / 1e6:.0f} MB")
    print(f"prepared in {seconds:.1f} s (read, scaled, first batch gathered): + {(prepared - ground) / 1e6:.0f} MB, "
          f"{(prepared - ground) / size:.2f} x the scene")  # fmt: skip
    print(f"after the first step at width {width:g}, batch 64: + {(stepped - ground) / 1e6:.0f} MB, "
          f"{(stepped - ground) / size:.2f} x the scene")  # fmt: skip


def memory(width: float) -> None:
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.zarr"
        for target, arguments in ((make, (path,)), (start, (path, width))):
            process = context.Process(target=target, args=arguments)
            process.start()
            process.join()
            if process.exitcode:
                raise SystemExit(process.exitcode)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=float, default=0.125)
    memory(parser.parse_args().width)


if __name__ == "__main__":
    main()
