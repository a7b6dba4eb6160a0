"""Every network at the size it was published for: speed, arithmetic and where the time goes, on random data.

`python benchmarks/models.py speed selfloop` for samples/s of training and inference, beside the machine's convolution
ceiling; `profile ammfusenet` for the operators that take the most time; `table` for the parameters and
multiply-adds of all networks. Networks of patches have 144 + 1 bands, 15 classes and patches of 11 x 11 pixels (Houston
2013), networks of tiles 13 + 2 bands, 7 classes and tiles of 256 x 256 pixels (Hunan).
"""

import argparse
import functools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from workbench.models import FusionModel, create_model, list_models, model_class
from workbench.models.blocks import count_parameters
from workbench.models.contract import View
from workbench.models.predict import BLOCK, precision_context
from workbench.training.recipes import recipe

OPTIMIZERS = {
    "nadam": torch.optim.NAdam,
    "sgd": functools.partial(torch.optim.SGD, momentum=0.9),
    "adamw": torch.optim.AdamW,
    "adam": torch.optim.Adam,
}


@dataclass(frozen=True)
class Size:
    """What a network is fed: bands of its first and of its other role, classes, side and number of samples."""

    bands: tuple[int, int]
    classes: int
    side: int
    batch: int


def published(name: str, view: View) -> Size:
    kind = model_class(name)
    if "image" in kind.roles:
        return Size((13, 2), 7, 256, 2)
    if view == "patch":
        return Size((144, 1), 15, kind.patch_size, 64)
    quick = recipe(name, "quick")
    return Size((144, 1), 15, quick.tile, quick.tile_batch)


def build(name: str, size: Size, width: float, device: str) -> FusionModel:
    bands = {role: size.bands[min(number, 1)] for number, role in enumerate(model_class(name).roles)}
    options = {"window": size.side} if "image" in bands else {}
    with torch.device(device):
        return create_model(name, bands, size.classes, width, **options).place(device)


def draw(model: FusionModel, count: int, side: int, device: str) -> dict[str, torch.Tensor]:
    """Random samples, laid out in memory as those of a scene."""
    return {
        role: torch.randn(count, bands, side, side, device=device).contiguous(memory_format=torch.channels_last)
        for role, bands in model.inputs.items()
    }


def trainer(name: str, model: FusionModel, size: Size, view: View, device: str, precision: str) -> Callable[[], None]:
    """One step of training with the optimiser of the network's own recipe."""
    own = next(iter(model.recipes.values()))
    optimizer = OPTIMIZERS[own.optimizer](model.parameters(), lr=1e-5)
    inputs = draw(model, size.batch, size.side, device)
    shape = (size.batch,) if view == "patch" else (size.batch, size.side, size.side)
    targets = torch.randint(size.classes, shape, device=device)

    def step() -> None:
        model.train()
        optimizer.zero_grad(set_to_none=True)
        with precision_context(precision, device):
            output = model.learn(inputs, targets, view)
            loss = torch.nn.functional.cross_entropy(output.logits, targets)
            loss = loss + sum(output.losses.values())
        loss.backward()
        if output.adversary is not None:
            output.adversary.backward()
        optimizer.step()

    return step


def answerer(model: FusionModel, inputs: dict[str, torch.Tensor], view: View, precision: str) -> Callable[[], None]:
    device = next(model.parameters()).device

    def answer() -> None:
        model.eval()
        with torch.inference_mode(), precision_context(precision, device):
            model(inputs, view=view)

    return answer


def timed(call: Callable[[], object], least: float = 5.0) -> float:
    """Median seconds of a call, after one that is not counted."""
    call()
    device_wait()
    found: list[float] = []
    while sum(found) < least or len(found) < 3:
        began = time.perf_counter()
        call()
        device_wait()
        found.append(time.perf_counter() - began)
    return float(np.median(found))


def device_wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def ceiling(precision: str, device: str) -> float:
    """FLOP/s of a 3 x 3 convolution from 256 to 256 channels."""
    dtype = torch.float32 if precision == "32-true" else torch.bfloat16
    x = torch.randn(16, 256, 64, 64, device=device, dtype=dtype).contiguous(memory_format=torch.channels_last)
    conv = torch.nn.Conv2d(256, 256, 3, padding=1, device=device, dtype=dtype).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        return 2 * 9 * 256 * x.numel() / timed(lambda: conv(x), 2.0)


def multiply_adds(model: FusionModel, view: View, side: int) -> float:
    """Of one answer to a window of `side` pixels; convolutions and matrix products alone are counted."""
    device = str(next(model.parameters()).device)
    counter = FlopCounterMode(display=False)
    with counter:
        answerer(model, draw(model, 1, side, device), view, "32-true")()
    return counter.get_total_flops() / 2


