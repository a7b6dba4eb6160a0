"""Test-time augmentation: turning the input turns the answer, for every network, and how a scene is cut does not show."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.models.test_registry import CLASSES, FINITE, NETWORK_CASES, NETWORKS, batch, build
from workbench.base.errors import WorkbenchError
from workbench.models import FusionModel, FusionOutput, create_model, model_class
from workbench.models.pixels import region_table
from workbench.models.predict import logits_at
from workbench.models.scaling import BandScaling
from workbench.models.turned import TURNS, Turned, turn, turn_back


def lively(model):
    """Weights that leave no part of the network without effect."""
    generator = torch.Generator().manual_seed(3)
    for parameter in model.parameters():
        if not parameter.any():  # such as a learnt share that starts at nothing
            torch.nn.init.normal_(parameter, std=0.1, generator=generator)
    return model.eval()


@pytest.mark.parametrize("number", range(TURNS))
def test_turning_back_undoes_a_turn(number):
    image = torch.arange(2 * 3 * 4 * 5).view(2, 3, 4, 5)
    assert torch.equal(turn_back(turn(image, number), number), image)
    assert turn(image, number).shape[-2:] == ((4, 5) if number % 2 == 0 else (5, 4))


@pytest.mark.parametrize(("name", "view"), NETWORK_CASES)
def test_turning_the_input_turns_the_answer(name, view):
    model = lively(build(name))
    turned = Turned(model).eval()
    inputs = batch(model, view)
    if view == "dense":
        inputs = {role: x[..., :16] for role, x in inputs.items()}  # 20 x 16
    with torch.inference_mode():
        plain, answer = model(inputs, view=view).logits.log_softmax(1), turned(inputs, view=view).logits
        assert answer.shape == plain.shape
        np.testing.assert_allclose(answer.exp().sum(1), 1, atol=1e-5)
        moved = []
        for number in (1, 4, 6):  # a rotation, the mirror image, both
            shown = {role: turn(x, number) for role, x in inputs.items()}
            for network, expected in ((turned, answer), (model, plain)):
                found = network(shown, view=view).logits.log_softmax(1)
                back = turn_back(found, number) if view == "dense" else found
                if network is turned:
                    torch.testing.assert_close(back, expected, rtol=1e-4, atol=1e-4)
                else:
                    moved.append(float((back - expected).abs().max()))
    assert max(moved) > 1e-3  # the network alone does not have this property


@pytest.mark.parametrize(("name", "view"), NETWORK_CASES)
def test_the_answer_is_the_mean_by_hand(name, view):
    model = lively(build(name))
    inputs = batch(model, view, size=16)
    with torch.inference_mode():
        found = Turned(model)(inputs, view=view).logits.exp()
        parts = []
        for mirrored in (False, True):
            for quarter in range(4):
                shown = {role: torch.rot90(x.flip(3) if mirrored else x, quarter, (2, 3)) for role, x in inputs.items()}
                answer = model(shown, view=view).logits.softmax(1)
                if view == "dense":
                    answer = torch.rot90(answer, -quarter, (2, 3))
                    answer = answer.flip(3) if mirrored else answer
                parts.append(answer)
    torch.testing.assert_close(found, torch.stack(parts).mean(0), rtol=1e-4, atol=1e-5)


class Blind(FusionModel):
    """Sees a pixel's spectrum, or the mean of a patch: no turn changes its answer."""

    summary = "for this test"
    roles = ("hsi",)
    views = ("patch", "dense")
    patch_size = 5

    def __init__(self):
        super().__init__({"hsi": 3}, CLASSES)
        self.head = nn.Conv2d(3, CLASSES, 1)

    def patch(self, inputs, attention):
        return FusionOutput(self.head(inputs["hsi"].mean((2, 3), keepdim=True)).flatten(1))

    def dense(self, inputs, attention):
        return FusionOutput(self.head(inputs["hsi"]))

    def receptive_field(self, view):
        return (2, 2) if view == "patch" else (0, 0)


@pytest.mark.parametrize("view", ["patch", "dense"])
def test_a_network_that_no_turn_changes_stays_itself(view):
    torch.manual_seed(0)
    model = Blind().eval()
    inputs = batch(model, view)
    with torch.inference_mode():
        plain, turned = model(inputs, view=view).logits, Turned(model)(inputs, view=view).logits
    torch.testing.assert_close(turned, plain.log_softmax(1), rtol=1e-5, atol=1e-5)


def test_an_improbable_class_stays_finite():
    model = Blind().eval()
    torch.nn.init.constant_(model.head.bias, 0.0)
    with torch.no_grad():
        model.head.bias[0] = 500.0
        found = Turned(model)(batch(model, "patch"), view="patch").logits
    assert torch.isfinite(found).all()
    assert found[:, 1].max() < -300


