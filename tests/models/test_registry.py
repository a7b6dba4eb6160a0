"""What every registered model must do; a new model gets these without a line."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from workbench.base.errors import UnknownNameError, WorkbenchError
from workbench.models import FusionModel, create_model, list_models, model_class
from workbench.models.registry import self_supervised_models

NAMES = sorted(list_models())
NETWORKS = [name for name in NAMES if issubclass(model_class(name), FusionModel)]
CASES = [(name, view) for name in NAMES for view in model_class(name).views]
NETWORK_CASES = [(name, view) for name, view in CASES if name in NETWORKS]
CLASSES, BANDS = 4, 6


def build(name, width=0.05, seed=0):
    torch.manual_seed(seed)
    bands = {role: BANDS if number == 0 else 2 for number, role in enumerate(model_class(name).roles)}
    if name in NETWORKS:
        return create_model(name, bands, CLASSES, width)
    model = create_model(name, bands, CLASSES, **{"random_forest": {"trees": 10}}.get(name, {}))
    rng = np.random.default_rng(seed)
    targets = np.arange(60) % CLASSES
    model.fit(rng.normal(targets[:, None], 1.0, (60, sum(bands.values()))).astype("float32"), targets, seed)
    return model


def ready(name, **how):
    model = build(name, **how)
    return model.eval() if name in NETWORKS else model


def batch(model, view, count=3, size=20, seed=1):
    generator = torch.Generator().manual_seed(seed)
    side = {"patch": model.patch_size, "pixel": 1}.get(view, size)
    return {role: torch.randn(count, bands, side, side, generator=generator) for role, bands in model.inputs.items()}


@pytest.mark.parametrize(("name", "view"), CASES)
def test_shapes_and_no_nan(name, view):
    model = ready(name)
    inputs = batch(model, view)
    with torch.inference_mode():
        output = model(inputs, view=view)
        told = model(inputs, view=view, attention=True)
    shape = (3, CLASSES, 20, 20) if view == "dense" else (3, CLASSES)
    assert output.logits.shape == shape
    assert torch.isfinite(output.logits).all()
    assert not output.attention
    assert {*model.spatial_masks, *model.window_masks, *model.channel_masks} <= set(told.attention)
    torch.testing.assert_close(told.logits, output.logits)


@pytest.mark.parametrize(("name", "view"), NETWORK_CASES)
def test_every_parameter_gets_gradient(name, view):
    model = build(name)
    for parameter in model.parameters():
        if not parameter.any():  # such as a learnt share that starts at nothing, behind which no gradient flows
            torch.nn.init.normal_(parameter, std=0.1)
    inputs = batch(model, view)
    targets = torch.arange(3) if view == "patch" else torch.arange(3 * 20 * 20).view(3, 20, 20) % CLASSES
    for _ in range(2):  # what is remembered in the first step counts in the second
        output = model.learn(inputs, targets, view)
        whole = output.logits.square().mean() + sum(output.losses.values())
        (whole if output.adversary is None else whole + output.adversary).backward()
    without = [key for key, value in model.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0]
    assert not without


@pytest.mark.parametrize(("name", "view"), NETWORK_CASES)
def test_overfits_sixteen_samples(name, view):
    model = build(name, width=0.1).train()
    inputs = batch(model, view, count=16, size=8)
    targets = torch.arange(16) % CLASSES
    if view == "dense":
        targets = targets[:, None, None].expand(16, 8, 8)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(60):
        output = model.learn(inputs, targets, view)
        right = output.logits.argmax(1) == targets
        if right.float().mean() > 0.95:
            return
        loss = functional.cross_entropy(output.logits, targets) + sum(output.losses.values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    pytest.fail(f"after 60 steps {right.float().mean():.0%} of what it was trained on is right")


@pytest.mark.parametrize("name", NETWORKS)
def test_same_seed_same_weights(name):
    one, other = build(name, seed=7).state_dict(), build(name, seed=7).state_dict()
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert any(not torch.equal(one[key], value) for key, value in build(name, seed=8).state_dict().items())


@pytest.mark.parametrize(("name", "view"), CASES)
def test_what_was_learnt_is_kept(name, view, tmp_path):
    model, other = ready(name, seed=0), build(name, seed=1)
    path = tmp_path / model.kept_as
    assert not model.can_be_read(path)
    model.save(path)
    assert model.can_be_read(path)
    assert other.fingerprint() != model.fingerprint()
    other.load(path)
    assert other.fingerprint() == model.fingerprint()
    assert "parameters" in model.facts()
    inputs = batch(model, view)
    with torch.inference_mode():
        assert not torch.equal(model(inputs, view=view).logits, ready(name, seed=1)(inputs, view=view).logits)
        torch.testing.assert_close(model(inputs, view=view).logits, other(inputs, view=view).logits, rtol=0, atol=0)


FINITE = [name for name in NETWORKS if "dense" in model_class(name).views and build(name).window is None]


@pytest.mark.parametrize("name", FINITE)
def test_declared_receptive_field_is_the_real_one(name):
    """Perturb single rows and columns: exactly those within the declared reach change the pixel's answer."""
    model = build(name, width=0.02).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    before, after = model.receptive_field("dense")
    size, centre = before + after + 9, before + 4
    generator = torch.Generator().manual_seed(0)
    inputs = {role: torch.randn(1, bands, size, size, generator=generator) for role, bands in model.inputs.items()}
    # the reach may hang on which of several pixels is the maximum: both directions, several sizes
    steps = torch.tensor([0.0, 3.0, -3.0, 30.0, -30.0])[:, None, None]
    with torch.inference_mode():
        for axis in (2, 3):
            for line in (-before - 4, -before - 1, -before, -before + 1, 0, after - 1, after, after + 1, after + 4):
                changed = {role: value.repeat(len(steps), 1, 1, 1) for role, value in inputs.items()}
                for value in changed.values():
                    value.select(axis, centre + line).add_(steps)
                answers = model(changed, view="dense").logits[:, :, centre, centre]
                assert bool((answers[1:] != answers[0]).any()) == (-before <= line <= after), (
                    f"line {line} of axis {axis}"
                )


