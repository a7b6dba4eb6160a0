"""MFT: its size by hand, the class token that alone asks, the dense view pixel by pixel, the mask it shows."""

import pytest
import torch
from torch.nn import functional

from workbench.models import create_model
from workbench.models.blocks import count_parameters
from workbench.models.mft import MFT


def build(hsi=12, width=0.05, seed=0):
    torch.manual_seed(seed)
    model = create_model("mft", {"hsi": hsi, "aux": 2}, 4, width).eval()
    for module in model.modules():  # statistics that do something
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 2.0)
    return model


def draw(model, side, count=1, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return {role: torch.randn(count, bands, side, side, generator=generator) for role, bands in model.inputs.items()}


def test_the_size_at_houston_is_that_of_its_layers():
    with torch.device("meta"):
        model = create_model("mft", {"hsi": 144, "aux": 1}, 15)
    norm = 2 * 64  # scale and shift
    conv3d = 8 * 9 * 3 * 3 + 2 * 8
    stacked = 8 * (144 - 8)
    hetconv = 64 * stacked // 4 * 3 * 3 + 64 * stacked + norm
    aux = 64 * 1 * 3 * 3 + norm
    tokens = (64 * 4 + 64 * 64) + (64 * 1 + 64 * 64)
    positions = 5 * 64
    attention = 3 * 64 * 64 + (64 * 64 + 64)
    mlp = (64 * 512 + 512) + (512 * 64 + 64)
    head = 64 * 15 + 15
    expected = conv3d + hetconv + aux + tokens + positions + 2 * (2 * norm + attention + mlp) + norm + head
    assert count_parameters(model) == expected == 403_367


@pytest.mark.parametrize(("bands", "depth", "left"), [(144, 9, 136), (9, 9, 1), (6, 6, 1), (1, 1, 1)])
def test_kernels_are_no_deeper_than_the_cube(bands, depth, left):
    with torch.device("meta"):
        model = create_model("mft", {"hsi": bands, "aux": 1}, 3)
    assert model.spectral.weight.shape == (8, 1, depth, 3, 3)
    assert model.pointwise.weight.shape == (64, 8 * left, 1, 1)


@pytest.mark.parametrize("width", [0.01, 0.05, 0.3, 0.63, 1.7, 4.0])
def test_groups_and_heads_divide_at_any_width(width):
    with torch.device("meta"):
        model = MFT({"hsi": 11, "aux": 1}, 3, width)
        logits = model({"hsi": torch.empty(2, 11, 11, 11), "aux": torch.empty(2, 1, 11, 11)}).logits
    assert logits.shape == (2, 3)


def tokens_of(block, count=3, seed=5):
    return torch.randn(count, 5, block.out.in_features, generator=torch.Generator().manual_seed(seed))


def test_cross_patch_attention_is_attention_with_one_query():
    """The same weights in PyTorch's multi-head attention, asked by the class token alone."""
    block = build().blocks[0]
    tokens = tokens_of(block)
    size = tokens.shape[2]
    with torch.inference_mode():
        seen = block.norm1(tokens)
        packed = torch.cat([block.query.weight, block.key.weight, block.value.weight])
        answer, weights = functional.multi_head_attention_forward(
            seen[:, :1].mT.permute(2, 0, 1), seen.transpose(0, 1), seen.transpose(0, 1), size, 8, packed, None, None,
            None, False, 0.0, block.out.weight, block.out.bias, False,
        )  # fmt: skip
        asked = torch.cat([tokens[:, :1] + answer.transpose(0, 1), tokens[:, 1:]], 1)
        wanted = asked + block.mlp(block.norm2(asked))
        found, shares = block(tokens, False)
        torch.testing.assert_close(found, wanted)
        torch.testing.assert_close(shares, weights[:, 0, 1:])
        torch.testing.assert_close(block(tokens, True)[0], wanted[:, :1])


def test_only_the_class_token_asks():
    """Another token changes the class token, but not the tokens beside it."""
    block = build().blocks[0]
    tokens = tokens_of(block)
    other = tokens.clone()
    other[:, 2] += 1.0
    with torch.inference_mode():
        changed = (block(tokens, False)[0] != block(other, False)[0]).any(2)
    assert changed.tolist() == [[True, False, True, False, False]] * 3


def test_the_auxiliary_data_are_the_class_token():
    model = build()
    inputs = draw(model, 11)
    hsi, aux = model._features(inputs)
    with torch.inference_mode():
        tokens = torch.cat([model.aux_token.patch(aux)[0], model.hsi_tokens.patch(hsi)[0]], 1) + model.position
        for block in model.blocks:
            tokens, _ = block(tokens, False)
        logits = model.head(model.norm(tokens[:, 0]))
        torch.testing.assert_close(model(inputs).logits, logits)


def test_the_dense_view_is_the_patch_view_on_features_of_the_tile():
    """Features come from the whole tile; everything after them is the patch view of each pixel's window."""
    model = build()
    inputs = draw(model, 17)
    with torch.inference_mode():
        output = model(inputs, view="dense", attention=True)
        hsi, aux = model._features(inputs)
        for row, col in ((5, 5), (8, 9), (11, 6)):
            here = (..., slice(row - 5, row + 6), slice(col - 5, col + 6))
            tokens, places = model.hsi_tokens.patch(hsi[here])
            logits, shares = model._classify(torch.cat([model.aux_token.patch(aux[here])[0], tokens], 1))
            torch.testing.assert_close(output.logits[..., row, col], logits)
            mask = (shares[..., None, None] * places).sum(1)
            torch.testing.assert_close(output.attention["tokens"][..., row, col].view(1, 11, 11), mask)


def test_views_agree_where_padding_cannot_show():
    """Kernels of which only the centre acts: then the window's features are the patch's, at every pixel inside."""
    model = build()
    with torch.no_grad():
        for conv in (model.spectral, model.groupwise, model.aux_conv):
            centre = conv.weight[..., 1, 1].clone()
            conv.weight.zero_()
            conv.weight[..., 1, 1] = centre
        inputs = draw(model, 15)
        dense = model(inputs, view="dense", attention=True)
        patch = model({role: values[..., 2:13, 1:12] for role, values in inputs.items()}, attention=True)
    torch.testing.assert_close(dense.logits[..., 7, 6], patch.logits)
    mask = dense.attention["tokens"][..., 7, 6].view(1, 1, 11, 11)
    torch.testing.assert_close(mask, patch.attention["tokens"])


def test_the_mask_of_even_tokens_and_even_attention_is_known():
    """No query, no scores: each of five tokens gets a fifth, each of 121 positions an even part of four of them."""
    model = build()
    with torch.no_grad():
        model.blocks[-1].query.weight.zero_()
        model.hsi_tokens.score.weight.zero_()
        inputs = draw(model, 11, count=2)
        patch = model(inputs, attention=True).attention["tokens"]
        dense = model(inputs, view="dense", attention=True).attention["tokens"]
    torch.testing.assert_close(patch, torch.full((2, 1, 11, 11), 0.8 / 121))
    torch.testing.assert_close(dense[..., 5, 5], torch.full((2, 121), 0.8 / 121))
    corner = torch.zeros(11, 11)
    corner[5:, 5:] = 0.8 / 36  # of the corner's window 36 positions lie in the tile
    torch.testing.assert_close(dense[0, :, 0, 0].view(11, 11), corner)


def test_dropout_acts_in_training_alone():
    model = build()
    inputs = draw(model, 11)
    with torch.inference_mode():
        assert torch.equal(model(inputs).logits, model(inputs).logits)
        for module in model.modules():
            if not isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.training = True
        assert not torch.equal(model(inputs).logits, model(inputs).logits)


def test_a_dense_training_step_in_half_precision_is_finite():
    model = build().train()
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(draw(model, 14, count=2), view="dense").logits
        logits.float().square().mean().backward()
    assert torch.isfinite(logits).all()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())