def test_attention_is_turned_back_and_averaged():
    model = lively(build("fusatnet"))
    for view in model.views:
        inputs = batch(model, view, count=1)
        with torch.inference_mode():
            told = Turned(model)(inputs, view=view, attention=True).attention
            parts = [
                model({role: turn(x, number) for role, x in inputs.items()}, view=view, attention=True).attention
                for number in range(TURNS)
            ]
        assert set(told) == {*model.spatial_masks, *model.channel_masks}
        for name, mask in told.items():
            by_hand = sum(turn_back(part[name], number) for number, part in enumerate(parts)) / TURNS
            torch.testing.assert_close(mask, by_hand, rtol=1e-4, atol=1e-5)


def test_it_has_the_facts_of_its_network_and_does_not_learn():
    for name in NETWORKS:
        model = build(name)
        turned = Turned(model)
        for fact in ("roles", "views", "patch_size", "window", "classes", "inputs", "optional_roles", "spatial_masks"):
            assert getattr(turned, fact) == getattr(model, fact)
        for view in model.views:
            assert turned.receptive_field(view) == (max(model.receptive_field(view)),) * 2
    with pytest.raises(WorkbenchError, match="Turned answers only"):
        turned.learn({}, torch.zeros(1), "dense")


DENSE = [name for name in NETWORKS if "dense" in model_class(name).views]


@pytest.mark.parametrize("name", DENSE)
def test_tiled_equals_whole(name):
    """Pixels asked for alone, in a region with its margin, and with all others: every turn sees the real neighbours."""
    torch.manual_seed(0)
    options = {} if name in FINITE else {"window": 16}
    roles = dict(zip(model_class(name).roles, (("a",), ("b",)), strict=True))
    bands = dict(zip(roles, (3, 1), strict=True))
    model = create_model(name, bands, CLASSES, 0.02, **options).eval()
    if name in FINITE:
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
    turned = Turned(model)
    rng = np.random.default_rng(0)
    side = 56
    scale = np.float32(30 if name in FINITE else 1)  # so that far pixels weigh
    arrays = {key: scale * rng.standard_normal((n, side, side), np.float32) for key, n in (("a", 3), ("b", 1))}
    plain = {
        key: BandScaling(*(np.full(len(array), value, np.float32) for value in (0, 1, 0, 1)))
        for key, array in arrays.items()
    }
    table = region_table(arrays, roles, plain, "cpu")
    many = np.array([(0, row, col) for row in range(18) for col in range(30, side)], np.int32)
    whole = logits_at(turned, turned, table, many, "dense").reshape(18, side - 30, -1)
    assert whole.std() > 1e-3
    reach = max(turned.receptive_field("dense"))
    for here in ([0, 0, side - 1], [0, 9, 42]):
        row, col = here[1:]
        alone = logits_at(turned, turned, table, np.array([here], np.int32), "dense")[0]
        top, left = max(row - reach, 0), max(col - reach, 0)
        cut = {key: array[:, top : row + reach + 1, left : col + reach + 1] for key, array in arrays.items()}
        region = region_table(cut, roles, plain, "cpu")
        moved = np.array([here], np.int32) - np.array([0, top, left], np.int32)
        part = logits_at(turned, turned, region, moved, "dense", origin=(top, left))[0]
        for found in (alone, part):
            if name in FINITE:
                np.testing.assert_allclose(found, whole[row, col - 30], rtol=0, atol=3e-6 * np.abs(whole).max())
            else:
                np.testing.assert_allclose(np.exp(found), np.exp(whole[row, col - 30]), atol=1e-5)


def test_masks_over_a_pixels_own_window_are_turned_back_too():
    """The mean over all turns is itself turned with the input: the tile and, in each pixel, its window."""
    model = lively(build("mft"))
    side = model.patch_size
    inputs = batch(model, "dense", count=1)
    with torch.inference_mode():
        plain = Turned(model)(inputs, view="dense", attention=True).attention["tokens"]
        shown = {role: torch.rot90(x, 1, (2, 3)) for role, x in inputs.items()}
        turned = Turned(model)(shown, view="dense", attention=True).attention["tokens"]
    expected = torch.rot90(torch.rot90(plain, 1, (2, 3)).unflatten(1, (side, side)), 1, (1, 2)).flatten(1, 2)
    torch.testing.assert_close(turned, expected, rtol=1e-4, atol=1e-5)
    assert (turned - torch.rot90(plain, 1, (2, 3))).abs().max() > 1e-4
