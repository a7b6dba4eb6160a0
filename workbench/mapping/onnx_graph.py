"""A trained network on raw values as an ONNX graph, and how far its answers in onnxruntime lie from torch's."""

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workbench.base.errors import WorkbenchError
from workbench.mapping.stream import Predictor
from workbench.models.contract import FusionModel
from workbench.models.pixels import region_table

if TYPE_CHECKING:
    import onnx

LARGEST = 1_900_000_000  # bytes of weights; protobuf, and so one ONNX file, ends at 2 GiB
OUTPUT = "probabilities"
TRACED = (2, 20, 22)  # batch, rows and columns of the example that is traced, where they are free

RawWindow = dict[str, NDArray[np.float32]]
"""Per modality `(bands, rows, cols)` in physical units, NaN where there is no data or no scene."""


class RawNetwork(nn.Module):
    """Raw values of each modality to class probabilities: scaling, no data and roles are inside.

    Args:
        predictor: The trained network with its scaling.
    """

    def __init__(self, predictor: Predictor) -> None:
        super().__init__()
        assert isinstance(predictor.model, FusionModel)
        self.model: FusionModel = predictor.model
        self.view, self.roles = predictor.view, dict(predictor.roles)
        self.modalities = played(predictor)
        for number, name in enumerate(self.modalities):
            scaling = predictor.scaling[name]
            self.register_buffer(f"shift{number}", torch.from_numpy(scaling.shift)[:, None, None])
            self.register_buffer(f"span{number}", torch.from_numpy(scaling.span)[:, None, None])

    def forward(self, *images: Tensor) -> Tensor:
        """`(B, bands, H, W)` of each modality to `(B, K)` in the patch view, `(B, K, H, W)` in the dense view."""
        scaled = {}
        for number, (name, image) in enumerate(zip(self.modalities, images, strict=True)):
            values = (image - self.get_buffer(f"shift{number}")) / self.get_buffer(f"span{number}")
            scaled[name] = torch.where(values.isfinite(), values, 0.0)
        inputs = {role: torch.cat([scaled[name] for name in names], 1) for role, names in self.roles.items()}
        # not through `forward` of the model, whose checks compare sizes and so would fix them in the graph
        answer = self.model.patch if self.view == "patch" else self.model.dense
        return answer(inputs, False).logits.softmax(1)


def played(predictor: Predictor) -> tuple[str, ...]:
    """The modalities that play some role, each once, in the order of the roles."""
    return tuple(dict.fromkeys(name for names in predictor.roles.values() for name in names))


def fixed_side(predictor: Predictor, tile: int | None = None) -> int | None:
    """Rows and columns that the graph takes: the patch, the window that is blended, or `tile`; None is any number.

    Raises:
        WorkbenchError: A tile is asked for where the network's own size holds, or it is not positive.
    """
    own = predictor.model.patch_size if predictor.view == "patch" else predictor.model.window
    if tile is not None and (own is not None or tile < 1):
        name = type(predictor.model).__name__
        size = "any size" if own is None else f"{own} x {own} pixels"
        raise WorkbenchError(
            f"{name} in its {predictor.view} view takes {size}, so it cannot be exported for tiles of {tile} x {tile}. "
            + ("A tile has at least 1 pixel." if own is None else "Leave the tile out.")
        )
    return own if own is not None else tile


def build_graph(predictor: Predictor, side: int | None) -> "onnx.ModelProto":
    """Trace the network: one input per modality, one output `probabilities`, any batch.

    Args:
        predictor: The network, in eval mode on the CPU.
        side: Rows and columns, see `fixed_side`.

    Raises:
        WorkbenchError: It is too large for one file, or torch's exporter cannot translate it.
    """
    from torch.export import Dim  # slow to load

    name = type(predictor.model).__name__
    network = RawNetwork(predictor).eval()
    size = sum(values.numel() * values.element_size() for values in network.state_dict().values())
    if size > LARGEST:
        raise WorkbenchError(
            f"The weights of this {name} take {size / 1e9:.1f} GB; one ONNX file holds {LARGEST / 1e9:.1f} GB. "
            "Train it with a smaller width."
        )
    batch, rows, cols = TRACED if side is None else (TRACED[0], side, side)
    images = tuple(torch.zeros(batch, len(predictor.scaling[one].shift), rows, cols) for one in network.modalities)
    free = {0: Dim("batch")} | ({2: Dim("rows"), 3: Dim("cols")} if side is None else {})
    try:
        with _quiet():
            program = torch.onnx.export(
                network,
                images,
                dynamo=True,
                dynamic_shapes=(tuple(free for _ in images),),
                input_names=list(network.modalities),
                output_names=[OUTPUT],
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise WorkbenchError(
            f"Torch's exporter to ONNX cannot translate {name} in its {predictor.view} view: {reason}"
        ) from error
    assert program is not None  # as ever with `dynamo`
    return program.model_proto


@dataclass(frozen=True)
class Parity:
    """How far onnxruntime's probabilities lie from torch's.

    Attributes:
        answers: Number of pixels that were classified.
        largest_difference: Largest absolute difference of a probability; NaN where either is not a number.
        equal_classes: Share of answers whose likeliest class is the same.
    """

    answers: int
    largest_difference: float
    equal_classes: float


def compare(graph: bytes, predictor: Predictor, batches: Iterable[list[RawWindow]]) -> Parity:
    """Answer the same raw windows by onnxruntime and by the workbench, which scales them in its own way.

    Args:
        graph: A serialised graph of `build_graph`.
        predictor: The network.
        batches: Windows that are answered at once; of one size within a batch.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    answers, worst, equal = 0, 0.0, 0
    for windows in batches:
        raw = {name: np.stack([window[name] for window in windows]) for name in played(predictor)}
        found = np.moveaxis(session.run([OUTPUT], raw)[0], 1, -1)
        wanted = np.moveaxis(_answer(predictor, windows), 1, -1)
        worst = float(np.maximum(worst, np.abs(found - wanted).max()))  # NaN stays
        equal += int((found.argmax(-1) == wanted.argmax(-1)).sum())
        answers += wanted[..., 0].size
    return Parity(answers, worst, equal / answers)


def random_windows(predictor: Predictor, side: int | None, seed: int = 0) -> Iterator[list[RawWindow]]:
    """Batches of 1 and 3 windows of noise over the range seen in training, a tenth of it no data.

    Batch and, where they are free, rows and columns differ from what was traced.
    """
    rng = np.random.default_rng(seed)
    for count, free in ((1, (33, 27)), (3, (19, 24))):
        shape = free if side is None else (side, side)
        yield [{name: _noise(predictor, name, shape, rng) for name in played(predictor)} for _ in range(count)]


def _noise(predictor: Predictor, name: str, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    scaling = predictor.scaling[name]
    low, high = scaling.low[:, None, None], scaling.high[:, None, None]
    values = low + (high - low) * rng.random((len(low), *shape), dtype=np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    return values


def _answer(predictor: Predictor, windows: list[RawWindow]) -> NDArray[np.float32]:
    """Probabilities by way of the pixel table, as in training and mapping."""
    tables = [region_table(window, predictor.roles, predictor.scaling, predictor.device) for window in windows]
    shape = next(iter(windows[0].values())).shape[1:]
    rows = torch.arange(shape[0] * shape[1]).view(1, *shape)
    found = [table.gather(rows) for table in tables]
    inputs = {role: torch.cat([one[role] for one in found]) for role in predictor.roles}
    with torch.inference_mode():
        return predictor.model(inputs, view=predictor.view).logits.softmax(1).numpy()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter tells its own developers; its errors are raised all the same."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
