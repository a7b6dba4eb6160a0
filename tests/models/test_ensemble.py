"""An ensemble answers with the mean of its members, for every model in every view."""

import pytest
import torch

from tests.models.test_registry import NETWORK_CASES, batch, build
from workbench.base.errors import WorkbenchError
from workbench.models.ensemble import Ensemble
from workbench.models.turned import Turned


@pytest.mark.parametrize(("name", "view"), NETWORK_CASES)
def test_one_member_is_itself_and_two_are_their_mean(name, view):
    one, other = build(name, seed=0).eval(), build(name, seed=1).eval()
    for parameter in (*one.parameters(), *other.parameters()):
        torch.nn.init.normal_(parameter, std=0.3)  # so that fresh networks do not find all classes alike
    inputs = batch(one, view, size=16)
    with torch.inference_mode():
        first, second = (model(inputs, view=view).logits for model in (one, other))
        alone = Ensemble([one])(inputs, view=view).logits
        both = Ensemble([one, other])(inputs, view=view).logits
    assert torch.equal(alone, first.log_softmax(1))
    torch.testing.assert_close(both.exp(), (first.softmax(1) + second.softmax(1)) / 2, rtol=1e-5, atol=1e-6)
    assert (first.softmax(1) - second.softmax(1)).abs().max() > 0.01


def test_turned_ensembles_are_ensembles_of_turned_networks():
    members = [build("fusatnet", seed=seed).eval() for seed in range(3)]
    inputs = batch(members[0], "dense")
    with torch.inference_mode():
        one = Turned(Ensemble(members))(inputs, view="dense").logits
        other = Ensemble([Turned(member) for member in members])(inputs, view="dense").logits
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_masks_are_means_of_the_members():
    members = [build("fusatnet", seed=seed).eval() for seed in range(2)]
    inputs = batch(members[0], "patch")
    with torch.inference_mode():
        told = Ensemble(members)(inputs, attention=True).attention
        parts = [member(inputs, attention=True).attention for member in members]
        assert not Ensemble(members)(inputs).attention
    assert set(told) == {"spectral", "spatial", "modality"}
    for name, mask in told.items():
        torch.testing.assert_close(mask, (parts[0][name] + parts[1][name]) / 2)


def test_an_absent_role_is_as_in_the_members():
    members = [build("mmrs", seed=seed).eval() for seed in range(2)]
    inputs = batch(members[0], "patch")
    del inputs["aux"]
    with torch.inference_mode():
        found = Ensemble(members)(inputs).logits.exp()
        torch.testing.assert_close(found, sum(member(inputs).logits.softmax(1) for member in members) / 2)
    strict = Ensemble([build("fusatnet").eval()])
    with pytest.raises(WorkbenchError, match="aux"):
        strict({"hsi": inputs["hsi"]})


def test_weights_of_all_members_are_its_weights():
    members = [build("fusatnet", seed=seed) for seed in range(2)]
    weights = Ensemble(members).state_dict()
    for number, member in enumerate(members):
        for name, value in member.state_dict().items():
            assert torch.equal(weights[f"members.{number}.{name}"], value)
    assert len(weights) == sum(len(member.state_dict()) for member in members)
    assert Ensemble(members).receptive_field("dense") == members[0].receptive_field("dense")


def test_networks_that_do_not_fit_are_refused():
    with pytest.raises(WorkbenchError, match="got none"):
        Ensemble([])
    with pytest.raises(WorkbenchError, match=r"FusAtNet.*; SelfLoop"):
        Ensemble([build("fusatnet"), build("selfloop")])
    with pytest.raises(WorkbenchError, match="answers only"):
        Ensemble([build("fusatnet")]).learn({}, torch.zeros(1), "patch")