def per_mapped_pixel(model: FusionModel, view: View) -> float:
    """Multiply-adds of a pixel on a map: a patch each, a block with its halo, or four overlapping windows."""
    if view == "patch":
        return multiply_adds(model, view, model.patch_size)
    if model.window is not None:
        return 4 * multiply_adds(model, view, model.window) / model.window**2
    return multiply_adds(model, view, BLOCK + sum(model.receptive_field(view))) / BLOCK**2


def speed(name: str, view: View, size: Size, width: float, device: str, precision: str) -> None:
    top = ceiling(precision, device)
    model = build(name, size, width, device)
    what = "patches" if view == "patch" else "tiles"
    one = 2 * multiply_adds(model, view, size.side)
    trained = size.batch / timed(trainer(name, model, size, view, device, precision))
    answered = size.batch / timed(answerer(model, draw(model, size.batch, size.side, device), view, precision))
    print(
        f"{name}, {view} view, width {width:g}, {device} with {torch.get_num_threads()} threads, {precision}; load "
        f"{os.getloadavg()[0]:.1f}; ceiling {top / 1e9:.0f} GFLOP/s"
    )
    print(
        f"  {size.batch} {what} of {size.side} x {size.side}: training {trained:.2f} {what}/s "
        f"({100 * 3 * one * trained / top:.0f} % of the ceiling), inference {answered:.2f} {what}/s, "
        f"{1e6 / answered:.0f} us each ({100 * one * answered / top:.0f} %)"
    )
    if view == "dense" and model.window is None:
        side = BLOCK + sum(model.receptive_field(view))
        seconds = timed(answerer(model, draw(model, 1, side, device), view, precision))
        print(f"  mapping {BLOCK} x {BLOCK} pixels with their halo: {BLOCK**2 / seconds:.0f} pixels/s")


def tell_profile(name: str, view: View, size: Size, width: float, device: str, precision: str) -> None:
    model = build(name, size, width, device)
    print(
        f"{name}, {view} view: {count_parameters(model):,} parameters, "
        f"{multiply_adds(model, view, size.side) / 1e6:,.1f} million multiply-adds per window of {size.side} x "
        f"{size.side}, {per_mapped_pixel(model, view) / 1e6:,.2f} per mapped pixel"
    )
    cuda = device == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    for title, work in (
        ("training", trainer(name, model, size, view, device, precision)),
        ("inference", answerer(model, draw(model, size.batch, size.side, device), view, precision)),
    ):
        work()
        with profile(activities=activities) as found:
            work()
            device_wait()
        order = "self_cuda_time_total" if cuda else "self_cpu_time_total"
        print(f"\n{title}, one step of {size.batch}; load {os.getloadavg()[0]:.1f}")
        print(found.key_averages().table(sort_by=order, row_limit=15, max_name_column_width=45))


def table(width: float) -> None:
    print("| network | view | parameters | million multiply-adds per window | per mapped pixel |")
    print("|---|---|---|---|---|")
    networks = [name for name in list_models() if issubclass(model_class(name), FusionModel)]
    for name in networks:
        for view in model_class(name).views:
            size = published(name, view)
            model = build(name, size, width, "meta")  # nothing is computed
            side = size.side if view == "patch" or model.window is not None else BLOCK
            print(
                f"| {name} | {view} | {count_parameters(model):,} | "
                f"{multiply_adds(model, view, side) / 1e6:,.1f} ({side} x {side}) | "
                f"{per_mapped_pixel(model, view) / 1e6:,.2f} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "profile", "table"])
    parser.add_argument("model", nargs="?", choices=list(list_models()))
    parser.add_argument("--view", choices=["patch", "dense"], help="the network's first if not given")
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--batch", type=int, nargs="+", help="patches or tiles at once")
    parser.add_argument("--size", type=int, help="side of the tiles, pixels")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", nargs="+", default=["32-true"], choices=["32-true", "bf16-mixed"])
    asked = parser.parse_args()
    if asked.what == "table":
        table(asked.width)
        return
    if asked.model is None:
        parser.error(f"{asked.what} needs the name of a model")
    view = asked.view or model_class(asked.model).views[0]
    usual = published(asked.model, view)
    tell = speed if asked.what == "speed" else tell_profile
    for precision in asked.precision:
        for batch in asked.batch or [usual.batch]:
            size = Size(usual.bands, usual.classes, asked.size or usual.side, batch)
            tell(asked.model, view, size, asked.width, asked.device, precision)


if __name__ == "__main__":
    main()
