"""AMM-FuseNet against the numbers that the released network outputs, weights drawn from its roles' names."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.models.golden import draw_inputs, fill, slashed
from workbench.models import create_model
from workbench.models.blocks import count_parameters

# Retyped from the golden numbers of the released network (13 + 2 bands, 64 x 64 pixels, 7 classes, output stride 16).
MEAN, STD = 3.6785080432891846, 34.55301284790039
LOGITS_AT = {
    (0, 0): [-34.35325622558594, -15.442081451416016, 19.188213348388672, 15.800308227539062, 20.01647186279297,
             6.180150032043457, 15.520291328430176],
    (31, 17): [-7.8535542488098145, -48.113868713378906, 13.97120189666748, 57.275001525878906, 2.118323564529419,
               23.1297607421875, -30.000009536743164],
    (63, 63): [0.7400057315826416, -8.953868865966797, -27.657535552978516, 80.02227783203125, 12.68005084991455,
               5.435462951660156, -2.745448350906372],
    (12, 50): [8.263419151306152, -37.06153869628906, 11.033429145812988, 72.59102630615234, -15.673567771911621,
               19.607690811157227, -51.707862854003906],
}  # fmt: skip


@pytest.fixture(scope="module")
def released() -> nn.Module:
    model = create_model("ammfusenet", {"image": 13, "aux": 2}, 7).eval()
    # the parameter paths of a ResNet keep their dots in its roles
    fill(model, lambda name: name.replace(".", "/", 1) if name.startswith("encoder") else slashed(name))
    return model


def test_the_network_is_the_released_function(released):
    inputs = draw_inputs({"image": 13, "aux": 2}, 1, 64)
    with torch.inference_mode():
        logits = released(inputs, view="dense").logits[0]
    largest = logits.abs().max().item()
    assert logits.mean().item() == pytest.approx(MEAN, abs=1e-4 * largest)
    assert logits.std(unbiased=False).item() == pytest.approx(STD, abs=1e-4 * largest)
    for (row, col), expected in LOGITS_AT.items():
        np.testing.assert_allclose(logits[:, row, col].numpy(), expected, rtol=0, atol=1e-4 * largest)


def test_the_published_size_without_its_dead_branch(released):
    assert count_parameters(released) == 62_332_663 - 132_096
    assert count_parameters(released.encoder_image) == 23_539_392
    assert count_parameters(released.encoder_aux) == 23_504_896


@pytest.mark.parametrize(
    ("image", "aux", "classes", "parameters"),
    [(13, 1, 7, 62_329_527), (4, 1, 6, 62_301_046), (13, 2, 11, 62_333_691)],
    ids=["Hunan with elevation", "Potsdam", "DFC2020"],
)
def test_the_size_for_other_data(image, aux, classes, parameters):
    with torch.device("meta"):
        model = create_model("ammfusenet", {"image": image, "aux": aux}, classes)
    assert count_parameters(model) == parameters - 132_096


def test_output_stride_8_keeps_finer_stages():
    model = create_model("ammfusenet", {"image": 3, "aux": 1}, 3, width=0.05, output_stride=8).eval()
    sizes = [stage.shape[-1] for stage in model.encoder_image(torch.zeros(1, 3, 64, 64))]
    assert sizes == [16, 8, 8, 8]


def test_channel_attention_is_shown_on_request():
    torch.manual_seed(0)
    model = create_model("ammfusenet", {"image": 3, "aux": 1}, 3, width=0.05).eval()
    inputs = draw_inputs({"image": 3, "aux": 1}, 2, 32)
    with torch.inference_mode():
        found = model(inputs, view="dense", attention=True).attention
        stage = model.encoder_aux(inputs["aux"])[1]
        means = model.head.aux.get_submodule("skip2")(stage).mean((2, 3))
        gates = torch.sigmoid(model.head.aux.get_submodule("ca2")(means[:, None]))[:, 0]
        pyramid = model.head.image.aspp
        first = pyramid.branch1.bn(pyramid.branch1.conv(model.encoder_image(inputs["image"])[0]))
        first_gates = torch.sigmoid(pyramid.branch1.ca(first.mean((2, 3))[:, None]))[:, 0]
        again = model(inputs, view="dense")
    assert set(found) == set(model.channel_masks)
    assert len(found) == 2 * (4 + 4)
    torch.testing.assert_close(found["aux_stage2"], gates[..., None, None].expand(-1, -1, 32, 32))
    torch.testing.assert_close(found["image_rate3"], first_gates[..., None, None].expand(-1, -1, 32, 32))
    assert not again.attention
    assert not any(module._forward_hooks for module in model.modules())