@pytest.mark.parametrize("name", NAMES)
def test_an_absent_role_is_an_error(name):
    model = build(name)
    view = model.views[0]
    for role in model.roles:
        inputs = batch(model, view)
        del inputs[role]
        if role in model.optional_roles:
            with torch.inference_mode():
                assert torch.isfinite(model.eval()(inputs, view=view).logits).all()
            inputs = {}
        with pytest.raises(WorkbenchError, match="|".join(model.roles) if not inputs else role):
            model(inputs, view=view)


@pytest.mark.parametrize("name", NAMES)
def test_wrong_inputs_are_refused(name):
    model = build(name)
    first = model.roles[0]
    inputs = batch(model, model.views[0])
    with pytest.raises(WorkbenchError, match="bands"):
        model(inputs | {first: inputs[first][:, :-1]}, view=model.views[0])
    with pytest.raises(UnknownNameError):
        model(inputs, view="sideways")
    with pytest.raises(WorkbenchError, match="grid"):
        model(inputs | {first: inputs[first][:2]}, view=model.views[0])
    with pytest.raises(UnknownNameError):
        create_model(name, model.inputs | {"smell": 1}, CLASSES)
    with pytest.raises(WorkbenchError, match="at least one band"):
        create_model(name, {}, CLASSES)
    with pytest.raises(WorkbenchError, match="classes"):
        create_model(name, model.inputs, 1)
    with pytest.raises(WorkbenchError, match="width"):
        create_model(name, model.inputs, CLASSES, width=0.0)
    spare = set(model.spare_roles)
    with pytest.raises(WorkbenchError, match="at least one band"):
        create_model(name, {role: bands for role, bands in model.inputs.items() if role in spare}, CLASSES)


def test_an_unknown_model_names_the_nearest():
    with pytest.raises(UnknownNameError, match="fusatnet"):
        create_model("fusanet", {"hsi": 3, "aux": 1}, 3)


def test_a_name_used_twice_warns():
    from workbench.models.registry import register_model

    kind = model_class("fusatnet")
    with pytest.warns(UserWarning, match="twice"):
        register_model("fusatnet")(kind)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in FINITE and "dense" in model_class(name).views])
def test_blended_windows_do_not_hang_on_how_the_scene_was_cut(name):
    """A region with a margin of the reach answers as the whole scene does; another cut of windows differs."""
    from workbench.models.pixels import region_table
    from workbench.models.predict import logits_at
    from workbench.models.scaling import BandScaling

    torch.manual_seed(0)
    model = create_model(name, {"image": 3, "aux": 1}, CLASSES, 0.05, window=16).eval()
    rng = np.random.default_rng(0)
    arrays = {"a": rng.random((3, 60, 70), np.float32), "b": rng.random((1, 60, 70), np.float32)}
    plain = {
        key: BandScaling(*(np.full(len(array), value, np.float32) for value in (0, 1, 0, 1)))
        for key, array in arrays.items()
    }
    roles = {"image": ("a",), "aux": ("b",)}
    here = np.array([[0, row, col] for row in range(31, 38) for col in range(29, 36)], np.int32)
    whole = logits_at(model, model, region_table(arrays, roles, plain, "cpu"), here, "dense")
    before, after = model.receptive_field("dense")
    top, left = 31 - before, 29 - before
    cut = {key: array[:, top : 38 + after, left : 36 + after] for key, array in arrays.items()}
    moved = here - np.array([0, top, left], np.int32)
    part = logits_at(model, model, region_table(cut, roles, plain, "cpu"), moved, "dense", origin=(top, left))
    np.testing.assert_allclose(part, whole, atol=1e-5)
    np.testing.assert_allclose(np.exp(whole).sum(1), 1, atol=1e-5)
    other = logits_at(model, model, region_table(cut, roles, plain, "cpu"), moved, "dense")
    assert np.abs(other - whole).max() > 1e-4


@pytest.mark.parametrize(("name", "view"), NETWORK_CASES)
def test_a_self_supervised_loss_is_a_finite_one_with_a_gradient_or_refused(name, view):
    model = build(name).train()
    if not model.is_self_supervised():
        assert name not in self_supervised_models()
        with pytest.raises(WorkbenchError, match=f"{type(model).__name__} has no self-supervised loss"):
            model.self_supervise(batch(model, view), view)
        return
    assert name in self_supervised_models()
    losses, figures = model.self_supervise(batch(model, view), view)
    assert losses
    assert all(value.dim() == 0 and torch.isfinite(value) for value in {**losses, **figures}.values())
    sum(losses.values()).backward()
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())
    with pytest.raises(WorkbenchError, match="without its role"):
        model.self_supervise({}, view)
