"""The self-looping CNN against the numbers that the released network outputs, weights drawn from its roles' names."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.models.golden import draw_inputs, fill
from workbench.base.errors import WorkbenchError
from workbench.models import create_model
from workbench.models.blocks import count_parameters
from workbench.models.selfloop import LoopBlock, SelfLoopCNN, band_groups

# Retyped from the golden numbers of the released network (Houston2013 sizes, two patches).
LOGITS = [
    [-4.436446666717529, 16.85179901123047, 15.472625732421875, -6.3475775718688965, -4.909807205200195,
     -2.106468677520752, -0.9715437889099121, -8.89696216583252, -6.727097511291504, 5.428718566894531,
     15.940032958984375, 6.403512001037598, -11.870893478393555, -2.706554651260376, 4.126980304718018],
    [-4.2791056632995605, 16.490333557128906, 15.43942928314209, -6.25750732421875, -5.206900596618652,
     -2.413738489151001, -1.0065449476242065, -8.972784996032715, -6.789866924285889, 5.26533842086792,
     15.606416702270508, 6.210735321044922, -11.786050796508789, -2.5214877128601074, 4.0043768882751465],
]  # fmt: skip
RECONSTRUCTED = {  # mean, standard deviation, first four values
    "aux": (0.44826117157936096, 0.08570527285337448, [0.4879436, 0.4919052, 0.4716359, 0.4894978]),
    "hsi": (0.504638135433197, 0.15093567967414856, [0.4974773, 0.4932404, 0.4740466, 0.4181367]),
}


@pytest.fixture(scope="module")
def released() -> tuple[SelfLoopCNN, dict[str, torch.Tensor]]:
    model = create_model("selfloop", {"hsi": 144, "aux": 1}, 15, released=True).eval()
    assert isinstance(model, SelfLoopCNN)
    fill(model)
    inputs = draw_inputs({"hsi": 144, "aux": 1}, 2, 11)
    return model, inputs


def test_the_patch_view_is_the_released_function(released):
    model, inputs = released
    with torch.inference_mode():
        logits, made = model(inputs).logits.numpy(), model.reconstruct(inputs)
    expected = np.array(LOGITS)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    for role, (mean, std, first) in RECONSTRUCTED.items():
        assert made[role].mean().item() == pytest.approx(mean, abs=1e-5)
        assert made[role].std(unbiased=False).item() == pytest.approx(std, abs=1e-5)
        np.testing.assert_allclose(made[role].flatten()[:4].numpy(), first, atol=1e-5)


def test_the_symmetric_default_differs_in_the_aux_path_alone(released):
    model, inputs = released
    plain = create_model("selfloop", {"hsi": 144, "aux": 1}, 15).eval()
    plain.load_state_dict(model.state_dict())
    with torch.inference_mode():
        assert not torch.allclose(plain(inputs).logits, model(inputs).logits, atol=1e-2)
        torch.testing.assert_close(plain.reconstruct(inputs)["aux"], model.reconstruct(inputs)["aux"])


def test_the_published_size(released):
    model, _ = released
    assert count_parameters(model) == 1_806_552
    assert count_parameters(model) - count_parameters(model.decode_aux) - count_parameters(model.decode_hsi) == 919_047


def test_the_first_pass_adds_densely():
    """With layers that double and norms that pass, h0 = 1 gives 2, 6, 18, 54, as the sums of the paper say."""
    block = LoopBlock(4, 1, 4, 4, 3, 1, released=False).eval()
    with torch.no_grad():
        for layer in range(1, 5):
            conv = block.get_submodule(f"loop{layer}")
            conv.weight.zero_()
            for channel in range(4):
                conv.weight[channel, channel, 1, 1] = 2.0
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 0.0
    with torch.inference_mode():
        found = block._loop("hsi", torch.ones(1, 4, 3, 3))[0, ::4, 1, 1].tolist()
    one, two, three, four = 2.0, 6.0, 18.0, 54.0
    one = 2 * (two + three + four)
    two = 2 * (one + three + four)
    three = 2 * (one + two + four)
    four = 2 * (one + two + three)
    assert found == [one, two, three, four]


def test_reconstruction_losses_are_root_mean_squares_of_clipped_targets():
    torch.manual_seed(0)
    model = create_model("selfloop", {"hsi": 5, "aux": 2}, 3, width=0.1).train()
    inputs = {"hsi": torch.rand(4, 5, 11, 11) * 2, "aux": torch.rand(4, 2, 11, 11)}
    output = model(inputs)
    for module in model.modules():  # the second call must see the same norms
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.0
    made = model.reconstruct(inputs)
    wanted = np.sqrt(((made["hsi"] - inputs["hsi"].clamp(0, 1)).detach().numpy() ** 2).mean())
    assert output.losses["reconstruct_hsi"].item() == pytest.approx(wanted, rel=1e-5)
    assert output.figures["clipped_hsi"].item() == pytest.approx((inputs["hsi"] > 1).float().mean().item())
    assert output.figures["clipped_aux"].item() == 0.0
    assert not model.eval()(inputs).losses


@pytest.mark.parametrize("view", ["patch", "dense"])
@pytest.mark.parametrize("size", [7, 20])
def test_without_labels_it_learns_the_same_reconstruction(view, size):
    torch.manual_seed(0)
    model = create_model("selfloop", {"hsi": 5, "aux": 2}, 3, width=0.1).train()
    side = 11 if view == "patch" else size
    inputs = {"hsi": torch.rand(4, 5, side, side) * 2, "aux": torch.rand(4, 2, side, side)}
    output = model(inputs, view=view)
    losses, figures = model.self_supervise(inputs, view)  # norms use the batch's statistics: those of the first call
    torch.testing.assert_close(losses, output.losses)
    torch.testing.assert_close(figures, output.figures)


@pytest.mark.parametrize("bands", [*range(1, 30), 48, 50, 63, 64, 144, 180, 244])
def test_bands_are_grouped_without_losing_one(bands):
    groups, each = band_groups(bands)
    assert groups * each >= bands
    assert groups * each - bands < each
    if bands in (48, 144):
        assert (groups, each) == {48: (6, 8), 144: (12, 12)}[bands]


@pytest.mark.parametrize("loops", [1, 2, 3])
def test_more_loops_have_norms_of_their_own_and_a_wider_reach(loops):
    model = create_model("selfloop", {"hsi": 4, "aux": 1}, 3, width=0.1, loops=loops).eval()
    assert sum(isinstance(module, nn.BatchNorm2d) for module in model.modules()) == 2 * 2 * 4 * (1 + loops)
    assert model.receptive_field("dense") == (1 + 2 * (1 + 4 * (1 + loops)) + 5,) * 2
    assert model(  # type: ignore[call-overload]
        {"hsi": torch.rand(2, 4, 11, 11), "aux": torch.rand(2, 1, 11, 11)}
    ).logits.shape == (2, 3)


def test_no_loop_is_refused():
    with pytest.raises(WorkbenchError, match="loops"):
        create_model("selfloop", {"hsi": 4, "aux": 1}, 3, loops=0)


def test_an_unknown_option_is_refused():
    with pytest.raises(WorkbenchError, match="loop"):
        create_model("selfloop", {"hsi": 4, "aux": 1}, 3, loop=2)
