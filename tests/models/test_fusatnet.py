"""FusAtNet against the numbers that the published network outputs when every weight is drawn from its role's name."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.models.golden import draw_inputs, fill
from workbench.models import create_model
from workbench.models.blocks import count_parameters

# Retyped from the golden numbers of the published network (Houston2013 sizes, two patches).
LOGITS = [
    [0.1582423597574234, -1.0932615995407104, 0.7173944711685181, -0.327999085187912, -0.4433322250843048,
     1.3442744016647339, -0.633780837059021, -0.07570570707321167, 0.10689748823642731, -0.07968720048666,
     0.1424209177494049, -0.17688344419002533, -1.2749676704406738, 0.49029314517974854, 0.027432844042778015],
    [0.21607403457164764, -1.0963234901428223, 0.7248517870903015, -0.4100084900856018, -0.5771397352218628,
     1.407345175743103, -0.5701771974563599, -0.1362634301185608, -0.03676336258649826, -0.10153316706418991,
     0.05158660560846329, -0.16472595930099487, -1.2586479187011719, 0.4356136918067932, 0.02274346351623535],
]  # fmt: skip
FIGURES = {  # mean, standard deviation, first four values
    "spectral": (0.4918503165245056, 0.42068490386009216, [0.7708852, -0.1306577, 0.9937837, 0.5118647]),
    "spatial": (0.2340090125799179, 0.3775847852230072, [0.2694156, 0.4315133, 0.5922505, 0.8362089]),
    "modality": (0.21126480400562286, 0.3483925461769104, [0.0210215, 0.0210215, 0.0210215, 0.0210215]),
    "fused": (0.044551264494657516, 0.1633850634098053, [0.0031058, 0.0079034, 0.0067527, 0.0065931]),
}


@pytest.fixture(scope="module")
def published() -> tuple[nn.Module, dict[str, torch.Tensor]]:
    model = create_model("fusatnet", {"hsi": 144, "aux": 1}, 15).eval()
    fill(model)
    inputs = draw_inputs({"hsi": 144, "aux": 1}, 2, 11)
    return model, inputs


def test_the_patch_view_is_the_published_function(published):
    model, inputs = published
    with torch.inference_mode():
        output = model(inputs, attention=True)
    expected = np.array(LOGITS)
    np.testing.assert_allclose(output.logits.numpy(), expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    for name, (mean, std, first) in FIGURES.items():
        values = output.attention[name]
        assert values.mean().item() == pytest.approx(mean, abs=1e-5)
        assert values.std(unbiased=False).item() == pytest.approx(std, abs=1e-5)
        np.testing.assert_allclose(values.flatten()[:4].numpy(), first, atol=1e-5)


def test_the_published_size(published):
    model, _ = published
    assert count_parameters(model) == 38_083_599
    statistics = sum(
        buffer.numel() for name, buffer in model.named_buffers() if name.endswith(("running_mean", "running_var"))
    )
    assert statistics == 25_600


@pytest.mark.parametrize(
    ("hsi", "aux", "classes", "parameters"),
    [(63, 1, 6, 37_421_190), (63, 2, 6, 37_425_798), (64, 2, 11, 37_438_987), (244, 4, 8, 38_896_648)],
    ids=["Trento", "Trento, 2 LiDAR bands", "MUUFL", "Berlin"],
)
def test_the_size_for_other_scenes(hsi, aux, classes, parameters):
    with torch.device("meta"):
        assert count_parameters(create_model("fusatnet", {"hsi": hsi, "aux": aux}, classes)) == parameters


def test_the_dense_spectral_branch_is_the_patch_branch_without_padding():
    """Where zero padding cannot show, the dilated branch equals the strided one: one interior pixel, linear case."""
    model = create_model("fusatnet", {"hsi": 3, "aux": 1}, 3, width=0.05).eval()
    stack = model.spectral_attention
    with torch.no_grad():  # 1 x 1 behaviour: only the kernels' centres act, so that padding adds nothing
        for module in stack.modules():
            if isinstance(module, nn.Conv2d):
                centre = module.weight[..., 1, 1].clone()
                module.weight.zero_()
                module.weight[..., 1, 1] = centre
    x = torch.randn(1, 3, 40, 40)
    with torch.inference_mode():
        dense = model._spectral_dense(x)
        for row, col in ((15, 20), (22, 17)):
            patch = model._spectral_patch(x[..., row - 5 : row + 6, col - 5 : col + 6])
            torch.testing.assert_close(dense[..., row, col], patch[..., 0, 0])
