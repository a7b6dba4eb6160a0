"""FusAtNet: memory of starting a training, and the speed of training and mapping.

`python benchmarks/fusatnet.py memory` on a scene of 349 x 1905 pixels with 145 bands and 15,029 labelled pixels;
`python benchmarks/fusatnet.py speed` for patches/s and pixels/s, beside the machine's convolution ceiling.
"""

import argparse
import functools
import multiprocessing
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

SHAPE, BANDS, CLASSES = (349, 1905), 144, 15
LABELLED = 15_029
FLOP_PER_PATCH = 6.95e9  # forward, full width


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


def timed(call, least: float = 5.0) -> float:
    """Median seconds of a call, after one that is not counted."""
    device_wait()
    call()
    device_wait()
    found: list[float] = []
    while sum(found) < least or len(found) < 2:
        began = time.perf_counter()
        call()
        device_wait()
        found.append(time.perf_counter() - began)
    return float(np.median(found))


def device_wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def batch(count: int, side: int, device: str) -> dict[str, torch.Tensor]:
    return {
        role: torch.randn(count, bands, side, side, device=device).contiguous(memory_format=torch.channels_last)
        for role, bands in (("hsi", BANDS), ("aux", 1))
    }


def ceiling(precision: str, device: str) -> float:
    """FLOP/s of a 3 x 3 convolution from 256 to 256 channels."""
    dtype = torch.float32 if precision == "32-true" else torch.bfloat16
    x = torch.randn(16, 256, 64, 64, device=device, dtype=dtype).contiguous(memory_format=torch.channels_last)
    conv = torch.nn.Conv2d(256, 256, 3, padding=1, device=device, dtype=dtype).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        return 2 * 9 * 256 * x.numel() / timed(lambda: conv(x), 2.0)


def speed(width: float, batches: list[int], device: str, precision: str) -> None:
    from workbench.models import create_model
    from workbench.models.predict import precision_context

    top = ceiling(precision, device)
    print(f"{device}, {torch.get_num_threads()} threads, width {width:g}, {precision}: ceiling {top / 1e9:.0f} GFLOP/s")
    model = create_model("fusatnet", {"hsi": BANDS, "aux": 1}, CLASSES, width)
    model.place(device)
    optimizer = torch.optim.NAdam(model.parameters(), lr=1e-5)

    def step(inputs: dict[str, torch.Tensor], targets: torch.Tensor) -> None:
        model.train()
        optimizer.zero_grad(set_to_none=True)
        with precision_context(precision, device):
            loss = torch.nn.functional.cross_entropy(model(inputs).logits, targets)
        loss.backward()
        optimizer.step()

    def answer(inputs: dict[str, torch.Tensor], view: str) -> None:
        model.eval()
        with torch.inference_mode(), precision_context(precision, device):
            model(inputs, view=view)

    for count in batches:
        work = functools.partial(step, batch(count, 11, device), torch.randint(CLASSES, (count,), device=device))
        trained = count / timed(work)
        answered = count / timed(functools.partial(answer, batch(count, 11, device), "patch"))
        share = 3 * FLOP_PER_PATCH * width**2 * trained / top
        print(
            f"  patch view, batch {count}: training {trained:.1f} patches/s ({100 * share:.0f} % of the ceiling), "
            f"inference {answered:.1f} patches/s"
        )
    side = 128 + 57
    seconds = timed(functools.partial(answer, batch(1, side, device), "dense"))
    print(
        f"  dense view, 128 x 128 with its halo of 57: {128 * 128 / seconds:.0f} pixels/s "
        f"({side * side / seconds:.0f} with the halo counted)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["memory", "speed"])
    parser.add_argument("--width", type=float)
    parser.add_argument("--batch", type=int, nargs="+", default=[64])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", nargs="+", default=["32-true"], choices=["32-true", "bf16-mixed"])
    arguments = parser.parse_args()
    if arguments.what == "memory":
        memory(arguments.width or 0.125)
    else:
        for precision in arguments.precision:
            speed(arguments.width or 1.0, arguments.batch, arguments.device, precision)


if __name__ == "__main__":
    main()
