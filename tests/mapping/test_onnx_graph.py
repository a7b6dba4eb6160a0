"""Every registered network in every view as an ONNX graph on raw values; a new model gets these without a line."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from workbench.base.errors import WorkbenchError
from workbench.mapping import Predictor, onnx_graph
from workbench.mapping.onnx_graph import build_graph, compare, fixed_side, random_windows
from workbench.models import FusionModel, create_model, list_models, model_class, resolve_options
from workbench.models.ensemble import Ensemble
from workbench.models.scaling import BandScaling

LATER = ("deeplabv3plus", "denseaspp")  # their operators are in the other ResNets too
CASES = [  # tracing takes long: in every run the view that a network has first, all views in the long one
    pytest.param(name, view, marks=[pytest.mark.long] if number or name in LATER else [])
    for name in sorted(list_models())
    if issubclass(model_class(name), FusionModel)
    for number, view in enumerate(model_class(name).views)
]
CLASSES = 4


SHORTER = {  # the same operators, fewer times: tracing takes its time by the operator
    "resnet.DEPTHS": (1, 1, 1, 2),
    "unet.WIDTHS": (64, 128),
    "segnet.STAGES": ((64,), (128, 128)),
    "ammfusenet.RATES": (3, 6),
    "denseaspp.RATES": (3, 6),
}


@pytest.fixture(autouse=True)
def _shorter(monkeypatch):
    for name, value in SHORTER.items():
        monkeypatch.setattr(f"workbench.models.{name}", value)


def predictor(name, view):
    """A network after one step of training; modality `b` plays all roles, with `a` before it in the first."""
    torch.manual_seed(0)
    first, *others = model_class(name).roles
    options = {"window": 16} if "window" in resolve_options(name) else {}
    model = create_model(name, {first: 6} | dict.fromkeys(others, 2), CLASSES, 0.05, **options)
    for part in model.modules():
        if isinstance(part, _BatchNorm):
            part.momentum = 1.0  # the statistics are those of the step, so that answers differ from pixel to pixel
    side = model.patch_size if view == "patch" else 16
    inputs = {role: torch.randn(8, bands, side, side) for role, bands in model.inputs.items()}
    targets = torch.arange(8) % CLASSES
    model.learn(inputs, targets if view == "patch" else targets[:, None, None].expand(8, side, side), view)
    rng = np.random.default_rng(0)
    scaling = {}
    for modality, bands in (("a", 4), ("b", 2)):
        shift, span = (rng.uniform(2, 9, bands).astype(np.float32) for _ in range(2))
        scaling[modality] = BandScaling(shift, span, shift - span, shift + 2 * span)
    roles = {first: ("a", "b")} | dict.fromkeys(others, ("b",))
    classes = np.arange(1, CLASSES + 1, dtype=np.uint16)
    return Predictor(model.place("cpu").eval(), roles, scaling, classes, view, "32-true")


@pytest.mark.parametrize(("name", "view"), CASES)
def test_onnxruntime_answers_as_torch_does(name, view):
    made = predictor(name, view)
    side = fixed_side(made)
    graph = build_graph(made, side)
    described = [(one.name, one.type.tensor_type) for one in (*graph.graph.input, *graph.graph.output)]
    assert [name for name, _ in described] == ["a", "b", "probabilities"]
    assert {kind.elem_type for _, kind in described} == {onnx.TensorProto.FLOAT}
    sizes = [[axis.dim_value for axis in kind.shape.dim] for _, kind in described]  # 0 is free
    free = [side or 0] * 2
    assert sizes == [[0, 4, *free], [0, 2, *free], [0, CLASSES, *(free if view == "dense" else [])]]
    serialised = graph.SerializeToString()
    parity = compare(serialised, made, random_windows(made, side))
    assert parity.answers == (4 if view == "patch" else 33 * 27 + 3 * 19 * 24 if side is None else 4 * side**2)
    assert parity.largest_difference < 1e-4
    assert parity.equal_classes > 0.999  # a tie may turn
    with torch.no_grad():
        for parameter in made.model.parameters():
            parameter.mul_(-1)
    assert compare(serialised, made, random_windows(made, side)).largest_difference > 0.1


@pytest.mark.long
def test_an_ensemble_is_one_graph_of_any_batch():
    one, other = predictor("selfloop", "patch"), predictor("selfloop", "patch")
    with torch.no_grad():
        for weight in other.model.parameters():
            weight.mul_(1.1)
    both = replace(one, model=Ensemble([one.model, other.model]).eval())
    side = fixed_side(both)
    parity = compare(build_graph(both, side).SerializeToString(), both, random_windows(both, side))
    assert parity.largest_difference < 1e-5
    assert parity.equal_classes == 1


def test_a_tile_fixes_what_is_free_and_nothing_else():
    free = predictor("selfloop", "dense")
    assert (fixed_side(free), fixed_side(free, 40)) == (None, 40)
    with pytest.raises(WorkbenchError, match="at least 1 pixel"):
        fixed_side(free, 0)
    for name, view, own in (("selfloop", "patch", 11), ("unet", "dense", 16)):
        made = predictor(name, view)
        assert fixed_side(made) == own
        with pytest.raises(WorkbenchError, match=f"{own} x {own} pixels"):
            fixed_side(made, 40)


def test_what_is_too_large_for_one_file_is_refused_at_once(monkeypatch):
    monkeypatch.setattr(onnx_graph, "LARGEST", 1000)
    with pytest.raises(WorkbenchError, match="smaller width"):
        build_graph(predictor("selfloop", "patch"), 11)


def test_what_the_exporter_cannot_translate_is_told_in_a_line(monkeypatch):
    def fail(*arguments, **options):
        raise torch.onnx.OnnxExporterError("a long story") from ValueError("no such operator\nand more")

    monkeypatch.setattr(torch.onnx, "export", fail)
    with pytest.raises(WorkbenchError, match=r"cannot translate SelfLoopCNN in its patch view: no such operator$"):
        build_graph(predictor("selfloop", "patch"), 11)
